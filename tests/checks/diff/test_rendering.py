"""The comment is always short enough, says the worst first, and repeats nothing that it should not."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from checks.diff.markdown import LENGTH_MAX, MARK, markdown
from checks.diff.model import Effect, EnvironmentDiff, Finding, PropertyChange, Report, ResourceChange, Risk
from checks.diff.text import print_report
from checks.diff.wording import AccountMask

ACCOUNT = "123456789012"


def a_finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "risk": Risk.DESTRUCTIVE,
        "kind": "replaced",
        "stack": "Data",
        "subject": "Payments",
        "what": "AWS::DynamoDB::Table is replaced because of TableName",
        "consequence": "The old one is deleted.",
        "remedy": "Leave it with `cdk refactor`.",
        "loses_data": True,
    }
    return Finding(**(values | changes))


def a_change(**changes: Any) -> ResourceChange:
    values: dict[str, Any] = {
        "stack": "Data",
        "logical_id": "Payments1",
        "name": "Payments",
        "resource_type": "AWS::DynamoDB::Table",
        "effect": Effect.UPDATED,
        "stateful": True,
        "properties": (PropertyChange(path="TableName", before="a", after=None),),
    }
    return ResourceChange(**(values | changes))


def a_report(
    *, findings: list[Finding] | None = None, changes: list[ResourceChange] | None = None, copies: int = 1
) -> Report:
    diff = EnvironmentDiff(
        environments=("dev", "prod"), changes=tuple(changes or ()), findings=tuple(findings or ())
    )
    return Report(base="abcdef012345", head="the working tree", diffs=(diff,) * copies)


def as_text(report: Report) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_report(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("render", [markdown, as_text])
def test_risk_consequence_and_remedy_are_all_said(render: Any) -> None:
    shown = render(a_report(findings=[a_finding()], changes=[a_change()]))
    for part in (
        "dev, prod",
        "Data",
        "Payments",
        "because of TableName",
        "The old one is deleted",
        "refactor",
    ):
        assert part in shown
    assert "Look twice: 1 destructive" in shown


@pytest.mark.parametrize("render", [markdown, as_text])
def test_nothing_changed_is_said_in_so_many_words(render: Any) -> None:
    assert "Nothing that is deployed changes." in render(a_report())


@pytest.mark.parametrize("render", [markdown, as_text])
def test_no_account_is_ever_shown_not_even_a_part_of_one(render: Any) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/r"
    long = PropertyChange(path="Value", before="x" * 150 + f" {ACCOUNT} tail", after=arn)
    report = a_report(
        findings=[a_finding(what=arn, consequence=arn, remedy=arn, subject=arn)],
        changes=[a_change(properties=(long,), note=arn, name=arn)],
    )
    shown = render(report)
    assert "account A" in shown
    assert ACCOUNT[:6] not in shown


def test_two_accounts_can_be_told_apart_without_being_shown() -> None:
    mask = AccountMask()
    assert mask(f"{ACCOUNT} 222222222222 {ACCOUNT} 1234567890123") == (
        "<account A> <account B> <account A> 1234567890123"
    )


@given(
    findings=st.integers(0, 300),
    changes=st.integers(0, 300),
    copies=st.integers(0, 4),
    length=st.integers(0, 400),
    limit=st.integers(1_000, LENGTH_MAX),
)
def test_the_comment_keeps_the_limit_whatever_there_is_to_say(
    findings: int, changes: int, copies: int, length: int, limit: int
) -> None:
    report = a_report(
        findings=[a_finding(what=f"{number} {'w' * length}") for number in range(findings)],
        changes=[a_change(name=f"{number}{'`n' * length}") for number in range(changes)],
        copies=copies,
    )
    shown = markdown(report, length_max=limit)
    assert len(shown) <= limit
    assert shown.startswith(MARK)
    assert shown.count("<details>") == shown.count("</details>")


def test_what_does_not_fit_is_counted() -> None:
    report = a_report(findings=[a_finding(what=f"{number} {'w' * 200}") for number in range(1_000)])
    shown = markdown(report)
    assert "more: run `make diff`" in shown
    assert "(1000)" in shown


HOSTILE = "`` </details> @everyone ![x](https://evil.example) | <img src=x> #1 <!--"


@pytest.mark.parametrize("field", ["what", "subject"])
def test_what_an_author_wrote_stays_inside_its_code_span(field: str) -> None:
    shown = markdown(a_report(findings=[a_finding(**{field: HOSTILE})]))
    assert "```" in shown
    assert outside_code(shown).count("evil.example") == 0
    assert "@everyone" not in outside_code(shown)


@pytest.mark.parametrize("field", ["consequence", "remedy"])
def test_what_is_prose_has_nothing_that_markdown_reads(field: str) -> None:
    shown = outside_code(markdown(a_report(findings=[a_finding(**{field: HOSTILE})])))
    for sign in ("@everyone", "https://evil", "<img", "</details>", "#1"):
        assert sign not in shown


def outside_code(text: str) -> str:
    """`text` without its code spans: from a run of backticks to the next run of the same length."""
    kept, rest = "", text
    while "`" in rest:
        before, _, _ = rest.partition("`")
        kept += before
        fence = rest[len(before) :]
        length = len(fence) - len(fence.lstrip("`"))
        body = fence[length:]
        position = 0
        while True:
            position = body.index("`" * length, position)
            end = position
            while end < len(body) and body[end] == "`":
                end += 1
            if end - position == length:
                break
            position = end
        rest = body[end:]
    return kept + rest
