"""What a rule of money says no with: a stable code for programs and a reason for people."""


class Refused(ValueError):
    """A rule does not allow what was asked.

    ``code`` never changes its meaning; ``reason`` says what to change. Neither repeats an identifier or a
    personal datum.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = str(code)
        self.reason = reason


def require_whole(value: object, low: int, high: int, *, code: str, name: str) -> None:
    """Raise Refused with ``code`` unless ``value`` is an integer from ``low`` to ``high``.

    A float, a bool or a text is refused even where it looks like a whole number: money has no other type.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(code, f"The {name} must be a whole number.")
    if not low <= value <= high:
        raise Refused(code, f"The {name} must be from {low} to {high}.")
