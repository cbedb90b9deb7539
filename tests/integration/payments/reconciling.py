"""A world in which gateway, ledger and bank are matched: what the gateway settles, what the bank prints."""

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from runtime.functions import payments_reconciliation
from runtime.payments.model import Payment
from runtime.payments.reconciliation.exception_model import MATCHER
from runtime.payments.reconciliation.facts import FactReader
from runtime.payments.reconciliation.healing import Healer
from runtime.payments.reconciliation.match import Match
from runtime.payments.reconciliation.recorder import ExceptionRecorder
from runtime.payments.reconciliation.repository import BankLines, Exceptions, SettledMarks, TakenFiles
from runtime.payments.reconciliation.run_store import Runs
from runtime.payments.reconciliation.run_worker import RunWorker
from runtime.payments.reconciliation.runs import ReconciliationService
from runtime.payments.reconciliation.settled import SettledNews
from runtime.payments.reconciliation.statement_files import StatementFiles
from runtime.payments.reconciliation.statement_uploads import StatementUploadService
from runtime.payments.reconciliation.taking import StatementTaker
from runtime.payments.reconciliation.upload_store import uploads_in
from runtime.payments.reconciliation.upload_worker import UploadWorker
from runtime.payments.reconciliation.uploads import StatementService
from runtime.payments.reconciliation.workflow import ExceptionService
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.payments.retry.holidays import bank_calendar
from runtime.payments.sweeps.merging import Merger
from runtime.platform.api import Api
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import IST
from runtime.platform.idempotency import IdempotencyStore
from tests.events import Answer, Context, caller, rest_event
from tests.integration.payments.world import World

FINANCE = caller("usr_finance", Role.FINANCE)
SECOND = caller("usr_finance_two", Role.FINANCE)
OPERATOR = caller("usr_operator", Role.OPERATOR)
AUDITOR = caller("usr_auditor", Role.AUDITOR)
ADMIN = caller("usr_hasivu", Role.ADMIN)
FINANCE_OF_A_SCHOOL = caller("usr_bursar", Role.FINANCE, schools=["sch_1"])

SETTLEMENT, UTR = "setl_00000000000001", "AXISCN1153863727"
FEE, TAX, NET = 1_062, 162, 43_938
SETTLED_ON = date(2026, 4, 7)
"""The second working day after 1 April, which like Good Friday is a bank holiday."""


