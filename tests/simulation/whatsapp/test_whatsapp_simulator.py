"""The simulator as a thing to run: process, state, page, control, and who may reach it."""

import json
import os
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import urllib3

from checks.sandbox.simulation.persistence import StateUnreadable
from checks.sandbox.whatsapp import ControlClient, ControlRefused, SimulatorClock, WhatsAppSimulator
from checks.sandbox.whatsapp.__main__ import main
from runtime.gateways.whatsapp.client import TextParameter
from runtime.notifications.messages import TEMPLATES
from tests.simulation.whatsapp.conftest import (
    APP_SECRET,
    NOON,
    PHONE_NUMBER_ID,
    TOKEN,
    VERIFY_TOKEN,
    Receiver,
    Start,
    client_of,
)

REPOSITORY = Path(__file__).parents[3]
SECRETS = {"WHATSAPP_TOKEN": TOKEN, "WHATSAPP_APP_SECRET": APP_SECRET, "WHATSAPP_VERIFY_TOKEN": VERIFY_TOKEN}
COMMAND = [
    *("--phone-number-id", PHONE_NUMBER_ID, "--token-env", "WHATSAPP_TOKEN"),
    *("--app-secret-env", "WHATSAPP_APP_SECRET", "--verify-token-env", "WHATSAPP_VERIFY_TOKEN"),
]


def send(simulator: WhatsAppSimulator, name: str = "A", to: str = "+919876543210") -> str:
    return client_of(simulator).send_template(
        to_e164=to, template="greeting", language="en", parameters=[TextParameter(name)]
    )


def page(simulator: WhatsAppSimulator, **headers: str) -> tuple[int, str, Any]:
    with urllib3.PoolManager(retries=False) as pool:
        response = pool.request("GET", f"{simulator.url}/", headers=headers)
        return response.status, response.data.decode(), response.headers


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_the_page_shows_what_a_parent_reads(sim: WhatsAppSimulator) -> None:
    assert "No message yet" in page(sim)[1]
    send(sim, "Somebody")
    status, text, _ = page(sim)
    assert status == 200
    assert "Dear Somebody, welcome." in text
    assert "on its way" in text
    assert "1 message on" in text
    assert "***3210" in text
    assert "9876543" not in text
    sim.control.advance(1)
    assert "✓</span> sent" in page(sim)[1]
    sim.control.advance(10)
    assert "✓✓</span> read" in page(sim)[1]


def test_the_page_shows_a_failure_and_every_phone(sim: WhatsAppSimulator) -> None:
    sim.control.fault("undelivered")
    send(sim)
    send(sim, "Another", "+919876500001")
    sim.control.advance(10)
    text = page(sim)[1]
    assert "not delivered" in text
    assert text.index("***0001") < text.index("***3210")
    assert "2 messages on" in text


def test_whatever_a_message_holds_stays_text(sim: WhatsAppSimulator) -> None:
    send(sim, "<script>alert(1)</script><img src=x onerror=y>\"'&")
    _, text, headers = page(sim)
    assert not {"script", "img"} & set(Tags(text).seen)
    assert "&lt;script&gt;" in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_pages_of_other_sites_do_not_get_in(sim: WhatsAppSimulator, headers: dict[str, str]) -> None:
    assert page(sim, **headers)[0] == 403
    with urllib3.PoolManager(retries=False) as pool:
        response = pool.request("POST", f"{sim.url}/_control/reset", headers=headers)
    assert response.status == 403


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "nothing"), ("DELETE", "messages"), ("POST", "health"), ("GET", "")]
)
def test_unknown_control_calls_are_said_to_be_unknown(sim: WhatsAppSimulator, method: str, path: str) -> None:
    with pytest.raises(ControlRefused) as caught:
        sim.control.call(method, path)
    assert caught.value.status == 404


@pytest.mark.parametrize("body", [[], 7, "x"])
def test_a_control_body_is_an_object(sim: WhatsAppSimulator, body: object) -> None:
    with pytest.raises(ControlRefused) as caught:
        sim.control.call("POST", "clock", body)
    assert caught.value.status == 400


