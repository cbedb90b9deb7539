"""The history over a bucket in memory, with the catalogue of the stack, as the sandbox's Athena reads it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from checks.sandbox.athena_simulator.engine import Answer
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.news import PaymentFact
from runtime.payments.analytics.parquet import ARRIVED_RANGE, COMPACTED, RECENT, compaction
from runtime.platform.clock import FixedClock, business_date
from stacks.environment_file import load_environment
from stacks.house_app import ROOT
from stacks.payment_history import PaymentHistory as CataloguedHistory
from stacks.payment_questions import questions
from tests.assemblies import TODAY
from tests.checks.athena_simulator.bucket import BUCKET, Memory
from tests.integration.tables import NOON_IN_INDIA

QUESTIONS = {question.name: question.sql for question in questions()}


@cache
def tables() -> dict[str, dict[str, Any]]:
    """The tables of the stack's catalogue, by their names."""
    stack = cdk.Stack(cdk.App(), "History")
    CataloguedHistory(
        stack,
        "History",
        environment=load_environment("dev", directory=ROOT / "environments", today=TODAY),
        bucket=s3.Bucket(stack, "Bucket"),
        key=kms.Key(stack, "Key"),
        account="111122223333",
    )
    template = assertions.Template.from_stack(stack)
    found = {}
    for resource in template.find_resources("AWS::Glue::Table").values():
        table = resource["Properties"]["TableInput"]
        table["StorageDescriptor"]["Location"] = "".join(
            part if isinstance(part, str) else BUCKET
            for part in table["StorageDescriptor"]["Location"]["Fn::Join"][1]
        )
        found[table["Name"]] = table
    return found


@dataclass
class Catalogued:
    """The history, told and compacted by hand; lines arrive at ``clock``'s time."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_IN_INDIA + timedelta(days=30)))
    memory: Memory = field(default_factory=Memory)
    _runs: int = 0

    def __post_init__(self) -> None:
        self.memory.tables = {
            name: {**table, "Parameters": {**table["Parameters"]}} for name, table in tables().items()
        }

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def keep(self, facts: Iterable[PaymentFact]) -> None:
        """A batch of lines."""
        bucket: Any = self.memory
        PaymentHistory(bucket, BUCKET, self.clock).keep(facts)

    def ask(self, question: str, *parameters: str) -> Answer:
        """What a standard question is answered; parameters are days."""
        return self.memory.asked(
            QUESTIONS[question], *(f"'{day}'" for day in parameters), now=self.now + timedelta(hours=6)
        )

    def compact(self, day: date, arrived_until: date) -> int:
        """Write the Parquet of ``day`` and lead the partition there; how many objects were written."""
        self._runs += 1
        place = f"s3://{BUCKET}/compacted/dt={day.isoformat()}/cmp-{self._runs}/"
        answer = self.memory.asked(
            compaction(day, arrived_until, place), name=f"q{self._runs}", now=self.now + timedelta(hours=6)
        )
        self.memory.parts.setdefault(COMPACTED, {})[day.isoformat()] = place
        return len(answer.written)

    def read_lines_since(self, arrival: date) -> None:
        self.memory.tables[RECENT]["Parameters"][ARRIVED_RANGE] = f"{arrival.isoformat()},NOW+1DAYS"

    @property
    def today(self) -> date:
        return business_date(self.now)
