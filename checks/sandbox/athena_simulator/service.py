"""Athena's actions on queries, in the place of the emulator's own; its other actions stay the emulator's.

Beside them the one action of the Glue catalogue that the emulator lacks.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import athena as emulated
from ministack.services import glue, s3

from checks.sandbox.athena_simulator.catalogue import TableUnreadable
from checks.sandbox.athena_simulator.dialect import Statement, StatementRefused, read
from checks.sandbox.athena_simulator.engine import (
    Answer,
    BytesExceeded,
    Engine,
    QueryFailed,
    as_csv,
    text_of,
)

TOKEN_LENGTH = range(32, 129)
RESULTS_MAX = 1_000
ANSWERS_MAX = 50

Reply = tuple[int, dict[str, str], bytes]


class Denied(Exception):
    """The caller may not do that to S3 or to the catalogue."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: Athena does nothing that he may not do himself."""

    access_key_id: str
    region: str
    account: str

    def must_be_allowed(self, action: str, resource: str, context: Mapping[str, Any] | None = None) -> None:
        """Raise Denied where IAM does not let the caller do ``action`` on ``resource``."""
        service = action.partition(":")[0]
        denied = iam_evaluator.enforce(
            self.access_key_id, action, service, self.region, resource, dict(context or {})
        )
        if denied is not None:
            raise Denied(f"Access denied: {action} on {resource}")


