"""The probes on production's own templates: each can fail, fails closed, and asks what the SDK knows."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from checks.checklist.model import ProofResult, Status
from checks.probes import health, objectives, run
from checks.probes import survey as surveying
from checks.probes.account import Account, CouldNotLook
from checks.probes.model import Look
from checks.probes.running import read_running
from checks.probes.survey import Survey, survey
from checks.probes.table import FACTS, LINES, PROBES
from tests.infra.assembly import Assembly
from tests.infra.shaped_aws import CORE, MOMENT, Answer, ShapedAws, failure, shaped, unreachable

NEVER_SHAPED_FALSE = {
    "probe:alarm-data",
    "probe:health",
    "probe:nothing-beside",
    *(probe.proof_id for probe in objectives.PROBES),
    "probe:secret-rotation",
    "probe:secret-values",
    "probe:secrets",
    "probe:stacks",
    "probe:stack-resources",
}
"""Judged by time, figures, names, who looks or the stacks: their own tests are below or beside this."""

Probed = Callable[..., Survey]


@pytest.fixture(autouse=True, scope="module")
def _nobody_asks_the_network() -> Iterator[None]:
    """The health check is asked over HTTPS, which no test does."""

    def unreachable(url: str) -> tuple[int, bytes]:
        raise CouldNotLook("the API's health check: unreachable")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(health, "_get", unreachable)
        yield


@pytest.fixture(scope="module")
def probed(prod: Assembly) -> Probed:
    """A look at production, as it answers by itself or as ``answers`` say."""

    def probed(answers: Mapping[tuple[str, str], Answer] | None = None, **options: Any) -> Survey:
        aws: Any = ShapedAws(prod.folder, answers)
        return survey("prod", aws, prod.folder, options.pop("now", MOMENT), **options)

    return probed


@pytest.fixture(scope="module")
def strange(probed: Probed) -> Survey:
    """Production where everything runs as somebody else has set it."""
    return probed()


def proof(found: Survey, name: str) -> ProofResult:
    (one,) = (item for item in found.proofs if item.proof_id == f"probe:{name}")
    return one


def test_every_probe_of_production_can_fail(strange: Survey) -> None:
    not_failed = {item.proof_id for item in strange.proofs if item.status is not Status.FAILED}
    assert not_failed <= NEVER_SHAPED_FALSE | {"probe:running-code", "probe:running-templates"}
    for item in strange.proofs:
        if item.status is Status.FAILED:
            assert item.against
            assert item.looked_at > 0
            assert not item.on_emulator


def test_every_line_of_the_table_reads_what_aws_gives(strange: Survey) -> None:
    """A path that the SDK's model does not have reads nothing, and nothing would ever be found wrong."""
    nothing = {
        (item.subject.kind, item.fact, item.said)
        for item in strange.seen
        if item.look is Look.DIFFERS and item.said.startswith(f"{item.fact} runs as nothing")
    }
    assert {(kind, fact) for kind, fact, _ in nothing} <= NOTHING_BY_CHANCE


def test_every_line_is_used_and_differs(strange: Survey) -> None:
    """In production's templates; and a placeholder is nowhere what a template says."""
    agreeing = {
        (item.subject.kind, item.fact)
        for item in strange.seen
        if item.look is Look.AGREES and (item.subject.kind, item.fact) in {(x.kind, x.path) for x in LINES}
    }
    assert agreeing <= AGREE_BY_CHANCE
    used = {(item.subject.kind, item.fact) for item in strange.seen}
    assert {(line.kind, line.path) for line in LINES} - used == set()
    assert {(fact.kind, fact.name) for fact in FACTS} - used == set()


NOTHING_BY_CHANCE = {("AWS::Backup::BackupVault", "LockConfiguration")}
"""The placeholder's vault is not locked."""

