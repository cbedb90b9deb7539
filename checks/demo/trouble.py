"""What goes wrong in the real world: nothing is lost by it, and nothing happens twice."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from checks.demo.narrative import Disproved, Step, prove
from checks.demo.records import wait_for
from checks.demo.stage import GOOD_CARD, Stage, new_key
from checks.sandbox.api_client import Answer
from checks.sandbox.people import OTHER_SCHOOL_ID, SCHOOL_ID
from runtime.platform.errors import IDEMPOTENCY_IN_FLIGHT, INTERNAL
from runtime.platform.money import rupees

FAILING_UPI = {"method": "upi", "vpa": "failure@razorpay"}
GOOD_UPI = {"method": "upi", "vpa": "success@razorpay"}
SILENCE_MS = 6_000
"""The gateway makes the order and then says nothing for so long: time to die in."""


def failing_instrument(stage: Stage, step: Step) -> None:
    """A payment fails, and the parent pays the same order another way."""
    amount_paise = 32_000
    payment = stage.create_payment(amount_paise, "Breakfasts in April")
    payment_id, order_id = payment["payment_id"], payment["checkout"]["order_id"]
    refused = stage.gateway.checkout(order_id, FAILING_UPI)
    prove("the gateway refuses the instrument", "error" in refused)
    stage.wait_for_status(payment_id, "failed")
    reason = refused["error"]["reason"]
    stage.say(f"{rupees(amount_paise)} by UPI fails ({reason}); nothing is booked, and the parent is told.")
    prove("nothing is booked for a failed payment", not _captures(stage, payment_id))
    paid = stage.gateway.checkout(order_id, GOOD_UPI)
    stage.wait_for_status(payment_id, "captured")
    stage.wait_for_entry(f"capture:{paid['razorpay_payment_id']}")
    stage.captured_paise += amount_paise
    stage.say("The parent tries again with another handle: captured. Failed was not the end.")
    step.evidence |= {"payment_id": payment_id, "reason": reason}


def duplicates_and_disorder(stage: Stage, step: Step) -> None:
    """The gateway's events come in reverse order and three times each."""
    amount_paise = 21_050
    stage.gateway.webhook(mode="hold")
    try:
        payment = stage.create_payment(amount_paise, "Milk in April")
        payment_id = payment["payment_id"]
        paid = stage.gateway.checkout(payment["checkout"]["order_id"], GOOD_CARD)
        held = [event["id"] for event in stage.gateway.events() if event["state"] == "held"]
        deliveries = stage.gateway.release(order="reverse", duplicates=2)
    finally:
        stage.gateway.webhook(mode="deliver")
    codes = sorted({delivery["status"] for delivery in deliveries})
    prove(f"every delivery is acknowledged (got {codes})", codes == [200])
    stage.wait_for_status(payment_id, "captured")
    stage.wait_for_entry(f"capture:{paid['razorpay_payment_id']}")
    states = [stage.wait_for_event(event_id) for event_id in held]
    stage.captured_paise += amount_paise
    captures = _captures(stage, payment_id)
    prove(f"the capture is booked once (got {len(captures)})", len(captures) == 1)
    stage.say(
        f"{len(held)} events, delivered backwards and three times each ({len(deliveries)} deliveries): "
        f"each kept once, then {', '.join(sorted(states))}. {rupees(amount_paise)} is booked once."
    )
    step.evidence |= {
        "payment_id": payment_id,
        "events": len(held),
        "deliveries": len(deliveries),
        "states": states,
    }


def crashed_handler(stage: Stage, step: Step) -> None:
    """The function dies after the gateway made the order and before anything was written down."""
    body = {"school_id": SCHOOL_ID, "amount_paise": 15_000, "description": "Fruit in April"}
    key = new_key()
    before = stage.orders_at_gateway()
    stage.gateway.fault("POST", "/v1/orders", "timeout_after", count=1, hold_ms=SILENCE_MS)
    first: list[Answer] = []
    caller = threading.Thread(
        target=lambda: first.append(stage.parent.api.call("POST", "/v1/payments", body, key=key))
    )
    caller.start()
    wait_for("the gateway's order", lambda: stage.orders_at_gateway() - before)
    killed = kill_function("payments-advanced", stage.emulator_pid)
    died_at_s = time.monotonic()
    caller.join(timeout=60)
    prove("the function was killed while it waited for the gateway", killed > 0)
    prove(
        f"nobody but API Gateway answers for the dead (got {first[0].status} {first[0].code})",
        first[0].status >= 500 and first[0].code in (None, INTERNAL.code),
    )
    stage.say(f"The gateway has the order; the function is killed; the caller gets {first[0].status}.")

    refused = stage.parent.api.call("POST", "/v1/payments", body, key=key)
    prove(
        f"while the dead call may still live, nothing is done again (got {refused.status} {refused.code})",
        refused.code == IDEMPOTENCY_IN_FLIGHT.code,
    )
    answer = _repeat_until_answered(stage, body, key)
    waited_s = time.monotonic() - died_at_s
    prove(f"the repetition succeeds (got {answer.status} {answer.code or ''})", answer.status == 201)
    new_orders = stage.orders_at_gateway() - before
    prove(
        f"the gateway has one order for it, and it is this one (got {new_orders})",
        new_orders == {answer.body["checkout"]["order_id"]},
    )
    paid = stage.gateway.checkout(answer.body["checkout"]["order_id"], GOOD_CARD)
    stage.wait_for_status(answer.body["payment_id"], "captured")
    stage.wait_for_entry(f"capture:{paid['razorpay_payment_id']}")
    stage.captured_paise += 15_000
    stage.say(
        f"The caller repeats with the same key; once the dead call's lease is over ({waited_s:.0f} s) "
        "the order is found again by its receipt. One order, one payment, paid."
    )
    step.evidence |= {
        "payment_id": answer.body["payment_id"],
        "first_status": first[0].status,
        "lease_waited_for_s": round(waited_s, 1),
    }


