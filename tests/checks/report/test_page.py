"""The page asks for nothing, runs only its own script, is readable without it, and shows names as text."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.checklist.model import Results, Status
from checks.report import wording
from checks.report.compare import compare
from checks.report.model import Report, RollbackState, Run
from checks.report.page import difference, page
from checks.report.summary import markdown
from tests.checks.report.factory import HOSTILE, earlier, history, release, results, rollback, sound

SIZE_MAX = 700_000
_ASKS = {"src", "srcset", "data", "poster", "background", "action", "formaction", "manifest", "ping"}
_NEVER = {
    "iframe",
    "object",
    "embed",
    "img",
    "link",
    "base",
    "video",
    "audio",
    "source",
    "image",
    "foreignobject",
}


class Page(HTMLParser):
    """What a browser would make of it: elements, attributes, text."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._within: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within:
            self.raw[self._within[-1]].append(data)
        else:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.elements if "id" in attributes]


def full() -> Report:
    found = results()
    return Report(found, earlier(), release(), history(found))


@pytest.fixture(scope="module")
def document() -> str:
    return page(full())


@pytest.fixture(scope="module")
def parsed(document: str) -> Page:
    return Page(document)


def test_the_same_facts_are_the_same_bytes(document: str) -> None:
    assert page(full()) == document


def test_the_whole_checklist_fits_well_below_a_megabyte(document: str) -> None:
    found = results()
    assert (len(found.items), len(found.controls)) == (171, 119)
    assert len(document.encode()) <= SIZE_MAX


def test_it_asks_for_nothing_and_embeds_nothing(parsed: Page) -> None:
    for tag, attributes in parsed.elements:
        assert tag not in _NEVER, tag
        assert not _ASKS & attributes.keys(), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert str(attributes.get("href", "#")).startswith("#"), attributes
        if tag == "meta":
            assert attributes.get("http-equiv", "").lower() != "refresh"  # type: ignore[union-attr]
    for style in parsed.raw["style"]:
        assert "url(" not in style
        assert "@import" not in style


