"""Every documented webhook sample of Razorpay, where they are at hand: real input, signed here."""

import json
from collections import Counter
from pathlib import Path

from checks.demo.narrative import Step, prove
from checks.demo.stage import Stage
from checks.toolchain import REPOSITORY
from runtime.gateways.razorpay.signatures import sign

SAMPLES = REPOSITORY.parent / "shared" / "razorpay" / "webhooks"


def samples() -> list[Path]:
    """The sample files; empty where the folder is not there."""
    return sorted(path for path in SAMPLES.glob("*.json") if path.name != "index.json")


def feed(stage: Stage, step: Step) -> None:
    """Deliver every sample twice: it is verified, kept once, and applied or recorded as not ours."""
    files = samples()
    if not files:
        stage.say("The samples are not here; this step has nothing to do.")
        step.evidence["samples"] = 0
        return
    kept: dict[str, str] = {}
    for path in files:
        body = path.read_bytes()
        event_id = f"documented-{path.stem}"
        headers = {
            "x-razorpay-signature": sign(body, stage.webhook_secret),
            "x-razorpay-event-id": event_id,
        }
        answers = [
            stage.parent.api.call("POST", "/v1/webhooks/razorpay", body, headers=headers) for _ in range(2)
        ]
        statuses = [answer.status for answer in answers]
        prove(f"{path.name} is acknowledged twice (got {statuses} {answers[0].code})", statuses == [200, 200])
        prove(f"{path.name} is kept once", answers[1].body.get("duplicate") is True)
        kept[event_id] = json.loads(body)["event"]
    states = Counter(stage.wait_for_event(event_id) for event_id in kept)
    waiting = stage.records.messages_in("hasivu-sandbox-webhooks-dlq")
    prove(f"no sample ended among the dead letters (got {waiting})", waiting == 0)
    stage.say(
        f"{len(kept)} samples, {len(set(kept.values()))} kinds of events, each delivered twice: "
        + ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()))
        + "."
    )
    step.evidence |= {"samples": len(kept), "states": dict(states)}
