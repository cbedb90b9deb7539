"""The catalogue's data: complete, in the checklist's words, pointing to what exists; mistakes are named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.applicability import ENVIRONMENTS, REASONS
from checks.checklist.catalogue import ROLES, Catalogue, load
from checks.checklist.model import Level
from checks.errors import HasivuError
from checks.probes.table import PROBES
from checks.rules.catalogue import rules
from runtime.platform.settings import OPERATIONAL_FUNCTIONS, SETTINGS_BY_FUNCTION

ROOT = Path(__file__).resolve().parents[3]
CHECKLIST = ROOT.parent / "shared" / "checklist" / "epic-5-production-deployment-checklist.md"
WORDS_SHA256 = "4fa61fd0bdb502dbe76432efa1fcc946a4aff5bd328562aad00df7e3c57b54ec"
"""Of every id with its text: an id never changes its meaning and is never used again."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def _words(texts: list[str]) -> list[str]:
    return [" ".join(text.replace("**", "").split()) for text in texts]


def test_there_are_171_items_in_the_checklists_own_words(catalogue: Catalogue) -> None:
    assert len(catalogue.items) == 171
    lines = "".join(f"{item.id} {item.text}\n" for item in catalogue.items)
    assert hashlib.sha256(lines.encode()).hexdigest() == WORDS_SHA256


@pytest.mark.skipif(not CHECKLIST.is_file(), reason="the checklist itself is not beside this checkout")
def test_words_sections_and_order_are_those_of_the_checklist(catalogue: Catalogue) -> None:
    document = CHECKLIST.read_text(encoding="utf-8")
    written = re.findall(r"^- \[ \] (.*)$", document, flags=re.MULTILINE)
    assert [item.text for item in catalogue.items] == _words(written)
    headings = {re.sub(r"^#+\W*", "", line).strip() for line in document.splitlines() if line[:2] == "##"}
    assert {part for item in catalogue.items for part in item.section} <= headings


def test_every_role_that_signs_owns_something(catalogue: Catalogue) -> None:
    assert {item.owner for item in catalogue.items} == set(ROLES)


def test_production_asks_for_no_less_than_any_other_environment(catalogue: Catalogue) -> None:
    for item in catalogue.items:
        for environment in ENVIRONMENTS:
            assert set(item.needs[environment]) <= set(item.needs["prod"]), item.id
            assert environment not in item.blocks or "prod" in item.blocks, item.id


def test_every_test_and_benchmark_that_is_named_exists(catalogue: Catalogue) -> None:
    benchmarks = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests/benchmarks").glob("*.py")
    )
    controls = [control for framework in catalogue.frameworks for control in framework.control]
    named = [text for each in (*catalogue.items, *controls) for text in each.R]
    assert any(text.startswith("test:") for text in named)
    for text in named:
        kind, _, name = text.partition(":")
        path, _, test = name.rpartition("::")
        if kind == "test":
            source = (ROOT / path.partition("::")[0]).read_text(encoding="utf-8")
            assert f"def {test}(" in source, text
        if kind == "bench":
            assert f"def {name}(" in benchmarks, text


def test_every_function_of_the_checklist_is_asked_for_by_name(catalogue: Catalogue) -> None:
    asked = {text for item in catalogue.items for text in item.R if text.startswith("function:")}
    assert asked == {f"function:{name}" for name in SETTINGS_BY_FUNCTION if name not in OPERATIONAL_FUNCTIONS}


def test_every_control_that_a_house_rule_or_a_probe_names_is_one_of_a_framework(catalogue: Catalogue) -> None:
    known = {
        f"{framework.prefix} {name}"
        for framework in catalogue.frameworks
        for control in framework.control
        for name in (control.id, *control.named)
    }
    assert {name for rule in rules() for name in rule.controls} <= known
    assert {name for probe in PROBES for name in probe.controls} <= known


def test_every_house_rule_proves_something(catalogue: Catalogue) -> None:
    subjects: list[Any] = [*catalogue.items]
    subjects += [control for framework in catalogue.frameworks for control in framework.control]
    proving = {ref.name for each in subjects for ref in catalogue.references(each, Level.TEMPLATE)}
    assert {rule.rule_id for rule in rules()} <= proving


def test_every_probe_proves_something_and_every_probe_that_is_named_exists(catalogue: Catalogue) -> None:
    controls = [control for framework in catalogue.frameworks for control in framework.control]
    by_items = {ref.name for each in catalogue.items for ref in catalogue.references(each, Level.LIVE)}
    by_controls = {ref.name for each in controls for ref in catalogue.references(each, Level.LIVE)}
    probes = {probe.name for probe in PROBES}
    assert {
        text for each in (*catalogue.items, *controls) for text in each.L if text.startswith("probe:")
    } <= {probe.proof_id for probe in PROBES}
    assert probes <= by_items | by_controls
    assert probes - by_items == {"budget", "configuration-history"}, "these prove controls only"


