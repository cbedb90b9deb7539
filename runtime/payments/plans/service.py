"""The order of things for instalment plans: look ahead, agree, look at, ask what a prepayment would do."""

from dataclasses import dataclass

from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.model import LineKind, Plan, Receipt
from runtime.payments.instalments.prepayment import prepay
from runtime.payments.instalments.standing import standing
from runtime.payments.plans import events
from runtime.payments.plans.contracts import (
    AskPrepayment,
    CreateInstalmentPlan,
    InstalmentPlanPage,
    InstalmentPlanPreview,
    InstalmentPlanTerms,
    InstalmentPlanView,
    ListInstalmentPlans,
    PrepaymentQuote,
    line_views,
    plan_summary,
    plan_view,
    preview_view,
)
from runtime.payments.plans.model import AgreedPlan
from runtime.payments.plans.terms import plan_of, problem_of
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.refusal import Refused
from runtime.payments.tenancy import Tenancy
from runtime.payments.visibility import may_see
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    PLAN_NOT_FOUND,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id

CURRENCY = "INR"
LEASE_MARGIN_S = 1
QUOTED = "pmt_quoted"
"""The name of a payment that is only thought of."""


@dataclass(frozen=True, slots=True)
class PlanService:
    """Instalment plans as callers use them. What is paid is told by payments, never by a caller."""

    recorder: PaymentRecorder
    idempotency: IdempotencyStore
    tenancy: Tenancy
    clock: Clock
    ids: Ids

    def preview(self, terms: InstalmentPlanTerms) -> InstalmentPlanPreview:
        """What a plan would ask for. Raises the problems of :func:`plan_of`."""
        now = self.clock.now()
        return preview_view(plan_of(terms, business_date(now)), now)

    def create(
        self,
        principal: Principal,
        asked: CreateInstalmentPlan,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Agree on a plan; one per Idempotency-Key, whatever happens in between."""
        request_fingerprint = fingerprint("instalments.create", asked.model_dump(mode="json"))
        now = self.clock.now()
        try:
            self.tenancy.check_open(principal, asked.school_id)
            plan = plan_of(asked, business_date(now))
        except Problem:
            # The school or the day may have changed since; the answer does not.
            earlier = self.idempotency.answered(
                principal_id=principal.principal_id, key=key, request_fingerprint=request_fingerprint
            )
            if earlier is None:
                raise
            return earlier
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=request_fingerprint,
            resource_id=self.ids.new("pln"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        wanted = AgreedPlan(
            plan_id=claim.resource_id,
            school_id=asked.school_id,
            payer_id=asked.payer_id,
            currency=CURRENCY,
            description=asked.description,
            reference=asked.reference,
            plan=plan,
            created_at=iso(now),
            updated_at=iso(now),
        )
        line = AuditLine(
            actor_id=principal.principal_id,
            action="instalments.create",
            subject=wanted.plan_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=wanted.school_id,
            details={"principal_paise": plan.principal_paise, "kind": plan.kind.value},
        )
        return self._kept(wanted, claim, line)

    def get(self, principal: Principal, plan_id: str) -> InstalmentPlanView:
        """One plan as it stands now. Raises Problem ``instalment-plan-not-found`` also for what the caller
        may not see."""
        return plan_view(self._visible(principal, plan_id), self.clock.now())

    def list(self, principal: Principal, asked: ListInstalmentPlans) -> InstalmentPlanPage:
        """Plans, newest first: a parent's own, or those of a school that the caller belongs to."""
        plans = self.recorder.repository.plans
        if principal.is_only_parent:
            found, cursor = plans.list_by_payer(
                principal.principal_id, limit=asked.limit, cursor=asked.cursor
            )
        else:
            school_id = self.tenancy.school_of(principal, asked.school_id)
            found, cursor = plans.list_by_school(school_id, limit=asked.limit, cursor=asked.cursor)
        now = self.clock.now()
        return InstalmentPlanPage(items=[plan_summary(agreed, now) for agreed in found], next_cursor=cursor)

    def quote(self, principal: Principal, plan_id: str, asked: AskPrepayment) -> PrepaymentQuote:
        """What a payment of today would leave of the plan. Nothing changes.

        Raises Problem ``instalment-plan-not-found``, ``instalment-nothing-to-prepay`` and
        ``instalment-payments-too-many``.
        """
        plan, now = self._visible(principal, plan_id).plan, self.clock.now()
        receipt = Receipt(payment_id=QUOTED, amount_paise=asked.amount_paise, received_at=now)
        effect = Effect(asked.effect)
        try:
            after = prepay(plan, receipt, effect)
        except Refused as refused:
            raise problem_of(refused) from None
        left = standing(after, now)
        return PrepaymentQuote(
            plan_id=plan_id,
            amount_paise=asked.amount_paise,
            effect=effect,
            prepaid_paise=_prepaid_paise(after) - _prepaid_paise(plan),
            interest_saved_paise=plan.interest_paise - after.interest_paise,
            outstanding_paise=left.outstanding_paise,
            excess_paise=left.excess_paise,
            lines=line_views(after, now),
        )

    def _kept(self, wanted: AgreedPlan, claim: Claim, line: AuditLine) -> StoredAnswer:
        """Write the plan, its audit line, its event and the answer, together."""
        book, now = self.recorder.plans, self.clock.now()
        answer = StoredAnswer(201, plan_view(wanted, now).model_dump(mode="json"))
        transaction = Transaction(book.client)
        stored = book.plans.put_in(transaction, wanted, now)
        book.audit.append_in(transaction, line)
        book.outbox.add_in(transaction, events.plan_event(events.AGREED, stored, stored.plan_id, now))
        self.idempotency.answer_in(transaction, claim, answer)
        try:
            transaction.commit()
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(CONCURRENT_CHANGE, "The plan was made meanwhile.", retry_after_s=1) from None
        return answer

    def _visible(self, principal: Principal, plan_id: str) -> AgreedPlan:
        """The plan if the caller may see it. What it may not see does not exist for it."""
        agreed = self.recorder.repository.plans.get(plan_id) if is_id(plan_id, "pln") else None
        if agreed is None or not may_see(principal, payer_id=agreed.payer_id, school_id=agreed.school_id):
            raise Problem(PLAN_NOT_FOUND, "No instalment plan of yours has that identifier.")
        return agreed


def _prepaid_paise(plan: Plan) -> int:
    """The principal that was brought forward."""
    return sum(line.principal_paise for line in plan.instalments if line.kind is LineKind.PREPAYMENT)
