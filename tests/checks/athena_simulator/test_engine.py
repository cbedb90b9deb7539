"""The sandbox's Athena: what it takes means what Athena means; everything else it refuses."""

import gzip
import json

import pytest

from checks.sandbox.athena_simulator.catalogue import JSON_SERDE, PARQUET_SERDE, TableUnreadable
from checks.sandbox.athena_simulator.dialect import StatementRefused, read
from checks.sandbox.athena_simulator.engine import BytesExceeded, QueryFailed, as_csv
from tests.checks.athena_simulator.bucket import BUCKET, DATABASE, Memory

DAYS = {"type": "date", "format": "yyyy-MM-dd", "interval": "1", "interval.unit": "DAYS"}
COLUMNS = [("id", "string"), ("paise", "bigint"), ("first", "boolean")]


def described(
    name: str, serde: str, *, last: str = "NOW", kinds: list[tuple[str, str]] = COLUMNS
) -> dict[str, object]:
    parameters = {f"projection.dt.{end}": value for end, value in DAYS.items()}
    parameters |= {"projection.enabled": "true", "projection.dt.range": f"2026-01-01,{last}"}
    return {
        "Name": name,
        "PartitionKeys": [{"Name": "dt", "Type": "string"}],
        "Parameters": parameters if serde == JSON_SERDE else {},
        "StorageDescriptor": {
            "Location": f"s3://{BUCKET}/{name}/",
            "SerdeInfo": {"SerializationLibrary": serde},
            "Columns": [{"Name": column, "Type": kind} for column, kind in kinds],
        },
    }


def lines(*rows: dict[str, object]) -> bytes:
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())


@pytest.fixture
def memory() -> Memory:
    """A table of lines with a row on each of two days, and an empty one of Parquet."""
    found = Memory()
    found.tables = {
        name: described(name, serde) for name, serde in (("lines", JSON_SERDE), ("rows", PARQUET_SERDE))
    }
    found.objects["lines/dt=2026-05-01/a.jsonl.gz"] = lines({"id": "a", "paise": 100, "first": True})
    found.objects["lines/dt=2026-05-02/b.jsonl.gz"] = lines({"id": "b", "paise": 250, "first": None})
    return found


class TestItRefuses:
    @pytest.mark.parametrize(
        "sql",
        [
            "DROP TABLE lines",
            "INSERT INTO rows SELECT * FROM lines",
            "CREATE TABLE x AS SELECT 1",
            "SELECT 1; SELECT 2",
            "SELECT",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM '/etc/passwd'",
            "SELECT approx_percentile(paise, 0.5) FROM lines",
            "SELECT paise / 3 FROM lines",
            "SELECT getenv('HOME')",
            "SELECT * FROM other.lines",
            "SELECT * FROM catalog.hasivu_test.lines",
            "UNLOAD SELECT 1 TO 's3://x/'",
            "UNLOAD (SELECT 1) TO 's3://x/y' WITH (format = 'PARQUET')",
            "UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'ORC')",
            "UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'PARQUET', compression = 'BROTLI')",
            "UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'PARQUET', partitioned_by = ARRAY['dt'])",
            "UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'PARQUET', field_delimiter = '|')",
            "UNLOAD (DROP TABLE lines) TO 's3://x/' WITH (format = 'PARQUET')",
        ],
    )
    def test_a_statement_that_it_does_not_know(self, sql: str) -> None:
        with pytest.raises(StatementRefused):
            read(sql, database=DATABASE)

    @pytest.mark.parametrize("values", [[], ["'a'", "'b'"], ["upper('a')"], ["a"]])
    def test_parameters_that_are_not_literals_or_not_as_many(self, values: list[str]) -> None:
        with pytest.raises(StatementRefused):
            read("SELECT id FROM lines WHERE id = ?", values, database=DATABASE)

    @pytest.mark.parametrize(
        "change",
        [
            lambda table: table["StorageDescriptor"]["SerdeInfo"].update(SerializationLibrary="csv"),
            lambda table: table["StorageDescriptor"]["Columns"][0].update(Type="map<string,string>"),
            lambda table: table["Parameters"].update({"projection.dt.type": "enum"}),
            lambda table: table["Parameters"].update({"projection.dt.range": "2026-01-01,SOON"}),
        ],
    )
    def test_a_table_that_is_described_in_a_way_it_does_not_know(
        self, memory: Memory, change: object
    ) -> None:
        assert callable(change)
        change(memory.tables["lines"])
        with pytest.raises(TableUnreadable):
            memory.asked("SELECT id FROM lines")

    def test_a_table_that_is_not_there(self, memory: Memory) -> None:
        with pytest.raises(TableUnreadable, match="TABLE_NOT_FOUND"):
            memory.asked("SELECT 1 AS one FROM nothing")


