"""Results of load tests, which run elsewhere against an environment: their form, and what they must reach.

A result is JSON of whole numbers: ``concurrent_users``, ``seconds``, ``requests``, ``failed``, ``p99_ms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from checks.checklist.model import Level, ProofResult, Status
from checks.checklist.wording import line
from checks.evidence.run_record import Seen

FIELDS: Final = ("concurrent_users", "seconds", "requests", "failed", "p99_ms")


@dataclass(frozen=True, slots=True)
class Load:
    """What a kind of load test must reach."""

    title: str
    users_min: int
    seconds_min: int
    p99_max_ms: int = 2_000
    failed_max_per_mille: int = 10


LOADS: Final[Mapping[str, Load]] = {
    "load-concurrent-users": Load("A thousand people at once are served", 1_000, 600),
    "load-expected": Load("The expected traffic is served for half an hour", 200, 1_800),
    "load-stress": Load("Twice the expected traffic is served for half an hour", 400, 1_800),
    "load-spike": Load("A burst of five times the expected traffic is served", 1_000, 60),
    "load-endurance": Load("The expected traffic is served for a day", 200, 86_400),
}


def judged(name: str, seen: Seen, document: Any) -> ProofResult:
    """The proof of a load test from its recorded result."""
    load = LOADS[name]
    remedy = f"Run it against the environment, and record it: `hasivu evidence add {name} FILE --env ENV`."
    if seen.record is None:
        return _proof(name, seen.status, seen.reason, remedy, seen, 0)
    if not isinstance(document, Mapping) or not all(_is_count(document.get(key)) for key in FIELDS):
        reason = f"its result has not the fields {', '.join(FIELDS)}, each a whole number from 0"
        return _proof(name, Status.ERROR, reason, remedy, seen, 0)
    requests, failed = document["requests"], document["failed"]
    short = [
        text
        for wrong, text in (
            (document["concurrent_users"] < load.users_min, f"fewer than {load.users_min} users"),
            (document["seconds"] < load.seconds_min, f"less than {load.seconds_min} s"),
            (document["p99_ms"] >= load.p99_max_ms, f"p99 {document['p99_ms']} ms"),
            (failed * 1000 > load.failed_max_per_mille * requests, f"{failed} of {requests} failed"),
        )
        if wrong
    ]
    observed = (
        f"{document['concurrent_users']} users, {document['seconds']} s, {requests} requests, "
        f"{failed} failed, p99 {document['p99_ms']} ms"
    )
    if requests <= 0:
        return _proof(name, Status.NOT_EVALUATED, "no request was made", remedy, seen, 0)
    if short:
        return _proof(name, Status.FAILED, f"{'; '.join(short)} ({observed})", remedy, seen, requests)
    return _proof(name, Status.PASSED, observed, "", seen, requests)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _proof(name: str, status: Status, observed: str, remedy: str, seen: Seen, looked_at: int) -> ProofResult:
    load = LOADS[name]
    return ProofResult(
        proof_id=f"run:{name}",
        level=Level.RUN,
        title=line(load.title),
        status=status,
        expected=line(
            f"{load.users_min} users for {load.seconds_min} s, p99 below {load.p99_max_ms} ms, "
            f"at most {load.failed_max_per_mille} of 1000 failed"
        ),
        observed=line(observed),
        looked_at=looked_at,
        evidence=tuple(each.path for each in seen.evidence),
        remedy=line(remedy),
    )
