"""Sealing: read the lines that have settled, grow the tree over them, sign its root, and lock it away.

The lines are put first, under their digest, where nobody misses them if the rest does not happen. Then the
seal is made under its number, which succeeds once: of two sealers one wins, and the other does nothing.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from runtime.platform.clock import Clock
from runtime.platform.dynamodb import from_item, to_item
from runtime.sealing.model import ALGORITHM, SEALS, Checkpoint, Seal
from runtime.sealing.rules import days_to_read, first_unsettled, lines_object, next_checkpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

LINES_MAX = 5_000
"""Of one checkpoint; what is more waits for the next."""

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class SealedMeanwhile(Exception):
    """Another sealer made the checkpoint of this number. Nothing is lost: the next run goes on from it."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the audit ``table`` into ``bucket`` by the signing key ``key_id``."""

    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    kms: "KMSClient"
    table: str
    bucket: str
    key_id: str
    clock: Clock

    def seal(self) -> Checkpoint:
        """Make the next checkpoint. Raises SealedMeanwhile, ValueError for a last seal that contradicts
        itself, and what the services raise."""
        previous = last_checkpoint(self.s3, self.bucket, self.table)
        lines = self._settled(previous)
        now = self.clock.now()
        checkpoint = next_checkpoint(previous, self.table, lines, now)
        if checkpoint.lines is not None:
            _, kept = lines_object(lines)
            self._put(checkpoint.lines.key, kept, "application/x-ndjson")
        seal = Seal(checkpoint=checkpoint, key_id=self.key_id, signature=self._signature(checkpoint))
        try:
            self._put(checkpoint.key, seal.document(), "application/json", only_new=True)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _TAKEN:
                raise SealedMeanwhile(checkpoint.key) from None
            raise
        return checkpoint

    def _settled(self, previous: Checkpoint | None) -> list[dict[str, Any]]:
        """The lines that came since, oldest first."""
        now = self.clock.now()
        before = first_unsettled(now)
        lines: list[dict[str, Any]] = []
        for day in days_to_read(now):
            after = "" if previous is None else previous.until.get(day.isoformat(), "")
            for line in self._lines(day.isoformat(), after, before):
                lines.append(line)
                if len(lines) == LINES_MAX:
                    return lines
        return lines

    def _lines(self, day: str, after: str, before: str) -> Iterator[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="#day = :day AND audit_id > :after",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues=to_item({":day": day, ":after": after or " "}),
        )
        for page in pages:
            for item in page["Items"]:
                line = from_item(item)
                if line["audit_id"] >= before:
                    return
                yield line

    def _signature(self, checkpoint: Checkpoint) -> str:
        signed = self.kms.sign(
            KeyId=self.key_id,
            Message=hashlib.sha256(checkpoint.canonical()).digest(),
            MessageType="DIGEST",
            SigningAlgorithm=ALGORITHM,
        )
        return base64.b64encode(signed["Signature"]).decode()

    def _put(self, key: str, body: bytes, content_type: str, *, only_new: bool = False) -> None:
        condition: Mapping[str, Any] = {"IfNoneMatch": "*"} if only_new else {}
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, **condition)


def last_checkpoint(s3: "S3Client", bucket: str, log: str) -> Checkpoint | None:
    """The last checkpoint of ``log`` in ``bucket``; None before the first. Two lists and a read, however long
    the trail is. Raises ValueError where it cannot be read."""
    folders = list(_listed(s3, bucket, f"{SEALS}/", "CommonPrefixes", "Prefix"))
    if not folders:
        return None
    last = max(_listed(s3, bucket, max(folders), "Contents", "Key"))
    seal = Seal.model_validate_json(s3.get_object(Bucket=bucket, Key=last)["Body"].read())
    if seal.checkpoint.key != last or seal.checkpoint.log != log:
        raise ValueError("the last seal is not where it belongs")
    return seal.checkpoint


def _listed(s3: "S3Client", bucket: str, prefix: str, part: str, name: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    for page in pages:
        for each in page.get(part, []):  # type: ignore[attr-defined]  # one of two parts, by name
            yield str(each[name])
