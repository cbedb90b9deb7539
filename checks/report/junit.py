"""The items as JUnit XML, for a build that shows tests.

What blocks and is not satisfied is a failure, whatever the reason: a skipped test would look harmless.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from checks.checklist.model import SATISFIED, ItemResult, Results, Status
from checks.escaping import xml_text
from checks.report import view, wording


def junit(results: Results) -> bytes:
    """A suite for each section, a case for each item."""
    root = Xml.Element("testsuites", {"name": xml_text(f"checklist of {results.environment}")})
    totals = [0, 0, 0, 0]
    for section, items in view.by_section(results).items():
        suite = Xml.SubElement(root, "testsuite", {"name": xml_text(" / ".join(section))})
        tally = [0, 0, 0, 0]
        for item in items:
            outcome = _case(suite, item, section)
            tally[0] += 1
            if outcome is not None:
                tally[("failure", "error", "skipped").index(outcome) + 1] += 1
        _count(suite, tally)
        suite.set("timestamp", results.generated_at.strftime("%Y-%m-%dT%H:%M:%S"))
        suite.set("time", "0")
        totals = [one + other for one, other in zip(totals, tally, strict=True)]
    _count(root, totals)
    root.set("time", "0")
    Xml.indent(root)
    text = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _count(element: Xml.Element, tally: list[int]) -> None:
    for name, count in zip(("tests", "failures", "errors", "skipped"), tally, strict=True):
        element.set(name, str(count))


def _case(suite: Xml.Element, item: ItemResult, section: tuple[str, ...]) -> str | None:
    case = Xml.SubElement(
        suite,
        "testcase",
        {
            "name": xml_text(f"{item.item_id} {item.text}"),
            "classname": xml_text(".".join(section)),
            "time": "0",
        },
    )
    outcome = _outcome(item)
    if outcome is not None:
        told = Xml.SubElement(
            case, outcome, {"message": xml_text(f"{wording.STATUS[item.status]}: {item.reason}")}
        )
        if outcome != "skipped":
            told.set("type", item.status.value)
            told.text = xml_text(f"{item.remedy}\nwho: {item.owner}\nproofs: {', '.join(item.proofs)}")
    return outcome


def _outcome(item: ItemResult) -> str | None:
    if item.status in SATISFIED:
        return None
    if item.status is Status.ERROR:
        return "error"
    if item.status in (Status.WAIVED, Status.NOT_APPLICABLE):
        return "skipped"
    return "failure" if item.status is Status.FAILED or item.blocking else "skipped"
