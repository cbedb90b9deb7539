"""The audit trail: who did what to what, when, and how it ended. Appended, never changed.

A line stands in the same transaction as the change it describes. A refusal has no change, so its line is
written by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.dynamodb import Transaction, put_item_if
from runtime.platform.ids import Ids
from runtime.platform.telemetry import mask, mask_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ONLY_NEW = "attribute_not_exists(audit_id)"
SUBJECT_MAX = 200


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line: ``actor_id`` did ``action`` to ``subject``; ``code`` is the problem's code for a refusal."""

    actor_id: str
    action: str
    subject: str
    outcome: Outcome
    request_id: str
    school_id: str | None = None
    code: str | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)


class AuditTrail:
    """Appends lines to the audit table."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock, ids: Ids) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._ids = ids

    def append(self, line: AuditLine) -> None:
        """Write a line by itself; for what changed nothing."""
        put_item_if(self._client, self._table, self._item(line), condition=_ONLY_NEW)

    def append_in(self, transaction: Transaction, line: AuditLine) -> None:
        """Write a line together with the change that it describes."""
        transaction.put("audit", self._table, self._item(line), condition=_ONLY_NEW)

    def _item(self, line: AuditLine) -> dict[str, object]:
        now = self._clock.now()
        return {
            "day": business_date(now).isoformat(),
            "audit_id": self._ids.new("aud"),
            "at": iso(now),
            "actor_id": line.actor_id,
            "action": line.action,
            "subject": mask_text(line.subject)[:SUBJECT_MAX],
            "outcome": line.outcome.value,
            "request_id": line.request_id,
            "school_id": line.school_id,
            "code": line.code,
            "details": mask(dict(line.details)),
        }