@dataclass(frozen=True, slots=True)
class CallersStore:
    """S3, as far as the caller may use it."""

    caller: Caller

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        arn = f"arn:aws:s3:::{bucket}"
        self.caller.must_be_allowed("s3:ListBucket", arn, {"s3:prefix": prefix})
        found = s3._buckets.get(bucket)
        if found is None:
            raise QueryFailed(f"HIVE_FILESYSTEM_ERROR: no bucket {bucket}")
        return sorted(key for key in list(found["objects"]) if key.startswith(prefix))

    def read(self, bucket: str, key: str) -> bytes:
        self.caller.must_be_allowed("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        body = s3._get_object_data(bucket, key)
        if body is None:
            raise QueryFailed(f"HIVE_CANNOT_OPEN_SPLIT: no object {key}")
        return bytes(body)

    def write(self, bucket: str, key: str, body: bytes) -> None:
        self.caller.must_be_allowed("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
        self.caller.must_be_allowed("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        status, _, answer = s3._put_object(bucket, key, body, {"content-length": str(len(body))})
        if status >= 300:
            raise QueryFailed(f"HIVE_WRITER_CLOSE_ERROR: {bytes(answer)[:200]!r}")


@dataclass(frozen=True, slots=True)
class CallersCatalogue:
    """The Glue catalogue, as far as the caller may see it."""

    caller: Caller

    def table(self, database: str, name: str) -> Mapping[str, Any]:
        self._allowed("glue:GetTable", database, name)
        found = glue._tables.get(f"{database}/{name}")
        if found is None:
            raise TableUnreadable(f"TABLE_NOT_FOUND: {database}.{name}")
        return dict(found)

    def partitions(self, database: str, name: str) -> Sequence[Mapping[str, Any]]:
        self._allowed("glue:GetPartitions", database, name)
        return list(glue._partitions.get(f"{database}/{name}", []))

    def _allowed(self, action: str, database: str, name: str) -> None:
        base = f"arn:aws:glue:{self.caller.region}:{self.caller.account}"
        for resource in ("catalog", f"database/{database}", f"table/{database}/{name}"):
            self.caller.must_be_allowed(action, f"{base}:{resource}")


def install() -> None:
    """Take the place of the emulator's queries."""
    others = emulated.handle_request
    ours = {
        "StartQueryExecution": _start,
        "GetQueryResults": _results,
        "StopQueryExecution": _stop,
    }

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Reply:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action not in ours:
            reply: Reply = await others(method, path, headers, body, query)
            return reply
        caller = Caller(
            router.extract_access_key_id(headers, query),
            router.extract_region(headers, query),
            responses.get_account_id(),
        )
        return ours[action](json.loads(body or b"{}"), caller)

    emulated.handle_request = handle
    _complete_the_catalogue()
    resource_of = iam_actions.extract_resource_arn

    def resource(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        """The workgroup is the resource of what is asked of a query, too."""
        if service == "athena":
            asked = json.loads(body or b"{}")
            execution = emulated._executions.get(asked.get("QueryExecutionId", ""))
            if execution is not None:
                return emulated._arn_workgroup(execution["WorkGroup"])
        return resource_of(service, method, path, headers, body, *rest)

    iam_actions.extract_resource_arn = resource


def _complete_the_catalogue() -> None:
    """The emulator's Glue makes, reads and deletes partitions, but does not know UpdatePartition."""
    others = glue.handle_request

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Reply:
        if headers.get("x-amz-target", "").rpartition(".")[2] != "UpdatePartition":
            reply: Reply = await others(method, path, headers, body, query)
            return reply
        return _update_partition(json.loads(body or b"{}"))

    glue.handle_request = handle


def _update_partition(asked: Mapping[str, Any]) -> Reply:
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdatePartition.html"""
    known = glue._partitions.get(f"{asked['DatabaseName']}/{asked['TableName']}", [])
    for number, partition in enumerate(known):
        if partition["Values"] == asked["PartitionValueList"]:
            known[number] = {**partition, **asked["PartitionInput"]}
            return _ok({})
    reply: Reply = responses.error_response_json("EntityNotFoundException", "Partition not found", 400)
    return reply


def _invalid(message: str) -> Reply:
    reply: Reply = responses.error_response_json("InvalidRequestException", message, 400)
    return reply


def _ok(document: Mapping[str, Any]) -> Reply:
    reply: Reply = responses.json_response(dict(document))
    return reply


def _start(asked: Mapping[str, Any], caller: Caller) -> Reply:
    token = asked.get("ClientRequestToken", "")
    if len(token) not in TOKEN_LENGTH:
        return _invalid("ClientRequestToken has 32 to 128 characters")
    group = emulated._workgroups.get(asked.get("WorkGroup", "primary"))
    if group is None or group["State"] != "ENABLED":
        return _invalid("WorkGroup is not found or disabled")
    settings = group.get("Configuration", {})
    output = settings.get("ResultConfiguration", {}).get("OutputLocation")
    if settings.get("EnforceWorkGroupConfiguration") is not True or not output:
        return _invalid("only a workgroup that says where answers go is known here")
    same = {name: value for name, value in asked.items() if name != "ClientRequestToken"}
    for known, execution in list(emulated._executions.items()):
        if execution.get("_token") == token:
            if execution["_asked"] != same:
                return _invalid("Idempotent parameters do not match")
            return _ok({"QueryExecutionId": known})
    database = asked.get("QueryExecutionContext", {}).get("Database", "default")
    try:
        statement = read(asked["QueryString"], asked.get("ExecutionParameters", ()), database=database)
    except StatementRefused as refused:
        return _invalid(f"the sandbox's Athena refuses it: {refused}")
    query_id = str(uuid.uuid4())
    end = "" if statement.unload else ".csv"
    execution = {
        "QueryExecutionId": query_id,
        "Query": asked["QueryString"],
        "StatementType": "DML",
        "ResultConfiguration": {"OutputLocation": f"{output}{query_id}{end}"},
        "QueryExecutionContext": {"Database": database},
        "Status": {"State": "QUEUED", "SubmissionDateTime": int(time.time())},
        "Statistics": {},
        "WorkGroup": group["Name"],
        "_token": token,
        "_asked": same,
    }
    emulated._executions[query_id] = execution
    task = asyncio.get_running_loop().create_task(
        asyncio.to_thread(_execute, execution, statement, caller, settings.get("BytesScannedCutoffPerQuery"))
    )
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return _ok({"QueryExecutionId": query_id})


_RUNNING: set[asyncio.Task[None]] = set()
"""Tasks on the way; a loop keeps only weak references."""

_ANSWERS: dict[str, Answer] = {}
"""The rows of the last queries, by their ids."""


def _execute(execution: dict[str, Any], statement: Statement, caller: Caller, bytes_max: int | None) -> None:
    began = time.monotonic()
    status = execution["Status"]
    status["State"] = "RUNNING"
    store = CallersStore(caller)
    try:
        answer = Engine(CallersCatalogue(caller), store).execute(
            statement,
            database=execution["QueryExecutionContext"]["Database"],
            now=datetime.now(UTC),
            name=execution["QueryExecutionId"],
            bytes_max=bytes_max,
        )
        _write(execution, answer, store, unloaded=statement.unload is not None)
    except BytesExceeded as exceeded:
        status.update(State="CANCELLED", StateChangeReason=str(exceeded))
    except (QueryFailed, TableUnreadable, Denied) as failed:
        status.update(State="FAILED", StateChangeReason=str(failed))
    except Exception as bug:  # the simulator's own: nobody waits for a query that never ends
        status.update(State="FAILED", StateChangeReason=f"the sandbox's Athena broke: {bug!r}")
        raise
    else:
        _ANSWERS[execution["QueryExecutionId"]] = answer
        for forgotten in list(_ANSWERS)[:-ANSWERS_MAX]:
            del _ANSWERS[forgotten]
        execution["Statistics"] = {
            "DataScannedInBytes": answer.scanned_bytes,
            "TotalExecutionTimeInMillis": int((time.monotonic() - began) * 1000),
        }
        if status["State"] != "CANCELLED":
            status["State"] = "SUCCEEDED"
    status["CompletionDateTime"] = int(time.time())


def _write(execution: Mapping[str, Any], answer: Answer, store: CallersStore, *, unloaded: bool) -> None:
    """The answer's file; of an UNLOAD the manifest of what it wrote."""
    place = urlsplit(execution["ResultConfiguration"]["OutputLocation"])
    key = place.path.lstrip("/")
    if unloaded:
        store.write(place.netloc, f"{key}-manifest.csv", "".join(f"{at}\n" for at in answer.written).encode())
    else:
        store.write(place.netloc, key, as_csv(answer))


def _results(asked: Mapping[str, Any], _: Caller) -> Reply:
    execution = emulated._executions.get(asked.get("QueryExecutionId", ""))
    if execution is None or execution["Status"]["State"] != "SUCCEEDED":
        return _invalid("Query has not yet finished, or failed")
    answer = _ANSWERS.get(execution["QueryExecutionId"])
    if answer is None:
        return _invalid("the sandbox keeps the rows of the last queries only; the answer's file stays")
    rows: list[Sequence[Any]] = [answer.columns, *answer.rows] if answer.columns else []
    first, most = int(asked.get("NextToken") or 0), int(asked.get("MaxResults") or RESULTS_MAX)
    page = rows[first : first + most]
    document: dict[str, Any] = {
        "ResultSet": {
            "Rows": [
                {"Data": [{} if value is None else {"VarCharValue": text_of(value)} for value in row]}
                for row in page
            ],
            "ResultSetMetadata": {
                "ColumnInfo": [
                    {"Name": name, "Label": name, "Type": kind, "CatalogName": "hive"}
                    for name, kind in zip(answer.columns, answer.types, strict=True)
                ]
            },
        },
        "UpdateCount": 0,
    }
    if first + most < len(rows):
        document["NextToken"] = str(first + most)
    return _ok(document)


def _stop(asked: Mapping[str, Any], _: Caller) -> Reply:
    execution = emulated._executions.get(asked.get("QueryExecutionId", ""))
    if execution is None:
        return _invalid("QueryExecution was not found")
    if execution["Status"]["State"] in {"QUEUED", "RUNNING"}:
        execution["Status"].update(State="CANCELLED", StateChangeReason="Query cancelled by user")
    return _ok({})