def test_the_policy_allows_its_own_style_and_script_and_nothing_else(parsed: Page) -> None:
    (policy,) = [
        str(attributes["content"])
        for tag, attributes in parsed.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "*" not in policy
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    data, script = parsed.raw["script"]
    assert data.startswith("{")
    assert allowed == {_digest(script), _digest("".join(parsed.raw["style"]))}


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_what_the_script_filters_by_is_what_the_results_say(parsed: Page) -> None:
    found = results()
    document = json.loads(parsed.raw["script"][0])
    assert document["results_sha256"] == found.sha256
    assert [(each["id"], each["status"], each["blocking"]) for each in document["items"]] == [
        (item.item_id, item.status.value, item.blocking) for item in found.items
    ]
    assert [(each["framework"], each["status"]) for each in document["controls"]] == [
        (control.framework, control.status.value) for control in found.controls
    ]
    assert {name for each in document["items"] for name in each["proofs"]} <= set(parsed.ids())


def crowded() -> Results:
    """Half as many proofs again, named by many items and controls, by some of them by the hundred."""
    found = results()
    more = [each.model_copy(update={"proof_id": f"{each.proof_id}-more"}) for each in found.proofs[:150]]
    proofs = tuple(sorted((*found.proofs, *more), key=lambda each: each.proof_id))
    names = [each.proof_id for each in proofs]
    return found.model_copy(
        update={
            "proofs": proofs,
            "items": tuple(
                item.model_copy(
                    update={
                        "proofs": (*item.proofs, *names[place : place + (200 if place % 34 == 20 else 6)])
                    }
                )
                for place, item in enumerate(found.items)
            ),
            "controls": tuple(
                control.model_copy(update={"proofs": (*control.proofs, *names[place * 2 : place * 2 + 4])})
                for place, control in enumerate(found.controls)
            ),
        }
    )


def test_it_fits_also_where_many_proofs_are_named_by_many_and_counts_what_it_leaves_out() -> None:
    found = crowded()
    document = page(Report(found))
    assert len(document.encode()) <= SIZE_MAX
    shown = Page(document).text
    assert f"and {len(found.items[20].proofs) - 6} more, none of them worse" in shown
    for proof in found.proofs:
        assert proof.proof_id in shown


def test_all_of_it_is_there_without_javascript(parsed: Page) -> None:
    found = results()
    shown = parsed.text
    ids = parsed.ids()
    assert len(ids) == len(set(ids))
    for item in found.items:
        assert item.item_id in ids
        assert item.text in shown
    assert [name for name in ids if re.fullmatch(r"c\d+", name)] == [f"c{n}" for n in range(119)]
    for proof in found.proofs:
        assert proof.title in shown
    for each in found.evidence:
        assert each.sha256 in shown
    for waiver in found.waivers:
        assert waiver.waiver_id in shown
    for note in found.notes:
        assert note in shown


def test_every_link_leads_somewhere(parsed: Page) -> None:
    ids = set(parsed.ids())
    for _, attributes in parsed.elements:
        target = str(attributes.get("href") or "")
        if target.startswith("#") and not target.startswith("#?"):
            assert target[1:] in ids, target


def test_the_verdict_and_the_blockers_come_first(document: str, parsed: Page) -> None:
    shown = parsed.text
    found = results()
    assert not found.go
    places = [
        shown.index(text) for text in ("NO-GO", found.blockers[0].reason, "Framework × level", "Waivers")
    ]
    assert shown.index("NO-GO") < shown.index(found.blockers[0].item_id)
    assert shown.index("What keeps it from going live") < shown.index("Framework × level of proof")
    assert places[0] < places[1]
    assert "2026-11-26 20:05 UTC · 2026-11-27 01:35 IST" in shown


def test_the_release_stands_at_the_top_with_people_deadline_command_and_versions() -> None:
    shown = Page(page(Report(sound(), release=release()))).text
    assert shown.index("NO-GO") < shown.index("2 sign-offs missing: Project Manager, Technical Director")
    assert shown.index("Rollback window") < shown.index("Framework × level")
    for said in (
        "security@hasivu.example",
        "hasivu rollback --env prod --reason TICKET --key KEY",
        "Last moment 2026-11-27 09:45 UTC · 15:15 IST. At 2026-11-27 08:05 UTC · 13:35 IST: 1 h 40 min left.",
        "20 functions to the version before, 1 new, 1 taken away, which it does not bring back: hasivu",
        "the assembly is not the one that was decided on",
    ):
        assert said in shown, said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RollbackState.CLOSED, "13 success criteria met."),
        (RollbackState.ROLLED_BACK, "It ended 2026-11-27 05:05 UTC · 10:35 IST, by devops@hasivu.example"),
        (RollbackState.OVERDUE, "OVERDUE: neither closed nor rolled back"),
        (RollbackState.ROLLING_BACK, "ROLLING BACK: it began and has not ended"),
    ],
)
def test_how_the_window_ended_or_did_not_is_told(state: RollbackState, said: str) -> None:
    told = release(rollback=rollback(state))
    assert said in Page(page(Report(sound(), release=told))).text
    assert wording.ROLLBACK[state] in markdown(Report(sound(), release=told))


def test_a_release_with_nothing_against_it_is_go() -> None:
    told = release(against=(), proofs=(), sign_offs=(), rollback=None)
    shown = Page(page(Report(sound(), release=told))).text
    assert "NO-GO" not in shown
    assert "No go-live is written down." in shown


def test_a_sound_environment_is_go() -> None:
    shown = Page(page(Report(sound()))).text
    assert "NO-GO" not in shown
    assert "Nothing that blocks is open." in shown


def test_results_with_nothing_in_them_are_no_go_and_can_be_read() -> None:
    empty = results(
        items=(), controls=(), proofs=(), evidence=(), waivers=(), unmatched=(), notes=(), tools={}
    )
    shown = Page(page(Report(empty))).text
    assert "NO-GO" in shown
    assert "Nothing was checked." in shown


def test_an_emulator_says_so_at_the_top() -> None:
    shown = Page(page(Report(results(environment="sandbox")))).text
    assert shown.index("not AWS") < shown.index("Framework × level")


def test_waivers_that_ended_are_shown_first(parsed: Page) -> None:
    shown = parsed.text
    shown = shown[shown.index("By days left.") :]
    order = [shown.index(name) for name in ("W-malformed", "W-expired", "W-lapsed", "W-unused")]
    assert order == sorted(order)
    assert "5 days ago" in shown  # in India it is the next day already


