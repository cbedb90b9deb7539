"""Records of people: each way in which one does not count is a named status, never a pass, never a crash."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.catalogue import RecordKind, load
from checks.checklist.model import ProofResult, Status
from checks.evidence import attestations
from checks.release.roles import policy
from tests.checks.checklist.test_catalogue import document

TODAY = date(2026, 11, 25)
ASSEMBLY = "a" * 64
KIND = RecordKind(
    title="Acceptance of the reports",
    asks="Which reports were held against which numbers.",
    roles=("Product Owner", "Business Analyst"),
    valid_days=90,
    files_min=1,
    least={"reports": 3},
)
PROTOCOL = b"Report 1: as expected."


def said(**change: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "record": "uat-reports",
        "role": "Product Owner",
        "who": "The Product Owner",
        "on": TODAY - timedelta(days=5),
        "valid_until": TODAY + timedelta(days=30),
        "statement": "Three reports were held against the books of October.",
        "file": [{"path": "compliance/protocol.txt", "sha256": hashlib.sha256(PROTOCOL).hexdigest()}],
        "figures": {"reports": 3},
    } | change
    return {key: value for key, value in whole.items() if value is not None}


def proof(
    repository: Path, *entries: dict[str, Any] | str, kind: RecordKind = KIND, today: date = TODAY
) -> ProofResult:
    folder = repository / "compliance" / "records" / "prod"
    folder.mkdir(parents=True, exist_ok=True)
    (repository / "compliance" / "protocol.txt").write_bytes(PROTOCOL)
    for number, entry in enumerate(entries):
        name = "uat-reports.toml" if number == 0 else f"uat-reports-{number}.toml"
        text = entry if isinstance(entry, str) else document(entry)
        (folder / name).write_text(text, encoding="utf-8")
    records = attestations.read("prod", repository=repository)
    found, _ = attestations.prove(
        "uat-reports", kind, records, environment="prod", assembly_sha256=ASSEMBLY, today=today
    )
    return found


def test_nobody_vouched_yet(tmp_path: Path) -> None:
    found = proof(tmp_path)
    assert (found.status, found.looked_at) == (Status.MANUAL_PENDING, 0)
    assert "compliance/records/prod/uat-reports.toml" in found.remedy
    assert "Product Owner or Business Analyst" in found.remedy


def test_a_sound_record_attests_until_its_last_day(tmp_path: Path) -> None:
    found = proof(tmp_path, said())
    assert found.status is Status.ATTESTED
    assert "Product Owner vouched for it on 2026-11-20, until 2026-12-25" in found.observed
    assert "The Product Owner" not in found.model_dump_json(), "the person's name stays in the record"
    assert found.evidence == ("compliance/records/prod/uat-reports.toml", "compliance/protocol.txt")
    last = TODAY + timedelta(days=30)
    assert proof(tmp_path, said(), today=last).status is Status.ATTESTED
    assert proof(tmp_path, said(), today=last + timedelta(days=1)).status is Status.MANUAL_PENDING


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"valid_until": TODAY - timedelta(days=1)}, Status.MANUAL_PENDING, "it expired after 2026-11-24"),
        ({"every_days": 4}, Status.MANUAL_PENDING, "it is stale"),
        ({"every_days": 5}, Status.ATTESTED, "vouched"),
        ({"every_days": 0}, Status.ERROR, "malformed: every_days"),
        ({"every_days": 10**12}, Status.ATTESTED, "vouched"),
        ({"on": TODAY + timedelta(days=1)}, Status.ERROR, "yet to come"),
        ({"valid_until": TODAY + timedelta(days=300)}, Status.ERROR, "and may for 90 days"),
        ({"valid_until": TODAY - timedelta(days=9)}, Status.ERROR, "and may for 90 days"),
        ({"role": "The Intern"}, Status.ERROR, "may not vouch"),
        ({"role": "Security Officer"}, Status.ERROR, "may not vouch"),
        ({"assembly_sha256": ASSEMBLY}, Status.ATTESTED, "vouched"),
        ({"assembly_sha256": "b" * 64}, Status.NOT_EVALUATED, "about the assembly bbbbbbbbbbbb"),
        ({"file": None}, Status.ERROR, "rests on 0 files, and needs 1"),
        (
            {"file": [{"path": "compliance/none.txt", "sha256": ASSEMBLY}]},
            Status.ERROR,
            "none.txt is missing",
        ),
        ({"file": [{"path": "compliance/protocol.txt", "sha256": ASSEMBLY}]}, Status.ERROR, "was altered"),
        ({"file": [{"path": "../../etc/passwd", "sha256": ASSEMBLY}]}, Status.ERROR, "passwd is missing"),
        ({"file": [{"path": "a" * 300, "sha256": ASSEMBLY}]}, Status.ERROR, "is missing"),
        ({"figures": None}, Status.ERROR, "does not tell reports"),
        ({"figures": {"reports": 2}}, Status.FAILED, "reports is 2, not 3"),
        ({"figures": {"reports": 3.5}}, Status.ERROR, "malformed: figures.reports"),
        ({"figures": {"reports": True}}, Status.ERROR, "malformed: figures.reports"),
        ({"statement": "Fine."}, Status.ERROR, "malformed: statement"),
        ({"who": ""}, Status.ERROR, "malformed: who"),
        ({"on": "yesterday"}, Status.ERROR, "malformed: on"),
        ({"valid_until": None}, Status.ERROR, "malformed: valid_until"),
        ({"colour": "red"}, Status.ERROR, "malformed: colour"),
    ],
)
def test_a_record_that_does_not_count_says_why(
    tmp_path: Path, change: dict[str, Any], status: Status, words: str
) -> None:
    found = proof(tmp_path, said(**change))
    assert (found.status, words in found.observed) == (status, True), found.observed
    assert (found.remedy == "") is (status is Status.ATTESTED)
    assert str(tmp_path) not in found.model_dump_json()


@pytest.mark.parametrize(
    "text", ["record = [", "\x00\x01", "", "record = 'uat-reports'", f"record = {'[' * 5_000}"]
)
def test_what_is_no_record_is_an_error_of_the_one_that_it_is_named_after(tmp_path: Path, text: str) -> None:
    assert proof(tmp_path, text).status is Status.ERROR


def test_a_file_whose_name_no_system_takes_is_missing(tmp_path: Path) -> None:
    found = proof(tmp_path, document(said()).replace("protocol.txt", r"protocol\u0000.txt"))
    assert (found.status, "is missing" in found.observed) == (Status.ERROR, True)


def test_the_latest_counts_of_several(tmp_path: Path) -> None:
    older = said(on=TODAY - timedelta(days=20), figures={"reports": 1})
    assert proof(tmp_path, older, said()).status is Status.ATTESTED
    assert proof(tmp_path, said(), older).status is Status.ATTESTED
    worse = said(on=TODAY - timedelta(days=1), figures={"reports": 1})
    assert proof(tmp_path, said(), worse).status is Status.FAILED


def test_strays_are_told(tmp_path: Path) -> None:
    proof(tmp_path, said(record="tea-party"), "nonsense")
    strays = attestations.read("prod", repository=tmp_path).strays({"uat-reports": KIND})
    assert strays == (
        "compliance/records/prod/uat-reports-1.toml: no TOML",
        "compliance/records/prod/uat-reports.toml: there is no record 'tea-party'",
    )


RECORDS = load().records


def test_no_file_stands_for_a_signature_over_the_report(tmp_path: Path) -> None:
    signed = KIND.model_copy(update={"signed": True})
    pending = proof(tmp_path, kind=signed)
    assert pending.status is Status.MANUAL_PENDING
    assert "hasivu signoff" in pending.remedy
    found = proof(tmp_path, said(), kind=signed)
    assert (found.status, found.looked_at, found.evidence) == (Status.ERROR, 0, ())
    assert "no signature over the report" in found.observed
    assert {name for name, kind in RECORDS.items() if kind.signed} == {
        f"signoff-{role}" for role in policy().roles
    }


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kind in RECORDS.items() if not kind.signed]
)
def test_a_template_once_filled_in_attests(tmp_path: Path, name: str, kind: RecordKind) -> None:
    text = attestations.template(name, kind, today=TODAY)
    digest = hashlib.sha256(PROTOCOL).hexdigest()
    for empty, filled in (
        ('who = ""', 'who = "The one who did it"'),
        ('statement = ""', 'statement = "It was done, and it was found good."'),
        ('path = ""', 'path = "compliance/protocol.txt"'),
        ('sha256 = ""', f'sha256 = "{digest}"'),
        (" = 0 # at least", " = 1000 # at least"),
    ):
        text = text.replace(empty, filled)
    folder = tmp_path / "compliance" / "records" / "prod"
    folder.mkdir(parents=True)
    (tmp_path / "compliance" / "protocol.txt").write_bytes(PROTOCOL)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    found, _ = attestations.prove(
        name,
        kind,
        attestations.read("prod", repository=tmp_path),
        environment="prod",
        assembly_sha256=ASSEMBLY,
        today=TODAY,
    )
    assert found.status is Status.ATTESTED, found.observed


def test_a_template_as_it_is_attests_nothing(tmp_path: Path) -> None:
    assert proof(tmp_path, attestations.template("uat-reports", KIND, today=TODAY)).status is Status.ERROR