@dataclass
class Reconciling(World):
    """The payment functions and the reconciliation beside them."""

    s3: Any = None
    """For files of statements, where a test uploads some, to the bucket ``uploads_bucket``."""
    uploads_bucket: str = ""

    @property
    def reconciliation_api(self) -> Api:
        accounts = frozenset({"settlements"})
        uploads = StatementUploadService(
            client=self.client,
            uploads=uploads_in(self.client, self.tables["reconciliation"]),
            files=self.statement_files,
            audit=self.audit,
            idempotency=self.idempotency,
            accounts=accounts,
            clock=self.clock,
            ids=self.ids,
        )
        statements = StatementService(
            self.client, self.taker, self.audit, self.idempotency, accounts, self.clock, self.ids
        )
        days = self.runs.match.days
        return payments_reconciliation.api(
            self.runs.queued,
            statements,
            uploads,
            ExceptionService(self.exception_recorder, days, self.idempotency, self.clock),
            logger=self.logger,
        )

    @property
    def idempotency(self) -> IdempotencyStore:
        return IdempotencyStore(self.client, self.tables["idempotency"], self.clock)

    @property
    def taker(self) -> StatementTaker:
        table = self.tables["reconciliation"]
        return StatementTaker(BankLines(self.client, table), TakenFiles(self.client, table))

    @property
    def statement_files(self) -> StatementFiles:
        return StatementFiles(self.s3, self.uploads_bucket, self.clock)

    @property
    def upload_worker(self) -> UploadWorker:
        return UploadWorker(
            client=self.client,
            uploads=uploads_in(self.client, self.tables["reconciliation"]),
            files=self.statement_files,
            taker=self.taker,
            audit=self.audit,
            clock=self.clock,
            logger=self.logger,
        )

    @property
    def exception_recorder(self) -> ExceptionRecorder:
        exceptions = Exceptions(self.client, self.tables["reconciliation"])
        return ExceptionRecorder(self.client, exceptions, self.journal, self.audit, self.outbox, self.clock)

    @property
    def runs(self) -> RunWorker:
        table = self.tables["reconciliation"]
        lines = BankLines(self.client, table)
        return RunWorker(
            queued=ReconciliationService(
                self.client, Runs(self.client, table), self.audit, self.idempotency, self.clock, self.ids
            ),
            match=Match(
                facts=FactReader(self.journal, self.razorpay, lines),
                healer=Healer(
                    Merger(self.recorder, self.clock, self.logger, MATCHER), self.razorpay, self.logger
                ),
                lines=lines,
                recorder=self.exception_recorder,
                settled=self.settled,
                days=WorkingDays(lambda day: not bank_calendar().is_working_day(day)),
                clock=self.clock,
                logger=self.logger,
            ),
            outbox=self.outbox,
            logger=self.logger,
        )

    @property
    def settled(self) -> SettledNews:
        return SettledNews(
            client=self.client,
            marks=SettledMarks(self.client, self.tables["reconciliation"]),
            payments=self.recorder.repository,
            audit=self.audit,
            outbox=self.outbox,
            clock=self.clock,
            logger=self.logger,
        )

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        principal: Principal | None = FINANCE,
        key: str | None = None,
        query: dict[str, str] | None = None,
        **path_parameters: str,
    ) -> Answer:
        """A call of the reconciliation's API."""
        event = rest_event(
            method,
            path,
            principal=principal,
            headers={"Idempotency-Key": key} if key is not None else {},
            body=None if body is None else json.dumps(body),
            path_parameters=path_parameters,
            query=query or {},
        )
        return Answer.of(self.reconciliation_api.handle(event, Context()))

    def run(self, day: date | None = None, *, key: str | None = None, **changes: Any) -> Answer:
        """POST /v1/reconciliations, what waits is worked at, and then the run as it is looked at."""
        answer = self.asked(day, key=key, **changes)
        if answer.status != 202:
            return answer
        self.work()
        return self.ask(
            "GET",
            "/v1/reconciliations/{reconciliation_id}",
            principal=AUDITOR,
            reconciliation_id=answer.body["reconciliation_id"],
        )

    def work(self) -> int:
        """The schedule works at what waits."""
        return self.runs.work(request_id="req", remaining_ms=lambda: 900_000, may_go_on=lambda: True)

    def asked(self, day: date | None = None, *, key: str | None = None, **changes: Any) -> Answer:
        """POST /v1/reconciliations, as of today unless another day is given."""
        today = self.clock.now().astimezone(IST).date()
        body = {"day": (day or today).isoformat()}
        return self.ask(
            "POST", "/v1/reconciliations", body, key=key or f"key-{self.ids.new('key')}", **changes
        )

    def upload(
        self, *rows: str, key: str | None = None, content: bytes | None = None, **changes: Any
    ) -> Answer:
        """POST /v1/bank-statements with rows of our own layout."""
        text = "\n".join(["booked_on,amount,narration,reference", *rows])
        body = {
            "account": "settlements",
            "profile": "signed",
            "content_base64": base64.b64encode(text.encode() if content is None else content).decode(),
        } | changes
        principal = body.pop("principal", FINANCE)
        sent = {name: value for name, value in body.items() if value is not None}
        return self.ask(
            "POST", "/v1/bank-statements", sent, key=key or f"key-{self.ids.new('key')}", principal=principal
        )

    def step(
        self,
        exception_id: str,
        step: str,
        *,
        principal: Principal = FINANCE,
        key: str | None = None,
        **body: Any,
    ) -> Answer:
        """POST /v1/reconciliation-exceptions/{exception_id}/{step}, under a key of its own."""
        return self.ask(
            "POST",
            f"/v1/reconciliation-exceptions/{{exception_id}}/{step}",
            body or None,
            principal=principal,
            key=key or f"key-{self.ids.new('key')}",
            exception_id=exception_id,
        )

    def exception(self, exception_id: str) -> dict[str, Any]:
        answer = self.ask("GET", "/v1/reconciliation-exceptions/{exception_id}", exception_id=exception_id)
        assert answer.status == 200, answer.text
        return answer.body

    def open_ids(self) -> list[str]:
        answer = self.ask("GET", "/v1/reconciliation-exceptions", query={"limit": "100"})
        return [each["exception_id"] for each in answer.body["items"]]

    def go_to(self, day: date) -> None:
        """Noon in India of a later day."""
        then = datetime.combine(day, time(12), IST)
        self.clock.advance(seconds=(then - self.clock.now()).total_seconds())

    def captured(self, payment_id: str = "pay_00000000000001") -> Payment:
        """A payment that was captured today, by its event."""
        payment = self.created()
        paid = self.gateway.pay(
            str(payment.order_id), payment_id, created_at=int(self.clock.now().timestamp())
        )
        self.tell(f"evt_{payment_id}", "payment.captured", paid, int(self.clock.now().timestamp()))
        return self.stored(payment.payment_id)

    def settle(self, *rows: dict[str, Any], amount: int, utr: str = UTR, on: date = SETTLED_ON) -> None:
        """The gateway settles rows on a day, in one settlement of ``amount``."""
        moment = int(datetime.combine(on, time(9), IST).timestamp())
        self.gateway.recon_rows.setdefault(on.isoformat(), []).extend(rows)
        self.gateway.settlements.append(
            {
                "id": SETTLEMENT,
                "entity": "settlement",
                "amount": amount,
                "status": "processed",
                "utr": utr,
                "created_at": moment,
            }
        )

    def exceptions_told(self) -> list[str]:
        """The subjects of the events that exceptions were opened."""
        return sorted(
            item["subject"]
            for item in self.tables.items("outbox")
            if item["detail_type"] == "ExceptionOpened"
        )

    def balances(self) -> dict[str, int]:
        """The balances of all that was ever booked."""
        totals: dict[str, int] = {}
        for entry in self.tables.items("ledger"):
            for line in entry["lines"]:
                totals[line["account"]] = (
                    totals.get(line["account"], 0) + line["debit_paise"] - line["credit_paise"]
                )
        return totals


def recon_row(payment_id: str = "pay_00000000000001", **changes: Any) -> dict[str, Any]:
    """A row of the gateway for a captured payment of ₹450.00."""
    return {
        "entity_id": payment_id,
        "type": "payment",
        "debit": 0,
        "credit": NET,
        "amount": 45_000,
        "currency": "INR",
        "fee": FEE,
        "tax": TAX,
        "on_hold": False,
        "settled": True,
        "created_at": 1_775_025_000,
        "settled_at": 1_775_530_000,
        "settlement_id": SETTLEMENT,
        "settlement_utr": UTR,
        "order_id": None,
        "method": "upi",
        "notes": "{}",
    } | changes
