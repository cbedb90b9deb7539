"""Money back: refunds of a part, more than is there, many at once, and a dispute with the payer's bank."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from checks.demo.narrative import Step, prove
from checks.demo.records import wait_for
from checks.demo.stage import GOOD_CARD, Stage, new_key
from checks.sandbox.api_client import Answer
from checks.sandbox.people import SCHOOL_ID
from runtime.platform.clock import from_iso
from runtime.platform.money import rupees

PAID_PAISE = 45_000
PART_PAISE = 10_000
CALLS = 8
CONTESTED_PAISE = 20_000


def refunds(stage: Stage, step: Step) -> None:
    """The finance office gives a part back; together the refunds never exceed the payment."""
    payment_id, gateway_payment_id = stage.paid(PAID_PAISE, "Lunches of a child that was ill", GOOD_CARD)
    key = new_key()
    first = _refund(stage, payment_id, PART_PAISE, key)
    prove(f"a part goes back (got {first.status} {first.code or ''})", first.status == 201)
    again = _refund(stage, payment_id, PART_PAISE, key)
    prove("the same key gives the same refund", again.body["refund_id"] == first.body["refund_id"])
    too_much = _refund(stage, payment_id, PAID_PAISE - PART_PAISE + 1)
    prove(
        f"a paisa too much is refused (got {too_much.status} {too_much.code})",
        too_much.code == "refund-exceeds-balance",
    )
    stage.say(
        f"Of {rupees(PAID_PAISE)}, {rupees(PART_PAISE)} goes back. A paisa more than is left is refused: "
        f"{too_much.body['detail']}"
    )

    with ThreadPoolExecutor(max_workers=CALLS) as callers:
        answers = list(callers.map(lambda _: _refund(stage, payment_id, PART_PAISE), range(CALLS)))
    accepted = [answer for answer in answers if answer.status in (201, 202)]
    codes = sorted({str(answer.code) for answer in answers if answer not in accepted})
    prove(
        f"of {CALLS} refunds at once as many succeed as fit (got {len(accepted)}, else {codes})",
        1 <= len(accepted) <= (PAID_PAISE - PART_PAISE) // PART_PAISE,
    )
    refunded_paise = PART_PAISE * (1 + len(accepted))
    wait_for(
        "the refunds' end", lambda: stage.payment(payment_id)["refunded_paise"] == refunded_paise or None
    )
    seen = stage.payment(payment_id)
    prove("nothing is left on its way", seen["refund_pending_paise"] == 0)
    prove(
        "refunded and refundable are what was paid",
        seen["refunded_paise"] + seen["refundable_paise"] == PAID_PAISE,
    )
    at_gateway = stage.at_gateway(f"payments/{gateway_payment_id}")["amount_refunded"]
    prove(f"the gateway says the same (got {at_gateway})", at_gateway == refunded_paise)
    stage.refunded_paise += refunded_paise
    stage.say(
        f"{CALLS} refunds of {rupees(PART_PAISE)} at once: {len(accepted)} fit, the others are refused "
        f"({', '.join(codes)}). {rupees(refunded_paise)} went back, here and at the gateway."
    )
    step.evidence |= {
        "payment_id": payment_id,
        "refunds": 1 + len(accepted),
        "refunded_paise": refunded_paise,
        "refused": codes,
    }


def dispute(stage: Stage, step: Step) -> None:
    """A payer's bank contests a payment; its amount is set aside until the bank has decided."""
    payment_id, gateway_payment_id = stage.paid(PAID_PAISE, "Lunches that the bank asks about", GOOD_CARD)
    opened = stage.gateway.act("payments", gateway_payment_id, "dispute", amount=CONTESTED_PAISE)
    wait_for("the dispute", lambda: stage.payment(payment_id)["disputed_paise"] == CONTESTED_PAISE or None)
    listed = stage.people["finance"].api.call("GET", f"/v1/disputes?school_id={SCHOOL_ID}")
    (shown,) = [each for each in listed.body["items"] if each["payment_id"] == payment_id]
    respond_by = from_iso(shown["respond_by"])
    refused = _refund(stage, payment_id, PAID_PAISE)
    prove(
        f"what is contested is not given back besides (got {refused.status} {refused.code})",
        refused.status == 422,
    )
    stage.say(
        f"{rupees(CONTESTED_PAISE)} are contested and set aside; the office has until "
        f"{respond_by:%d %B} to answer. A refund of the whole is refused meanwhile."
    )
    stage.gateway.act("disputes", opened["id"], "decide", verdict="won")
    wait_for("the verdict", lambda: stage.payment(payment_id)["disputed_paise"] == 0 or None)
    stage.say("The bank decides for the school: the amount is the school's again.")
    step.evidence |= {"payment_id": payment_id, "dispute_id": opened["id"]}


def _refund(stage: Stage, payment_id: str, amount_paise: int, key: str | None = None) -> Answer:
    body: dict[str, Any] = {"amount_paise": amount_paise, "reason": "The child was ill"}
    return stage.people["finance"].api.call(
        "POST", f"/v1/payments/{payment_id}/refunds", body, key=key or new_key()
    )
