"""The standard questions, asked of Athena: `hasivu history ask success-by-method --from … --to …`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from checks.errors import ExitCode, HasivuError
from stacks.payment_questions import Question, questions

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_athena import AthenaClient

QUESTIONS = {question.name: question for question in questions()}

READ_FROM_THE_DAY_BEFORE = frozenset({"funnel", "settlement-lag"})
"""Questions whose first parameter is the day from which events are read."""

PAUSE_S = 0.1
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class History:
    """The history of an environment, asked with the rights of ``session``."""

    session: boto3.Session
    environment: str

    def ask(self, name: str, first_day: str, last_day: str) -> list[list[str]]:
        """The columns and rows of a standard question about days in India (``2026-04-01``), both included.

        Errors: `QUESTION_UNKNOWN`, `QUERY_FAILED`.
        """
        question = _question(name)
        days = [first_day, last_day]
        if name in READ_FROM_THE_DAY_BEFORE:
            days.insert(0, (date.fromisoformat(first_day) - timedelta(days=1)).isoformat())
        return self.select(question.sql, *days)

    def select(self, sql: str, *texts: str) -> list[list[str]]:
        """The columns and rows that ``sql`` gives with ``texts`` for its ``?``. Error: `QUERY_FAILED`."""
        client: AthenaClient = self.session.client("athena")
        parameters: Any = {"ExecutionParameters": [f"'{text}'" for text in texts]} if texts else {}
        query = client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": f"hasivu_{self.environment}"},
            WorkGroup=f"hasivu-{self.environment}-analytics",
            **parameters,
        )["QueryExecutionId"]
        self._wait(client, query)
        pages = client.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
        return [[value.get("VarCharValue", "") for value in row["Data"]] for row in rows]

    def _wait(self, client: AthenaClient, query: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            status = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in {"FAILED", "CANCELLED"}:
                raise _failed(query, status.get("StateChangeReason", status["State"]))
            time.sleep(PAUSE_S)
        raise _failed(query, f"no answer within {PATIENCE_S:.0f} s")


def _question(name: str) -> Question:
    if name not in QUESTIONS:
        raise HasivuError(
            "QUESTION_UNKNOWN",
            f"There is no question {name!r}.",
            next_step=f"ask one of {', '.join(QUESTIONS)}",
            exit_code=ExitCode.USAGE,
        )
    return QUESTIONS[name]


def _failed(query: str, why: str) -> HasivuError:
    return HasivuError(
        "QUERY_FAILED",
        "Athena did not answer.",
        detail=why,
        next_step=f"look at the query {query} in the workgroup's history",
        exit_code=ExitCode.CHECK_FAILED,
    )
