"""How a plan that allows no debit is said to whoever asked for one."""

from collections.abc import Iterable

from runtime.payments.debits.model import Because, PlanRecord
from runtime.platform.errors import FieldError, Problem, ProblemType


def refused(kind: ProblemType, plan: PlanRecord) -> Problem:
    """The problem that names everything that forbids a debit; ``reason`` is the planner's stable code."""
    return Problem(
        kind,
        "A rule, the mandate or what is known of earlier attempts forbids it.",
        errors=_reasons(plan.because),
        extensions={"reason": plan.reason or plan.kind.value},
    )


def _reasons(because: Iterable[Because]) -> list[FieldError]:
    """One for each thing that decided. They point to the request as a whole."""
    return [FieldError("", f"{why.code}: {why.sentence} ({why.source})") for why in because]
