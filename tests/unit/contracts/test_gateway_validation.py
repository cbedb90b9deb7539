"""What is deployed of the contract refuses nothing that the runtime takes, and what is plainly wrong."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from checks.contracts import openapi
from runtime.payments.contracts import CreatePayment, VerifyPayment
from stacks.api_contract import importable, references_in

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[3] / openapi.PATH).read_text(encoding="utf-8"))
DEPLOYED = importable(CONTRACT)
SCHEMAS: dict[str, Any] = DEPLOYED["components"]["schemas"]
BODIES = [route.body for _, route in openapi.routes() if route.body is not None]
HEX64 = "0123456789abcdef" * 4

CREATE: dict[str, Any] = {"school_id": "sch_1", "amount_paise": 45_000, "description": "Lunches in April"}
VERIFY: dict[str, Any] = {
    "razorpay_order_id": "order_A1b2C3d4",
    "razorpay_payment_id": "pay_A1b2C3d4",
    "razorpay_signature": HEX64,
}
KNOWN: dict[str, dict[str, Any]] = {
    "CreatePayment": CREATE,
    "VerifyPayment": VERIFY,
    "InstalmentPlanTerms": {
        "kind": "equal",
        "principal_paise": 90_000,
        "count": 3,
        "first_due_on": "2026-04-05",
    },
    "CreateInstalmentPlan": {
        "school_id": "sch_1",
        "payer_id": "usr_parent",
        "kind": "custom",
        "principal_paise": 90_000,
        "parts": [{"due_on": "2026-04-05", "amount_paise": 90_000}],
        "description": "Meals 2026/27",
    },
    "CreatePaymentLink": CREATE
    | {"accept_partial": True, "expires_on": "2026-04-30", "reminders": {"before_end_days": [3, 0]}},
    "ReminderSchedule": {"after_days": [3], "before_end_days": [3, 0], "on": ["2026-04-10"]},
    "VerifyPaymentLink": {
        "razorpay_payment_id": "pay_A1b2C3d4",
        "razorpay_payment_link_id": "plink_A1b2C3d4",
        "razorpay_payment_link_reference_id": "plk_01JQR4ZZZZZZZZZZZZZZZZZZZZ",
        "razorpay_payment_link_status": "paid",
        "razorpay_signature": HEX64,
    },
    "SaveMethod": {"payment_id": "pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ", "label": "Amma's card"},
    "RenameMethod": {"label": None},
    "RegisterMandate": {
        "school_id": "sch_1",
        "method": "upi",
        "max_amount_paise": 500_000,
        "frequency": "monthly",
        "expires_on": "2027-03-31",
        "description": "Lunches every month",
    },
    "CreateDebit": {"payer_id": "usr_1", "amount_paise": 45_000, "description": "Lunches in April"},
    "CapturePayment": {"amount_paise": 30_000},
    "SetSplitTerms": {
        "shares": [
            {"account_id": "acc_Caterer0000001", "basis_points": 7_000, "hold": {"until": "2026-04-05"}}
        ],
        "remainder_to": "acc_School00000001",
        "fee": {"basis_points": 200},
    },
    "ReleaseHold": {"account_id": "acc_Caterer0000001"},
    "CreateRefund": {"amount_paise": 10_000, "speed": "optimum", "reason": "Two days of holiday"},
    "StartReconciliation": {"day": "2026-04-07"},
    "CompactionRequest": {"first_day": "2026-04-01", "last_day": "2026-04-07"},
    "UploadStatement": {"account": "settlements", "profile": "signed", "content_base64": "Zm9v"},
    "AskStatementUpload": {
        "account": "settlements",
        "profile": "signed",
        "format": "csv",
        "file_name": "April 2026 (final).csv",
        "size_bytes": 20_971_520,
        "sha256": HEX64,
    },
    "AssignException": {"owner": "usr_finance"},
    "CommentException": {"text": "Asked Razorpay"},
    "ResolveException": {"resolution": "void", "reason": "It was a test"},
    "ForceException": {"difference_paise": -3_938, "reason": "Razorpay kept it"},
    "RejectForce": {"reason": "The ticket says something else"},
}
"""A body that is accepted, for every body that there is."""


def accepts(model: type[BaseModel], body: Any) -> bool:
    """Whether API Gateway would let ``body`` through to what ``model`` reads."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}", "components": {"schemas": SCHEMAS}}
    return bool(jsonschema.Draft4Validator(schema).is_valid(body))


def understood(model: type[BaseModel], body: Any) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_every_body_has_its_schema(model: type[BaseModel]) -> None:
    assert set(SCHEMAS[model.__name__].get("required", [])) == {
        name for name, field in model.model_fields.items() if field.is_required()
    }
    assert SCHEMAS[model.__name__]["additionalProperties"] is False


