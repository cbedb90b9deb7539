"""`hasivu history`: the standard questions are asked as Athena wants them asked, and answered as CSV."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner

from checks.cli import app
from checks.errors import HasivuError
from checks.history import asking
from checks.history.asking import QUESTIONS, READ_FROM_THE_DAY_BEFORE, History
from checks.redrive import account


@dataclass
class Athena:
    """Answers after a while with two columns and a row, or ends otherwise."""

    states: list[str] = field(default_factory=lambda: ["QUEUED", "RUNNING", "SUCCEEDED"])
    asked: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str) -> "Athena":
        assert service == "athena"
        return self

    def start_query_execution(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        return {"QueryExecutionId": "query-1"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:
        assert QueryExecutionId == "query-1"
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "why"}}}

    def get_paginator(self, operation: str) -> "Athena":
        assert operation == "get_query_results"
        return self

    def paginate(self, QueryExecutionId: str) -> list[dict[str, Any]]:
        rows: list[list[str | None]] = [["method", "captured"], ["upi", None]]
        return [
            {"ResultSet": {"Rows": [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]}]}}
            for row in rows
        ]


@pytest.fixture
def athena(monkeypatch: pytest.MonkeyPatch) -> Athena:
    found = Athena()
    monkeypatch.setattr(asking, "PAUSE_S", 0)
    monkeypatch.setattr(account, "session_for", lambda env, sandbox_directory: found)
    return found


def ask(*arguments: str) -> Any:
    days = ("--env", "dev", "--from", "2026-04-01", "--to", "2026-04-30")
    return CliRunner().invoke(app, ["history", "ask", *arguments, *days])


def test_an_answer_is_csv(athena: Athena) -> None:
    answer = ask("success-by-method")
    assert answer.exit_code == 0
    assert answer.stdout == "method,captured\nupi,\n"
    (asked,) = athena.asked
    assert asked == {
        "QueryString": QUESTIONS["success-by-method"].sql,
        "QueryExecutionContext": {"Database": "hasivu_dev"},
        "WorkGroup": "hasivu-dev-analytics",
        "ExecutionParameters": ["'2026-04-01'", "'2026-04-30'"],
    }


@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_every_question_gets_the_parameters_that_it_has_places_for(athena: Athena, question: str) -> None:
    assert ask(question).exit_code == 0
    parameters = athena.asked[0]["ExecutionParameters"]
    assert len(parameters) == QUESTIONS[question].sql.count("?")
    assert (parameters[0] == "'2026-03-31'") is (question in READ_FROM_THE_DAY_BEFORE)


def test_a_question_that_there_is_not(athena: Athena) -> None:
    with pytest.raises(HasivuError, match="no question"):
        History(athena, "dev").ask("weather", "2026-04-01", "2026-04-01")  # type: ignore[arg-type]
    assert athena.asked == []


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_that_fails_says_why(athena: Athena, state: str) -> None:
    athena.states = [state]
    with pytest.raises(HasivuError) as failed:
        History(athena, "dev").select("SELECT 1 AS one")  # type: ignore[arg-type]
    assert (failed.value.code, failed.value.detail) == ("QUERY_FAILED", "why")
    assert "ExecutionParameters" not in athena.asked[0]


def test_patience_ends(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 0.01)
    athena.states = ["RUNNING"]
    with pytest.raises(HasivuError, match="did not answer"):
        History(athena, "dev").select("SELECT 1 AS one")  # type: ignore[arg-type]


def test_the_questions_are_listed_with_what_they_tell() -> None:
    told = CliRunner().invoke(app, ["history", "list"]).stdout
    assert [line.partition(":")[0] for line in told.splitlines()] == list(QUESTIONS)
    assert "Parameters:" in told
