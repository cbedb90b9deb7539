"""The history is appended to and never changed; a torn line costs that line only."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.checklist.model import Status
from checks.report import history
from checks.report.history import History
from checks.report.model import Run
from checks.report.trend import HEIGHT, SHOWN_MAX, WIDTH, trend, words
from tests.checks.report import factory
from tests.checks.report.factory import AT, digest, results

RUN = Run.of(results())


def test_a_run_is_appended_once(tmp_path: Path) -> None:
    path = tmp_path / "below" / "history.jsonl"
    assert history.read(path) == History()
    assert history.append(path, RUN)
    assert not history.append(path, RUN)
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["counts"]["pass"] == RUN.counts[Status.PASSED]
    assert history.read(path) == History((RUN,))


def test_after_a_crash_within_a_line_the_next_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history.append(path, RUN)
    whole = path.read_bytes()
    later = RUN.model_copy(update={"results_sha256": digest("later"), "at": AT + timedelta(days=1)})
    for cut in (1, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole + whole[:cut])
        assert history.append(path, later)
        found = history.read(path)
        assert found.runs == (RUN, later)
        assert found.unread == 1


def test_lines_of_others_are_counted_and_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"schema":"hasivu.run/1"}\n\xff\xfe\n[]\nnull\n')
    assert history.read(path) == History((), 4)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59Z"])
def test_a_moment_that_no_clock_shows_is_not_believed(tmp_path: Path, at: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps(RUN.model_dump(mode="json", by_alias=True) | {"at": at}), encoding="utf-8")
    assert history.read(path) == History((), 1)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    runs = [RUN.model_copy(update={"results_sha256": digest(str(number))}) for number in range(16)]
    writers = [threading.Thread(target=history.append, args=(path, run)) for run in (*runs, *runs)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = history.read(path)
    assert found.unread == 0
    assert sorted(run.results_sha256 for run in found.runs) == sorted(run.results_sha256 for run in runs)


def test_a_report_made_again_later_shows_what_it_showed() -> None:
    runs = factory.history(results())
    whole = History(runs)
    middle = runs[5]
    assert whole.until(middle).runs == runs[:6]
    assert History(runs[:6]).until(middle) == whole.until(middle)
    other = middle.model_copy(update={"environment": "staging", "results_sha256": digest("other")})
    assert History((*runs, other)).until(runs[-1]).runs == runs


COUNTS = st.dictionaries(st.sampled_from(Status), st.integers(0, 171), max_size=8)


@given(st.lists(COUNTS, max_size=SHOWN_MAX + 5))
def test_the_picture_stays_within_its_frame_and_piles_up(counted: list[dict[Status, int]]) -> None:
    runs = tuple(
        RUN.model_copy(
            update={"counts": counts, "at": AT + timedelta(days=day), "results_sha256": digest(str(day))}
        )
        for day, counts in enumerate(counted)
    )
    found = trend(runs)
    assert len(found.bars) == min(len(runs), SHOWN_MAX)
    assert found.earlier == len(runs) - len(found.bars)
    for bar in found.bars:
        below = None
        for block in bar.blocks:
            assert 0 <= block.x <= block.x + block.width <= WIDTH
            assert 0 <= block.y <= block.y + block.height <= HEIGHT
            assert below is None or block.y + block.height == below
            below = block.y
    ends = [bar.x + bar.width for bar in found.bars]
    assert all(bar.x >= end for bar, end in zip(found.bars[1:], ends, strict=False))


def test_the_words_say_what_the_picture_shows() -> None:
    assert words(()) == "There is no history."
    assert words((RUN,)) == "One run: 129 of 164 items are satisfied."
    runs = factory.history(results())
    assert words(runs) == (
        "14 runs: 129 of 164 items are satisfied, after 90 of 164 on 2026-11-13; 7 fail. "
        "What is asked changed once in between."
    )
