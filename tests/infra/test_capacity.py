"""Tables take what a rush needs and end where an error would only cost money, in either way of paying."""

import json
from collections.abc import Iterator

import pytest

from checks.rules.catalogue import examine
from checks.rules.estate import Estate
from stacks.environment_file import load_environment
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, Resource
from tests.infra.conftest import ENVIRONMENTS, Synthesise
from tests.infra.observed import alarms, measured

READ_MIN, WRITE_MIN = 400, 200


@pytest.fixture(scope="module")
def provisioned(synthesise: Synthesise, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Prod with provisioned tables."""
    directory = tmp_path_factory.mktemp("provisioned") / "environments"
    directory.mkdir()
    text = (ENVIRONMENTS / "prod.toml").read_text(encoding="utf-8")
    on_demand = 'mode = "on_demand"\n'
    assert text.count(on_demand) == 1
    minima = f'mode = "provisioned"\nread_units_min = {READ_MIN}\nwrite_units_min = {WRITE_MIN}\n'
    (directory / "prod.toml").write_text(text.replace(on_demand, minima), encoding="utf-8")
    return synthesise("prod", environments=directory)


def places(table: Resource) -> Iterator[tuple[str, dict[str, object]]]:
    """The table and each of its indexes, as auto-scaling names them, with their properties."""
    yield f"table/{table.ref}", table.properties
    for index in table.properties.get("GlobalSecondaryIndexes", []):
        yield f"table/{table.ref}/index/{index['IndexName']}", index


def test_on_demand_a_table_and_each_of_its_indexes_has_the_ceiling_of_the_environment(
    assembly: Assembly,
) -> None:
    capacity = load_environment(assembly.environment, directory=ENVIRONMENTS, today=TODAY).capacity
    for table in assembly.resources("AWS::DynamoDB::Table"):
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"
        for where, properties in places(table):
            assert properties["OnDemandThroughput"] == {
                "MaxReadRequestUnits": capacity.read_units_max,
                "MaxWriteRequestUnits": capacity.write_units_max,
            }, where
            assert "ProvisionedThroughput" not in properties


def test_nothing_scales_what_is_on_demand(assembly: Assembly) -> None:
    assert not list(assembly.resources("AWS::ApplicationAutoScaling::ScalableTarget"))


def test_the_alarm_of_a_table_is_held_against_its_ceiling(assembly: Assembly) -> None:
    capacity = load_environment(assembly.environment, directory=ENVIRONMENTS, today=TODAY).capacity
    found = [alarm for name, alarm in alarms(assembly).items() if name.startswith("InfrastructureFill")]

    assert len(found) == len(list(assembly.resources("AWS::DynamoDB::Table")))
    for alarm in found:
        assert measured(assembly, alarm) == {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"}
        assert alarm.properties["Metrics"][-1]["Expression"] == (
            f"100 * MAX([FILL(reads, 0) / {60 * capacity.read_units_max}, "
            f"FILL(writes, 0) / {60 * capacity.write_units_max}])"
        )
        assert (alarm.properties["ComparisonOperator"], alarm.properties["Threshold"]) == (
            "GreaterThanThreshold",
            80,
        )


def test_provisioned_a_table_and_each_of_its_indexes_begins_at_the_minima(provisioned: Assembly) -> None:
    for table in provisioned.resources("AWS::DynamoDB::Table"):
        assert table.properties.get("BillingMode", "PROVISIONED") == "PROVISIONED"
        for where, properties in places(table):
            assert properties["ProvisionedThroughput"] == {
                "ReadCapacityUnits": READ_MIN,
                "WriteCapacityUnits": WRITE_MIN,
            }, where
            assert "OnDemandThroughput" not in properties


def test_provisioned_every_dimension_of_every_table_and_index_scales(provisioned: Assembly) -> None:
    expected = {
        (where, f"dynamodb:{'index' if '/index/' in where else 'table'}:{kind}CapacityUnits"): bounds
        for table in provisioned.resources("AWS::DynamoDB::Table")
        for where, _ in places(table)
        for kind, bounds in (("Read", (READ_MIN, 8000)), ("Write", (WRITE_MIN, 4000)))
    }
    targets = {
        (
            provisioned.text(item.properties["ResourceId"], item.stack),
            item.properties["ScalableDimension"],
        ): (item.properties["MinCapacity"], item.properties["MaxCapacity"])
        for item in provisioned.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    }

    assert len(expected) == 40, "twelve tables and eight indexes, reads and writes"
    assert targets == expected


def test_provisioned_every_dimension_tracks_seventy_per_cent_up_and_down(provisioned: Assembly) -> None:
    targets = {
        item.ref: str(item.properties["ScalableDimension"])
        for item in provisioned.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    }
    tracked = {}
    for policy in provisioned.resources("AWS::ApplicationAutoScaling::ScalingPolicy"):
        target = provisioned.text(policy.properties["ScalingTargetId"], policy.stack)
        tracked[target] = policy.properties["TargetTrackingScalingPolicyConfiguration"]
        assert policy.properties["PolicyType"] == "TargetTrackingScaling"

    assert tracked.keys() == targets.keys()
    for target, tracking in tracked.items():
        kind = "Read" if "Read" in targets[target] else "Write"
        assert tracking == {
            "PredefinedMetricSpecification": {"PredefinedMetricType": f"DynamoDB{kind}CapacityUtilization"},
            "TargetValue": 70,
            "ScaleOutCooldown": 60,
            "ScaleInCooldown": 900,
        }


def test_provisioned_tables_keep_their_logical_ids_and_everything_else(
    provisioned: Assembly, prod: Assembly
) -> None:
    """The way of paying changes in place: nothing is replaced, and the way back is open."""
    billing = {"BillingMode", "OnDemandThroughput", "ProvisionedThroughput", "GlobalSecondaryIndexes"}

    def kept(assembly: Assembly) -> dict[str, str]:
        return {
            table.logical_id: json.dumps(
                {name: value for name, value in table.properties.items() if name not in billing}
            )
            for table in assembly.resources("AWS::DynamoDB::Table")
        }

    assert kept(provisioned) == kept(prod)


def test_the_house_rules_find_nothing_in_provisioned_tables(provisioned: Assembly, prod: Assembly) -> None:
    def found(assembly: Assembly) -> list[str]:
        estate = Estate(assembly.templates, environment="prod", stack_names=assembly.stack_names)
        return [f"{item.rule_id} {item.stack}/{item.logical_id} {item.path}" for item in examine(estate)]

    assert found(provisioned) == found(prod)
