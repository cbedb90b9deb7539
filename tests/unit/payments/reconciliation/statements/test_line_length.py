"""A line of text that no bank writes is refused with the whole file; XML may be one line."""

import pytest

from runtime.payments.reconciliation.statements.encoding import text_lines
from runtime.payments.reconciliation.statements.model import LINE_LENGTH_MAX, FileFault, StatementRefused


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_the_line_is_named(line_break: str) -> None:
    with pytest.raises(StatementRefused) as refused:
        text_lines(f"first{line_break}{'a' * (LINE_LENGTH_MAX + 1)}{line_break}last")
    assert (refused.value.fault, refused.value.line_no) == (FileFault.LINE_TOO_LONG, 2)


def test_the_longest_line_is_read() -> None:
    assert text_lines("a" * LINE_LENGTH_MAX) == ["a" * LINE_LENGTH_MAX]
