"""The comment on a pull request: short enough, verdict first, no markup of others, nobody mentioned."""

import re

import pytest

from checks.report.model import Report
from checks.report.summary import LENGTH_MAX, MARK, markdown
from tests.checks.report.factory import HOSTILE, earlier, history, release, results, sound
from tests.checks.report.test_page import with_name


def whole() -> Report:
    found = results()
    return Report(found, earlier(), release(), history(found))


def test_verdict_and_blockers_come_first_and_all_blockers_are_named() -> None:
    text = markdown(whole())
    lines = text.splitlines()
    assert lines[0] == MARK
    assert lines[1] == "## ⛔ NO-GO: prod"
    assert re.findall(r"^\| (HC-\d+) ", text, re.MULTILINE)[:22] == [
        item.item_id for item in results().blockers
    ]
    assert "It does not say that anything is compliant" in text
    assert markdown(whole()) == text


def test_go_says_go() -> None:
    assert markdown(Report(sound())).splitlines()[1] == "## ✅ GO: prod"


@pytest.mark.parametrize("length", [2_000, 4_000, 9_000, LENGTH_MAX])
def test_it_is_never_longer_than_it_may_be_and_says_so(length: int) -> None:
    text = markdown(whole(), length_max=length)
    assert len(text) <= length
    assert "NO-GO" in text
    assert ("does not fit" in text) == (length < 9_000)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_words(name: str) -> None:
    found = with_name(name)
    text = markdown(Report(found, found)).removeprefix(MARK)
    assert "<" not in text.replace("> ", "")
    assert "@everyone" not in text
    assert "](" not in re.sub(r"\\.", "", text)
    for line in text.splitlines():
        if line.startswith("|") and not set(line) <= set("|-"):
            cells = len(re.findall(r"(?<!\\)\|", line)) - 1
            assert cells in (2, 4, 5, 6)
