"""A large statement is put by a link that takes no other bytes, and imported as a small one is."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.functions import payments_reconciliation_worker
from runtime.payments.reconciliation.statement_uploads import LINK_FOR, OPEN_MAX
from runtime.payments.reconciliation.statements.model import FILE_BYTES_MAX
from runtime.payments.reconciliation.upload_worker import GIVEN_UP_AFTER, SENT_WITHIN
from runtime.platform import aws
from runtime.platform.clock import from_iso
from tests.events import Answer, Context
from tests.integration.payments.reconciling import (
    AUDITOR,
    FINANCE,
    FINANCE_OF_A_SCHOOL,
    OPERATOR,
    SECOND,
    SETTLED_ON,
    Reconciling,
)
from tests.integration.payments.test_bank_statements import ONE, TWO, kept
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import Interrupted
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEADER = "booked_on,amount,narration,reference"
UPLOADS = "/v1/bank-statement-uploads"


def csv(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


MANY = csv(*(f"2026-04-06,{n}.00,NEFT RAZORPAY AXISCN{n:010d},AXISCN{n:010d}" for n in range(1, 1_001)))
"""More than fits into a call."""


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient", in_aws: dict[str, str]) -> Reconciling:
    made = Reconciling(tables, dynamodb, s3=aws.s3_for_links(), uploads_bucket=f"{tables.prefix}-uploads")
    made.s3.create_bucket(
        Bucket=made.uploads_bucket, CreateBucketConfiguration={"LocationConstraint": "ap-south-1"}
    )
    made.go_to(SETTLED_ON)
    return made


def asked(world: Reconciling, data: bytes = b"", *, key: str | None = None, **changes: Any) -> Answer:
    """POST /v1/bank-statement-uploads for a file with ``data``."""
    body: dict[str, Any] = {
        "account": "settlements",
        "profile": "signed",
        "format": "csv",
        "file_name": "April 2026 (final).csv",
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    } | changes
    principal = body.pop("principal", FINANCE)
    sent = {name: value for name, value in body.items() if value is not None}
    return world.ask("POST", UPLOADS, sent, key=key or f"key-{world.ids.new('key')}", principal=principal)


def put(upload: dict[str, Any], data: bytes, **headers: str | None) -> int:
    """The status with which the bucket takes ``data`` by the link of an upload."""
    link = upload["link"]
    sent = {name: value for name, value in (link["headers"] | headers).items() if value is not None}
    return urllib3.request(link["method"], link["url"], body=data, headers=sent).status


def uploaded(world: Reconciling, data: bytes, **changes: Any) -> str:
    """An upload whose file is there."""
    answer = asked(world, data, **changes)
    assert answer.status == 201, answer.text
    assert put(answer.body, data) == 200
    return str(answer.body["upload_id"])


def work(world: Reconciling, *, remaining_ms: int = 900_000, may_go_on: bool = True) -> int:
    return world.upload_worker.work(
        request_id="req", remaining_ms=lambda: remaining_ms, may_go_on=lambda: may_go_on
    )


def shown(world: Reconciling, upload_id: str) -> dict[str, Any]:
    answer = world.ask("GET", UPLOADS + "/{upload_id}", principal=AUDITOR, upload_id=upload_id)
    assert answer.status == 200, answer.text
    return answer.body


def ended(world: Reconciling, data: bytes, **changes: Any) -> dict[str, Any]:
    """An upload once it was worked at."""
    upload_id = uploaded(world, data, **changes)
    assert work(world) == 1
    return shown(world, upload_id)


class TestTheWay:
    def test_a_file_too_large_for_a_call_is_imported(self, world: Reconciling) -> None:
        answer = asked(world, MANY)
        assert (answer.status, answer.body["state"], answer.body["result"]) == (201, "awaiting", None)
        assert work(world) == 0, "nothing is there yet"
        assert put(answer.body, MANY) == 200
        assert shown(world, answer.body["upload_id"])["state"] == "awaiting"
        assert work(world) == 1
        done = shown(world, answer.body["upload_id"])
        assert (done["state"], done["link"], done["refusal"]) == ("done", None, None)
        assert (done["result"]["kept"], done["result"]["known"], done["result"]["broken"]) == (1_000, 0, 0)
        assert done["completed_at"] is not None
        assert kept(world) == [n * 100 for n in range(1, 1_001)]
        assert work(world) == 0, "what has ended is not worked at again"

    def test_it_meets_the_lines_of_small_files(self, world: Reconciling) -> None:
        assert world.upload(ONE).body["kept"] == 1
        result = ended(world, csv(ONE, TWO))["result"]
        assert (result["kept"], result["known"]) == (1, 1)
        assert world.upload(ONE, TWO).body["known"] == 2
        assert kept(world) == [10_000, 43_938]

    def test_good_rows_are_kept_and_broken_ones_told_by_line(self, world: Reconciling) -> None:
        result = ended(world, csv(ONE, "2026-04-07,much,NEFT,X", TWO))["result"]
        assert (result["kept"], result["broken"]) == (2, 1)
        assert result["broken_rows"][0]["row_no"] == 3

    def test_its_end_is_in_the_audit_trail_in_the_name_of_who_asked(self, world: Reconciling) -> None:
        upload_id = ended(world, csv(ONE))["upload_id"]
        lines = [item for item in world.tables.items("audit") if item["subject"] == upload_id]
        assert {(line["actor_id"], line["action"]) for line in lines} == {
            ("usr_finance", "statements.upload"),
            ("usr_finance", "statements.upload.end"),
        }

    def test_a_run_matches_what_was_imported(self, world: Reconciling) -> None:
        ended(world, csv(ONE))
        run = world.run()
        (bank,) = [leg for leg in run.body["legs"] if leg["leg"] == "bank"]
        assert bank["inputs"] == {"count": 1, "paise": 43_938}


class TestTheLink:
    def test_no_other_bytes_are_taken(self, world: Reconciling) -> None:
        upload = asked(world, csv(ONE)).body
        other = csv(TWO)
        assert len(other) == len(csv(ONE))
        assert put(upload, other) == 400, "the checksum that was signed is not theirs"
        checksum = base64.b64encode(hashlib.sha256(other).digest()).decode()
        assert put(upload, other, **{"x-amz-checksum-sha256": checksum}) == 403, "it was not signed"
        assert put(upload, other, **{"x-amz-checksum-sha256": None}) == 403
        assert put(upload, csv(ONE, TWO)) in (400, 403), "nor more of them"
        assert put(upload, b"") in (400, 403)
        assert work(world) == 0

    def test_it_leads_to_its_own_object_only(self, world: Reconciling) -> None:
        upload = asked(world, csv(ONE)).body
        other = asked(world, csv(TWO)).body
        moved = upload["link"] | {
            "url": upload["link"]["url"].replace(upload["upload_id"], other["upload_id"])
        }
        assert put({"link": moved}, csv(ONE)) == 403

    def test_it_is_over_soon(self, world: Reconciling) -> None:
        upload = asked(world, csv(ONE)).body
        assert from_iso(upload["expires_at"]) - from_iso(upload["requested_at"]) == LINK_FOR
        assert upload["link"]["expires_at"] == upload["expires_at"]
        assert "X-Amz-Expires=900" in upload["link"]["url"]

    def test_it_is_never_stored_and_shown_to_nobody_else(self, world: Reconciling) -> None:
        upload = asked(world, csv(ONE)).body
        everything = repr(world.tables.snapshot())
        assert "X-Amz-Signature" in upload["link"]["url"]
        assert "X-Amz-Signature" not in everything
        assert shown(world, upload["upload_id"])["link"] is None

    def test_the_same_key_gives_the_same_upload_with_a_link_while_it_holds(self, world: Reconciling) -> None:
        first = asked(world, csv(ONE), key="key-of-one-file").body
        world.clock.advance(seconds=300)
        again = asked(world, csv(ONE), key="key-of-one-file").body
        assert again | {"link": None} == first | {"link": None}
        assert "X-Amz-Expires=600" in again["link"]["url"], "it ends when the first one does"
        assert put(again, csv(ONE)) == 200
        world.clock.advance(seconds=601)
        assert asked(world, csv(ONE), key="key-of-one-file").body == first | {"link": None}
        assert asked(world, csv(TWO), key="key-of-one-file").code == "idempotency-key-reused"
        assert work(world) == 1


class TestTwice:
    def test_the_same_file_is_kept_once_and_not_written_again(self, world: Reconciling) -> None:
        first = ended(world, csv(ONE, TWO))
        client = Interrupted(world.client)
        written: list[None] = []
        client.before["put_item"] = [lambda: written.append(None)] * 10
        world.client = client
        again = ended(world, csv(ONE, TWO), principal=SECOND)
        assert again["upload_id"] != first["upload_id"]
        assert (again["result"]["kept"], again["result"]["known"]) == (0, 2)
        assert kept(world) == [10_000, 43_938]
        assert len(written) <= 2, "the claim and the lease; no line is written that is known by its file"

    def test_a_file_of_which_not_all_was_kept_is_read_again(self, world: Reconciling) -> None:
        broken = csv(ONE, "2026-04-07,much,NEFT,X")
        assert ended(world, broken)["result"]["kept"] == 1
        again = ended(world, broken)["result"]
        assert (again["kept"], again["known"], again["broken"]) == (0, 1, 1)

    def test_the_same_bytes_read_in_another_way_are_another_file(self, world: Reconciling) -> None:
        ended(world, csv(ONE))
        other = ended(world, csv(ONE), format="mt940", profile=None)
        assert other["refusal"]["fault"] == "statement-format-unknown"

    def test_many_workers_at_once_keep_it_once(self, world: Reconciling) -> None:
        upload_id = uploaded(world, csv(ONE, TWO))
        answers = at_once(*[lambda: work(world)] * 5)
        assert sum(int(str(each)) for each in answers) == 1
        result = shown(world, upload_id)["result"]
        assert (result["kept"], result["known"]) == (2, 0)
        assert kept(world) == [10_000, 43_938]

    def test_uploads_of_the_same_file_at_once_keep_it_once(self, world: Reconciling) -> None:
        ids = [uploaded(world, csv(ONE, TWO)) for _ in range(3)]
        at_once(*[lambda: work(world)] * 3)
        work(world)
        results = [shown(world, upload_id)["result"] for upload_id in ids]
        assert sum(result["kept"] for result in results) == 2
        assert kept(world) == [10_000, 43_938]


class Died(Exception):
    """The process died here."""


def dies() -> None:
    raise Died


class TestCrashes:
    @pytest.mark.parametrize("call", ["put_item", "transact_write_items"])
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("nth", range(5))
    def test_an_import_that_dies_anywhere_is_repeated_and_keeps_every_line_once(
        self, world: Reconciling, call: str, when: str, nth: int
    ) -> None:
        rows = [f"2026-04-06,{n}.00,NEFT AXISCN{n:010d},AXISCN{n:010d}" for n in range(1, 4)]
        upload_id = uploaded(world, csv(*rows))
        whole, client = world.client, Interrupted(world.client)
        getattr(client, when)[call] = [*[lambda: None] * nth, dies]
        world.client = client
        died = False
        try:
            work(world)
        except Died:
            died = True
        world.client = whole
        if not died:
            assert call == "transact_write_items" or nth > 3, "it is called at least so often"
        if shown(world, upload_id)["state"] == "importing":
            assert work(world) == 0, "whoever holds it may still be at work"
            world.clock.advance(seconds=902)
            assert work(world) == 1
        elif shown(world, upload_id)["state"] == "awaiting":
            assert work(world) == 1
        done = shown(world, upload_id)
        assert (done["state"], done["result"]["kept"], done["result"]["known"]) == ("done", 3, 0)
        assert kept(world) == [100, 200, 300]

    def test_whoever_is_overtaken_does_not_end_it(self, world: Reconciling) -> None:
        upload_id = uploaded(world, csv(ONE))
        client = Interrupted(world.client)

        def overtaken() -> None:
            world.client = client
            world.clock.advance(seconds=3)
            assert work(world, remaining_ms=900_000) == 1

        client.before["transact_write_items"] = [overtaken]
        world.client = client
        assert work(world, remaining_ms=1_000) == 0
        done = shown(world, upload_id)
        assert (done["state"], done["result"]["kept"]) == ("done", 1)

    def test_of_two_calls_under_one_key_one_asks(self, world: Reconciling) -> None:
        client = Interrupted(world.client)

        def taken_over() -> None:
            world.clock.advance(seconds=60)
            assert asked(world, csv(ONE), key="key-of-one-file").status == 201

        client.before["transact_write_items"] = [taken_over]
        world.client = client
        assert asked(world, csv(ONE), key="key-of-one-file").code == "concurrent-change"
        uploads = [item for item in world.tables.items("reconciliation") if item["pk"] == "UPLOADS"]
        assert len(uploads) == 1

    def test_an_import_that_always_dies_is_given_up(self, world: Reconciling) -> None:
        upload_id = uploaded(world, csv(ONE))
        client = Interrupted(world.client)
        client.after["put_item"] = [dies]
        whole, world.client = world.client, client
        with pytest.raises(Died):
            work(world)
        world.client = whole
        world.clock.advance(seconds=GIVEN_UP_AFTER.total_seconds() + 1)
        assert work(world) == 1
        assert shown(world, upload_id)["state"] == "failed"
        assert kept(world) == []

    def test_one_bad_upload_does_not_keep_others(self, world: Reconciling) -> None:
        bad, good = uploaded(world, csv(ONE)), uploaded(world, csv(TWO))
        client = Interrupted(world.client)
        client.after["put_item"] = [dies]
        whole, world.client = world.client, client
        with pytest.raises(Died):
            work(world)
        world.client = whole
        assert work(world) == 1, "a minute later"
        assert [shown(world, each)["state"] for each in (bad, good)] == ["importing", "done"]

    def test_it_begins_nothing_that_it_has_no_time_for(self, world: Reconciling) -> None:
        upload_id = uploaded(world, csv(ONE))
        assert work(world, may_go_on=False) == 0
        assert shown(world, upload_id)["state"] == "awaiting"


class TestWhatNeverComes:
    def test_an_upload_without_a_file_ends(self, world: Reconciling) -> None:
        upload_id = str(asked(world, csv(ONE)).body["upload_id"])
        world.clock.advance(seconds=(LINK_FOR + SENT_WITHIN).total_seconds())
        assert work(world) == 0
        world.clock.advance(seconds=1)
        assert work(world) == 1
        assert shown(world, upload_id)["state"] == "expired"

    def test_a_file_that_arrives_last_is_taken(self, world: Reconciling) -> None:
        upload_id = uploaded(world, csv(ONE))
        world.clock.advance(seconds=(LINK_FOR + SENT_WITHIN + timedelta(minutes=1)).total_seconds())
        assert work(world) == 1
        assert shown(world, upload_id)["state"] == "done"

    def test_no_more_are_open_than_the_clock_can_look_at(self, world: Reconciling) -> None:
        for _ in range(OPEN_MAX):
            assert asked(world, csv(ONE)).status == 201
        refused = asked(world, csv(ONE), key="key-one-too-many")
        assert (refused.status, refused.code) == (409, "statement-uploads-open")
        world.clock.advance(seconds=(LINK_FOR + SENT_WITHIN).total_seconds() + 1)
        assert work(world) == OPEN_MAX
        assert asked(world, csv(ONE), key="key-one-too-many").status == 201, "the key was left free"


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Document>&b;</Document>'
CAMT = b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
HOSTILE = {
    "a zip": ("csv", b"PK\x03\x04" + bytes(1000), "statement-not-text"),
    "a gzip": ("camt.053", b"\x1f\x8b\x08" + bytes(1000), "statement-not-text"),
    "a spreadsheet": ("csv", b"\xd0\xcf\x11\xe0" + bytes(1000), "statement-not-text"),
    "a billion laughs": ("camt.053", BOMB, "statement-xml-doctype"),
    "a nest": ("camt.053", CAMT + b"<a>" * 500_000, "statement-xml-limit"),
    "a long text": ("camt.053", CAMT + b"a" * 10_000_000, "statement-xml-limit"),
    "a tag that never ends": ("camt.053", CAMT + b"<" + b"a" * 10_000_000, "statement-xml-malformed"),
    "another document": ("camt.053", b"<html/>", "statement-format-unknown"),
    "NUL bytes": ("csv", csv(ONE) + b"\n\x00\x00", "statement-has-nul"),
    "a row of 10 MB": ("csv", csv(ONE) + b"\n" + b"a" * 10_000_000, "statement-line-too-long"),
    "a field of 10 MB": ("mt940", b":20:x\n:61:" + b"1" * 10_000_000, "statement-line-too-long"),
    "no known encoding": ("csv", b"\xff\xfe" + b"\x00\xd8" * 100, "statement-encoding-unknown"),
    "too many lines": ("mt940", b":20:x" + b"\n" * 1_000_001, "statement-too-many-lines"),
    "rubbish": ("csv", b"\x8f\x01" * 1000, None),
}


class TestHostile:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_it_is_refused_whole_with_a_code(self, world: Reconciling, name: str) -> None:
        file_format, data, fault = HOSTILE[name]
        refused = ended(world, data, format=file_format, profile="signed" if file_format == "csv" else None)
        assert (refused["state"], refused["result"]) == ("refused", None)
        assert fault is None or refused["refusal"]["fault"] == fault
        assert kept(world) == []

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        data=st.binary(min_size=1, max_size=2_000), file_format=st.sampled_from(["csv", "camt.053", "mt940"])
    )
    def test_any_bytes_end_in_a_state(self, world: Reconciling, data: bytes, file_format: str) -> None:
        assert ended(world, data, format=file_format)["state"] in {"done", "refused"}

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"data": csv(TWO)}, "statement-digest-differs"),
            ({"data": csv(ONE, TWO)}, "statement-size-differs"),
            ({"data": b"booked_on"}, "statement-size-differs"),
        ],
    )
    def test_a_bucket_that_took_other_bytes_is_not_believed(
        self, world: Reconciling, changes: dict[str, bytes], fault: str
    ) -> None:
        upload_id = uploaded(world, csv(ONE))
        world.s3.put_object(Bucket=world.uploads_bucket, Key=f"statements/{upload_id}", Body=changes["data"])
        assert work(world) == 1
        assert shown(world, upload_id)["refusal"]["fault"] == fault
        assert kept(world) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account": "elsewhere"}, "bank-account-unknown"),
        ({"profile": "no-such-bank"}, "statement-refused"),
        ({"profile": None}, "statement-refused"),
        ({"size_bytes": 0}, "body-invalid"),
        ({"size_bytes": FILE_BYTES_MAX + 1}, "body-invalid"),
        ({"sha256": "ab" * 31}, "body-invalid"),
        ({"sha256": "AB" * 32}, "body-invalid"),
        ({"format": "xlsx"}, "body-invalid"),
        ({"file_name": "../../etc/passwd"}, "body-invalid"),
        ({"file_name": ""}, "body-invalid"),
    ],
)
def test_what_cannot_be_a_statement_gets_no_link(
    world: Reconciling, changes: dict[str, Any], code: str
) -> None:
    asked(world, csv(ONE))
    before = world.tables.snapshot() | {"audit": []}
    answer = asked(world, csv(ONE), **changes)
    assert answer.code == code, answer.text
    assert world.tables.snapshot() | {"audit": []} == before


def test_who_may_upload_and_look(world: Reconciling) -> None:
    assert asked(world, csv(ONE), principal=AUDITOR).code == "forbidden"
    assert asked(world, csv(ONE), principal=FINANCE_OF_A_SCHOOL).code == "school-forbidden"
    upload_id = asked(world, csv(ONE), principal=OPERATOR).body["upload_id"]
    path = UPLOADS + "/{upload_id}"
    assert (
        world.ask("GET", path, principal=FINANCE_OF_A_SCHOOL, upload_id=upload_id).code == "school-forbidden"
    )
    for unknown in ("upl_1", "upl_01JQZZZZZZZZZZZZZZZZZZZZZZ", "../statements"):
        assert world.ask("GET", path, upload_id=unknown).code == "statement-upload-not-found"


def test_the_schedule_imports(world: Reconciling) -> None:
    upload_id = uploaded(world, csv(ONE))
    told = payments_reconciliation_worker.work(
        world.upload_worker,
        world.logger,
        Context(remaining_ms=900_000),
        reserve_ms=payments_reconciliation_worker.IMPORT_RESERVE_MS,
    )
    assert told == {"ended": 1}
    assert shown(world, upload_id)["state"] == "done"


class TestTheSignersRole:
    """A link can do what the role that signed it may do, and no more."""

    @pytest.mark.parametrize(
        ("allowed", "status"), [("statements/*", 200), ("elsewhere/*", 403), ("statements/another", 403)]
    )
    def test_a_link_puts_only_what_its_signer_may_put(
        self, world: Reconciling, aws_environment: dict[str, str], allowed: str, status: int
    ) -> None:
        world.s3 = as_role(aws_environment, world.uploads_bucket, "s3:PutObject", allowed)
        answer = asked(world, csv(ONE))
        assert answer.status == 201, "a signature is made without asking anybody"
        assert put(answer.body, csv(ONE)) == status

    def test_who_signs_cannot_read_what_was_put(
        self, world: Reconciling, aws_environment: dict[str, str]
    ) -> None:
        whole = world.s3
        world.s3 = as_role(aws_environment, world.uploads_bucket, "s3:PutObject", "statements/*")
        upload = asked(world, csv(ONE)).body
        assert put(upload, csv(ONE)) == 200
        with pytest.raises(ClientError, match="AccessDenied"):
            world.statement_files.is_there(upload["upload_id"])
        world.s3 = whole
        assert work(world) == 1


def as_role(environment: dict[str, str], bucket: str, action: str, objects: str) -> Any:
    """An S3 client for links, under a role that may do ``action`` on ``objects`` of the bucket."""
    session = boto3.Session(region_name=environment["AWS_DEFAULT_REGION"])
    name = f"{bucket}-{len(objects)}-{action.partition(':')[2]}"
    iam = session.client("iam")
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{bucket}/{objects}"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(anybody)))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps(policy(may)))
    granted = session.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="signer")["Credentials"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", granted["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", granted["SecretAccessKey"])
        patch.setenv("AWS_SESSION_TOKEN", granted["SessionToken"])
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        return aws.s3_for_links()


def policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}
