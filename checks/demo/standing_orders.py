"""Without the payer being there: a saved card, a mandate, and a debit that says when it will be and why."""

from datetime import timedelta

from checks.demo.narrative import Step, prove
from checks.demo.records import wait_for
from checks.demo.stage import GOOD_CARD, Stage, new_key
from checks.sandbox.people import SCHOOL_ID
from runtime.platform.clock import IST, SystemClock, business_date, from_iso
from runtime.platform.money import rupees

CAP_PAISE, FIRST_PAISE, DEBIT_PAISE = 500_000, 10_000, 45_000
UPI = {"method": "upi", "vpa": "success@razorpay"}
NOTICE = timedelta(hours=24)


def method(stage: Stage, step: Step) -> None:
    """A card is kept as a token: its last four digits are seen, its number nowhere."""
    known = stage.parent.api.call("PUT", "/v1/payment-methods/customer")
    prove(f"the gateway knows the parent (got {known.status} {known.code or ''})", known.status == 200)
    remembering = {"customer_id": known.body["customer_id"], "remember_customer": True}
    payment_id, _ = stage.paid(30_000, "Lunches by a card to be kept", GOOD_CARD, checkout=remembering)
    saved = stage.parent.api.call(
        "POST", "/v1/payment-methods", {"payment_id": payment_id, "label": "Amma's card"}, key=new_key()
    )
    prove(f"the card is kept (got {saved.status} {saved.code or ''})", saved.status in (200, 201))
    method_id, instrument = saved.body["method_id"], saved.body["instrument"]
    made_default = stage.parent.api.call("PUT", f"/v1/payment-methods/{method_id}/default", key=new_key())
    prove(f"it is the default (got {made_default.status})", made_default.body["is_default"] is True)
    foreign = stage.people["other_parent"].api.call(
        "DELETE", f"/v1/payment-methods/{method_id}", key=new_key()
    )
    prove(f"nobody else's hands reach it (got {foreign.status} {foreign.code})", foreign.status == 404)
    stage.say(
        f"“{saved.body['label']}”: {instrument['network']} ending in {instrument['last4']}, the default. "
        "Another parent does not find it."
    )
    step.evidence |= {"method_id": method_id, "last4": instrument["last4"]}


def mandate(stage: Stage, step: Step) -> None:
    """A parent authorises debits by UPI; the office asks for one and is told when it will be, and why."""
    expires_on = (business_date(SystemClock().now()) + timedelta(days=365)).isoformat()
    asked = stage.parent.api.call(
        "POST",
        "/v1/mandates",
        {
            "school_id": SCHOOL_ID,
            "method": "upi",
            "max_amount_paise": CAP_PAISE,
            "frequency": "monthly",
            "expires_on": expires_on,
            "first_payment_paise": FIRST_PAISE,
            "description": "Lunches every month",
        },
        key=new_key(),
    )
    prove(f"a mandate is asked for (got {asked.status} {asked.code or ''})", asked.status == 201)
    mandate_id = asked.body["mandate_id"]
    stage.gateway.checkout(asked.body["checkout"]["order_id"], UPI)
    wait_for(
        "the bank's confirmation",
        lambda: stage.parent.api.call("GET", f"/v1/mandates/{mandate_id}").body["status"] == "active" or None,
    )
    stage.captured_paise += FIRST_PAISE
    stage.say(f"The parent authorises up to {rupees(CAP_PAISE)} a month by UPI; the bank confirms.")

    office = stage.people["finance"].api
    body = {
        "payer_id": stage.parent.principal_id,
        "amount_paise": CAP_PAISE + 1,
        "description": "Lunches in May",
    }
    refused = office.call("POST", f"/v1/mandates/{mandate_id}/debits", body, key=new_key())
    prove(
        f"more than is allowed is refused (got {refused.status} {refused.code})",
        refused.code == "debit-forbidden",
    )
    debit = office.call(
        "POST", f"/v1/mandates/{mandate_id}/debits", body | {"amount_paise": DEBIT_PAISE}, key=new_key()
    )
    prove(f"a debit is planned (got {debit.status} {debit.code or ''})", debit.status == 201)
    told = office.call("GET", f"/v1/payments/{debit.body['payment_id']}/retries")
    plan = told.body["plan"]
    at = from_iso(plan["at"])
    prove(
        "the payer is told at least a day before",
        at - SystemClock().now() >= NOTICE - timedelta(minutes=1),
    )
    stage.say(
        f"A debit of {rupees(DEBIT_PAISE)} is planned for {at.astimezone(IST):%d %B, %H:%M} IST, because:"
    )
    for because in plan["because"]:
        stage.say(f"  {because['sentence']}")
    step.evidence |= {
        "mandate_id": mandate_id,
        "payment_id": debit.body["payment_id"],
        "at": plan["at"],
        "because": [because["code"] for because in plan["because"]],
    }