def test_the_clock_is_frozen_moved_and_set(sim: WhatsAppSimulator) -> None:
    assert sim.control.now() == NOON
    assert sim.control.advance(90) == NOON + 90
    assert sim.control.call("POST", "clock", {"set": NOON})["now"] == NOON
    assert sim.control.call("POST", "clock", {"freeze": False})["frozen"] is False
    assert sim.control.now() >= NOON
    sim.control.call("POST", "clock", {"set": NOON + 500})
    assert NOON + 500 <= sim.control.now() < NOON + 560
    assert sim.control.call("POST", "clock", {"freeze": True})["frozen"] is True
    for wrong in ({"advance_seconds": -1}, {"advance_seconds": "x"}, {"set": True}, {"set": None}):
        with pytest.raises(ControlRefused):
            sim.control.call("POST", "clock", wrong)


def test_a_reset_forgets_messages_templates_faults_and_limits(sim: WhatsAppSimulator) -> None:
    send(sim)
    sim.control.fault("500")
    sim.control.limits(pair_burst=1)
    sim.control.reset()
    health = sim.control.health()
    assert health["status"] == "ok"
    assert health["counts"] == {"messages": 0, "events": 0, "pending": 0, "templates": len(TEMPLATES)}
    assert sim.control.call("GET", "faults")["items"] == []
    assert sim.control.call("GET", "limits")["pair_burst"] == 45


def test_messages_can_be_selected(sim: WhatsAppSimulator) -> None:
    send(sim)
    assert sim.control.call("GET", "messages?template=greeting")["count"] == 1
    assert sim.control.call("GET", "messages?template=receipt")["count"] == 0
    assert sim.control.call("GET", "messages?reference=x")["count"] == 0


def test_the_same_seed_gives_the_same_ids(start: Start) -> None:
    first, second, third = start(seed=1), start(seed=1), start(seed=2)
    assert send(first) == send(second) != send(third)


def test_the_account_goes_on_where_it_stopped(start: Start, receiver: Receiver, tmp_path: Path) -> None:
    before = start(state_dir=tmp_path)
    before.control.limits(pair_burst=2)
    first = send(before)
    before.stop()
    saved = tmp_path / "whatsapp.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    text = saved.read_text()
    assert not any(secret in text for secret in SECRETS.values())
    after = start(state_dir=tmp_path, webhook_url=receiver.url, seed=99)
    assert [message["id"] for message in after.control.messages()] == [first]
    second = send(after)
    assert second != first
    with pytest.raises(Exception, match="throttled"):
        send(after)
    after.control.advance(10)
    assert {fact.message_id for fact in receiver.facts()} == {first, second}
    assert len(receiver.facts()) == 6


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_a_broken_state_is_said_to_be_broken(start: Start, tmp_path: Path, content: str) -> None:
    (tmp_path / "whatsapp.json").write_text(content)
    with pytest.raises(StateUnreadable, match="start again"):
        start(state_dir=tmp_path)


@pytest.mark.parametrize("settings", [{"host": "192.0.2.1"}, {"token": ""}, {"app_secret": ""}])
def test_a_simulator_that_anybody_could_use_does_not_start(start: Start, settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"loopback|Give"):
        start(**settings)


def test_the_process_says_where_it_listens_and_stops_cleanly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "checks.sandbox.whatsapp", "--state-dir", str(tmp_path), *COMMAND],
        cwd=REPOSITORY,
        env={**os.environ, **SECRETS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first_line = json.loads(process.stdout.readline())
        assert first_line["service"] == "whatsapp-simulator"
        assert ControlClient(first_line["url"]).health()["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")
        assert (tmp_path / "whatsapp.json").exists()
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def test_the_process_asks_for_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHATSAPP_TOKEN", TOKEN)
    for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--state-dir", str(tmp_path), *COMMAND]) == 2
    assert "WHATSAPP_APP_SECRET and WHATSAPP_VERIFY_TOKEN" in capsys.readouterr().err


def test_the_process_does_not_offer_itself_to_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main(["--state-dir", str(tmp_path), "--host", "192.0.2.1", *COMMAND]) == 2
    assert "loopback" in capsys.readouterr().err


def test_a_clock_runs_by_itself_unless_frozen() -> None:
    running = SimulatorClock()
    assert not running.frozen
    assert running.now() <= running.now()
