"""The history becomes Parquet: in the emulator with the sandbox's Athena, through deaths and repetition."""

import gzip
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from checks.sandbox import emulator
from runtime.functions import payments_analytics
from runtime.payments.analytics import compaction
from runtime.payments.analytics.compaction import (
    ATTEMPTS_MAX,
    HELD_FOR,
    QUERY_TIME_MAX,
    REST_AFTER_FAILURE,
    HistoryCompactor,
    ProgressTable,
)
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.news import PaymentFact
from runtime.payments.analytics.parquet import COMPACTED, RECENT, ParquetHistory
from runtime.platform.auth import Role
from runtime.platform.clock import FixedClock, SystemClock, business_date, iso
from runtime.platform.errors import Problem
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from tests.checks.athena_simulator.bucket import BUCKET
from tests.events import Answer, Context, caller, rest_event
from tests.integration.payments.counting import OPERATOR, Counting
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.world import Interrupted, logger_into
from tests.integration.tables import NOON_IN_INDIA, Tables
from tests.unit.payments.analytics.catalogued import QUESTIONS, tables
from tests.unit.payments.analytics.samples import fact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

DAY, NEXT = date(2026, 4, 1), date(2026, 4, 2)
NIGHT_S = 15 * 3600
"""From noon to three at night, in India."""


