"""The records of a CSV, line by line, so that one wrong quote does not swallow the rest of the file."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

_LINES_MAX: Final = 12
"""A record runs over at most so many lines."""


def records(lines: Iterable[str], *, first_line_no: int = 1) -> Iterator[tuple[int, str | None]]:
    """The records with the numbers of their first lines; a quoted cell may run over several lines.

    None stands for a line whose quote does not close within a few lines; the lines after it are read anew.
    ``lines`` come without their line breaks.
    """
    source = iter(lines)
    again: deque[str] = deque()
    line_no = first_line_no
    while True:
        line = again.popleft() if again else next(source, None)
        if line is None:
            return
        if line.count('"') % 2 == 0:
            yield line_no, line
            line_no += 1
            continue
        taken, closed = [line], False
        while not closed and len(taken) < _LINES_MAX:
            following = again.popleft() if again else next(source, None)
            if following is None:
                break
            taken.append(following)
            closed = following.count('"') % 2 == 1
        if closed:
            yield line_no, "\n".join(taken)
            line_no += len(taken)
        else:
            yield line_no, None
            line_no += 1
            again.extendleft(reversed(taken[1:]))