def refusals(stage: Stage, step: Step) -> None:
    """What must not be accepted is refused, with a code that a caller can act on."""
    good = {"school_id": SCHOOL_ID, "amount_paise": 45_000, "description": "Lunches in May"}
    other_parent, parent = stage.people["other_parent"].api, stage.parent.api
    own = stage.create_payment(10_000, "Snacks in April")
    event = b'{"entity":"event","event":"payment.captured","payload":{}}'
    stranger = {"x-razorpay-signature": "0" * 64, "x-razorpay-event-id": "demo-forged"}
    tried: list[tuple[str, Answer, str]] = [
        (
            "an amount with a fraction",
            _create(parent, good | {"amount_paise": 45000.5}),
            "amount-not-integer",
        ),
        ("less than one rupee", _create(parent, good | {"amount_paise": 99}), "amount-below-minimum"),
        ("dollars", _create(parent, good | {"currency": "USD"}), "currency-not-enabled"),
        ("a school that is not there", _create(parent, good | {"school_id": "nowhere"}), "school-unknown"),
        (
            "a school that is not theirs",
            _create(parent, good | {"school_id": OTHER_SCHOOL_ID}),
            "school-forbidden",
        ),
        (
            "a card number",
            _create(parent, good | {"metadata": {"note": "4111 1111 1111 1111"}}),
            "card-data-refused",
        ),
        ("no Idempotency-Key", parent.call("POST", "/v1/payments", good), "idempotency-key-missing"),
        (
            "somebody else's payment",
            other_parent.call("GET", f"/v1/payments/{own['payment_id']}"),
            "payment-not-found",
        ),
        (
            "a forged webhook",
            parent.call("POST", "/v1/webhooks/razorpay", event, headers=stranger),
            "signature-invalid",
        ),
    ]
    for what, answer, code in tried:
        prove(f"{what} is refused as {code} (got {answer.status} {answer.code})", answer.code == code)
        stage.say(f"{what}: {answer.status} {code}")
    prove("a forged event is not kept", stage.records.webhook_event("demo-forged") is None)
    step.evidence["refused"] = {code: answer.status for _, answer, code in tried}


def kill_function(name: str, emulator_pid: int) -> int:
    """Kill the processes in which an emulator runs a function, as a crash would; gives how many there were.

    A worker is a child of its emulator and runs in the folder of its function's code, and only that
    function's code holds its module.
    """
    module = Path("runtime/functions") / f"{name.replace('-', '_')}.py"
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == emulator_pid and (process / "cwd").readlink().joinpath(module).is_file():
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
        except (OSError, ValueError):
            continue  # gone meanwhile, or not ours to look at
    return killed


def _create(api: Any, body: dict[str, Any]) -> Answer:
    answer: Answer = api.call("POST", "/v1/payments", body, key=new_key())
    return answer


def _repeat_until_answered(stage: Stage, body: dict[str, Any], key: str) -> Answer:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = stage.parent.api.call("POST", "/v1/payments", body, key=key)
        if answer.code != IDEMPOTENCY_IN_FLIGHT.code and answer.status < 500:
            return answer
        time.sleep(min(float(answer.headers.get("retry-after", "1")), 2.0))
    raise Disproved("the dead call's lease never ended")


def _captures(stage: Stage, payment_id: object) -> list[str]:
    return [
        entry["entry_id"]
        for entry in stage.records.scan("hasivu-sandbox-ledger")
        if entry["entry_id"].startswith("capture:") and str(payment_id) in entry["description"]
    ]
