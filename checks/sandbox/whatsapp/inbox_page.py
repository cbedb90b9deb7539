"""`GET /`: the phones of the parents, and what they would read on them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

from werkzeug.wrappers import Response

from checks.sandbox.simulation.html_page import html_page
from checks.sandbox.whatsapp.account import Account, masked
from runtime.platform.clock import IST

Record = dict[str, Any]

RECENT = 200
STYLE = """
:root { color-scheme: light dark; --ink: #1b2630; --soft: #5b6975; --ground: #efeae2; --bubble: #fff;
  --line: #d5dbe0; --read: #1374a8; --failed: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ecef; --soft: #a3b0ba; --ground: #10181d;
  --bubble: #1f2c33; --line: #31404a; --read: #6cc3f5; --failed: #ffb4ab } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 40rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.35rem; margin: 0 0 .25rem }
h2 { font-size: 1rem; margin: 2rem 0 .5rem }
.soft { color: var(--soft); font-size: .85rem }
ol { list-style: none; margin: 0; padding: 0 }
li { background: var(--bubble); border: 1px solid var(--line); border-radius: 4px 14px 14px 14px;
  padding: .7rem .9rem; margin: .5rem 0; max-width: 34rem; overflow-wrap: anywhere }
li p { margin: 0 0 .3rem; white-space: pre-line }
.read { color: var(--read) }
.failed { color: var(--failed) }
code { font-family: ui-monospace, monospace; font-size: .9em }
"""
_TICKS = {
    "accepted": ("…", "on its way"),
    "sent": ("✓", "sent"),
    "delivered": ("✓✓", "delivered"),
    "read": ("✓✓", "read"),
    "failed": ("!", "not delivered"),
}


def inbox_page(account: Account) -> Response:
    """The most recent messages, by phone, the newest phone first."""
    with account.lock:
        recent = list(account.messages.values())[-RECENT:]
        phones: dict[str, list[str]] = {}
        for message in recent:
            phones.setdefault(message["to"], []).append(_bubble(message))
        total = len(account.messages)
    body = "".join(_phone(to, bubbles) for to, bubbles in reversed(phones.items()))
    empty = '<p class="soft">No message yet. The first payment will bring one.</p>'
    counted = "1 message" if total == 1 else f"{total} messages"
    return html_page(
        "WhatsApp inbox",
        f'<h1>{escape(account.config.business_name)}</h1><p class="soft">{counted} on the phones of this '
        f"sandbox. Nothing leaves this machine. Control: <code>/_control</code></p>{body or empty}",
        STYLE,
    )


def _phone(to: str, bubbles: Iterable[str]) -> str:
    return f"<section><h2>Phone {escape(masked(to))}</h2><ol>{''.join(bubbles)}</ol></section>"


def _bubble(message: Record) -> str:
    latest = message["statuses"][-1]["status"] if message["statuses"] else "accepted"
    sign, words = _TICKS[latest]
    at = datetime.fromtimestamp(message["accepted_at"], UTC).astimezone(IST)
    return (
        f"<li><p>{escape(message['text'])}</p>"
        f'<span class="soft"><time datetime="{at.isoformat(timespec="seconds")}">{at:%d %b %H:%M}</time> '
        f'<span class="{latest}"><span aria-hidden="true">{sign}</span> {words}</span> '
        f"· {escape(message['template'])}</span></li>"
    )
