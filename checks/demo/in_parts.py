"""In parts: a link that takes two payments, an instalment plan to the paisa, a split with the caterer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from checks.demo.narrative import Step, prove
from checks.demo.records import wait_for
from checks.demo.stage import GOOD_CARD, Stage, new_key
from checks.sandbox.api_client import ApiClient
from checks.sandbox.people import SCHOOL_ID
from runtime.platform.clock import SystemClock, business_date
from runtime.platform.money import rupees

DUE_PAISE, FIRST_PAISE = 60_000, 25_000
PRINCIPAL_PAISE, MONTHS, RATE_BPS = 1_000_000, 24, 2_400
EMI_PAISE, FIRST_INTEREST_PAISE = 52_871, 20_000
"""₹10,000.00 over two years at 24 % a year, reducing: ₹528.71 a month, of which ₹200.00 is the first
interest."""

CATERER, SCHOOL = "acc_SunriseCater01", "acc_SunriseSchool1"
SPLIT_PAISE = 100_000
FEE_PAISE = 2_360
"""₹1,000.00 at 2 % and 18 % GST on that: ₹23.60. Of the rest seven tenths are the caterer's."""

CATERER_BPS, CATERER_PAISE, SCHOOL_PAISE = 7_000, 68_348, 29_292
GIVEN_BACK_PAISE = 10_000


def link(stage: Stage, step: Step) -> None:
    """The office sends a link; its payer pays in two parts and is reminded of the second; what is paid cannot
    be paid again, and nobody is reminded of it."""
    office = stage.people["finance"].api
    made = office.call(
        "POST",
        "/v1/payment-links",
        {
            "school_id": SCHOOL_ID,
            "payer_id": stage.parent.principal_id,
            "amount_paise": DUE_PAISE,
            "accept_partial": True,
            "first_min_partial_paise": FIRST_PAISE,
            "description": "School trip",
        },
        key=new_key(),
    )
    prove(f"a link is made (got {made.status} {made.code or ''})", made.status == 201)
    link_id = made.body["link_id"]
    at_gateway = next(
        each["id"]
        for each in stage.at_gateway("payment_links?count=100")["payment_links"]
        if each["short_url"] == made.body["short_url"]
    )
    for amount_paise, status in ((FIRST_PAISE, "partially_paid"), (DUE_PAISE - FIRST_PAISE, "paid")):
        stage.gateway.pay_link(at_gateway, amount=amount_paise)

        def stands(status: str = status) -> dict[str, Any] | None:
            seen: dict[str, Any] = office.call("GET", f"/v1/payment-links/{link_id}").body
            return seen if seen["status"] == status else None

        seen = wait_for(f"the link's status {status}", stands)
        prove("paid and due are what was asked", seen["paid_paise"] + seen["due_paise"] == DUE_PAISE)
        stage.captured_paise += amount_paise
        stage.say(
            f"{rupees(amount_paise)} paid by link: {seen['status'].replace('_', ' ')}, "
            f"{rupees(seen['due_paise'])} due."
        )
        if seen["due_paise"]:
            step.evidence["reminder"] = _remind(stage, office, link_id, seen["due_paise"])
    needless = office.call("POST", f"/v1/payment-links/{link_id}/reminders", key=new_key())
    prove(
        f"nobody is reminded of what is paid (got {needless.status} {needless.code})", needless.status == 409
    )
    refused = office.call("POST", f"/v1/payment-links/{link_id}/cancel", key=new_key())
    prove(f"a paid link is not cancelled (got {refused.status} {refused.code})", refused.status == 409)
    step.evidence |= {"link_id": link_id, "payments": len(seen["payment_ids"])}


def _remind(stage: Stage, office: ApiClient, link_id: str, due_paise: int) -> str:
    """Remind the payer of what is still due; what became of it. By night in India nobody is reminded."""
    reminded = office.call("POST", f"/v1/payment-links/{link_id}/reminders", key=new_key())
    if reminded.code == "reminder-quiet-hours":
        again_s = int(reminded.headers["retry-after"])
        stage.say(f"It is night in India: nobody is reminded for another {again_s // 60} minutes.")
        return "withheld by night"
    prove(f"the payer is reminded (got {reminded.status} {reminded.code or ''})", reminded.status == 202)

    message = stage.whatsapp_message(link_id)
    prove("the reminder asks for what is still due", rupees(due_paise) in message["text"])
    (made,) = office.call("GET", f"/v1/payment-links/{link_id}").body["reminders"]["made"]
    prove(
        f"the link shows what became of it (got {made['outcome']} by {made['channel']})",
        made["outcome"] in {"delivered", "read"} and made["channel"] == "whatsapp",
    )
    stage.say(f"Reminded by WhatsApp, {made['outcome']}: “{message['text']}”")
    return str(made["outcome"])