def test_a_proof_that_is_named_but_not_there_is_told() -> None:
    found = results()
    item = found.items[0].model_copy(update={"proofs": ("rule:gone",)})
    shown = Page(page(Report(found.model_copy(update={"items": (item, *found.items[1:])})))).text
    assert "rule:gone is named, but is not in the results." in shown


def test_the_trend_has_words_beside_its_picture(parsed: Page) -> None:
    assert "14 runs: 129 of 164 items are satisfied, after 90 of 164" in parsed.text
    pictures = [
        attributes for tag, attributes in parsed.elements if tag == "svg" and attributes.get("role") == "img"
    ]
    assert [attributes["aria-labelledby"] for attributes in pictures] == ["trend-words"]


def with_name(name: str) -> Results:
    """Small results in which ``name`` stands wherever a text of others can."""
    found = results()
    document: dict[str, Any] = found.model_dump(mode="python", by_alias=True)
    document["items"], document["controls"] = document["items"][:3], document["controls"][:2]
    document["waivers"], document["evidence"] = document["waivers"][:1], document["evidence"][:1]
    document["proofs"] = [each for each in document["proofs"] if each["against"]][:2]
    document["unmatched"] = document["unmatched"][:1]
    document |= {"environment": name, "commit": name, "notes": (name,), "tools": {name: name}}
    for item in document["items"]:
        item.update(dict.fromkeys(("text", "intent", "owner", "reason", "remedy"), name))
        item.update(
            {"section": (name,), "proofs": (document["proofs"][0]["proof_id"], name), "waiver_id": name}
        )
    for proof in document["proofs"]:
        proof.update(dict.fromkeys(("title", "expected", "observed", "remedy"), name))
        proof.update({"evidence": (name,), "controls": (name,)})
        for subject in proof["against"]:
            subject.update(dict.fromkeys(("stack", "logical_id", "kind", "place", "physical_id"), name))
    for subject in document["unmatched"]:
        subject.update(dict.fromkeys(("stack", "logical_id", "kind", "place", "physical_id"), name))
    for waiver in document["waivers"]:
        waiver.update(
            dict.fromkeys(("waiver_id", "owner", "ticket", "reason", "compensating_control", "waives"), name)
        )
    for each in document["evidence"]:
        each.update(dict.fromkeys(("path", "kind", "tool", "tool_version", "proves"), name))
    for control in document["controls"]:
        control.update(dict.fromkeys(("framework", "meaning", "reason"), name))
    return Results.model_validate(document)


_SHAPE: dict[str, list[tuple[str, list[str]]]] = {}


def shape(document: str) -> list[tuple[str, list[str]]]:
    """Elements with the names of their attributes: what markup in a name would change."""
    return [(tag, sorted(attributes)) for tag, attributes in Page(document).elements]


@settings(max_examples=60)
@given(
    st.one_of(
        st.sampled_from(HOSTILE),
        st.text(alphabet="<>&\"'/=`{}%;:()[] abonsvgript!-\u202e\x00\u2028", min_size=1, max_size=60),
    )
)
def test_no_name_becomes_markup(name: str) -> None:
    """Whatever stands in the names, the page has the elements that it has with a harmless one."""
    found = with_name(name)
    document = page(Report(found, previous=found, history=(Run.of(found),)))
    if "`" not in name:  # what stands between backticks is shown as code
        harmless = with_name("name")
        expected = shape(page(Report(harmless, previous=harmless, history=(Run.of(harmless),))))
        assert without_breaks(shape(document)) == without_breaks(expected)
    parsed = Page(document)
    assert len(parsed.raw["script"]) == 2
    assert json.loads(parsed.raw["script"][0])["items"][0]["owner"] == name
    assert "\u202e" not in parsed.text


def without_breaks(elements: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Without the places where a long name may be broken, and with anchors of names that hold none."""
    return [element for element in elements if element[0] != "wbr"]


def test_what_changed_has_a_page_without_any_script() -> None:
    found = difference(compare(earlier(), results()))
    parsed = Page(found)
    assert not parsed.raw["script"]
    assert "script-src 'none'" in html.unescape(found)
    assert "setbacks" in parsed.text
    assert difference(compare(earlier(), results())) == found


def test_every_status_has_an_icon_and_a_word(document: str) -> None:
    for status in Status:
        assert f'id="i-{status.value}"' in document
        assert f'class="s {status.value}"' in document
