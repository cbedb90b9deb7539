"""What the next checkpoint is: pure rules over the one before and the lines that came since."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from runtime.platform.canonical_json import canonical
from runtime.platform.clock import business_date, iso
from runtime.platform.ids import least
from runtime.sealing.merkle import Frontier
from runtime.sealing.model import Checkpoint, Sealed

SETTLES_AFTER = timedelta(minutes=5)
"""A line is sealed once it is this old: by then every function that could write an older one is over."""

DAYS_BACK = 2
"""The day before may still get lines for as long as they settle; one more stands for a clock that is off."""


def days_to_read(now: datetime) -> list[date]:
    """The days in India whose lines may not all be sealed yet, oldest first."""
    last = business_date(now - SETTLES_AFTER)
    return [last - timedelta(days=back) for back in range(DAYS_BACK, -1, -1)]


def first_unsettled(now: datetime) -> str:
    """The least identifier of a line that is too young to be sealed."""
    return least("aud", now - SETTLES_AFTER)


def lines_object(lines: Sequence[Mapping[str, Any]]) -> tuple[list[bytes], bytes]:
    """The records of ``lines`` (leaves of the tree) and the object that holds them."""
    records = [canonical(line) for line in lines]
    return records, b"".join(record + b"\n" for record in records)


def next_checkpoint(
    previous: Checkpoint | None, log: str, lines: Sequence[Mapping[str, Any]], now: datetime
) -> Checkpoint:
    """The checkpoint that adds ``lines``, oldest first, to ``previous``; without lines it says that there
    were none."""
    records, kept = lines_object(lines)
    tree = (Frontier() if previous is None else previous.tree).append(records)
    oldest = days_to_read(now)[0].isoformat()
    until = {} if previous is None else {day: last for day, last in previous.until.items() if day >= oldest}
    for line in lines:
        day, audit_id = str(line["day"]), str(line["audit_id"])
        until[day] = max(until.get(day, ""), audit_id)
    return Checkpoint(
        log=log,
        sequence=0 if previous is None else previous.sequence + 1,
        size=tree.size,
        root=tree.root.hex(),
        frontier=tuple(root.hex() for root in tree.roots),
        previous=None if previous is None else previous.digest,
        sealed_at=iso(now),
        until=until,
        lines=Sealed(sha256=hashlib.sha256(kept).hexdigest(), count=len(records)) if records else None,
    )
