"""What people decided, laid over what was found."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from runtime.payments.reconciliation.model import CLOSED, Decision, Reason, Status

_FACTS_LENGTH: Final = 32
_ORDER: Final = (Status.VOID, Status.POSTED_MANUAL, Status.POSTED_FORCED, Status.ARCHIVED)
"""Where several decisions were made on the same facts, the later in this order stands."""

Verdict = tuple[Status, tuple[Reason, ...]]


def facts_digest(*facts: str) -> str:
    """32 hexadecimal digits that stand for all that was known of a matter."""
    return sha256("\x1f".join(facts).encode("utf-8", "surrogatepass")).hexdigest()[:_FACTS_LENGTH]


class Decisions:
    """Decisions by the matter and the facts on which they were made."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._by_group: dict[str, dict[str, Status]] = {}
        for decision in decisions:
            by_facts = self._by_group.setdefault(decision.group_id, {})
            known = by_facts.get(decision.facts, decision.outcome)
            by_facts[decision.facts] = max(known, decision.outcome, key=_ORDER.index)

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._by_group

    def apply(self, verdict: Verdict, group_id: str, facts: str) -> Verdict:
        """The verdict as a person left it.

        What closed by itself needs no decision but to archive it. A decision that was made on other facts is
        outdated, and the verdict says so.
        """
        by_facts = self._by_group.get(group_id)
        if by_facts is None:
            return verdict
        status, reasons = verdict
        outcome = by_facts.get(facts)
        if (status in CLOSED) != (outcome is Status.ARCHIVED):
            return verdict
        return (status, (*reasons, Reason.DECISION_OUTDATED)) if outcome is None else (outcome, reasons)
