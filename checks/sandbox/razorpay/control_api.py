"""The control API: plays the customer, the bank and the weather. Loopback only, JSON, no credentials.

Everything is under `/_control/`; bodies and answers are JSON objects, refusals `{"error": {"message"}}`.

| call | does |
|---|---|
| `GET health`, `requests`, `reasons`, `bank-statement` | looks |
| `POST checkout` | the customer pays an order: `order_id`, `instrument`, `attempts`, `amount`, ... |
| `POST payments/{id}/late-authorise`, `/approve`, `/dispute` | the bank, the customer, the bank |
| `POST refunds/{id}/process`, `/fail`, `/downgrade` | the bank |
| `POST tokens/{id}/confirm`, `/reject`, `/pause`, `/resume`, `/cancel` | the mandate's life |
| `PUT tokens/{id}/outcomes` | what the next debits will come to |
| `POST notifications/{id}/fail`, `POST transfers/{id}/fail` | what could not be delivered |
| `POST links/{id}/pay` | the customer pays a link: `instrument`, `amount` |
| `POST disputes/{id}/action-required`, `/decide` | the bank's questions and its `verdict` |
| `POST downtimes` | `action` start, update, resolve |
| `GET`, `PUT webhook` | `url`, `secret`, `events`, `mode` deliver or hold, `enabled` |
| `GET events` (`?event=`, `?state=`) | what was sent, and how it went |
| `POST events/drain`, `/release`, `/send`, `/{id}/redeliver` | delivers |
| `GET`, `POST`, `DELETE faults` | `match`, `fault`, `count`, `hold_ms`, `after_effect` |
| `GET`, `POST clock` | `advance_seconds`, `set`, `freeze` |
| `POST settle` | settles what is due; `force` everything, `split` into settlements with one UTR |
| `PUT quirks` | the measured oddities of Razorpay's own samples |
| `POST reset` | an empty account |
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from checks.sandbox.razorpay import (
    checkout,
    disputes,
    downtimes,
    notifications,
    recurring,
    refunds,
    settlements,
    tokens,
    transfers,
    webhooks,
)
from checks.sandbox.razorpay.conductor import Conductor
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.faults import FaultPlan
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.reasons import FAILURES
from checks.sandbox.razorpay.records import Record
from checks.sandbox.razorpay.request_body import json_object
from checks.sandbox.simulation.http_exchange import BadBody, from_this_machine, json_answer

MOST_DUPLICATES = 20


@dataclass(frozen=True)
class Wish:
    body: Record
    id: str
    query: Mapping[str, str]


Fulfil = Callable[["ControlApi", Wish], Any]


def _locked(act: Callable[[Gateway, Wish], Any]) -> Fulfil:
    """What only touches the books runs under the lock."""

    def fulfil(control: "ControlApi", wish: Wish) -> Any:
        with control.gw.lock:
            return act(control.gw, wish)

    return fulfil


def _whole(body: Record, name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ControlError(f"{name} must be an integer.")
    return value


def _events(gw: Gateway, wish: Wish) -> Record:
    """All events, oldest first; `?event=` for those of one name, `?state=` for one state."""
    wanted = [
        webhooks.shown(event)
        for event in gw.each("events")
        if wish.query.get("event") in (None, event["event"])
        and wish.query.get("state") in (None, event["state"])
    ]
    return {"count": len(wanted), "items": wanted}


def _quirks(gw: Gateway, wish: Wish) -> Record:
    names = wish.body.get("quirks", [])
    if not isinstance(names, list):
        raise ControlError("quirks is a list of names.")
    gw.set_quirks([str(name) for name in names])
    return {"quirks": sorted(gw.quirks)}


_BOOKS: tuple[tuple[str, str, Callable[[Gateway, Wish], Any]], ...] = (
    ("POST", "checkout", lambda gw, w: checkout.pay(gw, w.body)),
    ("POST", "payments/<id>/late-authorise", lambda gw, w: checkout.authorise_late(gw, w.id)),
    ("POST", "payments/<id>/approve", lambda gw, w: recurring.approve(gw, w.id)),
    ("POST", "payments/<id>/dispute", lambda gw, w: disputes.open_dispute(gw, w.id, w.body)),
    ("POST", "refunds/<id>/fail", lambda gw, w: refunds.fail(gw, w.id)),
    ("POST", "refunds/<id>/process", lambda gw, w: refunds.process(gw, w.id)),
    ("POST", "refunds/<id>/downgrade", lambda gw, w: refunds.downgrade(gw, w.id)),
    ("POST", "tokens/<id>/confirm", lambda gw, w: tokens.move(gw, w.id, "confirmed")),
    ("POST", "tokens/<id>/resume", lambda gw, w: tokens.move(gw, w.id, "confirmed")),
    (
        "POST",
        "tokens/<id>/reject",
        lambda gw, w: tokens.move(gw, w.id, "rejected", str(w.body.get("reason", "Rejected by bank"))),
    ),
    ("POST", "tokens/<id>/pause", lambda gw, w: tokens.move(gw, w.id, "paused")),
    ("POST", "tokens/<id>/cancel", lambda gw, w: tokens.move(gw, w.id, "cancelled")),
    ("PUT", "tokens/<id>/outcomes", lambda gw, w: tokens.plan_outcomes(gw, w.id, w.body.get("outcomes"))),
    ("POST", "notifications/<id>/fail", lambda gw, w: notifications.fail(gw, w.id)),
    ("POST", "transfers/<id>/fail", lambda gw, w: transfers.fail(gw, w.id)),
    ("POST", "links/<id>/pay", lambda gw, w: checkout.pay_link(gw, w.id, w.body)),
    ("POST", "disputes/<id>/action-required", lambda gw, w: disputes.ask_action(gw, w.id)),
    (
        "POST",
        "disputes/<id>/decide",
        lambda gw, w: disputes.decide(gw, w.id, str(w.body.get("verdict"))),
    ),
    ("POST", "downtimes", lambda gw, w: downtimes.control(gw, w.body)),
    ("PUT", "webhook", lambda gw, w: webhooks.configure(gw, w.body)),
    ("GET", "webhook", lambda gw, w: webhooks.settings(gw)),
    ("GET", "events", _events),
    ("GET", "requests", lambda gw, w: {"items": list(gw.requests)}),
    ("GET", "reasons", lambda gw, w: {"items": sorted(FAILURES)}),
    ("GET", "bank-statement", lambda gw, w: {"items": settlements.bank_statement(gw)}),
    ("PUT", "quirks", _quirks),
    (
        "POST",
        "settle",
        lambda gw, w: {
            "settlements": settlements.run(
                gw, everything=bool(w.body.get("force")), parts=_whole(w.body, "split", 1)
            )
        },
    ),
)


class ControlApi:
    """Answers everything under /_control."""

    def __init__(self, gw: Gateway, conductor: Conductor, faults: FaultPlan) -> None:
        self.gw = gw
        self.conductor = conductor
        self.faults = faults
        self._urls = _url_map()

    def answer(self, request: Request) -> Response:
        if not from_this_machine(request):
            return _refusal("The control API answers this machine only.", 403)
        try:
            fulfil, ids = self._urls.bind_to_environ(request.environ).match()
            wish = Wish(json_object(request), str(ids.get("id", "")), request.args.to_dict())
            return json_answer(fulfil(self, wish))
        except HTTPException as unknown:
            return _refusal("There is no such control call.", unknown.code or 404)
        except (BadBody, ControlError) as bad:
            return _refusal(bad.message, bad.status)
        except ApiError as error:
            return json_answer(error.body(), error.status)

    def _health(self, wish: Wish) -> Record:
        with self.gw.lock:
            counts = {kind: len(book) for kind, book in self.gw.books.items()}
            return {
                "status": "ok",
                "service": "razorpay-simulator",
                "now": self.gw.now(),
                "failed_jobs": self.gw.failed_jobs,
                "counts": counts,
            }

    def _clock(self, wish: Wish) -> Record:
        return {"now": self.gw.now(), "frozen": self.gw.clock.frozen}

    def _move_clock(self, wish: Wish) -> Record:
        """`advance_seconds`, `set` and `freeze`; what falls due on the way is done on the way."""
        if "freeze" in wish.body:
            self.gw.clock.freeze(bool(wish.body["freeze"]))
        jobs = 0
        if "advance_seconds" in wish.body:
            seconds = _whole(wish.body, "advance_seconds", 0)
            if seconds < 0:
                raise ControlError("advance_seconds must not be negative; use set to go back.")
            jobs = self.conductor.move_clock(self.gw.clock.exact() + seconds)
        elif "set" in wish.body:
            jobs = self.conductor.move_clock(_whole(wish.body, "set", 0))
        return {**self._clock(wish), "jobs": jobs}

    def _drain(self, wish: Wish) -> Record:
        """Does everything that is due now, deliveries included, before it answers."""
        return {"jobs": self.conductor.run_due()}

    def _release(self, wish: Wish) -> Record:
        """Delivers held events in any order, each `duplicates` times more than once."""
        duplicates = _whole(wish.body, "duplicates", 0)
        if not 0 <= duplicates <= MOST_DUPLICATES:
            raise ControlError(f"duplicates is between 0 and {MOST_DUPLICATES}.")
        with self.gw.lock:
            if self.gw.webhook.url is None:
                raise ControlError("There is no webhook url. PUT /_control/webhook first.")
            ids = self._in_order(wish.body)
        deliveries = [event_id for event_id in ids for _ in range(1 + duplicates)]
        if wish.body.get("order") == "shuffle":
            random.Random(_whole(wish.body, "seed", 0)).shuffle(deliveries)
        return {"deliveries": [self._attempted(event_id) for event_id in deliveries]}

    def _in_order(self, body: Record) -> list[str]:
        order = body.get("order", "as_emitted")
        held = [str(event["id"]) for event in self.gw.each("events") if event["state"] == "held"]
        if isinstance(order, list):
            unknown = [event_id for event_id in order if event_id not in self.gw.books["events"]]
            if unknown:
                raise ControlError(f"There are no such events: {', '.join(map(str, unknown[:5]))}.")
            return [str(event_id) for event_id in order]
        if order == "reverse":
            return held[::-1]
        if order not in {"as_emitted", "shuffle"}:
            raise ControlError('order is "as_emitted", "reverse", "shuffle" or a list of event ids.')
        return held

    def _attempted(self, event_id: str) -> Record:
        receipt = self.conductor.attempt(event_id)
        name = self.gw.books["events"][event_id]["event"]
        status, error = (receipt.status, receipt.error) if receipt else (None, "nothing to deliver")
        return {"id": event_id, "event": name, "status": status, "error": error}

    def _redeliver(self, wish: Wish) -> Record:
        if wish.id not in self.gw.books["events"]:
            raise ControlError("There is no such event. GET /_control/events lists them.", status=404)
        return self._attempted(wish.id)

    def _send(self, wish: Wish) -> Record:
        """Signs and delivers any body with any event id; answers with the status received."""
        with self.gw.lock:
            delivery = webhooks.foreign_delivery(self.gw, wish.body)
        receipt = self.conductor.send(delivery)
        return {
            "event_id": delivery.event_id,
            "status": receipt.status,
            "error": receipt.error,
            "took_ms": receipt.took_ms,
        }

    def _faults(self, wish: Wish) -> Record:
        return {"items": self.faults.shown()}

    def _plan_fault(self, wish: Wish) -> Record:
        return self.faults.plan(wish.body)

    def _clear_faults(self, wish: Wish) -> Record:
        self.faults.clear()
        return {"items": []}

    def _reset(self, wish: Wish) -> Record:
        """An empty account; the webhook is enabled again, faults are gone."""
        self.faults.clear()
        with self.gw.lock:
            self.gw.forget_everything()
            self.gw.webhook.enabled = True
        return {"status": "reset"}


@cache
def _url_map() -> Map:
    """All control calls, compiled once."""
    calls: list[tuple[str, str, Fulfil]] = [(method, path, _locked(act)) for method, path, act in _BOOKS]
    calls += [
        ("GET", "health", ControlApi._health),
        ("GET", "clock", ControlApi._clock),
        ("POST", "clock", ControlApi._move_clock),
        ("POST", "events/release", ControlApi._release),
        ("POST", "events/send", ControlApi._send),
        ("POST", "events/drain", ControlApi._drain),
        ("POST", "events/<id>/redeliver", ControlApi._redeliver),
        ("GET", "faults", ControlApi._faults),
        ("POST", "faults", ControlApi._plan_fault),
        ("DELETE", "faults", ControlApi._clear_faults),
        ("POST", "reset", ControlApi._reset),
    ]
    rules = [Rule(f"/_control/{path}", methods=[method], endpoint=act) for method, path, act in calls]
    return Map(rules, strict_slashes=False)


def _refusal(message: str, status: int) -> Response:
    return json_answer({"error": {"message": message}}, status)
