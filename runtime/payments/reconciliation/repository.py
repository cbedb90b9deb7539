"""Reconciliation in DynamoDB: bank lines by day, runs, what a run found, and exceptions."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from runtime.payments.reconciliation.evidence import Evidence
from runtime.payments.reconciliation.exception_model import ReconciliationException, Resolution, State
from runtime.payments.reconciliation.statements.model import StatementLine
from runtime.platform.dynamodb import (
    ConditionFailed,
    Item,
    Transaction,
    from_item,
    get_item,
    put_item_if,
    to_item,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_OPEN_EXCEPTION = "by_open_exception"
LABEL_EXCEPTION = "exception"
LABEL_LINE = "line"
_ONLY_NEW = "attribute_not_exists(pk)"
_OPEN, _FORCED = "open", "forced"
_NOT_OF_THE_MODEL = frozenset({"pk", "sk", "open_exception", "opened_key", "debit", "evidence"})


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A bank line as it is kept: of which account, whether the journal has booked it, and which taking of a
    file brought it first."""

    account_id: str
    line: StatementLine
    booked: bool = False
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class BankLines:
    """Bank lines, each once, by the day on which they were booked."""

    client: "DynamoDBClient"
    table: str

    def keep(self, kept: KeptLine) -> bool:
        """Keep a line; False when another taking has kept it, of whichever file. A taking that is repeated
        after a crash finds its own lines."""
        try:
            put_item_if(self.client, self.table, _line_item(kept), condition=_ONLY_NEW)
        except ConditionFailed as refused:
            return refused.existing is not None and refused.existing.get("taken_by") == kept.taken_by
        return True

    def of_day(self, day: date) -> Iterator[KeptLine]:
        """The lines of a booking day."""
        for item in _query(self.client, self.table, f"LINES#{day.isoformat()}"):
            line = StatementLine.model_validate(item["line"])
            yield KeptLine(item["account_id"], line, item["booked"], item.get("taken_by", ""))

    def book_in(self, transaction: Transaction, kept: KeptLine) -> None:
        """Mark a line as booked together with its entry; the transaction fails if it was before."""
        booked = replace(kept, booked=True)
        transaction.put(
            LABEL_LINE, self.table, _line_item(booked), condition="booked = :no", values={":no": False}
        )


@dataclass(frozen=True, slots=True)
class TakenFiles:
    """Files of which every row is kept, by their content: taken again, they bring nothing new."""

    client: "DynamoDBClient"
    table: str

    def get(self, account_id: str, file_key: str) -> Item | None:
        """What was told of the file when it was taken, or None."""
        item = get_item(self.client, self.table, {"pk": f"FILES#{account_id}", "sk": file_key})
        return None if item is None else item["told"]

    def mark_in(self, transaction: Transaction, account_id: str, file_key: str, told: Item) -> None:
        """Mark a file together with what ends its taking; who marks it again writes the same."""
        key = {"pk": f"FILES#{account_id}", "sk": file_key}
        transaction.put("file", self.table, {**key, "told": told}, condition=None)


@dataclass(frozen=True, slots=True)
class SettledMarks:
    """Which payments were told to be settled, by the settlement that paid them out."""

    client: "DynamoDBClient"
    table: str

    def of(self, settlement_id: str) -> frozenset[str]:
        """The gateway payments of a settlement that were told of."""
        items = _query(self.client, self.table, f"SETTLED#{settlement_id}")
        return frozenset(item["sk"] for item in items)

    def put_in(self, transaction: Transaction, settlement_id: str, gateway_payment_id: str) -> None:
        """Mark a payment as told of together with its event; the transaction fails if it was before."""
        key = {"pk": f"SETTLED#{settlement_id}", "sk": gateway_payment_id}
        transaction.put("settled", self.table, key, condition=_ONLY_NEW)


