"""The account on disk, so that a sandbox that was stopped goes on where it was. No secret is written."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from checks.sandbox.simulation import persistence
from checks.sandbox.whatsapp.account import Account
from checks.sandbox.whatsapp.config import Limits
from checks.sandbox.whatsapp.templates import Template

FILE_NAME = "whatsapp.json"
FORMAT = 1


def save(account: Account, state_dir: Path) -> Path:
    """Write the whole account; the file."""
    with account.lock:
        text = json.dumps(
            {
                "format": FORMAT,
                "seed": account.seed,
                "messages_made": account.messages_made,
                "events_made": account.events_made,
                "messages": list(account.messages.values()),
                "events": list(account.events.values()),
                "templates": [asdict(template) for template in account.templates.values()],
                "limits": asdict(account.quotas.limits),
                "quotas": account.quotas.saved(),
                "webhook": {
                    name: value for name, value in asdict(account.webhook).items() if name != "secret"
                },
            }
        )
    return persistence.write(state_dir / FILE_NAME, text)


def load(account: Account, state_dir: Path) -> bool:
    """Take the saved account over; False if there is none. Raises StateUnreadable.

    A webhook address given at start stays.
    """
    return persistence.restore(
        state_dir / FILE_NAME, lambda saved: _restore(account, saved), format_number=FORMAT
    )


def _restore(account: Account, saved: dict[str, Any]) -> None:
    hook = saved["webhook"]
    with account.lock:
        account.seed = str(saved["seed"])
        account.messages_made, account.events_made = int(saved["messages_made"]), int(saved["events_made"])
        account.messages = {message["id"]: message for message in saved["messages"]}
        account.events = {event["number"]: event for event in saved["events"]}
        for event in account.events.values():
            account.move(event, str(event["state"]))
        account.register(tuple(Template(**template) for template in saved["templates"]))
        account.quotas.limits = Limits(**saved["limits"])
        account.quotas.restore(saved["quotas"])
        account.webhook.url = account.webhook.url or hook["url"]
        account.webhook.mode, account.webhook.unordered = str(hook["mode"]), bool(hook["unordered"])
        account.webhook.batch, account.webhook.duplicates = int(hook["batch"]), int(hook["duplicates"])