AGREE_BY_CHANCE = {
    ("AWS::Cognito::UserPool", "UsernameConfiguration"),
    ("AWS::DynamoDB::Table", "TimeToLiveSpecification"),
    ("AWS::Cognito::UserPoolClient", "EnableTokenRevocation"),
    ("AWS::DynamoDB::Table", "StreamSpecification.StreamViewType"),
}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (failure("AccessDeniedException"), "the auditor needs"),
        (failure("ThrottlingException"), "ThrottlingException"),
        (unreachable, "unreachable"),
    ],
)
def test_who_does_not_answer_is_an_error_and_never_a_pass(probed: Probed, answer: Answer, says: str) -> None:
    found = probed({("*", "*"): answer})
    whole = {"probe:stacks", "probe:stack-resources"}
    for item in found.proofs:
        if item.proof_id == "probe:secret-values":
            assert item.status is Status.NOT_EVALUATED
        elif item.proof_id == "probe:health":
            assert item.status is Status.ERROR
        elif item.proof_id not in whole:
            assert item.status is Status.ERROR, item.proof_id
            assert says in item.observed


def test_no_answer_about_stacks_is_an_error_of_every_probe(probed: Probed) -> None:
    found = probed({("cloudformation", "describe_stacks"): failure("AccessDenied")})
    assert {item.status for item in found.proofs} == {Status.ERROR}
    assert "cloudformation:DescribeStacks" in found.proofs[0].observed


def test_a_stack_that_does_not_exist_fails_everything_of_it(probed: Probed) -> None:
    found = probed({("cloudformation", "describe_stacks"): failure("StackNotFoundException")})
    for item in found.proofs:
        assert item.status is Status.FAILED, item.proof_id
        assert "not deployed" in item.observed


def test_what_is_gone_fails(probed: Probed) -> None:
    found = probed({("*", "*"): failure("ResourceNotFoundException")})
    failed = {item.proof_id for item in found.proofs if item.status is Status.FAILED}
    assert {item.proof_id for item in found.proofs} - failed <= {
        "probe:health",
        "probe:secret-values",
        "probe:stacks",
        "probe:stack-resources",
    }


def test_the_registry_and_the_results_have_the_same_probes(
    prod: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checks.probes.AGAIN_AFTER_S", 0)
    aws: Any = ShapedAws(prod.folder)
    ids = [item.proof_id for item in run("prod", aws, prod.folder, MOMENT)]
    assert ids == [probe.proof_id for probe in PROBES]
    assert len(set(ids)) == len(ids)


# --- what the sandbox cannot show: each passes on a sound answer and fails on an unsound one ---


def certificate(**changed: Any) -> Answer:
    found = {
        "DomainName": "api.hasivu.example",
        "Status": "ISSUED",
        "NotAfter": MOMENT + timedelta(days=90),
        "InUseBy": ["arn:aws:apigateway:x"],
    }
    return lambda arguments: {"Certificate": found | changed}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (certificate(), Status.PASSED),
        (certificate(NotAfter=MOMENT + timedelta(days=29)), Status.FAILED),
        (certificate(NotAfter=MOMENT - timedelta(days=1)), Status.FAILED),
        (certificate(NotAfter=None), Status.FAILED),
        (certificate(Status="PENDING_VALIDATION"), Status.FAILED),
        (certificate(InUseBy=[]), Status.FAILED),
    ],
)
def test_a_certificate_lasts_a_month(probed: Probed, answer: Answer, status: Status) -> None:
    assert proof(probed({("acm", "describe_certificate"): answer}), "certificates").status is status


def associated(arn: Any) -> Answer:
    return lambda arguments: {"WebACL": {"ARN": arn}} if arn else {}


def test_the_firewall_stands_before_what_the_template_says(probed: Probed, prod: Assembly) -> None:
    wanted = {
        item.properties["WebACLArn"]["Fn::GetStackOutput"]["OutputName"]
        if "Fn::GetStackOutput" in item.properties["WebACLArn"]
        else item.properties["WebACLArn"]["Fn::GetAtt"][0]
        for item in prod.resources("AWS::WAFv2::WebACLAssociation")
    }
    assert len(wanted) == 2
    missing = proof(probed({("wafv2", "get_web_acl_for_resource"): associated(None)}), "firewall-association")
    assert missing.status is Status.FAILED
    assert missing.looked_at == 2


def blind(days: int) -> Answer:
    def answer(arguments: dict[str, Any]) -> Any:
        found: Any = EveryAlarm({"StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": MOMENT})
        return {"MetricAlarms": found, "CompositeAlarms": []}

    return answer


