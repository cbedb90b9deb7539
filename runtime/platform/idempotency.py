"""Idempotency of calls that move money.

A caller gives an ``Idempotency-Key``. The first call with it claims the key together with the identifier of
what it is going to create, before anything happens outside. Same key and same request: the same answer again,
refusals too. Same key, other request: refused. While the first is still at work: told to wait. If the first
died, the next call takes the claim over once its lease has run out, with the same identifier, so that
whatever the first did outside is found again instead of done twice.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction, get_item, put_item_if, update_item_if
from runtime.platform.errors import (
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_REUSED,
    Problem,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_SHAPE = re.compile(r"[A-Za-z0-9_\-]{8,64}")
KEPT_FOR = timedelta(days=7)
"""Longer than any client repeats a call by itself."""

_IN_PROGRESS = "in_progress"
_COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was given: an HTTP ``status`` and a JSON ``body``."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out a request: ``resource_id`` is what it creates; ``resumed`` when an earlier call
    died."""

    record_key: str
    resource_id: str
    lease: str
    resumed: bool


def fingerprint(operation: str, request: Mapping[str, object]) -> str:
    """SHA-256 over the operation and the request in canonical JSON."""
    canonical = json.dumps([operation, request], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class IdempotencyStore:
    """Claims and answers, in the idempotency table."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def claim(
        self, *, principal_id: str, key: str | None, request_fingerprint: str, resource_id: str, lease_s: int
    ) -> Claim | StoredAnswer:
        """Claim ``key`` for the principal, or give the answer that it got before.

        ``lease_s``: after so many seconds without an answer the work is taken to have died; it must exceed
        the time that the work can still run. Raises Problem ``idempotency-key-missing``,
        ``idempotency-key-reused`` or ``idempotency-in-flight``.
        """
        if key is None or not KEY_SHAPE.fullmatch(key):
            raise Problem(IDEMPOTENCY_KEY_MISSING, "The header is required for this operation.")
        now = self._clock.now()
        record_key = f"{principal_id}#{key}"
        lease = iso(now + timedelta(seconds=lease_s))
        record: dict[str, object] = {
            "idempotency_key": record_key,
            "state": _IN_PROGRESS,
            "fingerprint": request_fingerprint,
            "resource_id": resource_id,
            "lease_until": lease,
            "claimed_at": iso(now),
            "expires_at": int((now + KEPT_FOR).timestamp()),
        }
        try:
            put_item_if(
                self._client,
                self._table,
                record,
                # A record past its expiry counts as gone even before DynamoDB has deleted it.
                condition="attribute_not_exists(idempotency_key) OR expires_at < :now",
                values={":now": int(now.timestamp())},
            )
        except ConditionFailed as refused:
            if refused.existing is None:
                raise
            if refused.existing != record:
                return self._meet(refused.existing, request_fingerprint, lease)
            # This very record: the put had arrived, its answer had not, and the SDK sent it again.
        return Claim(record_key, resource_id, lease, resumed=False)

    def answered(
        self, *, principal_id: str, key: str | None, request_fingerprint: str
    ) -> StoredAnswer | None:
        """The answer that the same request got before, or None. Nothing is claimed and nothing changes."""
        if key is None or not KEY_SHAPE.fullmatch(key):
            return None
        existing = get_item(self._client, self._table, {"idempotency_key": f"{principal_id}#{key}"})
        if existing is None or existing["state"] != _COMPLETED:
            return None
        expired = existing["expires_at"] < int(self._clock.now().timestamp())
        if expired or existing["fingerprint"] != request_fingerprint:
            return None
        return StoredAnswer(existing["status"], json.loads(existing["body"]))

    def hold_in(self, transaction: Transaction, claim: Claim) -> None:
        """Go on only while the claim is still this call's: together with what is promised before a call to
        the outside. The transaction fails (label ``idempotency``) once another call has taken it over."""
        transaction.update(
            "idempotency",
            self._table,
            {"idempotency_key": claim.record_key},
            expression="SET promised_at = :now",
            condition="lease_until = :lease AND #state = :in_progress",
            values={":now": iso(self._clock.now()), ":lease": claim.lease, ":in_progress": _IN_PROGRESS},
            names={"#state": "state"},
        )

    def answer_in(self, transaction: Transaction, claim: Claim, answer: StoredAnswer) -> None:
        """Keep ``answer`` together with the change that it reports."""
        transaction.update(
            "idempotency", self._table, {"idempotency_key": claim.record_key}, **_completion(claim, answer)
        )

    def answer(self, claim: Claim, answer: StoredAnswer) -> None:
        """Keep ``answer`` of a request that changed nothing."""
        update_item_if(
            self._client, self._table, {"idempotency_key": claim.record_key}, **_completion(claim, answer)
        )

    def release(self, claim: Claim) -> None:
        """Let the next call continue at once: the work stopped in a known place without an answer.

        Nothing happens where another call has taken the claim over: it is that one's to give back.
        """
        with suppress(ConditionFailed):
            update_item_if(
                self._client,
                self._table,
                {"idempotency_key": claim.record_key},
                expression="SET lease_until = :now",
                condition="lease_until = :lease",
                values={":now": iso(self._clock.now()), ":lease": claim.lease},
            )

    def _meet(
        self, existing: Mapping[str, Any], request_fingerprint: str, lease: str
    ) -> Claim | StoredAnswer:
        if existing["fingerprint"] != request_fingerprint:
            raise Problem(IDEMPOTENCY_KEY_REUSED, "The key stands for a request with other content.")
        if existing["state"] == _COMPLETED:
            return StoredAnswer(existing["status"], json.loads(existing["body"]))
        lease_left_s = (from_iso(existing["lease_until"]) - self._clock.now()).total_seconds()
        if lease_left_s > 0:
            raise self._in_flight(retry_after_s=int(lease_left_s) + 1)
        try:
            update_item_if(
                self._client,
                self._table,
                {"idempotency_key": existing["idempotency_key"]},
                expression="SET lease_until = :lease",
                condition="lease_until = :old AND #state = :in_progress",
                values={":lease": lease, ":old": existing["lease_until"], ":in_progress": _IN_PROGRESS},
                names={"#state": "state"},
            )
        except ConditionFailed:
            raise self._in_flight(retry_after_s=1) from None
        return Claim(existing["idempotency_key"], existing["resource_id"], lease, resumed=True)

    @staticmethod
    def _in_flight(retry_after_s: int) -> Problem:
        return Problem(
            IDEMPOTENCY_IN_FLIGHT,
            "The first request with this key has no answer yet.",
            retry_after_s=retry_after_s,
        )


def _completion(claim: Claim, answer: StoredAnswer) -> dict[str, Any]:
    return {
        "expression": "SET #state = :completed, #status = :status, body = :body",
        "condition": "lease_until = :lease AND #state = :in_progress",
        "values": {
            ":completed": _COMPLETED,
            ":in_progress": _IN_PROGRESS,
            ":status": answer.status,
            ":body": json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False),
            ":lease": claim.lease,
        },
        "names": {"#state": "state", "#status": "status"},
    }