def test_a_probe_proves_the_controls_that_it_names(catalogue: Catalogue) -> None:
    (logs,) = (each for each in catalogue.framework("pci-dss").control if each.id.startswith("10.2.1"))
    found = {str(ref) for ref in catalogue.references(logs, Level.LIVE)}
    assert {"probe:trail", "probe:api-access-logs", "probe:function-logs"} <= found
    assert not any(ref.kind == "rule" for ref in catalogue.references(logs, Level.LIVE))


def test_every_level_of_a_control_has_a_proof_or_is_a_persons(catalogue: Catalogue) -> None:
    by_people = 0
    for framework in catalogue.frameworks:
        for control in framework.control:
            for level in control.required:
                assert catalogue.references(control, level), (framework.slug, control.id, level)
            assert not control.people or control.P, "a record stands for it"
            by_people += len(control.people)
    assert by_people == 19


def test_the_levels_are_those_of_the_mapping(catalogue: Catalogue) -> None:
    """What people stand for is not taken out of what the framework asks."""
    for framework in catalogue.frameworks:
        for control in framework.control:
            stated = {level.value for level in control.required} | set(control.people)
            assert stated - set(control.levels) <= {"P"}
            assert set(control.levels) <= stated


def test_the_frameworks_have_every_row_once(catalogue: Catalogue) -> None:
    assert {each.slug: len(each.control) for each in catalogue.frameworks} == {
        "cert-in": 1,
        "gdpr": 23,
        "pci-dss": 73,
        "rbi": 1,
        "sox": 23,
    }


ITEM: dict[str, Any] = {
    "id": "HC-001",
    "section": ["Part", "Section"],
    "text": "It works",
    "owner": ROLES[0],
    "needs": dict.fromkeys(ENVIRONMENTS, "T"),
    "T": ["rule:HASIVU-S3-1"],
}
RECORD = {"title": "Record", "asks": "What happened.", "roles": [ROLES[0]], "valid_days": 30}
FRAMEWORK = {
    "slug": "house",
    "name": "House",
    "prefix": "HOUSE",
    "source": "the house",
    "control": [{"id": "1", "meaning": "It is so", "levels": "T", "T": ["rule:HASIVU-S3-1"]}],
}


PLAIN: dict[str, Any] = {"id": "1", "meaning": "It is so", "levels": "T", "T": ["rule:HASIVU-S3-1"]}


def toml(value: Any) -> str:
    """A value as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{ " + ", ".join(f'"{key}" = {toml(inner)}' for key, inner in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(toml(inner) for inner in value) + "]"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def document(entries: Mapping[str, Any]) -> str:
    """A TOML document of these keys."""
    return "".join(f"{key} = {toml(value)}\n" for key, value in entries.items())


def written(folder: Path, *, items: list[dict[str, Any]], records: Any = None, framework: Any = None) -> Path:
    """A catalogue's folder with this in it."""
    for name in ("items", "frameworks"):
        (folder / name).mkdir(parents=True)
    (folder / "items" / "1.toml").write_text(document({"item": items}), encoding="utf-8")
    (folder / "records.toml").write_text(document(records or {"uat": RECORD}), encoding="utf-8")
    (folder / "frameworks" / "1.toml").write_text(document(framework or FRAMEWORK), encoding="utf-8")
    return folder


def test_a_sound_catalogue_is_read(tmp_path: Path) -> None:
    catalogue = load(written(tmp_path, items=[ITEM]))
    assert [item.id for item in catalogue.items] == ["HC-001"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "HC-002"}, "not numbered from HC-001"),
        ({"id": "STO-1"}, "no id of an item"),
        ({"owner": "The Intern"}, "none of the nine roles"),
        ({"needs": {"prod": "T"}}, "each of sandbox, dev, staging, prod"),
        ({"needs": dict.fromkeys(ENVIRONMENTS, "X")}, "no levels"),
        ({"needs": dict.fromkeys(ENVIRONMENTS, "")}, "no levels"),
        ({"needs": dict.fromkeys(ENVIRONMENTS, "TL")}, "needs level L, and nothing"),
        ({"blocks": ["moon"]}, "'moon' is no environment"),
        ({"not_where": {"moon": "embedded"}}, "'moon' is no environment"),
        ({"not_where": {"prod": "on-sundays"}}, "no predicate"),
        ({"T": ["faith:strong"]}, "no known kind of proof"),
        ({"T": ["HASIVU-S3-1"]}, "no known kind of proof"),
        ({"T": ["rule:HASIVU-XXX-1"]}, "names nothing that is known"),
        ({"T": ["rule:S3-1"]}, "does not name a rule"),
        ({"T": ["rules:HASIVU-XXX"]}, "names nothing that is known"),
        ({"T": ["gate:open"]}, "does not name a gate"),
        ({"T": ["record:uat"]}, "no proof of level T"),
        ({"P": ["record:nobody-knows"]}, "names nothing that is known"),
        ({"R": ["function:coffee-machine"]}, "names nothing that is known"),
        ({"R": ["run:for-fun"]}, "does not name a run"),
        ({"R": ["test:tests/test_x.py"]}, "does not name a test"),
        ({"T": ["framework:house/R"]}, "no proof of level T"),
        ({"T": ["framework:nowhere/T"]}, "names nothing that is known"),
        ({"L": ["probe:crystal-ball"]}, "names nothing that is known"),
        ({"colour": "red"}, "colour"),
        ({"text": 7}, "text"),
    ],
)
def test_a_mistake_in_an_item_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(HasivuError) as refused:
        load(written(tmp_path, items=[ITEM | change]))
    assert refused.value.code == "CATALOGUE_INVALID"
    assert said in refused.value.detail


