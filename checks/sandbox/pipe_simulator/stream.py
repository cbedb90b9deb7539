"""Reads one DynamoDB stream from where it stopped, and never anything that the pipe's role may not.

Events and dead letters are sent with the role's own credentials, and the emulator's IAM decides. For calls
on a stream it cannot: it sees the resource `*` in all of them and refuses every role that names its stream.
There its policy simulation, which takes the resource as an argument, decides by the same rules, before
anything is read.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from checks.sandbox import emulator
from checks.sandbox.pipe_simulator.carrier import Bury, Carrier, PutEvents
from checks.sandbox.pipe_simulator.definition import PipeDefinition

LOG = logging.getLogger("pipes")

_IDLE_S = 0.2
_AFTER_TROUBLE_S = 2.0
_SESSION_S = 3600
_QUIET = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=30)

READING = ("dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords")

Stopped = Callable[[], bool]


class Checkpoints:
    """How far each shard was carried, kept in a file so that a restart carries nothing twice without need."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reached: dict[str, str] = {}
        with suppress(FileNotFoundError, json.JSONDecodeError):
            self._reached = json.loads(path.read_text(encoding="utf-8"))

    def of(self, stream_arn: str, shard: str) -> str | None:
        return self._reached.get(f"{stream_arn}/{shard}")

    def reached(self, stream_arn: str, shard: str, sequence_number: str) -> None:
        self._reached[f"{stream_arn}/{shard}"] = sequence_number
        staged = self._path.with_suffix(".partial")
        staged.write_text(json.dumps(self._reached), encoding="utf-8")
        staged.replace(self._path)


def run(pipe: PipeDefinition, endpoint_url: str, checkpoints: Checkpoints, stopped: Stopped) -> None:
    """Carry until `stopped`. Trouble with the emulator is logged and waited out: it may be restarting."""
    while not stopped():
        try:
            _run_session(pipe, endpoint_url, checkpoints, stopped)
        except (ClientError, BotoCoreError, ReadingDenied) as error:
            LOG.warning("%s: %s", pipe.name, error)
            time.sleep(_AFTER_TROUBLE_S)


def _run_session(pipe: PipeDefinition, endpoint_url: str, checkpoints: Checkpoints, stopped: Stopped) -> None:
    """One assumed role's lifetime: a new one is begun well before the credentials run out."""
    administrator = _administrator()
    _require_permission_to_read(pipe, administrator, endpoint_url)
    streams = administrator.client("dynamodbstreams", endpoint_url=endpoint_url, config=_QUIET)
    session = _as_role(pipe.role_arn, administrator, endpoint_url)
    carrier = Carrier(
        pipe=pipe,
        put_events=_events(session, endpoint_url),
        bury=_dead_letters(session, pipe.dead_letter_queue_arn, endpoint_url),
    )
    LOG.info("%s: running as %s", pipe.name, pipe.role_arn)
    until = time.monotonic() + _SESSION_S / 2
    iterators: dict[str, str | None] = {}
    while not stopped() and time.monotonic() < until:
        description = streams.describe_stream(StreamArn=pipe.stream_arn)["StreamDescription"]
        for shard in (item["ShardId"] for item in description["Shards"]):
            if shard not in iterators:
                iterators[shard] = _iterator(streams, pipe, shard, checkpoints.of(pipe.stream_arn, shard))
        if not _poll(streams, iterators, carrier, checkpoints):
            time.sleep(_IDLE_S)


def _poll(streams: Any, iterators: dict[str, str | None], carrier: Carrier, checkpoints: Checkpoints) -> bool:
    """Read each open shard once; whether anything came."""
    came = False
    for shard, iterator in iterators.items():
        if iterator is None:
            continue
        page = streams.get_records(ShardIterator=iterator, Limit=min(carrier.pipe.batch_size, 1000))
        records = page["Records"]
        if records:
            came = True
            carrier.carry(records, shard=shard)
            sequence_number = records[-1]["dynamodb"]["SequenceNumber"]
            checkpoints.reached(carrier.pipe.stream_arn, shard, sequence_number)
        iterators[shard] = page.get("NextShardIterator")
    return came


def _iterator(streams: Any, pipe: PipeDefinition, shard: str, after: str | None) -> str | None:
    """Where to go on: behind what was carried last, at the oldest record if that is gone, or at the start."""
    if after is not None:
        try:
            return _shard_iterator(
                streams, pipe, shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=after
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                raise
            return _shard_iterator(streams, pipe, shard, ShardIteratorType="TRIM_HORIZON")
    return _shard_iterator(streams, pipe, shard, ShardIteratorType=pipe.starting_position)


def _shard_iterator(streams: Any, pipe: PipeDefinition, shard: str, **where: str) -> str | None:
    answer = streams.get_shard_iterator(StreamArn=pipe.stream_arn, ShardId=shard, **where)
    iterator: str | None = answer.get("ShardIterator")
    return iterator


class ReadingDenied(Exception):
    """The pipe's role may not read the pipe's source."""


def _require_permission_to_read(
    pipe: PipeDefinition, administrator: boto3.Session, endpoint_url: str
) -> None:
    """Ask IAM whether the role may do on its stream what reading it takes. Error: ReadingDenied."""
    answer = administrator.client("iam", endpoint_url=endpoint_url, config=_QUIET).simulate_principal_policy(
        PolicySourceArn=pipe.role_arn, ActionNames=list(READING), ResourceArns=[pipe.stream_arn]
    )
    decisions = {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}
    denied = [action for action in READING if decisions.get(action) != "allowed"]
    if denied:
        raise ReadingDenied(f"{pipe.role_arn} may not {', '.join(denied)} on {pipe.stream_arn}")


def _administrator() -> boto3.Session:
    """Stands in for the Pipes service."""
    return boto3.Session(
        aws_access_key_id=emulator.ADMIN_ACCESS_KEY_ID,
        aws_secret_access_key=emulator.ADMIN_SECRET_ACCESS_KEY,
        region_name=emulator.REGION,
    )


def _as_role(role_arn: str, administrator: boto3.Session, endpoint_url: str) -> boto3.Session:
    credentials = administrator.client("sts", endpoint_url=endpoint_url, config=_QUIET).assume_role(
        RoleArn=role_arn, RoleSessionName="pipe-simulator", DurationSeconds=_SESSION_S
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=emulator.REGION,
    )


def _events(session: boto3.Session, endpoint_url: str) -> PutEvents:
    client: Any = session.client("events", endpoint_url=endpoint_url, config=_QUIET)

    def put_events(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = client.put_events(Entries=entries)["Entries"]
        return results

    return put_events


def _dead_letters(session: boto3.Session, queue_arn: str | None, endpoint_url: str) -> Bury:
    """To the queue that the pipe names; a pipe that names none loses what it gives up, as on AWS."""
    client = session.client("sqs", endpoint_url=endpoint_url, config=_QUIET)

    def bury(body: str) -> None:
        if queue_arn is not None:
            *_, account, name = queue_arn.split(":")
            client.send_message(QueueUrl=f"{endpoint_url}/{account}/{name}", MessageBody=body)

    return bury
