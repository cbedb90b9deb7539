"""Delivers what became of messages: when it is due, signed, at least once, with retries.

A background thread does it as real time passes. When the clock is moved, the same work runs step by step
with the clock standing at each moment, so that a week passes in an instant and still in order.
"""

import hashlib
import json
import threading
from typing import Any

import urllib3

from checks.sandbox.whatsapp.account import Account
from checks.sandbox.whatsapp.envelopes import envelope, signature

Record = dict[str, Any]

TICK_SECONDS = 0.1
STEPS_MAX = 100_000


class Courier:
    """One delivery at a time, in the order of the clock."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._turn = threading.RLock()
        self._stopping = threading.Event()
        self._pool = urllib3.PoolManager(num_pools=2, retries=False)
        self._shuffles = 0
        self._thread = threading.Thread(target=self._tick, name="whatsapp-courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Let the delivery in hand finish, for at most `timeout_s`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._pool.clear()

    def run_due(self) -> int:
        """Do everything that is due now; how many deliveries were tried."""
        with self._turn:
            return self._deliver(self._due())

    def move_clock(self, target: float) -> int:
        """Move the clock to `target` through everything that falls due until then."""
        tried = 0
        clock = self._account.clock
        with self._turn:
            for _ in range(STEPS_MAX):
                with self._account.lock:
                    moments = [event["next_at"] for event in self._account.pending.values()]
                upcoming = min((at for at in moments if at <= target), default=None)
                if upcoming is None or self._stopping.is_set():
                    break
                clock.set(max(clock.now(), upcoming))
                tried += self.run_due()
            clock.set(target)
        return tried

    def release(self, *, order: str, seed: int, duplicates: int, batch: int) -> list[Record]:
        """Deliver what is held, in the order asked for; what each delivery was answered."""
        with self._turn:
            with self._account.lock:
                held = [event for event in self._account.events.values() if event["state"] == "held"]
            wanted = [event for event in held for _ in range(1 + duplicates)]
            if order == "reverse":
                wanted.reverse()
            elif order == "shuffle":
                wanted = _shuffled(wanted, str(seed))
            return [self._attempt(part) for part in _batches(wanted, batch)]

    def handshake(self, verify_token: str, challenge: str) -> Record:
        """Verify the webhook's address as Meta does when it is configured."""
        fields = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
        url = self._account.webhook.url or ""
        timeout_s = self._account.config.webhooks.timeout_seconds
        try:
            answer = self._pool.request("GET", url, fields=fields, timeout=timeout_s, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return {"verified": False, "status": None, "error": type(error).__name__}
        verified = answer.status == 200 and answer.data == challenge.encode()
        return {"verified": verified, "status": answer.status, "error": None}

    def _tick(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.run_due()

    def _due(self) -> list[Record]:
        """What is due, told to the messages, and without what is held or has nowhere to go."""
        with self._account.lock:
            now = self._account.clock.now()
            hook = self._account.webhook
            due = [event for event in self._account.pending.values() if event["next_at"] <= now]
            due.sort(key=lambda event: (event["next_at"], event["number"]))
            for event in due:
                if event["state"] == "planned":
                    self._happen(event)
                if hook.url is None or hook.mode == "hold":
                    self._account.move(event, "held")
            due = [event for event in due if event["state"] != "held"]
            if hook.unordered:
                self._shuffles += 1
                due = _shuffled(due, f"{self._account.seed}:{self._shuffles}")
            return [event for event in due for _ in range(1 + hook.duplicates)]

    def _happen(self, event: Record) -> None:
        message = self._account.messages.get(event["message_id"])
        if message is not None:
            message["statuses"].append({"status": event["status"], "at": event["at"]})
        self._account.move(event, "waiting")

    def _deliver(self, due: list[Record]) -> int:
        batches = _batches(due, self._account.webhook.batch)
        for part in batches:
            if self._stopping.is_set():
                break
            self._attempt(part)
        return len(batches)

    def _attempt(self, events: list[Record]) -> Record:
        with self._account.lock:
            hook, config = self._account.webhook, self._account.config
            url, timeout_s = hook.url, config.webhooks.timeout_seconds
            document = envelope(events, config=config, phone_number_id=self._account.phone_number_id)
            body = json.dumps(document).encode()
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "facebookexternalua",
                "X-Hub-Signature-256": signature(body, hook.secret),
            }
        status, error = None, None
        if url is None:
            error = "no webhook url"
        else:
            try:
                answer = self._pool.request(
                    "POST", url, body=body, headers=headers, timeout=timeout_s, redirect=False
                )
                status = answer.status
            except urllib3.exceptions.HTTPError as failure:
                error = type(failure).__name__
        with self._account.lock:
            for event in {event["number"]: event for event in events}.values():
                self._settle(event, delivered=status == 200)
        shown = [{"message_id": event["message_id"], "status": event["status"]} for event in events]
        return {"statuses": shown, "status": status, "error": error}

    def _settle(self, event: Record, *, delivered: bool) -> None:
        if event["state"] == "delivered":
            return
        event["attempts"] += 1
        policy = self._account.config.webhooks
        pause_s = policy.first_retry_seconds * policy.retry_factor ** min(event["attempts"] - 1, 40)
        if delivered:
            self._account.move(event, "delivered")
        elif self._account.clock.now() + pause_s > event["at"] + policy.give_up_seconds:
            self._account.move(event, "lost")
        else:
            self._account.move(event, "waiting")
            event["next_at"] = self._account.clock.now() + pause_s


def _shuffled(events: list[Record], seed: str) -> list[Record]:
    """The same disorder for the same seed."""
    positions = sorted(
        range(len(events)), key=lambda position: hashlib.sha256(f"{seed}:{position}".encode()).digest()
    )
    return [events[position] for position in positions]


def _batches(events: list[Record], size: int) -> list[list[Record]]:
    return [events[start : start + size] for start in range(0, len(events), size)]
