"""Load tests: what they must reach, and what is no result of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from checks.checklist.model import Status
from checks.evidence.loads import FIELDS, judged
from checks.evidence.run_record import RunRecord, Seen

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SEEN = Seen(
    RunRecord(
        kind="load-stress",
        environment="staging",
        commit="c" * 40,
        source_sha256="a" * 64,
        began_at=AT,
        ended_at=AT,
        tool="k6",
        tool_version="",
        outcome="passed",
        whole=True,
        files=(),
    ),
    Status.PASSED,
    "run",
)
SOUND = {"concurrent_users": 400, "seconds": 1_800, "requests": 900_000, "failed": 0, "p99_ms": 180}


def test_a_load_that_is_carried_passes() -> None:
    assert judged("load-stress", SEEN, SOUND).status is Status.PASSED


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [-1, 1.0, True, "1", None, float("nan")])
def test_what_counts_nothing_is_an_error(field: str, value: Any) -> None:
    found = judged("load-stress", SEEN, SOUND | {field: value})
    assert found.status is Status.ERROR
    assert field in found.observed


def test_the_next_step_records_it_where_the_check_looks() -> None:
    missing = Seen(None, Status.NOT_EVALUATED, "no run of load-stress in staging is recorded")
    assert "hasivu evidence add load-stress FILE --env ENV" in judged("load-stress", missing, None).remedy
