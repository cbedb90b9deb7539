"""Money: integer minor units with a currency. No float ever touches it.

Rounding is half-up on the magnitude and named; what rounding leaves over is allocated by the
largest remainder, so that parts always add up to the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from runtime.platform.currencies import BOOKS_CURRENCY, currency

AMOUNT_MAX_PAISE = 10**12
"""Ten billion rupees: no amount above it is meant; it guards storage and arithmetic."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``amount`` minor units (paise for INR) of ``currency``; may be negative for a debit."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise TypeError("an amount is an integer number of minor units")
        currency(self.currency)
        if abs(self.amount) > AMOUNT_MAX_PAISE:
            raise ValueError("the amount is beyond every limit")

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be combined")


def round_half_up(value: Fraction) -> int:
    """The nearest integer; a half goes away from zero, so +2.5 is 3 and -2.5 is -3."""
    magnitude = abs(value)
    rounded = (magnitude.numerator * 2 + magnitude.denominator) // (magnitude.denominator * 2)
    return rounded if value >= 0 else -rounded


def percentage_paise(amount_paise: int, basis_points: int) -> int:
    """``basis_points`` hundredths of a per cent of ``amount_paise``, rounded half-up to a whole paisa."""
    return round_half_up(Fraction(amount_paise * basis_points, 10_000))


def allocate(amount_paise: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split ``amount_paise`` in proportion to ``weights``; the parts sum to it exactly.

    Every part gets its floor (by magnitude); the paise left over go one each to the largest
    remainders, the earlier part first where remainders tie. Raises ValueError for no weights, a
    negative weight, or weights that are all zero.
    """
    if not weights or any(weight < 0 for weight in weights):
        raise ValueError("weights must be given and must not be negative")
    total = sum(weights)
    if total == 0:
        raise ValueError("at least one weight must be positive")
    sign = -1 if amount_paise < 0 else 1
    magnitude = abs(amount_paise)
    shares = [magnitude * weight // total for weight in weights]
    remainders = [magnitude * weight % total for weight in weights]
    left_over = magnitude - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[:left_over]:
        shares[index] += 1
    return tuple(sign * share for share in shares)


def rupees(amount_paise: int) -> str:
    """``amount_paise`` for a person, with Indian digit grouping: 12345678 is ``₹1,23,456.78``."""
    sign = "-" if amount_paise < 0 else ""
    whole, paise = divmod(abs(amount_paise), 100)
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    groups: list[str] = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return f"{sign}₹{','.join([*groups, tail])}.{paise:02d}"


def written(money: Money) -> str:
    """``money`` for a person: ``₹1,23,456.78``, ``USD 1,234.50``, ``KWD 12.340``, ``JPY 1,500``."""
    if money.currency == BOOKS_CURRENCY:
        return rupees(money.amount)
    exponent = currency(money.currency).exponent
    whole, minor = divmod(abs(money.amount), 10**exponent)
    decimals = f".{minor:0{exponent}d}" if exponent else ""
    return f"{'-' if money.amount < 0 else ''}{money.currency} {whole:,}{decimals}"
