"""The account on disk, so that a sandbox that was stopped goes on where it was. No secret is written."""

import json
from pathlib import Path

from checks.sandbox.razorpay import idempotency
from checks.sandbox.razorpay.gateway import Gateway, Job
from checks.sandbox.razorpay.records import Record
from checks.sandbox.simulation import persistence

FILE_NAME = "razorpay.json"
FORMAT = 1


def save(gw: Gateway, state_dir: Path) -> Path:
    """Writes the whole account; the file."""
    with gw.lock:
        hook = gw.webhook
        account: Record = {
            "format": FORMAT,
            "seed": gw.ids.seed,
            "drawn": gw.ids.drawn,
            "clock": gw.clock.saved(),
            "books": gw.books,
            "agenda": [[job.at, job.number, job.kind, job.args] for job in gw.agenda],
            "jobs_made": gw.jobs_made,
            "idempotency": gw.idempotency,
            "quirks": sorted(gw.quirks),
            "webhook": {
                "url": hook.url,
                "events": None if hook.events is None else sorted(hook.events),
                "mode": hook.mode,
                "enabled": hook.enabled,
            },
        }
        text = json.dumps(account)
    return persistence.write(state_dir / FILE_NAME, text)


def load(gw: Gateway, state_dir: Path) -> bool:
    """Takes the saved account over; False if there is none. Raises StateUnreadable.

    A webhook URL given at start stays.
    """
    return persistence.restore(
        state_dir / FILE_NAME, lambda account: _restore(gw, account), format_number=FORMAT
    )


def _restore(gw: Gateway, account: Record) -> None:
    hook = account["webhook"]
    with gw.lock:
        gw.ids.seed, gw.ids.drawn = str(account["seed"]), int(account["drawn"])
        gw.clock.restore(account["clock"])
        for kind, book in account["books"].items():
            gw.books[kind] = book
        gw.take_agenda([Job(at, number, kind, args) for at, number, kind, args in account["agenda"]])
        gw.jobs_made = int(account["jobs_made"])
        gw.idempotency = account["idempotency"]
        gw.quirks = set(account["quirks"])
        gw.webhook.url = gw.webhook.url or hook["url"]
        gw.webhook.events = None if hook["events"] is None else frozenset(hook["events"])
        gw.webhook.mode = hook["mode"]
        gw.webhook.enabled = hook["enabled"]
        idempotency.forget_in_flight(gw)
        _let_old_deliveries_go(gw)


def _let_old_deliveries_go(gw: Gateway) -> None:
    """What is older than the retry time while the sandbox was off is lost, without disabling the webhook."""
    oldest = gw.now() - gw.config.webhooks.give_up_seconds
    for event in gw.books["events"].values():
        if event["state"] == "pending" and event["created_at"] < oldest:
            event["state"] = "failed"