@dataclass
class House:
    """The analytics bucket, its catalogue and its worker. ``athena`` may be exchanged for one that fails."""

    tables: Tables
    dynamodb: Any
    s3: Any
    glue: Any
    athena: Any
    bucket: str
    database: str
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_IN_INDIA))
    log: io.StringIO = field(default_factory=io.StringIO)
    told: list[str] = field(default_factory=list)

    @property
    def parquet(self) -> ParquetHistory:
        return ParquetHistory(
            self.athena, self.glue, self.s3, self.bucket, self.database, workgroup=self.bucket
        )

    @property
    def compactor(self) -> HistoryCompactor:
        ids = UlidIds(self.clock)
        return HistoryCompactor(
            ProgressTable(self.dynamodb, self.tables["payment_rollups"], self.clock, ids),
            lambda: self.parquet,
            self.clock,
            ids,
            logger_into(self.log, self.bucket),
            Metrics("test", self.clock, self.told.append),
        )

    def keep(self, *facts: PaymentFact) -> None:
        PaymentHistory(self.s3, self.bucket, self.clock).keep(facts)

    def work(self) -> None:
        """One start of the worker; then Athena ends what it began."""
        self.compactor.work()
        run = self.compactor.table.read().run
        for query in [work.query_id for work in run.days.values() if work.query_id] if run else []:
            self.wait(query)

    def wait(self, query: str) -> dict[str, Any]:
        for _ in range(600):
            found: dict[str, Any] = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if found["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                return found
            time.sleep(0.05)
        raise AssertionError("the query does not end")

    def night(self) -> None:
        """It is three at night, and the worker is started until it has nothing to do."""
        self.clock.advance(seconds=NIGHT_S)
        self.work_to_the_end()
        self.clock.advance(seconds=86_400 - NIGHT_S)

    def work_to_the_end(self) -> None:
        for _ in range(10):
            self.work()
            if self.compactor.table.read().run is None:
                return
        raise AssertionError("the run does not end")

    def asked(self, sql: str, *parameters: str) -> list[list[str]]:
        """What Athena answers."""
        query = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.database},
            WorkGroup=self.bucket,
            **({"ExecutionParameters": [f"'{one}'" for one in parameters]} if parameters else {}),
        )["QueryExecutionId"]
        ended = self.wait(query)
        assert ended["Status"]["State"] == "SUCCEEDED", ended["Status"]
        rows = self.athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return [[value.get("VarCharValue", "") for value in row["Data"]] for row in rows[1:]]

    def compacted(self, day: date = DAY) -> list[str]:
        rows = self.asked(f"SELECT event_id FROM {COMPACTED} WHERE dt = '{day}' ORDER BY 1")  # noqa: S608
        return [row[0] for row in rows]

    def captured(self) -> list[list[str]]:
        """By method, of both days: captured and their money."""
        rows = self.asked(QUESTIONS["success-by-method"], "2026-03-01", "2026-05-01")
        return [[row[0], row[2], row[5]] for row in rows]

    def since(self) -> str:
        table = self.glue.get_table(DatabaseName=self.database, Name=RECENT)["Table"]
        return str(table["Parameters"]["projection.arrived.range"])

    def superseded(self) -> list[str]:
        """The objects that are marked."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="compacted/").get("Contents", [])
        return [
            one["Key"]
            for one in found
            if self.s3.get_object_tagging(Bucket=self.bucket, Key=one["Key"])["TagSet"]
            == [{"Key": "superseded", "Value": "true"}]
        ]


@pytest.fixture
def house(
    tables_of_test: Tables, dynamodb: "DynamoDBClient", s3: "S3Client", aws_endpoint_url: str, unique: str
) -> Iterator[House]:
    session: Any = boto3.Session(
        aws_access_key_id=emulator.ADMIN_ACCESS_KEY_ID,
        aws_secret_access_key=emulator.ADMIN_SECRET_ACCESS_KEY,
        region_name=emulator.REGION,
    )
    athena, glue = (session.client(name, endpoint_url=aws_endpoint_url) for name in ("athena", "glue"))
    bucket, database = f"{unique}-history", unique.replace("-", "_")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
    glue.create_database(DatabaseInput={"Name": database})
    for table in tables().values():
        described = json.loads(json.dumps(table).replace(BUCKET, bucket))
        glue.create_table(DatabaseName=database, TableInput=described)
    athena.create_work_group(
        Name=bucket,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena/"},
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    yield House(tables_of_test, dynamodb, s3, glue, athena, bucket, database)
    athena.delete_work_group(WorkGroup=bucket)


@pytest.fixture
def tables_of_test(dynamodb: "DynamoDBClient", unique: str) -> Tables:
    return Tables(dynamodb, unique)


class Broken:
    """A client of which some calls fail or die."""

    def __init__(self, client: Any, **calls: Any) -> None:
        self._client, self._calls = client, calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._client, name)


def die(**_: Any) -> None:
    raise Crashed


class TestANight:
    def test_makes_parquet_of_what_arrived_until_yesterday(self, house: House) -> None:
        house.keep(fact(), fact(event_id="evt_2", occurred_at="2026-03-31T06:30:00.000Z"))
        house.keep(fact())  # told again, in other company
        house.night()
        assert (house.compacted(), house.compacted(date(2026, 3, 31))) == (["evt_1"], ["evt_2"])
        assert house.compactor.table.read().compacted_until == DAY
        assert house.since() == "2026-04-02,NOW+1DAYS"
        assert [json.loads(line).get("HistoryCompacted") for line in house.told] == [1]
        assert house.captured() == [["upi", "2", "90000"]]

    def test_what_arrives_later_is_read_from_its_lines_and_is_parquet_the_night_after(
        self, house: House
    ) -> None:
        house.keep(fact())
        house.night()
        house.keep(fact(), fact(event_id="evt_late", amount_paise=100))
        assert house.captured() == [["upi", "2", "45100"]]
        assert house.compacted() == ["evt_1"]
        house.night()
        assert house.compacted() == ["evt_1", "evt_late"]
        assert house.captured() == [["upi", "2", "45100"]]
        assert len(house.superseded()) == 1

    def test_without_arrivals_moves_on_and_says_so(self, house: House) -> None:
        house.night()
        house.night()
        assert house.compactor.table.read().compacted_until == NEXT
        assert len(house.told) == 2

    def test_is_one_night(self, house: House) -> None:
        house.night()
        house.keep(fact())
        house.clock.advance(seconds=13 * 3600)
        house.work()
        assert house.compactor.table.read().run is None  # at one o'clock it is too early
        house.clock.advance(seconds=2 * 3600)
        house.work_to_the_end()
        house.work_to_the_end()
        assert len(house.told) == 2

    def test_works_at_few_days_at_a_time(self, house: House) -> None:
        days = [f"2026-03-{day:02}T06:30:00.000Z" for day in range(1, 9)]
        house.keep(*(fact(event_id=f"evt_{day}", occurred_at=day) for day in days))
        house.clock.advance(seconds=NIGHT_S)
        house.compactor.work()
        run = house.compactor.table.read().run
        assert run is not None
        assert sum(work.query_id is not None for work in run.days.values()) == compaction.AT_ONCE_MAX
        house.work_to_the_end()
        assert house.captured() == [["upi", "8", "360000"]]


class TestWhoeverDies:
    @pytest.mark.parametrize("call", ["start_query_execution", "get_query_execution"])
    def test_on_the_way_to_athena_the_next_one_goes_on(self, house: House, call: str) -> None:
        house.keep(fact())
        house.clock.advance(seconds=NIGHT_S)
        if call == "get_query_execution":
            house.work()
        with pytest.raises(Crashed):
            replace(house, athena=Broken(house.athena, **{call: die})).compactor.work()
        house.work_to_the_end()
        assert house.compacted() == ["evt_1"]

    def test_after_the_query_was_begun_it_is_the_same_query(self, house: House) -> None:
        house.keep(fact())
        house.clock.advance(seconds=NIGHT_S)
        begun: list[str] = []

        def begin_and_die(**asked: Any) -> None:
            begun.append(house.athena.start_query_execution(**asked)["QueryExecutionId"])
            raise Crashed

        with pytest.raises(Crashed):
            replace(house, athena=Broken(house.athena, start_query_execution=begin_and_die)).compactor.work()
        house.work()
        run = house.compactor.table.read().run
        assert run is not None
        assert [work.query_id for work in run.days.values()] == begun

    @pytest.mark.parametrize("call", ["create_partition", "update_table"])
    def test_on_the_way_to_the_catalogue_the_numbers_stay(self, house: House, call: str) -> None:
        house.keep(fact())
        house.clock.advance(seconds=NIGHT_S)
        house.work()
        with pytest.raises(Crashed):
            replace(house, glue=Broken(house.glue, **{call: die})).compactor.work()
        assert house.captured() == [["upi", "1", "45000"]]
        house.work_to_the_end()
        assert house.captured() == [["upi", "1", "45000"]]
        assert house.since() == "2026-04-02,NOW+1DAYS"

    def test_without_a_word_leaves_the_work_to_the_next_after_a_while(self, house: House) -> None:
        """A machine that stops writes nothing back and gives nothing free."""
        house.keep(fact())
        house.clock.advance(seconds=NIGHT_S)
        broken = Interrupted(house.dynamodb)
        broken.before["put_item"] = [die]
        with pytest.raises(Crashed):
            replace(house, dynamodb=broken).compactor.work()
        house.work()
        assert house.compactor.table.read().run is None
        assert "another worker has the history" in house.log.getvalue()
        house.clock.advance(seconds=HELD_FOR.total_seconds() + 1)
        house.work_to_the_end()
        assert house.compacted() == ["evt_1"]


class TestAthenaFails:
    def test_a_query_that_fails_is_tried_again_elsewhere(self, house: House) -> None:
        house.keep(fact())
        house.clock.advance(seconds=NIGHT_S)
        house.work()
        run = house.compactor.table.read().run
        assert run is not None
        forgetful = Broken(
            house.athena,
            get_query_execution=lambda **_: house.athena.get_query_execution(
                QueryExecutionId="00000000-0000-0000-0000-000000000000"
            ),
        )
        replace(house, athena=forgetful).compactor.work()
        house.work_to_the_end()
        (key,) = [
            one["Key"]
            for one in house.s3.list_objects_v2(Bucket=house.bucket, Prefix="compacted/")["Contents"]
            if one["Key"] not in house.superseded()
        ]
        assert f"{run.run_id}-2/" in key
        assert house.compacted() == ["evt_1"]

    def test_a_query_without_end_is_stopped(self, house: House) -> None:
        house.keep(fact())
        house.clock.advance(seconds=NIGHT_S)
        running = {"QueryExecution": {"Status": {"State": "RUNNING"}}}
        stopped: list[str] = []
        endless = replace(
            house,
            athena=Broken(
                house.athena,
                get_query_execution=lambda **_: running,
                stop_query_execution=lambda **asked: stopped.append(asked["QueryExecutionId"]),
            ),
        )
        endless.compactor.work()
        endless.compactor.work()
        assert stopped == []
        house.clock.advance(seconds=QUERY_TIME_MAX.total_seconds())
        endless.compactor.work()
        assert len(stopped) == 1

    def test_a_day_that_cannot_be_written_is_told_rests_and_is_read_from_its_lines(
        self, house: House
    ) -> None:
        house.keep(fact())
        (key,) = [one["Key"] for one in house.s3.list_objects_v2(Bucket=house.bucket)["Contents"]]
        whole = house.s3.get_object(Bucket=house.bucket, Key=key)["Body"].read()
        house.s3.put_object(Bucket=house.bucket, Key=key, Body=gzip.compress(b"{broken"))
        house.clock.advance(seconds=NIGHT_S)
        house.work_to_the_end()
        assert house.compactor.table.read().compacted_until is None
        assert house.since().startswith("2026-01-01,")
        assert [json.loads(line).get("HistoryCompactionFailed") for line in house.told] == [1]
        assert house.log.getvalue().count("a day could not be compacted") == ATTEMPTS_MAX
        house.s3.put_object(Bucket=house.bucket, Key=key, Body=whole)
        house.work()
        assert house.compactor.table.read().run is None  # it rests
        house.clock.advance(seconds=REST_AFTER_FAILURE.total_seconds())
        house.work_to_the_end()
        assert house.compacted() == ["evt_1"]

    def test_a_day_whose_lines_may_have_ended_is_not_written_over(self, house: House) -> None:
        house.keep(fact(occurred_at="2023-01-01T06:30:00.000Z"))
        house.clock.advance(seconds=NIGHT_S)
        house.work_to_the_end()
        assert [json.loads(line).get("HistoryCompactionFailed") for line in house.told] == [1]
        assert "its lines" not in house.log.getvalue()


class TestAnOperator:
    def test_has_days_written_anew_and_the_figures_stay(self, house: House) -> None:
        house.keep(fact())
        house.compactor.ask(DAY, DAY)
        house.work_to_the_end()
        assert house.compacted() == ["evt_1"]
        house.keep(fact(event_id="evt_2"))
        assert house.captured() == [["upi", "2", "90000"]]
        assert house.compactor.table.read().compacted_until is None

    def test_waits_for_a_run_that_is_on(self, house: House) -> None:
        house.compactor.ask(DAY, DAY)
        with pytest.raises(Problem, match="concurrent-change"):
            house.compactor.ask(DAY, DAY)

    def test_waits_for_a_worker(self, house: House) -> None:
        with house.compactor.table.held(), pytest.raises(Problem, match="concurrent-change"):
            house.compactor.ask(DAY, DAY)

    @pytest.mark.parametrize(
        ("first", "last"),
        [(NEXT, DAY), (NEXT, NEXT), (DAY - timedelta(days=92), DAY), (date(2022, 1, 1), date(2022, 1, 2))],
    )
    def test_cannot_ask_for_days_that_cannot_be(self, house: House, first: date, last: date) -> None:
        with pytest.raises(Problem, match="body-invalid"):
            house.compactor.ask(first, last)

    def test_by_the_function_as_lambda_starts_it(self, house: House, in_aws: dict[str, str]) -> None:
        now = SystemClock().now()
        day = business_date(now)
        house.clock.at = now
        house.keep(fact(occurred_at=iso(now)))
        handle = payments_analytics.wire(
            {
                "HASIVU_ENV": "test",
                "POWERTOOLS_SERVICE_NAME": house.bucket,
                "AUDIT_TABLE": house.tables["audit"],
                "PAYMENT_ROLLUPS_TABLE": house.tables["payment_rollups"],
                "ANALYTICS_BUCKET": house.bucket,
                "HISTORY_DATABASE": house.database,
                "HISTORY_WORKGROUP": house.bucket,
            }
        )
        path = "/v1/analytics/payments/compactions"
        days = json.dumps({"first_day": day.isoformat(), "last_day": day.isoformat()})
        asked = Answer.of(handle(rest_event("POST", path, principal=OPERATOR, body=days), Context()))
        assert (asked.status, asked.body["run"]["days_open"]) == (202, 1)
        for _ in range(300):
            assert handle({"task": "compact"}, Context()) == {}
            run = Answer.of(handle(rest_event("GET", path, principal=OPERATOR), Context())).body["run"]
            if run is None:
                break
            time.sleep(0.1)
        assert house.compacted(day) == ["evt_1"]

    def test_by_the_api(self, tables_of_test: Tables, dynamodb: "DynamoDBClient") -> None:
        counting = Counting(tables_of_test, dynamodb)
        assert counting.compactions().body == {"compacted_until": None, "run": None}
        days = {"first_day": "2026-03-31", "last_day": "2026-04-01"}
        asked = counting.compactions(days)
        assert asked.status == 202
        assert asked.body["run"].pop("run_id").startswith("cmp_")
        assert asked.body["run"] == {"nightly": False, "days_open": 2, "days_done": 0, "days_failed": 0}
        assert counting.compactions(days).status == 409
        assert counting.compactions(days | {"last_day": "soon"}).status == 400
        finance = caller("usr_finance", Role.FINANCE)
        assert counting.compactions(days, finance).status == 403
        assert counting.compactions(principal=finance).status == 200


class TestTheSandboxsAthenaDoesOnlyWhatTheCallerMay:
    RIGHTS = (
        ("athena:StartQueryExecution", "arn:aws:athena:{region}:{account}:workgroup/{bucket}"),
        ("athena:GetQueryExecution", "arn:aws:athena:{region}:{account}:workgroup/{bucket}"),
        ("glue:GetTable", "arn:aws:glue:{region}:{account}:*"),
        ("s3:ListBucket", "arn:aws:s3:::{bucket}"),
        ("s3:GetBucketLocation", "arn:aws:s3:::{bucket}"),
        ("s3:GetObject", "arn:aws:s3:::{bucket}/payments/*"),
        ("s3:PutObject", "arn:aws:s3:::{bucket}/compacted/*"),
        ("s3:PutObject", "arn:aws:s3:::{bucket}/athena/*"),
    )

    def as_somebody(self, house: House, endpoint_url: str, *without: tuple[str, str]) -> ParquetHistory:
        """The history for a user who has all of the rights but those."""
        session: Any = boto3.Session(
            aws_access_key_id=emulator.ADMIN_ACCESS_KEY_ID,
            aws_secret_access_key=emulator.ADMIN_SECRET_ACCESS_KEY,
            region_name=emulator.REGION,
        )
        iam = session.client("iam", endpoint_url=endpoint_url)
        names = {"region": emulator.REGION, "account": emulator.ACCOUNT, "bucket": house.bucket}
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": resource.format(**names)}
            for action, resource in self.RIGHTS
            if (action, resource) not in without
        ]
        iam.create_user(UserName=house.bucket)
        iam.put_user_policy(
            UserName=house.bucket,
            PolicyName="rights",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        key = iam.create_access_key(UserName=house.bucket)["AccessKey"]
        somebody: Any = boto3.Session(
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            region_name=emulator.REGION,
        )
        return replace(house.parquet, athena=somebody.client("athena", endpoint_url=endpoint_url))

    def begin(self, house: House, history: ParquetHistory) -> str:
        location = history.location(DAY, "somebodys")
        return history.start(DAY, arrived_until=DAY, location=location, token=f"{house.bucket:t<40}")

    def test_with_all_rights_it_writes(self, house: House, aws_endpoint_url: str) -> None:
        house.keep(fact())
        history = self.as_somebody(house, aws_endpoint_url)
        query = self.begin(house, history)
        assert house.wait(query)["Status"]["State"] == "SUCCEEDED"
        assert history.state(query)[0] == "succeeded"

    @pytest.mark.parametrize("right", RIGHTS, ids=lambda right: f"{right[0]} {right[1].rpartition(':')[2]}")
    def test_without_one_it_does_not(
        self, house: House, aws_endpoint_url: str, right: tuple[str, str]
    ) -> None:
        house.keep(fact())
        history = self.as_somebody(house, aws_endpoint_url, right)
        if right[0].startswith("athena:"):
            with pytest.raises(ClientError, match="AccessDenied"):
                history.state(self.begin(house, history))
            return
        status = house.wait(self.begin(house, history))["Status"]
        assert status["State"] == "FAILED"
        assert right[0] in status["StateChangeReason"]