class EveryAlarm(list[Any]):
    """A list in which every alarm is found, whatever its name."""

    def __init__(self, alarm: Mapping[str, Any]) -> None:
        super().__init__([_Named(alarm)])


class _Named(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return _Any() if key == "AlarmName" else super().get(key, default)


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # equal to everything


@pytest.mark.parametrize(("days", "status"), [(3, Status.PASSED), (4, Status.FAILED)])
def test_an_alarm_that_sees_nothing_is_named_after_a_weekend(
    probed: Probed, days: int, status: Status
) -> None:
    found = probed({("cloudwatch", "describe_alarms"): blind(days)}, now=MOMENT + timedelta(days=days))
    assert proof(found, "alarm-data").status is status


def logging(**changed: Any) -> Answer:
    return lambda arguments: {"IsLogging": True} | changed


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (logging(), None),
        (logging(IsLogging=False), "records nothing"),
        (logging(LatestDeliveryError="AccessDenied"), "could not deliver"),
    ],
)
def test_the_trail_records_now(probed: Probed, answer: Answer, said: str | None) -> None:
    found = probed({("cloudtrail", "get_trail_status"): answer})
    (state,) = (
        item for item in found.seen if item.subject.kind == "AWS::CloudTrail::Trail" and item.fact == "state"
    )
    assert (state.said or None) == said or (said is not None and said in state.said)


def versions(*stages: str, seconds: int = 0, **rest: Any) -> dict[tuple[str, str], Answer]:
    made = [
        {"VersionId": f"v{n}", "VersionStages": [stage], "CreatedDate": MOMENT + timedelta(seconds=seconds)}
        for n, stage in enumerate(stages)
    ]
    described = {
        "CreatedDate": MOMENT,
        "LastRotatedDate": None,
        "RotationRules": {"AutomaticallyAfterDays": 90},
    } | rest
    return {
        ("secretsmanager", "list_secret_version_ids"): lambda arguments: {"Versions": made},
        ("secretsmanager", "describe_secret"): lambda arguments: described,
    }


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (versions("AWSPREVIOUS", "AWSCURRENT"), ""),
        (versions("AWSCURRENT", seconds=3600), ""),
        (versions("AWSCURRENT"), "still has the placeholder that the deployment made"),
        (versions("AWSPREVIOUS"), "has no current version"),
        (versions("AWSCURRENT", DeletedDate=MOMENT), "is going to be deleted"),
    ],
)
def test_a_secret_has_a_current_version_that_is_no_placeholder(
    probed: Probed, answers: dict[tuple[str, str], Answer], said: str
) -> None:
    found = probed(answers)
    (seen,) = (
        item
        for item in found.seen
        if item.subject.logical_id == "RazorpaySecret" and item.fact == "current version"
    )
    assert seen.said == said


@pytest.mark.parametrize(("days", "late"), [(97, False), (98, True)])
def test_a_rotation_that_is_late_is_named(probed: Probed, days: int, late: bool) -> None:
    found = probed(versions("AWSCURRENT"), now=MOMENT + timedelta(days=days))
    said = {item.said for item in found.seen if item.fact == "last rotation"}
    assert bool(said - {""}) is late


def alone(prod: Assembly, kind: str, name: str, answers: Mapping[tuple[str, str], Answer]) -> ProofResult:
    """The proof of one probe, of resources of one kind alone."""
    aws: Any = ShapedAws(prod.folder, answers)
    account = Account(aws, region="ap-south-1")
    running = read_running(account, prod.folder, "prod", now=MOMENT)
    seen = [item for live in running.of(kind) for item in surveying._of_resource(account, live)]
    (probe,) = (each for each in PROBES if each.name == name)
    return surveying._proof(probe, seen, running)


def answering(status: int, body: object) -> Callable[[str], tuple[int, bytes]]:
    def get(url: str) -> tuple[int, bytes]:
        assert re.fullmatch(r"https://[\w.-]+/health", url)
        assert "execute-api" not in url, "production is reached at its domain and nowhere else"
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    return get