def test_every_schema_is_of_a_body_and_is_draft_4() -> None:
    assert references_in([DEPLOYED["paths"], SCHEMAS]) == set(SCHEMAS)
    assert {model.__name__ for model in BODIES} <= set(SCHEMAS)
    for schema in SCHEMAS.values():
        jsonschema.Draft4Validator.check_schema(schema)


# --- nothing that the runtime takes is refused ---

NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}", fullmatch=True)
LINE = st.text(
    st.characters(exclude_characters=[chr(code) for code in (*range(0x20), 0x7F)], exclude_categories=["Cs"]),
    min_size=1,
    max_size=255,
)
CREATES = st.fixed_dictionaries(
    {"school_id": NAME, "amount_paise": st.integers(), "description": LINE},
    optional={
        "currency": st.from_regex(r"[A-Z]{3}", fullmatch=True),
        "payer_id": st.none() | NAME,
        "reference": st.none() | st.from_regex(r"[A-Za-z0-9/_\-.]{1,64}", fullmatch=True),
        "metadata": st.dictionaries(
            st.from_regex(r"[A-Za-z0-9_\-]{1,40}", fullmatch=True), st.text(max_size=256), max_size=10
        ),
    },
)
VERIFIES = st.fixed_dictionaries(
    {
        "razorpay_order_id": st.from_regex(r"order_[A-Za-z0-9]{8,32}", fullmatch=True),
        "razorpay_payment_id": st.from_regex(r"pay_[A-Za-z0-9]{8,32}", fullmatch=True),
        "razorpay_signature": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    }
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@given(CREATES)
@settings(max_examples=200)
def test_every_payment_that_the_runtime_understands_passes(body: dict[str, Any]) -> None:
    assert understood(CreatePayment, body)
    assert accepts(CreatePayment, body)


@given(VERIFIES)
def test_every_verification_that_the_runtime_understands_passes(body: dict[str, Any]) -> None:
    assert understood(VerifyPayment, body)
    assert accepts(VerifyPayment, body)


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
@given(st.data())
@settings(max_examples=200)
def test_whatever_is_changed_the_gateway_refuses_no_more_than_the_runtime(
    model: type[BaseModel], data: st.DataObject
) -> None:
    body = dict(KNOWN[model.__name__])
    for name in data.draw(
        st.lists(st.sampled_from(sorted(model.model_fields)) | st.text(max_size=5), max_size=3)
    ):
        if data.draw(st.booleans()):
            body.pop(name, None)
        else:
            body[name] = data.draw(ANYTHING)
    if understood(model, body):
        assert accepts(model, body)


def test_the_tests_know_every_body() -> None:
    assert {model.__name__ for model in BODIES} == set(KNOWN)


# --- what is plainly wrong is refused ---


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (CreatePayment, {}),
        (CreatePayment, []),
        (CreatePayment, None),
        (CreatePayment, "text"),
        (CreatePayment, {name: value for name, value in CREATE.items() if name != "amount_paise"}),
        (CreatePayment, CREATE | {"amount_paise": "45000"}),
        (CreatePayment, CREATE | {"amount_paise": 450.5}),
        (CreatePayment, CREATE | {"school_id": "sch 1"}),
        (CreatePayment, CREATE | {"school_id": 1}),
        (CreatePayment, CREATE | {"description": ""}),
        (CreatePayment, CREATE | {"description": "x" * 256}),
        (CreatePayment, CREATE | {"description": "two\nlines"}),
        (CreatePayment, CREATE | {"reference": "<script>"}),
        (CreatePayment, CREATE | {"metadata": {str(number): "x" for number in range(11)}}),
        (CreatePayment, CREATE | {"metadata": {"a": 1}}),
        (CreatePayment, CREATE | {"card_number": "4111111111111111"}),
        (VerifyPayment, {**VERIFY, "razorpay_signature": HEX64.upper()}),
        (VerifyPayment, {**VERIFY, "razorpay_order_id": "pay_A1b2C3d4"}),
        (VerifyPayment, {**VERIFY, "extra": 1}),
    ],
)
def test_a_body_that_breaks_the_contract_is_refused(model: type[BaseModel], body: Any) -> None:
    assert not understood(model, body)
    assert not accepts(model, body)


@pytest.mark.parametrize("amount_paise", [-1, 0, 99, 50_000_001])
def test_an_amount_out_of_bounds_is_left_to_the_runtime_which_says_which_bound(amount_paise: int) -> None:
    assert accepts(CreatePayment, CREATE | {"amount_paise": amount_paise})
