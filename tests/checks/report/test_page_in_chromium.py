"""The page as a person has it: filtered, linked into, by keyboard, dark, small, printed, without scripts."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.model import Status
from checks.report.compare import compare
from checks.report.model import Report
from checks.report.page import difference, page
from checks.toolchain import REPOSITORY
from tests.checks.report.browser import Browser, chromium
from tests.checks.report.factory import earlier, history, release, results
from tests.checks.report.test_page import crowded

INTERACTIVE_MS_MAX = 1_000
SHOWN = (
    "[...document.querySelectorAll('#view-items .r[id]')]"
    ".filter((row) => row.checkVisibility()).map((row) => row.id)"
)
"""What a person sees, whatever the attributes say."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = results()
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(Report(found, earlier(), release(), history(found))), encoding="utf-8")
    return path


def ready(browser: Browser, path: Path, fragment: str = "", **window: Any) -> None:
    browser.size(**({"width": 1_280, "height": 900} | window))
    browser.open(path, fragment)
    browser.wait("document.documentElement.dataset.ready === 'yes'")


def test_it_is_interactive_within_a_second_and_asks_for_nothing(browser: Browser, path: Path) -> None:
    took = []
    for _ in range(5):
        ready(browser, path)
        took.append(browser.evaluate("performance.getEntriesByName('hasivu-interactive')[0].startTime"))
    assert min(took) < INTERACTIVE_MS_MAX, took
    assert browser.requests() == [path.resolve().as_uri()]
    assert browser.complaints() == []


def test_hostile_names_run_nothing(browser: Browser, path: Path) -> None:
    ready(browser, path)
    assert browser.evaluate("document.querySelectorAll('img, iframe, object, embed').length") == 0
    assert browser.evaluate("document.scripts.length") == 2
    assert browser.evaluate("document.body.textContent.includes('<script>alert(1)</script>')")
    assert browser.complaints() == []


def test_the_policy_stops_what_would_get_through(browser: Browser, path: Path) -> None:
    """The test of the test: an injected handler, script and style do nothing, and the browser says so."""
    ready(browser, path)
    browser.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">');"
        "const script = document.createElement('script'); script.textContent = 'window.ran = 2';"
        "document.body.append(script); undefined"
    )
    time.sleep(0.2)
    assert browser.evaluate("window.ran") is None
    assert browser.complaints()


def test_it_filters_by_status_text_level_framework_owner_and_section(browser: Browser, path: Path) -> None:
    found = results()
    ready(browser, path)
    assert len(browser.evaluate(SHOWN)) == 171
    browser.evaluate("document.querySelector('#statuses .fail').click()")
    assert browser.evaluate(SHOWN) == [item.item_id for item in found.items if item.status is Status.FAILED]
    assert browser.evaluate("document.getElementById('shown').textContent") == "7 of 171 items shown"
    browser.evaluate("document.getElementById('clear').click()")
    for name, value, expected in (
        ("level", "P", [item for item in found.items if "P" in item.required]),
        ("owner", "Security Officer", [item for item in found.items if item.owner == "Security Officer"]),
        (
            "section",
            "Go-Live Checklist",
            [item for item in found.items if item.section[0] == "Go-Live Checklist"],
        ),
    ):
        browser.evaluate(
            f"(() => {{ const one = document.getElementById('{name}'); one.value = {json.dumps(value)};"
            "one.dispatchEvent(new Event('change')); })()"
        )
        assert browser.evaluate(SHOWN) == [item.item_id for item in expected], name
        browser.evaluate("document.getElementById('clear').click()")
    gdpr = {proof for control in found.controls if control.framework == "GDPR" for proof in control.proofs}
    ready(browser, path, "#?framework=GDPR")
    assert browser.evaluate(SHOWN) == [item.item_id for item in found.items if gdpr & set(item.proofs)]


def test_words_are_found_in_the_names_of_resources(browser: Browser, path: Path) -> None:
    ready(browser, path, "#?q=%3Cscript%3Ealert(1)")
    shown = browser.evaluate(SHOWN)
    assert shown
    assert len(shown) < 20


def test_a_link_into_it_opens_its_item_even_when_it_is_filtered_out(browser: Browser, path: Path) -> None:
    ready(browser, path, "#?status=pass")
    assert "HC-011" not in browser.evaluate(SHOWN)
    browser.evaluate("location.hash = '#HC-011'")
    browser.wait("document.querySelector('#HC-011 details').open")
    assert "HC-011" in browser.evaluate(SHOWN)
    ready(browser, path, "#HC-011")
    browser.wait(
        "(() => { const at = document.getElementById('HC-011').getBoundingClientRect();"
        "return at.top >= 0 && at.bottom <= innerHeight })()"
    )


