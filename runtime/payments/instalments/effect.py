"""What a prepayment makes smaller."""

from enum import StrEnum


class Effect(StrEnum):
    """What a prepayment makes smaller: how long the plan runs, or every coming instalment."""

    REDUCE_TENURE = "reduce_tenure"
    REDUCE_INSTALMENT = "reduce_instalment"