def instalments(stage: Stage, step: Step) -> None:
    """A plan is looked at, agreed and begun; its principals sum exactly."""
    office = stage.people["finance"].api
    terms = {
        "kind": "emi",
        "principal_paise": PRINCIPAL_PAISE,
        "count": MONTHS,
        "annual_rate_bps": RATE_BPS,
        "first_due_on": (business_date(SystemClock().now()) + timedelta(days=30)).isoformat(),
    }
    shown = office.call("POST", "/v1/instalment-plans/preview", terms)
    prove(f"the plan can be looked at (got {shown.status} {shown.code or ''})", shown.status == 200)
    lines = shown.body["lines"]
    instalment_paise, interest_paise = shown.body["instalment_paise"], lines[0]["interest_paise"]
    prove(
        f"it asks {EMI_PAISE} a month, {FIRST_INTEREST_PAISE} of it interest at first "
        f"(got {instalment_paise}, {interest_paise})",
        (instalment_paise, interest_paise) == (EMI_PAISE, FIRST_INTEREST_PAISE),
    )
    principals = sum(line["principal_paise"] for line in lines)
    prove(f"the principals sum exactly (got {principals})", principals == PRINCIPAL_PAISE)
    agreed = office.call(
        "POST",
        "/v1/instalment-plans",
        terms
        | {
            "school_id": SCHOOL_ID,
            "payer_id": stage.parent.principal_id,
            "description": "Meals of two years",
        },
        key=new_key(),
    )
    prove(f"the plan is agreed (got {agreed.status} {agreed.code or ''})", agreed.status == 201)
    plan_id = agreed.body["plan_id"]
    payment_id, _ = stage.paid(EMI_PAISE, "First instalment", GOOD_CARD, plan_id=plan_id)

    def first_line(status: str) -> dict[str, Any] | None:
        plan: dict[str, Any] = office.call("GET", f"/v1/instalment-plans/{plan_id}").body
        return plan if plan["lines"][0]["status"] == status else None

    plan = wait_for("the first instalment", lambda: first_line("paid"))
    stage.say(
        f"{rupees(PRINCIPAL_PAISE)} over {MONTHS} months at 24 % a year: {rupees(EMI_PAISE)} a month, the "
        f"last {rupees(shown.body['last_instalment_paise'])}. The first is paid; "
        f"{rupees(plan['outstanding_paise'])} are outstanding."
    )
    step.evidence |= {"plan_id": plan_id, "payment_id": payment_id, "instalment_paise": instalment_paise}


def split(stage: Stage, step: Step) -> None:
    """A payment is shared between the school and its caterer, less the platform's fee; a refund takes their
    shares in it back."""
    office = stage.people["finance"].api
    terms_path = f"/v1/schools/{SCHOOL_ID}/split-terms"
    terms = {
        "shares": [{"account_id": CATERER, "basis_points": CATERER_BPS}],
        "remainder_to": SCHOOL,
        "fee": {"basis_points": 200},
    }
    agreed = office.call("PUT", terms_path, terms)
    prove(f"the terms are set (got {agreed.status} {agreed.code or ''})", agreed.status == 200)
    payment_id, _ = stage.paid(SPLIT_PAISE, "Lunches with the caterer", GOOD_CARD)
    ended = office.call("DELETE", terms_path)
    prove(f"the terms end (got {ended.status} {ended.code or ''})", ended.status == 200)

    def standing() -> dict[str, Any] | None:
        """The split, once everybody has what they are to have."""
        answer = office.call("GET", f"/v1/payments/{payment_id}/split")
        done = answer.status == 200 and all(part["outstanding_paise"] == 0 for part in answer.body["parts"])
        return answer.body if done else None

    seen = wait_for("the shares with their owners", standing)
    fee_paise = seen["fee_paise"] + seen["fee_gst_paise"]
    shares = {part["account_id"]: part["live_paise"] for part in seen["parts"]}
    prove(f"the fee is {FEE_PAISE} (got {fee_paise})", fee_paise == FEE_PAISE)
    prove(f"nothing is lost (got {shares})", fee_paise + sum(shares.values()) == SPLIT_PAISE)
    prove("each has their share", shares == {CATERER: CATERER_PAISE, SCHOOL: SCHOOL_PAISE})
    stage.shared_paise += SPLIT_PAISE
    stage.say(
        f"{rupees(SPLIT_PAISE)}: {rupees(shares[CATERER])} to the caterer, {rupees(shares[SCHOOL])} to the "
        f"school, {rupees(fee_paise)} fee with GST."
    )
    step.evidence |= {"payment_id": payment_id, "fee_paise": fee_paise, "shares_paise": shares}
    _give_back(stage, step, payment_id, standing)


def _give_back(
    stage: Stage, step: Step, payment_id: str, standing: Callable[[], dict[str, Any] | None]
) -> None:
    """A part of a shared payment is refunded: the gateway reverses as much of the shares, each by a name."""

    def transfers() -> list[dict[str, Any]]:
        seen = standing()
        return [each for part in seen["parts"] for each in part["transfers"]] if seen else []

    def arrived() -> bool:
        found = transfers()
        return bool(found) and all(each["status"] == "processed" for each in found)

    def reversed_paise() -> int:
        return sum(each["reversed_paise"] for each in transfers())

    wait_for("the transfers' arrival", arrived)
    given = stage.people["finance"].api.call(
        "POST",
        f"/v1/payments/{payment_id}/refunds",
        {"amount_paise": GIVEN_BACK_PAISE, "reason": "The child was ill"},
        key=new_key(),
    )
    prove(f"a part goes back (got {given.status} {given.code or ''})", given.status in (201, 202))
    wait_for("the shares in the refund", lambda: reversed_paise() == GIVEN_BACK_PAISE)
    found = [
        reversal
        for each in transfers()
        for reversal in stage.at_gateway(f"transfers/{each['transfer_id']}/reversals")["items"]
    ]
    prove("the gateway says the same", sum(each["amount"] for each in found) == GIVEN_BACK_PAISE)
    for each in found:
        stage.wait_for_entry(f"reversal:{each['id']}")
    stage.reversals += [each["id"] for each in found]
    stage.say(
        f"{rupees(GIVEN_BACK_PAISE)} go back to the parent, and come back from the shares: "
        f"{' and '.join(rupees(each['amount']) for each in found)}."
    )
    step.evidence["reversals"] = list(stage.reversals)
