"""The control API: what was sent, what is to go wrong, what time it is. Loopback and JSON only."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from checks.sandbox.simulation.http_exchange import from_this_machine, json_answer, json_object
from checks.sandbox.whatsapp.account import Account, masked
from checks.sandbox.whatsapp.config import Limits
from checks.sandbox.whatsapp.courier import Courier
from checks.sandbox.whatsapp.faults import FaultPlan
from checks.sandbox.whatsapp.templates import Template

Record = dict[str, Any]

BATCH_MAX = 1_000
DUPLICATES_MAX = 20
LATEST_UNIX = 4_102_444_800
"""The first second of 2100: no simulation goes further."""


class ControlApi:
    """Answers everything under /_control. A wish that cannot be fulfilled is a 400 that says why."""

    def __init__(self, account: Account, courier: Courier, faults: FaultPlan, verify_token: str) -> None:
        self._account = account
        self._courier = courier
        self._faults = faults
        self._verify_token = verify_token
        self._calls: dict[tuple[str, str], Callable[[Record], Any]] = {
            ("GET", "health"): self._health,
            ("GET", "messages"): self._messages,
            ("GET", "faults"): lambda _: {"items": faults.shown()},
            ("POST", "faults"): faults.plan,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "limits"): lambda _: dataclasses.asdict(account.quotas.limits),
            ("PUT", "limits"): self._set_limits,
            ("GET", "templates"): self._templates,
            ("PUT", "templates"): self._set_templates,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("GET", "webhook"): lambda _: account.webhook.shown(),
            ("PUT", "webhook"): self._set_webhook,
            ("POST", "webhook/verify"): self._verify_webhook,
            ("POST", "webhook/release"): self._release,
            ("POST", "webhook/drain"): lambda _: {"deliveries": courier.run_due()},
            ("POST", "reset"): self._reset,
        }

    def answer(self, request: Request) -> Response:
        if not from_this_machine(request):
            return _refusal("the control API answers this machine only", 403)
        call = self._calls.get((request.method, request.path.removeprefix("/_control/").rstrip("/")))
        if call is None:
            return _refusal("there is no such control call", 404)
        try:
            return json_answer(call({**request.args.to_dict(), **json_object(request)}))
        except (ValueError, TypeError) as bad:
            return _refusal(str(bad), 400)

    def _health(self, _: Record) -> Record:
        with self._account.lock:
            return {
                "status": "ok",
                "service": "whatsapp-simulator",
                "now": self._account.clock.now(),
                "counts": {
                    "messages": len(self._account.messages),
                    "events": len(self._account.events),
                    "pending": len(self._account.pending),
                    "templates": len(self._account.templates),
                },
            }

    def _messages(self, wish: Record) -> Record:
        """What was sent, in order; `?template=` and `?reference=` select."""
        with self._account.lock:
            items = [
                {**message, "to": masked(message["to"])}
                for message in self._account.messages.values()
                if wish.get("template") in (None, message["template"])
                and wish.get("reference") in (None, message["reference"])
            ]
        return {"count": len(items), "items": items}

    def _clear_faults(self, _: Record) -> Record:
        self._faults.clear()
        return {"items": []}

    def _set_limits(self, wish: Record) -> Record:
        """Change the limits that are named; the others stay."""
        with self._account.lock:
            limits = dataclasses.replace(self._account.quotas.limits, **wish)
            self._account.quotas.limits = limits
        return dataclasses.asdict(limits)

    def _templates(self, _: Record) -> Record:
        with self._account.lock:
            known = list(self._account.templates.values())
        return {
            "items": [
                {**dataclasses.asdict(template), "parameters": template.parameter_count} for template in known
            ]
        }

    def _set_templates(self, wish: Record) -> Record:
        """Approve `{"templates": [{"name", "language", "body"}]}`; `"replace": true` forgets the others."""
        wanted = tuple(Template(**template) for template in wish["templates"]) if "templates" in wish else ()
        if not wanted:
            raise ValueError("templates is a list of name, language and body")
        with self._account.lock:
            if wish.get("replace"):
                self._account.templates = {}
            self._account.register(wanted)
        return self._templates({})

    def _clock(self, _: Record) -> Record:
        return {"now": self._account.clock.now(), "frozen": self._account.clock.frozen}

    def _move_clock(self, wish: Record) -> Record:
        """`advance_seconds`, `set` and `freeze`; what falls due on the way is done on the way."""
        clock = self._account.clock
        if "freeze" in wish:
            clock.freeze(bool(wish["freeze"]))
        if "advance_seconds" in wish:
            seconds = _number(wish, "advance_seconds")
            if seconds < 0:
                raise ValueError("advance_seconds is not negative; use set to go back")
            self._courier.move_clock(min(clock.now() + seconds, LATEST_UNIX))
        elif "set" in wish:
            self._courier.move_clock(min(_number(wish, "set"), LATEST_UNIX))
        return self._clock({})

    def _set_webhook(self, wish: Record) -> Record:
        """`url`, `secret`, `mode` (deliver|hold), `unordered`, `batch`, `duplicates`; shows no secret."""
        hook = self._account.webhook
        with self._account.lock:
            changed = dataclasses.replace(
                hook,
                url=_webhook_url(wish.get("url", hook.url)),
                secret=str(wish.get("secret") or hook.secret),
                mode=wish.get("mode", hook.mode),
                unordered=bool(wish.get("unordered", hook.unordered)),
                batch=_whole(wish, "batch", hook.batch, 1, BATCH_MAX),
                duplicates=_whole(wish, "duplicates", hook.duplicates, 0, DUPLICATES_MAX),
            )
            if changed.mode not in ("deliver", "hold"):
                raise ValueError("mode is deliver or hold")
            self._account.webhook = changed
        return changed.shown()

    def _verify_webhook(self, wish: Record) -> Record:
        return self._courier.handshake(self._verify_token, str(wish.get("challenge", "1158201444")))

    def _release(self, wish: Record) -> Record:
        """Deliver what is held: `order` (as_emitted|reverse|shuffle), `seed`, `duplicates`, `batch`."""
        order = wish.get("order", "as_emitted")
        if order not in ("as_emitted", "reverse", "shuffle"):
            raise ValueError("order is as_emitted, reverse or shuffle")
        deliveries = self._courier.release(
            order=order,
            seed=_whole(wish, "seed", 0, 0, 2**32),
            duplicates=_whole(wish, "duplicates", 0, 0, DUPLICATES_MAX),
            batch=_whole(wish, "batch", 1, 1, BATCH_MAX),
        )
        return {"deliveries": deliveries}

    def _reset(self, _: Record) -> Record:
        """An empty account; faults are gone, the webhook stays."""
        self._faults.clear()
        with self._account.lock:
            self._account.forget_everything()
            self._account.quotas.limits = Limits()
        return {"status": "reset"}


def _webhook_url(url: object) -> str | None:
    if url is None:
        return None
    parts = urlsplit(str(url))
    host = parts.hostname or ""
    local = host in ("127.0.0.1", "::1", "localhost") or host.endswith(".localhost")
    if parts.scheme not in ("http", "https") or not local:
        raise ValueError("the webhook's url is http(s) on this machine")
    return str(url)


def _number(wish: Record, name: str) -> float:
    value = wish[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} is a number")
    return float(value)


def _whole(wish: Record, name: str, default: int, least: int, most: int) -> int:
    value = wish.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} is an integer between {least} and {most}")
    return value


def _refusal(message: str, status: int) -> Response:
    return json_answer({"error": {"message": message}}, status)
