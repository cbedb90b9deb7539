"""The pipe simulator: filters, templates, retries and dead letters as EventBridge Pipes does them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import HasivuError
from checks.sandbox.deployed import DeployedStack
from checks.sandbox.pipe_simulator import definition
from checks.sandbox.pipe_simulator.carrier import PUT_EVENTS_MAX, Carrier, event_of
from checks.sandbox.pipe_simulator.definition import PipeDefinition, pipes_of
from checks.sandbox.pipe_simulator.event_pattern import PatternUnsupported, matches
from checks.sandbox.pipe_simulator.input_template import TemplateInvalid, filled, text_of, value_at
from checks.sandbox.pipe_simulator.stream import Checkpoints

RECORD = {
    "eventName": "INSERT",
    "dynamodb": {"NewImage": {"id": {"S": 'a"1'}, "n": {"N": "3"}}, "list": [7, 8]},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"eventName": ["INSERT"]}, True),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["REMOVE"]}, False),
        ({"dynamodb": {"NewImage": {"n": {"N": ["3"]}}}}, True),
        ({"dynamodb": {"NewImage": {"absent": {"S": ["3"]}}}}, False),
        ({"eventName": [{"prefix": "INS"}]}, True),
        ({"eventName": [{"suffix": "ERT"}]}, True),
        ({"eventName": [{"equals-ignore-case": "insert"}]}, True),
        ({"eventName": [{"anything-but": ["REMOVE"]}]}, True),
        ({"eventName": [{"anything-but": "INSERT"}]}, False),
        ({"eventName": [{"exists": True}]}, True),
        ({"nothing": [{"exists": False}]}, True),
        ({"nothing": [{"anything-but": "x"}]}, False),
        ({"dynamodb": {"list": [8]}}, True),
    ],
)
def test_a_pattern_matches_as_eventbridge_says(pattern: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, RECORD) is expected


@pytest.mark.parametrize("pattern", [{"eventName": [{"cidr": "10.0.0.0/8"}]}, {"eventName": "INSERT"}])
def test_a_pattern_that_is_not_understood_is_refused_and_never_taken_for_a_match(pattern: Any) -> None:
    with pytest.raises(PatternUnsupported):
        matches(pattern, RECORD)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"id": <$.dynamodb.NewImage.id.S>}', {"id": 'a"1'}),
        ('{"id": "<$.dynamodb.NewImage.id.S>/x"}', {"id": 'a"1/x'}),
        ('{"image": <$.dynamodb.NewImage.n>}', {"image": {"N": "3"}}),
        ('{"second": <$.dynamodb.list[1]>}', {"second": 8}),
        ('{"none": <$.nowhere.at.all>}', {"none": ""}),
        ('{"none": "-<$.nowhere>-"}', {"none": "--"}),
        ('{"pipe": "<aws.pipes.pipe-name>"}', {"pipe": "p"}),
        ('{"quoted": "\\"", "id": <$.dynamodb.NewImage.n.N>}', {"quoted": '"', "id": "3"}),
    ],
)
def test_a_template_is_filled(template: str, expected: object) -> None:
    assert json.loads(filled(template, RECORD, reserved={"aws.pipes.pipe-name": "p"})) == expected


@given(text=st.text())
def test_no_value_can_break_out_of_its_place(text: str) -> None:
    template = '{"bare": <$.v>, "quoted": "<$.v>", "fixed": 1}'
    assert json.loads(filled(template, {"v": text}, reserved={})) == {
        "bare": text,
        "quoted": text,
        "fixed": 1,
    }


@pytest.mark.parametrize("template", ['{"a": <$.eventName>', "{<aws.pipes.unknown>}", '{"a": <$..x>}'])
def test_a_template_that_gives_no_json_is_an_error(template: str) -> None:
    with pytest.raises(TemplateInvalid):
        filled(template, RECORD, reserved={})


def test_a_target_parameter_is_a_path_or_a_text() -> None:
    assert text_of("$.eventName", RECORD) == "INSERT"
    assert text_of("hasivu", RECORD) == "hasivu"
    assert value_at("$.dynamodb.NewImage.missing", RECORD) is None
    with pytest.raises(TemplateInvalid):
        text_of("$.dynamodb", RECORD)


# --- carrying ---


def pipe(**changes: Any) -> PipeDefinition:
    settings: dict[str, Any] = {
        "name": "p",
        "arn": "arn:pipe",
        "role_arn": "arn:role",
        "stream_arn": "arn:stream",
        "bus_arn": "arn:bus",
        "starting_position": "TRIM_HORIZON",
        "batch_size": 10,
        "retries_max": 2,
        "record_age_max_s": -1,
        "dead_letter_queue_arn": "arn:q",
        "filters": ({"eventName": ["INSERT"]},),
        "source": "$.dynamodb.NewImage.source.S",
        "detail_type": "Paid",
        "input_template": '{"id": <$.dynamodb.NewImage.id.S>}',
    }
    return PipeDefinition.model_validate(settings | changes)


def record(number: int, *, name: str = "INSERT", source: str | None = "hasivu") -> dict[str, Any]:
    image = {"id": {"S": f"e{number}"}} | ({"source": {"S": source}} if source else {})
    created = datetime(2026, 4, 1, tzinfo=UTC)
    position = {"SequenceNumber": str(number), "ApproximateCreationDateTime": created}
    return {"eventID": f"x{number}", "eventName": name, "dynamodb": {"NewImage": image, **position}}


class Bus:
    """Takes entries; refuses those whose id it was told to, and everything for the first `down` calls."""

    def __init__(self, *, refused: frozenset[str] = frozenset(), down: int = 0) -> None:
        self.taken: list[str] = []
        self.calls: list[int] = []
        self.refused = refused
        self.down = down

    def __call__(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.calls.append(len(entries))
        if len(self.calls) <= self.down:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no"}}, "PutEvents")
        results = []
        for entry in entries:
            identity = json.loads(entry["Detail"])["id"]
            if identity in self.refused:
                results.append({"ErrorCode": "AccessDenied"})
            else:
                self.taken.append(identity)
                results.append({"EventId": identity})
        return results


def carry(
    records: list[dict[str, Any]], bus: Bus, **changes: Any
) -> tuple[list[dict[str, Any]], list[float]]:
    letters: list[dict[str, Any]] = []
    pauses: list[float] = []
    created_s = datetime(2026, 4, 1, tzinfo=UTC).timestamp()
    carrier = Carrier(
        pipe=pipe(**changes),
        put_events=bus,
        bury=lambda body: letters.append(json.loads(body)),
        now=lambda: created_s + 60,
        sleep=pauses.append,
    )
    carrier.carry(records, shard="shard-1")
    return letters, pauses


def test_records_arrive_in_order_and_those_filtered_out_do_not() -> None:
    bus = Bus()
    letters, _ = carry([record(1), record(2, name="REMOVE"), record(3)], bus)
    assert bus.taken == ["e1", "e3"]
    assert letters == []


def test_no_call_holds_more_entries_than_put_events_takes() -> None:
    bus = Bus()
    carry([record(number) for number in range(23)], bus, batch_size=100)
    assert max(bus.calls) == PUT_EVENTS_MAX
    assert bus.taken == [f"e{number}" for number in range(23)]


def test_only_what_failed_is_sent_again_and_given_up_after_the_retries() -> None:
    bus = Bus(refused=frozenset({"e2"}))
    letters, pauses = carry([record(1), record(2)], bus)
    assert bus.calls == [2, 1, 1]
    assert bus.taken == ["e1"]
    assert pauses == [0.2, 0.4]
    (letter,) = letters
    assert letter["context"] == {"partnerResourceArn": "arn:pipe", "condition": "RetryAttemptsExhausted"}
    assert letter["DDBStreamBatchInfo"]["startSequenceNumber"] == "2"


def test_an_outage_shorter_than_the_retries_loses_nothing() -> None:
    bus = Bus(down=2)
    letters, _ = carry([record(1)], bus)
    assert bus.taken == ["e1"]
    assert letters == []


def test_a_record_that_is_too_old_is_given_up() -> None:
    bus = Bus()
    letters, _ = carry([record(1)], bus, record_age_max_s=59)
    assert bus.taken == []
    assert letters[0]["context"]["condition"] == "RecordAgeExceeded"
    assert carry([record(1)], bus, record_age_max_s=60)[0] == []


def test_a_record_that_the_template_cannot_take_is_given_up_alone() -> None:
    bus = Bus()
    letters, _ = carry([record(1, source=None), record(2)], bus)
    assert bus.taken == ["e2"]
    assert len(letters) == 1


def test_a_dead_letter_tells_where_the_record_was_and_not_what_was_in_it() -> None:
    letters, _ = carry([record(1)], Bus(refused=frozenset({"e1"})))
    assert "e1" not in json.dumps(letters)
    assert "hasivu" not in json.dumps(letters)


def test_a_record_is_seen_as_json() -> None:
    seen = event_of({"t": datetime(2026, 1, 1, tzinfo=UTC), "b": b"\x00\xff"})
    assert seen == {"t": datetime(2026, 1, 1, tzinfo=UTC).timestamp(), "b": "AP8="}
    with pytest.raises(TypeError):
        event_of({"x": object()})


def test_how_far_a_shard_was_carried_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    Checkpoints(path).reached("arn:stream", "s", "42")
    assert Checkpoints(path).of("arn:stream", "s") == "42"
    assert Checkpoints(path).of("arn:another", "s") is None


# --- definitions ---

PROPERTIES: dict[str, Any] = {
    "Source": {"Fn::GetStackOutput": {"StackName": "data", "OutputName": "Stream"}},
    "Target": "arn:bus",
    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    "SourceParameters": {
        "DynamoDBStreamParameters": {"StartingPosition": "LATEST", "DeadLetterConfig": {"Arn": "arn:q"}},
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]},
    },
    "TargetParameters": {"EventBridgeEventBusParameters": {"Source": "s", "DetailType": "d"}},
}


def read_pipes(properties: dict[str, Any]) -> tuple[PipeDefinition, ...]:
    resources = {
        "Pipe": {"Type": "AWS::Pipes::Pipe", "Properties": properties},
        "Role": {"Type": "AWS::IAM::Role"},
    }
    app = DeployedStack(name="app", template={"Resources": resources}, physical_ids={"Role": "r"}, outputs={})
    data = DeployedStack(name="data", template={}, physical_ids={}, outputs={"Stream": "arn:stream"})
    return pipes_of({"app": app, "data": data}, region="ap-south-1", account="000000000000")


def test_a_pipe_is_read_from_its_template_with_the_defaults_of_its_type(tmp_path: Path) -> None:
    (read,) = read_pipes(PROPERTIES)
    assert read.stream_arn == "arn:stream"
    assert read.role_arn == "arn:aws:iam::000000000000:role/r"
    assert read.filters == ({"eventName": ["INSERT"]},)
    assert (read.batch_size, read.retries_max, read.record_age_max_s) == (100, -1, -1)
    assert read.dead_letter_queue_arn == "arn:q"
    (tmp_path / "pipes.json").write_bytes(definition.written((read,)))
    assert definition.read(tmp_path / "pipes.json") == (read,)


def test_a_pipe_that_is_switched_off_does_not_run() -> None:
    assert read_pipes({**PROPERTIES, "DesiredState": "STOPPED"}) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"TargetParameters": {}},
        {"SourceParameters": {"SqsQueueParameters": {}}},
        {"Enrichment": "arn:function"},
    ],
)
def test_a_pipe_that_the_simulator_cannot_run_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(HasivuError) as refused:
        read_pipes({**PROPERTIES, **change})
    assert refused.value.code == "PIPE_UNSUPPORTED"
