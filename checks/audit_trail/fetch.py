"""Fetch the sealed audit trail of an environment into a folder, and hold it against the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from checks.audit_trail.verify import PUBLIC_KEY, Fault, lines_of
from runtime.platform.canonical_json import canonical
from runtime.platform.dynamodb import from_item, to_item
from runtime.sealing.model import LINES, SEALS, Checkpoint
from runtime.sealing.rules import days_to_read, first_unsettled
from runtime.sealing.service import last_checkpoint


def bucket_of(environment: str) -> str:
    """The audit bucket."""
    return f"hasivu-{environment}-audit"


def table_of(environment: str) -> str:
    """The audit table, which is the name of the log, too."""
    return f"hasivu-{environment}-audit"


def fetch(session: boto3.Session, environment: str, into: Path) -> None:
    """Write seals, lines and the public key below ``into``; what is there already is not fetched again."""
    s3 = session.client("s3")
    for prefix in (SEALS, LINES):
        for key in _keys(s3, bucket_of(environment), prefix):
            target = into / key
            if target.is_file() and prefix == LINES:
                continue  # named by its digest, and verified by it
            target.parent.mkdir(parents=True, exist_ok=True)
            body = s3.get_object(Bucket=bucket_of(environment), Key=key)["Body"].read()
            target.write_bytes(body)
    answer = session.client("kms").get_public_key(KeyId=f"alias/hasivu/{environment}/audit-seal")
    public = load_der_public_key(answer["PublicKey"])
    (into / PUBLIC_KEY).write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def latest_digest(session: boto3.Session, environment: str) -> str | None:
    """The digest of the last checkpoint, for reports and sign-offs to name; None where there is none.
    Error: ValueError where it cannot be read."""
    last = last_checkpoint(session.client("s3"), bucket_of(environment), table_of(environment))
    return None if last is None else last.digest


def against_the_table(
    session: boto3.Session, environment: str, trail: Path, last: Checkpoint, *, now: datetime
) -> Iterator[Fault]:
    """Where the table differs from a verified trail, for the days whose lines came last: a line that was
    changed or taken away after it was sealed, and one that has settled and was not sealed."""
    sealed = {
        (str(line["day"]), str(line["audit_id"])): canonical(line)
        for line in lines_of(trail)
        if str(line["day"]) in last.until
    }
    settled = min(first_unsettled(now), max(last.until.values(), default=""))
    seen = set()
    for day in sorted({*last.until, *(day.isoformat() for day in days_to_read(now))}):
        for line in _lines(session, table_of(environment), day):
            place = (day, str(line["audit_id"]))
            seen.add(place)
            if place in sealed and sealed[place] != canonical(line):
                yield Fault("line-changed", "/".join(place), "it is not as it was sealed")
            if place not in sealed and place[1] <= settled and day in last.until:
                yield Fault("line-unsealed", "/".join(place), "it settled and was not sealed")
    for place in sorted(sealed.keys() - seen):
        yield Fault("line-missing", "/".join(place), "it was sealed and is gone from the table")


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for each in page.get("Contents", []):
            yield str(each["Key"])


def _lines(session: boto3.Session, table: str, day: str) -> Iterator[dict[str, Any]]:
    pages = (
        session.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="#day = :day",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues=to_item({":day": day}),
        )
    )
    for page in pages:
        for item in page["Items"]:
            yield from_item(item)
