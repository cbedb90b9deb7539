"""The files of large bank statements, in the bucket for uploads: where one may be put, and how it is read.

A link lets exactly one file in: its signature covers the object's name, the number of bytes and their
SHA-256, and S3 refuses any other body.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from runtime.payments.reconciliation.contracts import UploadLinkView
from runtime.payments.reconciliation.statements.model import FileFault, StatementRefused
from runtime.platform.clock import Clock, iso

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX: Final = "statements"
"""Where in the bucket the files are: stacks/storage.py lets nobody else in there."""
CONTENT_TYPE: Final = "application/octet-stream"
_CHUNK: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class FileTerms:
    """What a file has to be: its number of bytes, and their SHA-256 in hexadecimal."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StatementFiles:
    """The files of uploads, by the ids of the uploads. To make links, ``s3`` must sign them by SigV4."""

    s3: "S3Client"
    bucket: str
    clock: Clock

    def link(self, upload_id: str, terms: FileTerms, *, until: datetime) -> UploadLinkView | None:
        """A link by which the file may be put until then; None once that is over.

        Whoever has the link may use it, so it is shown once and never stored.
        """
        left_s = int((until - self.clock.now()) / timedelta(seconds=1))
        if left_s <= 0:
            return None
        checksum = base64.b64encode(bytes.fromhex(terms.sha256)).decode()
        url = self.s3.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self.bucket,
                "Key": _key(upload_id),
                "ContentLength": terms.size_bytes,
                "ContentType": CONTENT_TYPE,
                "ChecksumSHA256": checksum,
            },
            ExpiresIn=left_s,
        )
        headers = {"Content-Type": CONTENT_TYPE, "x-amz-checksum-sha256": checksum}
        return UploadLinkView(method="PUT", url=url, headers=headers, expires_at=iso(until))

    def is_there(self, upload_id: str) -> bool:
        """Whether the file was put."""
        key = _key(upload_id)
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        return any(each["Key"] == key for each in found.get("Contents", ()))

    def read(self, upload_id: str, terms: FileTerms) -> bytes:
        """The file. Not a byte more is read than it may have. Raises StatementRefused for another file than
        was said: S3 has refused it before, and is not taken at its word."""
        chunks: list[bytes] = []
        size = 0
        body = self.s3.get_object(Bucket=self.bucket, Key=_key(upload_id))["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            size += len(chunk)
            if size > terms.size_bytes:
                break
            chunks.append(chunk)
        body.close()
        if size != terms.size_bytes:
            raise StatementRefused(FileFault.SIZE, "the file has another size than was said")
        data = b"".join(chunks)
        if hashlib.sha256(data).hexdigest() != terms.sha256:
            raise StatementRefused(FileFault.DIGEST, "the file has another SHA-256 than was said")
        return data


def _key(upload_id: str) -> str:
    return f"{PREFIX}/{upload_id}"
