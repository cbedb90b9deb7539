"""The strings of the SSH protocol (RFC 4251, section 5), read strictly: nothing missing, nothing over."""

from __future__ import annotations

_LENGTH_BYTES = 4


def string(value: bytes) -> bytes:
    """``value`` with its length in front, as SSH writes it."""
    return len(value).to_bytes(_LENGTH_BYTES, "big") + value


def mpint(value: int) -> bytes:
    """A whole number ≥ 0 as SSH writes it: as short as it can be, its first bit never set."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


class WireReader:
    """Takes one thing after the other off ``document``. Error: ValueError where it is cut off or goes on."""

    def __init__(self, document: bytes) -> None:
        self._document = document
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        taken = self._document[self._at : self._at + length]
        if len(taken) != length:
            raise ValueError("it is cut off")
        self._at += length
        return taken

    def uint32(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(_LENGTH_BYTES), "big")

    def string(self) -> bytes:
        """The next string."""
        return self.take(self.uint32())

    def text(self) -> str:
        """The next string, which is ASCII."""
        return self.string().decode("ascii")

    def mpint(self) -> int:
        """The next whole number ≥ 0, in the one form that it may have."""
        raw = self.string()
        value = int.from_bytes(raw, "big")
        if mpint(value) != string(raw):
            raise ValueError("a number is negative or longer than it has to be")
        return value

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._document):
            raise ValueError("something follows it")