UP = {"status": "pass", "environment": "prod", "time": "2026-11-26T10:00:00Z"}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, UP, ""),
        (403, UP, "answers 403"),
        (503, {}, "answers 503"),
        (301, UP, "answers 301"),
        (200, UP | {"status": "fail"}, "without saying that it is up"),
        (200, b"<html>", "without saying that it is up"),
        (200, [], "without saying that it is up"),
        (200, UP | {"environment": "staging"}, "is not the API of prod"),
    ],
)
def test_the_api_says_that_it_is_up(
    prod: Assembly, monkeypatch: pytest.MonkeyPatch, status: int, body: object, said: str
) -> None:
    monkeypatch.setattr(health, "_get", answering(status, body))
    found = alone(prod, "AWS::ApiGateway::Stage", "health", {})
    assert found.status is (Status.FAILED if said else Status.PASSED)
    assert said in found.observed


def led_to(version: str, *kept: str) -> dict[tuple[str, str], Answer]:
    return {
        ("lambda", "list_aliases"): lambda arguments: {
            "Aliases": [{"Name": "live", "FunctionVersion": version}]
        },
        ("lambda", "list_versions_by_function"): lambda arguments: {
            "Versions": [{"Version": each, "FunctionName": arguments["FunctionName"]} for each in kept]
        },
    }


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        (led_to("7", "$LATEST", "6", "7"), Status.PASSED, ""),
        (led_to("7", "$LATEST", "5", "7"), Status.FAILED, "leads to version 7, and 6 is gone"),
        (led_to("12", "$LATEST", "1", "12"), Status.FAILED, "and 11 is gone"),
        (led_to("$LATEST", "$LATEST", "1"), Status.FAILED, "which is no version"),
        (led_to("1", "$LATEST", "1"), Status.NOT_EVALUATED, "there is nothing to look at"),
    ],
)
def test_the_version_before_is_kept(
    prod: Assembly, answers: dict[tuple[str, str], Answer], status: Status, said: str
) -> None:
    found = alone(prod, "AWS::Lambda::Alias", "previous-versions", answers)
    assert found.status is status
    assert said in found.observed


def protected(**changed: Any) -> Any:
    def answers(aws: ShapedAws) -> Answer:
        return lambda arguments: {"Stacks": [aws._stack(arguments["StackName"])["Stacks"][0] | changed]}

    return answers


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, Status.PASSED),
        ({"EnableTerminationProtection": False}, Status.FAILED),
        ({"StackStatus": "UPDATE_ROLLBACK_FAILED"}, Status.FAILED),
        ({"StackStatus": "UPDATE_IN_PROGRESS"}, Status.FAILED),
    ],
)
def test_stacks_are_at_rest_and_protected(prod: Assembly, changed: dict[str, Any], status: Status) -> None:
    aws: Any = ShapedAws(prod.folder)
    aws.answers["cloudformation", "describe_stacks"] = protected(**changed)(aws)
    assert proof(survey("prod", aws, prod.folder, MOMENT), "stacks").status is status


def test_a_resource_more_or_less_is_named(prod: Assembly) -> None:
    for change in ("more", "less"):
        aws: Any = ShapedAws(prod.folder)

        def answer(arguments: dict[str, Any], aws: Any = aws, change: str = change) -> Any:
            found = aws._resources(arguments["StackName"])["StackResourceSummaries"]
            planted = {"LogicalResourceId": "Planted", "PhysicalResourceId": "planted"}
            return {"StackResourceSummaries": [*found, planted] if change == "more" else found[1:]}

        aws.answers["cloudformation", "list_stack_resources"] = answer
        found = proof(survey("prod", aws, prod.folder, MOMENT), "stack-resources")
        assert found.status is Status.FAILED
        assert len(found.against) == len(prod.templates)
    assert proof(survey("prod", ShapedAws(prod.folder), prod.folder, MOMENT), "stack-resources").status is (  # type: ignore[arg-type]
        Status.PASSED
    )


def test_shaped_answers_are_of_the_sdk() -> None:
    """What the tests above rest on: an answer has members, and their kinds."""
    model = CORE.get_service_model("sqs").operation_model("GetQueueAttributes")
    assert shaped(model.output_shape) == {"Attributes": {"placeholder": "placeholder"}}
