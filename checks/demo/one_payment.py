"""One payment through everything: order, checkout, verification, webhook, ledger, event, WhatsApp."""

from checks.demo.narrative import Step, prove
from checks.demo.stage import GOOD_CARD, Stage, new_key
from checks.sandbox.people import SCHOOL_ID, SCHOOLS
from runtime.platform.money import rupees

AMOUNT_PAISE = 45_000
PURPOSE = "Lunches in April"


def health(stage: Stage, step: Step) -> None:
    """The platform is up, and so is what it stands on."""
    shallow = stage.parent.api.call("GET", "/health")
    deep = stage.people["operator"].api.call("GET", "/health/deep")
    prove(f"the shallow check passes (got {shallow.status})", shallow.body.get("status") == "pass")
    prove(f"the deep check passes (got {deep.status} {deep.body})", deep.body.get("status") == "pass")
    looked_at = [check["name"] for check in deep.body["checks"]]
    stage.say(f"It is up; the deep check looked at {', '.join(looked_at)}.")
    step.evidence["looked_at"] = looked_at


def pay(stage: Stage, step: Step) -> None:
    """A parent pays for lunches, and everything that must follow follows."""
    key = new_key()
    payment = stage.create_payment(AMOUNT_PAISE, PURPOSE, key=key)
    payment_id = str(payment["payment_id"])
    order_id = payment["checkout"]["order_id"]
    stage.say(f"The parent asks to pay {rupees(AMOUNT_PAISE)} to {SCHOOLS[SCHOOL_ID]}: {payment_id}.")
    again = stage.parent.api.call(
        "POST",
        "/v1/payments",
        {"school_id": SCHOOL_ID, "amount_paise": AMOUNT_PAISE, "description": PURPOSE},
        key=key,
    )
    prove("the same key and body give the same payment again", again.body == payment)
    stage.say(f"Razorpay's order is {order_id}. Asking twice with the same key gives the same payment.")

    checkout = stage.gateway.checkout(order_id, GOOD_CARD)
    verified = stage.parent.api.call("POST", f"/v1/payments/{payment_id}/verify", checkout)
    prove(f"the checkout verifies (got {verified.status} {verified.code or ''})", verified.status == 200)
    stage.say(f"The parent pays by card. The signature of the checkout is right: {verified.body['status']}.")

    stage.wait_for_status(payment_id, "captured")
    gateway_payment_id = checkout["razorpay_payment_id"]
    entry = stage.wait_for_entry(f"capture:{gateway_payment_id}")
    stage.wait_for_entry(f"fee:{gateway_payment_id}")
    stage.captured_paise += AMOUNT_PAISE
    for line in entry["lines"]:
        side = "debit " if line["debit_paise"] else "credit"
        stage.say(f"  {side} {rupees(line['debit_paise'] or line['credit_paise']):>12}  {line['account']}")

    message = stage.whatsapp_message(payment_id)
    stage.say(f"WhatsApp, {message['status']}: “{message['text']}”")
    seen_by_finance = stage.people["finance"].api.call("GET", f"/v1/payments?school_id={SCHOOL_ID}&limit=5")
    prove(
        "the school's finance office sees the payment",
        payment_id in [item["payment_id"] for item in seen_by_finance.body["items"]],
    )
    trail = [line["action"] for line in stage.records.audit_lines(payment_id)]
    stage.say(f"Audit trail: {', '.join(trail)}.")
    step.evidence |= {
        "payment_id": payment_id,
        "order_id": order_id,
        "gateway_payment_id": gateway_payment_id,
        "audit_trail": trail,
        "whatsapp_status": message["status"],
    }
