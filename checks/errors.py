"""What the `hasivu` command can fail with: one type, a stable code, and always a next step."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `hasivu` command.

    2 is left to the command line parser, which uses it for a wrong option or argument.
    """

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    TOOLCHAIN = 3
    BUILD = 4
    SANDBOX = 5
    CHANGES = 10
    BROADENING = 11
    DESTRUCTIVE = 12


class HasivuError(Exception):
    """A failure that a person can act on.

    `code` is stable and upper-case (`SANDBOX_BUSY`), `message` says what is wrong in one or two
    sentences, `next_step` says what to do about it, `detail` may carry output of the tool that failed.
    None of them ever holds a secret.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        next_step: str,
        exit_code: ExitCode,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step
        self.exit_code = exit_code
        self.detail = detail

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.message}"]
        if self.detail:
            lines.append(self.detail)
        lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)
