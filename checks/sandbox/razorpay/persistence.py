"""The account on disk, so that a sandbox that was stopped goes on where it was. No secret is written."""

import json
import os
from pathlib import Path

from checks.sandbox.razorpay import idempotency
from checks.sandbox.razorpay.gateway import Gateway, Job
from checks.sandbox.razorpay.records import Record

FILE_NAME = "razorpay.json"
FORMAT = 1


class StateUnreadable(Exception):
    """The saved account cannot be read. Its message says what to do."""


def save(gw: Gateway, state_dir: Path) -> Path:
    """Writes the whole account, atomically, readable by its owner only."""
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
    state_dir.mkdir(parents=True, exist_ok=True)
    path, partial = state_dir / FILE_NAME, state_dir / f"{FILE_NAME}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def load(gw: Gateway, state_dir: Path) -> bool:
    """Takes the saved account over; False if there is none. A webhook URL given at start stays."""
    path = state_dir / FILE_NAME
    if not path.exists():
        return False
    try:
        account = json.loads(path.read_text(encoding="utf-8"))
        if account["format"] != FORMAT:
            raise ValueError("unknown format")
        _restore(gw, account)
    except (ValueError, KeyError, TypeError) as problem:
        raise StateUnreadable(
            f"{path} cannot be read ({problem}). Move it away, or reset the sandbox, and start again."
        ) from problem
    return True


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