class TestItReads:
    def test_the_columns_of_the_catalogue_and_the_day_of_the_place(self, memory: Memory) -> None:
        answer = memory.asked("SELECT * FROM hasivu_test.lines ORDER BY id")
        assert answer.columns == ["id", "paise", "first", "dt"]
        assert answer.types == ["varchar", "bigint", "boolean", "varchar"]
        assert answer.rows == [("a", 100, True, "2026-05-01"), ("b", 250, None, "2026-05-02")]
        assert answer.scanned_bytes == sum(map(len, memory.objects.values()))

    def test_parameters_in_the_order_of_their_places(self, memory: Memory) -> None:
        sql = "SELECT id FROM lines WHERE dt >= ? AND paise > ?"
        assert memory.asked(sql, "'2026-05-01'", "100").rows == [("b",)]

    def test_projected_days_only_and_nothing_hidden(self, memory: Memory) -> None:
        memory.objects["lines/dt=2025-12-31/c.jsonl.gz"] = lines({"id": "before"})
        memory.objects["lines/dt=2026-06-02/c.jsonl.gz"] = lines({"id": "tomorrow"})
        memory.objects["lines/dt=2026-05-01/_c.jsonl.gz"] = lines({"id": "hidden"})
        memory.objects["lines/somewhere/c.jsonl.gz"] = lines({"id": "elsewhere"})
        assert memory.asked("SELECT id FROM lines ORDER BY id").rows == [("a",), ("b",)]
        memory.tables["lines"] = described("lines", JSON_SERDE, last="NOW+1DAYS")
        assert ("tomorrow",) in memory.asked("SELECT id FROM lines").rows

    def test_parquet_where_the_partition_leads_and_nowhere_else(self, memory: Memory) -> None:
        for run in ("one", "two"):
            place = f"s3://{BUCKET}/rows/dt=2026-05-01/{run}/"
            unload = "UNLOAD (SELECT id, paise, first FROM lines) TO '{}' WITH (format = 'PARQUET')"
            memory.asked(unload.format(place), name=run)
        assert memory.asked("SELECT id FROM rows").rows == []
        memory.parts["rows"] = {"2026-05-01": f"s3://{BUCKET}/rows/dt=2026-05-01/two/"}
        assert memory.asked("SELECT id, dt FROM rows ORDER BY id").rows == [
            ("a", "2026-05-01"),
            ("b", "2026-05-01"),
        ]

    def test_no_more_than_it_may(self, memory: Memory) -> None:
        with pytest.raises(BytesExceeded):
            memory.asked("SELECT id FROM lines", bytes_max=10)

    def test_what_is_no_line_fails_the_query(self, memory: Memory) -> None:
        memory.objects["lines/dt=2026-05-01/c.jsonl.gz"] = gzip.compress(b"{")
        with pytest.raises(QueryFailed):
            memory.asked("SELECT id FROM lines")

    def test_parquet_of_another_type_fails_the_query(self, memory: Memory) -> None:
        place = f"s3://{BUCKET}/rows/dt=2026-05-01/one/"
        memory.asked(f"UNLOAD (SELECT id AS paise FROM lines) TO '{place}' WITH (format = 'PARQUET')")  # noqa: S608
        memory.parts["rows"] = {"2026-05-01": place}
        with pytest.raises(QueryFailed, match="HIVE_BAD_DATA"):
            memory.asked("SELECT paise FROM rows")


class TestItWrites:
    @pytest.mark.parametrize("compression", ["ZSTD", "SNAPPY", "GZIP", "NONE"])
    def test_parquet(self, memory: Memory, compression: str) -> None:
        how = f"WITH (format = 'PARQUET', compression = '{compression}')"
        sql = f"UNLOAD (SELECT id FROM lines) TO 's3://{BUCKET}/out/' {how}"  # noqa: S608
        assert memory.asked(sql).written == [f"s3://{BUCKET}/out/query-1_0"]
        assert memory.objects["out/query-1_0"].startswith(b"PAR1")

    def test_nowhere_that_something_is(self, memory: Memory) -> None:
        with pytest.raises(QueryFailed, match="HIVE_PATH_ALREADY_EXISTS"):
            memory.asked(f"UNLOAD (SELECT id FROM lines) TO 's3://{BUCKET}/lines/' WITH (format = 'PARQUET')")  # noqa: S608

    def test_nothing_of_no_rows(self, memory: Memory) -> None:
        sql = (
            f"UNLOAD (SELECT id FROM lines WHERE id = 'c') TO 's3://{BUCKET}/out/' WITH (format = 'PARQUET')"  # noqa: S608
        )
        assert memory.asked(sql).written == []

    def test_an_answer_as_athena_quotes_it(self, memory: Memory) -> None:
        memory.objects["lines/dt=2026-05-01/a.jsonl.gz"] = lines(
            {"id": 'say "a"', "paise": 1, "first": False}
        )
        text = as_csv(memory.asked("SELECT id, paise, first FROM lines ORDER BY paise"))
        assert text == b'"id","paise","first"\n"say ""a""","1","false"\n"b","250",\n'
