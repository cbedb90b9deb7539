"""Ids as Razorpay gives them: a prefix and 14 case-sensitive alphanumerics. The same seed, the same ids."""

import hashlib
import string

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LENGTH = 14


class IdSource:
    """Deterministic under a seed; `drawn` is how many were given, so that a restart goes on, not back."""

    def __init__(self, seed: str, drawn: int = 0) -> None:
        self.seed = seed
        self.drawn = drawn

    def bare(self) -> str:
        """14 alphanumerics without a prefix."""
        return self._draw(ALPHABET, LENGTH)

    def new(self, prefix: str) -> str:
        """`{prefix}_` and 14 alphanumerics, e.g. `order_` for an order."""
        return f"{prefix}_{self.bare()}"

    def digits(self, length: int) -> str:
        """A bank's reference number (RRN, authorisation code)."""
        return self._draw(string.digits, length)

    def upper(self, length: int) -> str:
        """A reference in digits and capitals (UPI transaction id, UTR)."""
        return self._draw(string.digits + string.ascii_uppercase, length)

    def _draw(self, alphabet: str, length: int) -> str:
        self.drawn += 1
        digest = hashlib.sha256(f"{self.seed}:{self.drawn}".encode()).digest()
        number = int.from_bytes(digest, "big")
        drawn = []
        for _ in range(length):
            number, index = divmod(number, len(alphabet))
            drawn.append(alphabet[index])
        return "".join(drawn)
