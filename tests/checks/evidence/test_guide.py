"""What docs/guides/checklist.md shows is what counts."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from checks.checklist.model import WaiverState
from checks.evidence import waivers
from checks.evidence.loads import FIELDS, LOADS
from checks.toolchain import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "guides" / "checklist.md").read_text(encoding="utf-8")


def test_the_waiver_that_it_shows_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)
    path = tmp_path / "compliance" / "waivers" / "prod.toml"
    path.parent.mkdir(parents=True)
    path.write_text(shown, encoding="utf-8")
    found = waivers.read("prod", frozenset({"HC-003"}), today=date(2026, 12, 1), repository=tmp_path)
    (waiver,) = found.written
    assert (waiver.state, waiver.fingerprint) == (WaiverState.IN_FORCE, waivers.NOTHING)
    assert str(waivers.LONGEST.days) in GUIDE


def test_the_load_test_that_it_records_is_one() -> None:
    (kind,) = re.findall(r"hasivu evidence add (load-\w+)", GUIDE)
    assert kind in LOADS
    assert all(f"`{field}`" in GUIDE for field in FIELDS)