def test_what_a_proof_says_in_short_is_told_in_full_to_whoever_looks(browser: Browser, path: Path) -> None:
    found = results()
    proof = next(each for each in found.proofs if each.status is Status.PASSED and each.evidence)
    place = f"p{sorted(each.proof_id for each in found.proofs).index(proof.proof_id) + 1}"
    ready(browser, path)
    text = f"document.getElementById('{place}').textContent"
    assert proof.expected not in browser.evaluate(text)
    browser.evaluate(f"location.hash = '#{place}'")
    browser.wait(f"document.querySelector('#{place} dl')")
    told = browser.evaluate(text)
    for said in (proof.expected, *proof.evidence, *proof.controls):
        assert said in told
    assert browser.evaluate(f"document.querySelectorAll('#{place} dl').length") == 1


def test_an_item_that_is_opened_names_all_of_its_proofs_and_what_else_they_are_for(
    browser: Browser, tmp_path: Path
) -> None:
    found = crowded()
    path = tmp_path / "crowded.html"
    path.write_text(page(Report(found)), encoding="utf-8")
    item = found.items[20]
    ready(browser, path, f"#{item.item_id}")
    browser.wait(f"!document.querySelector('#{item.item_id} .rest')")
    links = f"[...document.querySelectorAll('#{item.item_id} .proofs a')].map((each) => each.textContent)"
    assert sorted(browser.evaluate(links)) == sorted(set(item.proofs))
    assert "Also evidence for" in browser.evaluate(f"document.getElementById('{item.item_id}').textContent")


def test_items_and_controls_are_two_views_of_the_same(browser: Browser, path: Path) -> None:
    ready(browser, path)
    assert browser.evaluate("document.getElementById('view-controls').hidden") is True
    browser.evaluate("document.querySelector('[name=view][value=controls]').click()")
    assert browser.evaluate("document.getElementById('view-items').hidden") is True
    assert browser.evaluate("document.getElementById('shown').textContent") == "119 controls"
    browser.evaluate("document.querySelector('#view-controls a[href^=\"#HC-\"]').click()")
    browser.wait("!document.getElementById('view-items').hidden")


def test_it_can_be_used_by_keyboard(browser: Browser, path: Path) -> None:
    ready(browser, path)
    browser.key("Tab")
    assert browser.evaluate("document.activeElement.className") == "skip"
    browser.key("/")
    assert browser.evaluate("document.activeElement.id") == "q"
    browser.call("Input.insertText", text="webhook")
    filtered = browser.evaluate(SHOWN)
    assert 0 < len(filtered) < 171
    browser.key("Escape")
    assert len(browser.evaluate(SHOWN)) == 171
    for _ in range(5):
        browser.key("Tab")
    assert browser.evaluate("document.activeElement.closest('#statuses') !== null")
    browser.key("Enter")
    browser.wait(f"({SHOWN}).length < 171")
    outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


@pytest.mark.parametrize(
    "window", [{}, {"dark": True}, {"width": 390, "height": 844}], ids=["light", "dark", "small"]
)
def test_axe_finds_nothing_against_it(browser: Browser, path: Path, window: dict[str, Any]) -> None:
    ready(browser, path, **window)
    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert against(browser) == []


def test_axe_finds_nothing_against_the_comparison(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "difference.html"
    path.write_text(difference(compare(earlier(), results())), encoding="utf-8")
    browser.size(1_280, 900)
    browser.open(path)
    assert against(browser) == []


def against(browser: Browser) -> list[Any]:
    """What axe-core has against the page. It must have looked: many of its rules must have passed."""
    axe = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
    browser.evaluate(axe.read_text(encoding="utf-8") + ";undefined")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = browser.evaluate(
        f"axe.run({{runOnly: {json.dumps(tags)}}}).then((found) => ({{passes: found.passes.length, against: "
        "found.violations.map((each) => [each.id, each.nodes.slice(0, 3).map((node) => node.html)])}))"
    )
    assert found["passes"] >= 15
    return list(found["against"])


def test_nothing_is_wider_than_a_small_window(browser: Browser, path: Path) -> None:
    ready(browser, path, width=390, height=844)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


def test_dark_is_dark_and_a_button_changes_it(browser: Browser, path: Path) -> None:
    ready(browser, path, dark=True)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = browser.evaluate(background)
    browser.evaluate("document.getElementById('theme').click()")
    light = browser.evaluate(background)
    assert _brightness(dark) < 40
    assert _brightness(light) > 200


def _brightness(colour: str) -> int:
    return min(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_it_can_be_read_without_scripts(browser: Browser, path: Path) -> None:
    browser.size(1_280, 900, script=False)
    browser.open(path)
    answer = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
    for selector in ("#HC-171", "#c118", "#verdict"):
        node = browser.call("DOM.querySelector", nodeId=answer, selector=selector)["nodeId"]
        model = browser.call("DOM.getBoxModel", nodeId=node)["model"]
        assert model["height"] > 0
        assert model["width"] > 0
    browser.size(1_280, 900)


def test_it_prints_what_matters_and_leaves_out_what_is_for_the_screen(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    ready(browser, path)
    printed = tmp_path / "printed.pdf"
    printed.write_bytes(browser.pdf())
    text = subprocess.run([program, str(printed), "-"], capture_output=True, text=True, check=True).stdout
    assert "NO-GO" in text
    assert "Verify it, without a network" in text
    assert text.count("HC-171") >= 1
    assert "Blocking only" not in text
    assert text.count("\f") < 100
