"""An instalment plan as it is agreed between a school and a payer, and kept."""

from runtime.payments.instalments.model import Plan
from runtime.payments.model import Frozen


class AgreedPlan(Frozen):
    """A plan with its parties. ``plan`` holds what was agreed, what was paid, what was given back; where it
    stands follows from that. ``version`` counts its changes, for optimistic locking; 0 is not stored yet."""

    plan_id: str
    school_id: str
    payer_id: str
    currency: str
    description: str
    reference: str | None = None
    plan: Plan
    created_at: str
    updated_at: str
    version: int = 0
