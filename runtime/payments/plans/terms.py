"""From what a caller asks for to a plan: pure rules."""

from datetime import date, datetime

from runtime.payments.contracts import AMOUNT_MIN_PAISE, CreatePayment
from runtime.payments.instalments.due_dates import DueDays
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import Plan
from runtime.payments.instalments.prepayment import foreclosure
from runtime.payments.instalments.rules import Part, custom_plan, emi_plan, equal_plan
from runtime.payments.instalments.standing import standing
from runtime.payments.plans.contracts import InstalmentPlanTerms, Spread
from runtime.payments.plans.model import AgreedPlan
from runtime.payments.refusal import Refused
from runtime.platform.errors import BODY_INVALID, CATALOGUE, PLAN_MISMATCH, FieldError, Problem

_NEEDED = {
    Spread.EQUAL: {"count", "first_due_on"},
    Spread.EMI: {"count", "first_due_on", "annual_rate_bps"},
    Spread.CUSTOM: {"parts"},
}
_ALLOWED = {
    Spread.EQUAL: {"count", "first_due_on", "anchor_day"},
    Spread.EMI: {"count", "first_due_on", "anchor_day", "annual_rate_bps"},
    Spread.CUSTOM: {"parts"},
}
_OPTIONAL = ("count", "annual_rate_bps", "first_due_on", "anchor_day", "parts")


def plan_of(terms: InstalmentPlanTerms, today: date) -> Plan:
    """The plan that ``terms`` ask for. No instalment is smaller than what can be paid, and none was due
    before ``today`` (in India).

    Raises Problem ``body-invalid`` where terms are missing or do not belong to the kind, and the codes of
    :class:`~runtime.payments.instalments.errors.InstalmentCode`.
    """
    _check_given(terms)
    try:
        plan = _made(terms)
        if min(line.due_on for line in plan.instalments) < today:
            raise Refused(InstalmentCode.DUE_DATE_INVALID, "No instalment may be due before today.")
    except Refused as refused:
        raise problem_of(refused) from None
    return plan


def check_payment(asked: CreatePayment, payer_id: str, agreed: AgreedPlan | None, at: datetime) -> None:
    """Refuse a payment that does not belong to the plan it names (``agreed``; None where there is no such
    plan), or that is more than the plan can still take.

    Raises Problem ``instalment-plan-mismatch``.
    """
    if asked.plan_id is None:
        if asked.prepayment is None:
            return
        raise _mismatch("/prepayment", "only with plan_id")
    parties = (asked.school_id, payer_id, asked.currency)
    if agreed is None or (agreed.school_id, agreed.payer_id, agreed.currency) != parties:
        raise _mismatch("/plan_id", "a plan of this payer at this school, in this currency")
    if asked.prepayment is None:
        most_paise = standing(agreed.plan, at).outstanding_paise
    else:
        most_paise = foreclosure(agreed.plan, at).amount_paise
    if asked.amount_paise > most_paise:
        raise _mismatch("/amount_paise", f"at most {most_paise} paise are left to be paid")


def _mismatch(pointer: str, reason: str) -> Problem:
    return Problem(
        PLAN_MISMATCH, "The plan cannot receive this payment.", errors=[FieldError(pointer, reason)]
    )


def problem_of(refused: Refused) -> Problem:
    """The problem that a refusal by the rules of instalments is."""
    return Problem(CATALOGUE.kinds[refused.code], refused.reason)


def _check_given(terms: InstalmentPlanTerms) -> None:
    given = {name for name in _OPTIONAL if getattr(terms, name) not in (None, [])}
    errors = [
        FieldError(f"/{name}", f"required for a plan of kind {terms.kind.value}")
        for name in sorted(_NEEDED[terms.kind] - given)
    ]
    errors += [
        FieldError(f"/{name}", f"means nothing for a plan of kind {terms.kind.value}")
        for name in sorted(given - _ALLOWED[terms.kind])
    ]
    if errors:
        raise Problem(BODY_INVALID, "The terms do not belong together.", errors=errors)


def _made(terms: InstalmentPlanTerms) -> Plan:
    if terms.kind is Spread.CUSTOM:
        parts = [Part(_day(part.due_on), part.amount_paise) for part in terms.parts]
        return custom_plan(terms.principal_paise, parts, least_paise=AMOUNT_MIN_PAISE)
    days = DueDays(_day(terms.first_due_on), terms.anchor_day)
    count = terms.count or 0
    if terms.kind is Spread.EQUAL:
        return equal_plan(terms.principal_paise, count, days, least_paise=AMOUNT_MIN_PAISE)
    return emi_plan(
        terms.principal_paise, terms.annual_rate_bps or 0, count, days, least_paise=AMOUNT_MIN_PAISE
    )


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise Refused(InstalmentCode.DUE_DATE_INVALID, "A due day is no day of the calendar.") from None
