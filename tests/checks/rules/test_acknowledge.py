"""An acknowledgement is qualified, on one construct, with why, evidence, owner and last day; or refused."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from hypothesis import given
from hypothesis import strategies as st

from checks.rules.acknowledgements import Unsound, parse, unsound
from checks.rules.validation_report import Acknowledged, PackReport, Suppressed
from stacks.constructs.acknowledge import AcknowledgementInvalid, acknowledge, qualified
from stacks.house_app import ROOT

TODAY = date(2027, 1, 15)
SOUND = "the bucket is public on purpose | evidence=ADR 0010 | owner=security | until=2027-01-15"


def recorded(app: App, stack: str) -> dict[str, str]:
    """What the assembly's metadata says was acknowledged: rule id to reason."""
    folder = Path(app.synth().directory)
    document = json.loads((folder / f"{stack}.metadata.json").read_text(encoding="utf-8"))
    return {
        rule_id: reason
        for entries in document.values()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule_id, reason in entry["data"].items()
    }


def test_what_is_acknowledged_is_qualified_and_reasoned() -> None:
    app = App()
    bucket = s3.Bucket(Stack(app, "Some"), "Bucket")

    acknowledge(
        bucket,
        "AwsSolutions-S1",
        "HASIVU-S3-10",
        why="it is the log",
        evidence="tests/infra/test_tables.py::test_x",
        owner="platform",
        until=TODAY,
    )

    reason = "it is the log | evidence=tests/infra/test_tables.py::test_x | owner=platform | until=2027-01-15"
    assert recorded(app, "Some") == {
        "AwsSolutions::AwsSolutions-S1": reason,
        "HASIVU-House-Rules::HASIVU-S3-10": reason,
    }
    assert parse(reason) is not None


def test_a_logical_id_inside_a_finding_is_made_from_the_construct() -> None:
    app = App()
    stack = Stack(app, "Some")
    queue = sqs.Queue(stack, "Queue")

    acknowledge(queue, "AwsSolutions-IAM5[Resource::<{id}.Arn>/*]", why="w", owner="security", about=queue)

    (rule_id,) = recorded(app, "Some")
    assert re.fullmatch(r"AwsSolutions::AwsSolutions-IAM5\[Resource::<Queue[0-9A-F]{8}\.Arn>/\*\]", rule_id)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"owner": "somebody"}, "owner"),
        ({"evidence": "it is so"}, "evidence"),
        ({"why": "one | two"}, "why"),
        ({"why": " "}, "why"),
    ],
)
def test_an_incomplete_acknowledgement_is_refused(changes: dict[str, str], says: str) -> None:
    arguments = {"why": "w", "evidence": "ADR 0010", "owner": "security"} | changes

    with pytest.raises(AcknowledgementInvalid, match=says):
        acknowledge(
            s3.Bucket(Stack(App(), "Some"), "Bucket"),
            "AwsSolutions-S1",
            why=arguments["why"],
            evidence=arguments["evidence"],
            owner=arguments["owner"],
        )


def test_a_whole_stack_cannot_be_acknowledged() -> None:
    with pytest.raises(AcknowledgementInvalid, match="one resource"):
        acknowledge(Stack(App(), "Some"), "AwsSolutions-S1", why="w", owner="security")


def test_a_rule_of_no_pack_is_refused() -> None:
    with pytest.raises(AcknowledgementInvalid, match="no pack"):
        qualified("S1")


def test_nothing_is_acknowledged_in_any_other_way() -> None:
    """An unqualified acknowledgement leaves no trace, so no other place may be able to write one."""
    other = [
        path.relative_to(ROOT).as_posix()
        for path in (*ROOT.glob("stacks/**/*.py"), ROOT / "app.py")
        if re.search(
            r"Acknowledg(ment|eRules)|\bValidations\b|rules_to_suppress|NagSuppressions", path.read_text()
        )
    ]

    assert other == ["stacks/constructs/acknowledge.py"]


def judged(acknowledged: Acknowledged, *suppressed: Suppressed) -> list[str]:
    packs = (PackReport("AwsSolutions", "success", "", (), suppressed),)
    found: list[Unsound] = list(unsound([acknowledged], packs, today=TODAY, stacks=frozenset({"Data"})))
    return [item.problem for item in found]


COVERED = Suppressed(
    "AwsSolutions", "AwsSolutions-S1", "Data/B/Resource", "AwsSolutions::AwsSolutions-S1", "Data/B", ""
)


def test_a_needed_acknowledgement_stands_up_to_and_on_its_last_day() -> None:
    assert judged(Acknowledged("Data/B", "AwsSolutions::AwsSolutions-S1", SOUND), COVERED) == []


@pytest.mark.parametrize(
    ("construct", "rule_id", "reason", "problem"),
    [
        (
            "Data/B",
            "AwsSolutions::AwsSolutions-S1",
            SOUND.replace("01-15", "01-14"),
            "expired after 2027-01-14",
        ),
        ("Data/B", "AwsSolutions::AwsSolutions-S1", "because", "malformed, which counts as expired"),
        (
            "Data/B",
            "AwsSolutions::AwsSolutions-S1",
            SOUND.replace("01-15", "02-30"),
            "malformed, which counts as expired",
        ),
        ("Data/C", "AwsSolutions::AwsSolutions-S1", SOUND, "stale: it covers no finding"),
        ("Data/B", "AwsSolutions::AwsSolutions-S2", SOUND, "stale: it covers no finding"),
        ("Data/B", "AwsSolutions-S1", SOUND, "unqualified: it leaves no trace in the report"),
        ("Data", "AwsSolutions::AwsSolutions-S1", SOUND, "for a whole stack or app"),
        ("", "AwsSolutions::AwsSolutions-S1", SOUND, "for a whole stack or app"),
    ],
)
def test_an_acknowledgement_that_must_not_stand_is_named(
    construct: str, rule_id: str, reason: str, problem: str
) -> None:
    assert problem in judged(Acknowledged(construct, rule_id, reason), COVERED)


def test_an_app_wide_acknowledgement_is_named_even_if_only_the_report_knows_it() -> None:
    wide = Suppressed("AwsSolutions", "AwsSolutions-S1", "Data/B", "AwsSolutions::AwsSolutions-S1", "", "")

    assert "for a whole stack or app" in judged(
        Acknowledged("Data/B", "AwsSolutions::AwsSolutions-S1", SOUND), COVERED, wide
    )


@given(st.text())
def test_no_text_breaks_the_reading_of_reasons(text: str) -> None:
    reason = parse(text)
    assert reason is None or reason.why