def test_an_id_that_is_there_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(HasivuError) as refused:
        load(written(tmp_path, items=[ITEM, ITEM]))
    assert "HC-001 is there 2 times" in refused.value.detail


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(HasivuError, match="2 mistakes") as refused:
        load(written(tmp_path, items=[ITEM | {"owner": "Nobody", "T": ["gate:open"]}]))
    assert len(refused.value.detail.splitlines()) == 2


def test_no_items_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(HasivuError, match="not numbered"):
        load(written(tmp_path, items=[]))


@pytest.mark.parametrize("content", ["item = [", "\x00", "item = 3"])
def test_what_is_no_toml_is_named(tmp_path: Path, content: str) -> None:
    folder = written(tmp_path, items=[ITEM])
    (folder / "items" / "2.toml").write_text(content, encoding="utf-8")
    with pytest.raises(HasivuError) as refused:
        load(folder)
    assert "2.toml" in refused.value.detail


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"roles": ["The Intern"]}, "none of the nine roles"),
        ({"roles": []}, "roles"),
        ({"valid_days": 4000}, "valid_days"),
        ({"least": {"share": "much"}}, "least.share"),
    ],
)
def test_a_mistake_in_a_record_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(HasivuError) as refused:
        load(written(tmp_path, items=[ITEM], records={"uat": RECORD | change}))
    assert said in refused.value.detail


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"control": []}, "control"),
        ({"control": FRAMEWORK["control"] * 2}, "house 1: the id is there 2 times"),  # type: ignore[operator]
        ({"control": [{"id": "1", "meaning": "so", "levels": "X"}]}, "levels"),
        (
            {"control": [{"id": "1", "meaning": "so", "levels": "T", "T": ["gate:open"]}]},
            "does not name a gate",
        ),
        ({"slug": "A B"}, "slug"),
        ({"control": [PLAIN | {"levels": "TR"}]}, "nothing is named that proves level R"),
        ({"control": [PLAIN | {"levels": "T", "T": []}]}, "nothing is named that proves level T"),
        ({"control": [PLAIN | {"people": {"T": "By hand."}}]}, "said to be a person's, and has a proof"),
        (
            {"control": [PLAIN | {"levels": "TR", "people": {"R": "By hand."}}]},
            "nothing is named that proves level P",
        ),
        (
            {"control": [PLAIN | {"levels": "TR", "people": {"R": ""}, "P": ["record:uat"]}]},
            "level R is none that people could answer for",
        ),
        (
            {"control": [PLAIN | {"people": {"L": "By hand."}, "P": ["record:uat"]}]},
            "level L is none that people could answer for",
        ),
    ],
)
def test_a_mistake_in_a_framework_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(HasivuError) as refused:
        load(written(tmp_path, items=[ITEM], framework=FRAMEWORK | change))
    assert said in refused.value.detail


def test_adding_a_framework_is_adding_a_file(tmp_path: Path) -> None:
    added = tmp_path / "iso.toml"
    control = {"id": "8.24", "meaning": "Cryptography is used by rule", "levels": "T", "named": ["CRYPTO"]}
    rows = FRAMEWORK | {"slug": "iso", "name": "ISO", "prefix": "PCI DSS", "control": [control]}
    added.write_text(document(rows | {"control": [control | {"named": ["3.7.1"]}]}), encoding="utf-8")

    catalogue = load(written(tmp_path / "catalogue", items=[ITEM]), frameworks=[added])

    (cryptography,) = catalogue.framework("iso").control
    proofs = catalogue.references(cryptography, Level.TEMPLATE)
    assert {ref.name for ref in proofs} == {r.rule_id for r in rules() if "PCI DSS 3.7.1" in r.controls}


def test_a_framework_that_is_there_twice_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path, items=[ITEM])
    with pytest.raises(HasivuError, match="there 2 times"):
        load(folder, frameworks=[folder / "frameworks" / "1.toml"])


def test_every_predicate_is_used_and_says_why(catalogue: Catalogue) -> None:
    used = {predicate for item in catalogue.items for predicate in item.not_where.values()}
    assert used == set(REASONS)
