"""A link for a file names the very bytes that it takes, at the bucket's own region."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statement_files import FileTerms, StatementFiles
from runtime.platform import aws
from runtime.platform.clock import FixedClock

NOW = datetime(2026, 4, 7, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def files() -> StatementFiles:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "of-an-example")
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        return StatementFiles(aws.s3_for_links(), "hasivu-prod-uploads", FixedClock(NOW))


@given(
    size_bytes=st.integers(1, 20_971_520),
    sha256=st.binary(min_size=32, max_size=32),
    left_s=st.integers(1, 900),
)
def test_the_signature_covers_name_size_type_and_checksum(
    files: StatementFiles, size_bytes: int, sha256: bytes, left_s: int
) -> None:
    until = NOW + timedelta(seconds=left_s)
    link = files.link("upl_1", FileTerms(size_bytes, sha256.hex()), until=until)
    assert link is not None
    url = urlsplit(link.url)
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc) == ("https", "hasivu-prod-uploads.s3.ap-south-1.amazonaws.com")
    assert url.path == "/statements/upl_1"
    assert asked["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    signed = asked["X-Amz-SignedHeaders"].split(";")
    assert signed == ["content-length", "content-type", "host", "x-amz-checksum-sha256"]
    assert asked["X-Amz-Expires"] == str(left_s)
    assert base64.b64decode(link.headers["x-amz-checksum-sha256"]) == sha256
    assert link.expires_at == until.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("late_ms", [0, 1, 86_400_000, -999])
def test_there_is_no_link_once_its_time_is_over(files: StatementFiles, late_ms: int) -> None:
    until = NOW - timedelta(milliseconds=late_ms)
    assert files.link("upl_1", FileTerms(1, "00" * 32), until=until) is None
