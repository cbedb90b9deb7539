"""What WhatsApp says of our messages: signed, in any order, kept if it is further along."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.events import rest_event
from tests.integration.notifications.world import (
    APP_SECRETS,
    VERIFY_TOKEN,
    World,
    envelope,
    news,
    report_event,
    status,
)
from tests.integration.payments.world import Interrupted

FURTHEST_FIRST = ["read", "delivered", "failed", "sent"]


@pytest.fixture
def sent(world: World) -> World:
    """A world in which a message was sent."""
    world.deliver(news())
    return world


class TestProgress:
    @pytest.mark.parametrize("kind", ["delivered", "read", "failed"])
    def test_is_kept_by_the_messages_id(self, sent: World, kind: str) -> None:
        assert sent.report(status(kind)).body == {"kept": 1}
        assert sent.notification()["state"] == kind

    @pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])))
    def test_ends_at_the_furthest_in_any_order(self, sent: World, order: tuple[str, ...]) -> None:
        for kind in order:
            assert sent.report(status(kind)).status == 200
        assert sent.notification()["state"] == "read"

    @given(kinds=st.lists(st.sampled_from(FURTHEST_FIRST), min_size=1, max_size=6))
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_ends_at_the_furthest_with_any_repetition(self, world: World, kinds: list[str]) -> None:
        for item in world.tables.items("notifications"):
            key = {"notification_id": {"S": item["notification_id"]}}
            world.client.delete_item(TableName=world.tables["notifications"], Key=key)
        world.whatsapp.taken.clear()
        world.deliver(news())
        world.report(*[status(kind) for kind in kinds])
        expected = min([*kinds, "sent"], key=FURTHEST_FIRST.index)
        assert world.notification()["state"] == expected

    def test_the_same_word_again_is_not_kept_again(self, sent: World) -> None:
        assert sent.report(status("delivered"), status("delivered")).body == {"kept": 1}
        assert sent.report(status("delivered")).body == {"kept": 0}

    def test_a_failure_says_why(self, sent: World) -> None:
        sent.report(status("failed", errors=[{"code": 131026, "title": "Message undeliverable"}]))
        assert (sent.notification()["state"], sent.notification()["code"]) == ("failed", "131026")

    def test_a_word_that_comes_before_the_answer_to_the_sending_stands(self, world: World) -> None:
        """The status overtakes the answer: it arrives while the claim is still open."""
        overtaken = Interrupted(world.client)
        key = "PaymentCaptured:pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ:pay_A|usr_1"
        overtaken.before["update_item"] = [
            lambda: _ignored(world.report(status("delivered", biz_opaque_callback_data=key)))
        ]
        assert world.deliver(news(), client=overtaken) == []
        assert world.notification()["state"] == "delivered"

    @pytest.mark.parametrize(
        "foreign",
        [
            status("delivered", "wamid.of.nobody"),
            status("delivered", biz_opaque_callback_data="not|ours"),
            status("warning"),
            status("deleted"),
        ],
        ids=["message", "reference", "new kind", "other kind"],
    )
    def test_what_is_not_ours_is_acknowledged_and_left(self, sent: World, foreign: dict[str, Any]) -> None:
        before = sent.tables.snapshot()
        answer = sent.report(foreign)
        assert (answer.status, answer.body) == (200, {"kept": 0})
        assert sent.tables.snapshot() == before

    def test_an_unreadable_status_does_not_lose_the_others(self, sent: World) -> None:
        assert sent.report({"status": "read"}, status("read")).body == {"kept": 1}
        assert '"count":1' in sent.log.getvalue()

    def test_a_message_is_never_moved_back_by_a_second_sending_attempt(self, sent: World) -> None:
        sent.report(status("read"))
        sent.deliver(news(), receive_count=2)
        assert sent.notification()["state"] == "read"


class TestDoor:
    @pytest.mark.parametrize("secret", APP_SECRETS)
    def test_every_live_secret_opens(self, sent: World, secret: str) -> None:
        assert sent.report(status("read"), secret=secret).status == 200

    @pytest.mark.parametrize(
        ("signature", "code"),
        [
            (None, "signature-missing"),
            ("", "signature-missing"),
            ("sha256=" + "0" * 64, "signature-invalid"),
            ("0" * 64, "signature-invalid"),
            ("ünreadable", "signature-invalid"),
        ],
    )
    def test_nothing_else_does(self, sent: World, signature: str | None, code: str) -> None:
        before = sent.tables.snapshot()
        answer = sent.call(report_event(envelope(status("read")), signature=signature))
        assert (answer.status, answer.code) == (401, code)
        after = sent.tables.snapshot()
        assert len(after.pop("audit")) == len(before.pop("audit")) + 1
        assert after == before

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"{}", b'{"object":"page"}', b'{"object":"whatsapp_business_account"}']
    )
    def test_what_is_no_envelope_is_refused(self, sent: World, body: bytes) -> None:
        answer = sent.call(report_event(body))
        assert (answer.status, answer.code) == (400, "body-malformed")

    def test_a_body_over_the_limit_is_refused(self, sent: World) -> None:
        answer = sent.call(report_event(envelope(status("read")) + b" " * (3 * 1024 * 1024)))
        assert (answer.status, answer.code) == (413, "body-too-large")

    def test_a_message_from_a_parent_is_no_status_and_no_fault(self, sent: World) -> None:
        body = (
            b'{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{}}]}]}'
        )
        assert sent.call(report_event(body)).body == {"kept": 0}


class TestHandshake:
    def shake(self, world: World, **changes: str) -> Any:
        query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
        return world.call(rest_event("GET", "/v1/webhooks/whatsapp", query=query | changes))

    def test_gives_the_challenge_back_as_plain_text(self, world: World) -> None:
        answer = self.shake(world)
        assert (answer.status, answer.text) == (200, "1158201444")
        assert answer.headers["content-type"].startswith("text/plain")

    @pytest.mark.parametrize(
        "changes",
        [
            {"hub.verify_token": "guess"},
            {"hub.verify_token": ""},
            {"hub.mode": "unsubscribe"},
            {"hub.challenge": "<script>alert(1)</script>"},
            {"hub.challenge": ""},
        ],
        ids=repr,
    )
    def test_is_refused_to_others(self, world: World, changes: dict[str, str]) -> None:
        answer = self.shake(world, **changes)
        assert (answer.status, answer.code) == (401, "signature-invalid")
        assert "script" not in answer.text
        assert [line["outcome"] for line in world.tables.items("audit")] == ["refused"]

    def test_without_a_query_is_refused(self, world: World) -> None:
        assert world.call(rest_event("GET", "/v1/webhooks/whatsapp")).code == "signature-invalid"


def _ignored(_: object) -> None:
    return None
