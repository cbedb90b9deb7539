"""What parts of a captured payment are worth in the books: pure rules, exact for payments of INR.

A part of a payment in another currency is worth its share of what the capture was booked with, rounded down,
whatever else goes back and in which order. What the rounding leaves over goes with the part that completes
the payment, so that of a payment that went back whole nothing stays behind.
"""

from collections.abc import Iterable

from runtime.payments.refunds.model import RefundBook


def share_paise(book: RefundBook, amount_minor: int) -> int:
    """The paise of the capture that ``amount_minor`` (minor units of the payment, >= 0) is a share of.

    Raises ValueError while the capture is not in the books.
    """
    if not book.captured_base_paise or not book.captured_paise:
        raise ValueError("a capture that is not booked has no shares")
    return book.captured_base_paise * amount_minor // book.captured_paise


def rest_paise(book: RefundBook, gone_minor: Iterable[int]) -> int:
    """What rounding has left of a capture whose parts have all gone; 0 while they have not. Never negative,
    and less than there are parts."""
    parts = tuple(gone_minor)
    if sum(parts) != book.captured_paise:
        return 0
    return book.captured_base_paise - sum(share_paise(book, part) for part in parts)
