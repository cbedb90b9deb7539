"""A large bank statement, from the call that asks for its upload to its lines, with IAM enforced."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from checks.sandbox.people import People, Person, gather
from checks.sandbox.sandbox import Sandbox

UPLOADS = "/v1/bank-statement-uploads"
ROWS = "\n".join(f"2026-04-06,{n}.00,NEFT RAZORPAY AXISCN{n:010d},AXISCN{n:010d}" for n in range(1, 1_001))
FILE = f"booked_on,amount,narration,reference\n{ROWS}".encode()


@pytest.fixture(scope="module")
def people(sandbox: Sandbox) -> People:
    return gather(sandbox.session(), sandbox.endpoints)


@pytest.fixture(scope="module")
def office(people: People) -> Person:
    return people["admin"]


@pytest.fixture
def imports(sandbox: Sandbox) -> Callable[[], None]:
    """The worker starts, as its schedule starts it."""

    def start() -> None:
        answer = (
            sandbox.session()
            .client("lambda")
            .invoke(
                FunctionName="hasivu-sandbox-payments-reconciliation-worker:live",
                Payload=json.dumps({"task": "import"}).encode(),
            )
        )
        assert "FunctionError" not in answer, answer["Payload"].read()

    return start


def ask(office: Person, data: bytes, **changes: Any) -> dict[str, Any]:
    body = {
        "account": "settlements",
        "profile": "signed",
        "format": "csv",
        "file_name": "april.csv",
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    } | changes
    answer = office.api.call("POST", UPLOADS, body, key=f"key-{uuid4()}")
    assert answer.status == 201, answer
    return answer.body


def put(upload: dict[str, Any], data: bytes) -> int:
    link = upload["link"]
    return urllib3.request("PUT", link["url"], body=data, headers=link["headers"], timeout=30.0).status


def seen(office: Person, upload: dict[str, Any]) -> dict[str, Any]:
    answer = office.api.call("GET", f"{UPLOADS}/{upload['upload_id']}")
    assert answer.status == 200, answer
    return answer.body


def test_a_statement_of_a_thousand_lines(office: Person, imports: Callable[[], None]) -> None:
    assert len(FILE) > 46_080, "it is too large for a call"
    upload = ask(office, FILE)
    other = FILE.replace(b"RAZORPAY", b"razorpay")
    assert put(upload, other) == 400, "other bytes of the same number"
    assert put(upload, FILE + b"\n") in (400, 403), "and more of them"
    imports()
    assert seen(office, upload)["state"] == "awaiting"
    assert put(upload, FILE) == 200
    imports()
    done = seen(office, upload)
    assert (done["state"], done["result"]["kept"] + done["result"]["known"]) == ("done", 1_000)
    again = ask(office, FILE)
    assert put(again, FILE) == 200
    imports()
    result = seen(office, again)["result"]
    assert (result["kept"], result["known"]) == (0, 1_000)


def test_what_is_hostile_is_refused_with_a_code(office: Person, imports: Callable[[], None]) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Document>&b;</Document>'
    upload = ask(office, bomb, format="camt.053")
    assert put(upload, bomb) == 200
    imports()
    refused = seen(office, upload)
    assert (refused["state"], refused["refusal"]["fault"]) == ("refused", "statement-xml-doctype")


def test_the_file_is_seen_by_nobody_from_outside(office: Person) -> None:
    upload = ask(office, FILE)
    assert put(upload, FILE) == 200
    signed = upload["link"]["url"]
    plain = signed.partition("?")[0]
    assert urllib3.request("GET", plain, timeout=10.0).status == 403, "without a name"
    assert urllib3.request("GET", signed, timeout=10.0).status == 403, "the link puts and does not get"
    assert urllib3.request("PUT", plain, body=FILE, timeout=10.0).status == 403


def test_who_is_of_a_school_neither_uploads_nor_looks(people: People, office: Person) -> None:
    upload = ask(office, FILE)
    asked = ("account", "profile", "format", "file_name", "size_bytes", "sha256")
    body = {name: upload[name] for name in asked}
    for part in ("finance", "parent"):
        api = people[part].api
        assert api.call("GET", f"{UPLOADS}/{upload['upload_id']}").status == 403
        assert api.call("POST", UPLOADS, body, key=f"key-{uuid4()}").status == 403
