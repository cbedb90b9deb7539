"""Uploads of bank statements in DynamoDB: those that wait, and the one that imports each."""

from enum import StrEnum
from typing import TYPE_CHECKING

from runtime.payments.reconciliation.leases import LeasedWork

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class UploadState(StrEnum):
    """How far an upload has come."""

    AWAITING = "awaiting"
    IMPORTING = "importing"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"


def uploads_in(client: "DynamoDBClient", table: str) -> LeasedWork:
    """The uploads as the work that they are."""
    return LeasedWork(
        client=client,
        table=table,
        partition="UPLOADS",
        id_name="upload_id",
        waits=UploadState.AWAITING,
        works=UploadState.IMPORTING,
    )