@dataclass(frozen=True, slots=True)
class KeptException:
    """An exception, what the gateway says of the debit that it is about, where it is about one, and the facts
    that it was last judged by."""

    exception: ReconciliationException
    debit: dict[str, str] | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Exceptions, with a sparse index of those that somebody or something may still have to act on."""

    client: "DynamoDBClient"
    table: str

    def get(self, exception_id: str) -> KeptException | None:
        """The exception, or None."""
        item = get_item(self.client, self.table, _exception_key(exception_id))
        return None if item is None else _kept(item)

    def put_in(self, transaction: Transaction, kept: KeptException) -> None:
        """Write an exception if nobody changed it since: the stored version must be one less."""
        exception, item = kept.exception, _exception_item(kept)
        if exception.version == 1:
            transaction.put(LABEL_EXCEPTION, self.table, item, condition=_ONLY_NEW)
            return
        transaction.put(
            LABEL_EXCEPTION,
            self.table,
            item,
            condition="version = :previous",
            values={":previous": exception.version - 1},
        )

    def refresh(self, kept: KeptException) -> None:
        """Keep other evidence of an exception that did not change. Where it did meanwhile, nothing happens:
        the next match brings its evidence again."""
        with suppress(ConditionFailed):
            put_item_if(
                self.client,
                self.table,
                _exception_item(kept),
                condition="version = :same",
                values={":same": kept.exception.version},
            )

    def undecided(self) -> Iterator[KeptException]:
        """Those that are open, and those that stand by force: a new fact may turn their posting back."""
        for kind in (_OPEN, _FORCED):
            for item in _query(self.client, self.table, kind, index=BY_OPEN_EXCEPTION):
                yield _kept(item)

    def open_page(self, *, limit: int, after: KeptException | None) -> tuple[list[KeptException], bool]:
        """Open exceptions, oldest first, and whether there are more."""
        call: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": BY_OPEN_EXCEPTION,
            "KeyConditionExpression": "open_exception = :open AND opened_key > :after",
            "ExpressionAttributeValues": to_item(
                {
                    ":open": _OPEN,
                    ":after": "0"
                    if after is None
                    else f"{after.exception.opened_at}#{after.exception.exception_id}",
                }
            ),
            "Limit": limit,
        }
        response = self.client.query(**call)
        return [_kept(from_item(item)) for item in response["Items"]], "LastEvaluatedKey" in response


def _line_item(kept: KeptLine) -> dict[str, object]:
    return {
        "pk": f"LINES#{kept.line.booked_on.isoformat()}",
        "sk": kept.line.line_id,
        "account_id": kept.account_id,
        "booked": kept.booked,
        "taken_by": kept.taken_by,
        "line": kept.line.model_dump(mode="json"),
    }


def _exception_item(kept: KeptException) -> dict[str, object]:
    exception = kept.exception
    return {
        **_exception_key(exception.exception_id),
        **exception.model_dump(mode="json"),
        "debit": kept.debit,
        "evidence": None if kept.evidence is None else kept.evidence.model_dump(mode="json"),
        "open_exception": _indexed_as(exception),
        "opened_key": f"{exception.opened_at}#{exception.exception_id}",
    }


def _exception_key(exception_id: str) -> dict[str, str]:
    return {"pk": f"EXCEPTION#{exception_id}", "sk": "EXCEPTION"}


def _indexed_as(exception: ReconciliationException) -> str | None:
    if exception.state is not State.RESOLVED:
        return _OPEN
    return _FORCED if exception.resolution is Resolution.POSTED_FORCED else None


def _kept(item: Item) -> KeptException:
    document = {name: value for name, value in item.items() if name not in _NOT_OF_THE_MODEL}
    evidence = item.get("evidence")
    return KeptException(
        ReconciliationException.model_validate(document),
        item.get("debit"),
        None if evidence is None else Evidence.model_validate(evidence),
    )


def _query(client: "DynamoDBClient", table: str, value: str, *, index: str | None = None) -> Iterator[Item]:
    """Every item of a partition, a page at a time."""
    call: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": f"{'pk' if index is None else 'open_exception'} = :value",
        "ExpressionAttributeValues": to_item({":value": value}),
    }
    if index is not None:
        call["IndexName"] = index
    for page in client.get_paginator("query").paginate(**call):
        for item in page["Items"]:
            yield from_item(item)
