"""Templates over WhatsApp: the documented message, and what each of Meta's answers means."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.errors import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from runtime.gateways.whatsapp.client import (
    CurrencyParameter,
    Parameter,
    TextParameter,
    WhatsAppClient,
    pair_backoff_s,
)
from runtime.platform.clock import FixedClock
from runtime.platform.money import Money
from tests.unit.gateways.fakes import START, ScriptedTransport, Step, body_of, reply, unavailable, unknown

TO = "+919876543210"
SENT = reply(200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.A"}]})


def graph_error(code: object, status: int = 400, details: str | None = "Details for +919876543210.") -> Step:
    error = {"message": f"(#{code}) Title", "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    if details is not None:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return reply(status, {"error": error})


def client(step: Step) -> tuple[WhatsAppClient, ScriptedTransport]:
    transport = ScriptedTransport([step])
    made = WhatsAppClient(
        phone_number_id="10501", access_token="test-token", clock=FixedClock(START), transport=transport
    )
    return made, transport


def send(step: Step, *, attempt: int = 0, parameters: Sequence[Parameter] = ()) -> str:
    return client(step)[0].send_template(
        to_e164=TO, template="payment_received", language="en", parameters=parameters, attempt=attempt
    )


def test_a_message_is_what_meta_documents() -> None:
    whatsapp, transport = client(SENT)
    wamid = whatsapp.send_template(
        to_e164=TO,
        template="payment_received",
        language="en_US",
        parameters=[TextParameter("Somebody"), CurrencyParameter(Money(25_000, "INR"))],
        reference="ntf_1",
    )
    assert wamid == "wamid.A"
    request = transport.requests[0]
    assert (request.method, request.target) == ("POST", "/v23.0/10501/messages")
    assert request.headers["Authorization"] == "Bearer test-token"
    assert body_of(request) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": TO,
        "type": "template",
        "template": {
            "name": "payment_received",
            "language": {"code": "en_US"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Somebody"},
                        {
                            "type": "currency",
                            "currency": {"fallback_value": "₹250.00", "code": "INR", "amount_1000": 250_000},
                        },
                    ],
                }
            ],
        },
        "biz_opaque_callback_data": "ntf_1",
    }


def test_a_template_without_placeholders_has_no_components() -> None:
    whatsapp, transport = client(SENT)
    whatsapp.send_template(to_e164=TO, template="welcome", language="hi")
    message = body_of(transport.requests[0])
    assert message["template"] == {"name": "welcome", "language": {"code": "hi"}}
    assert "biz_opaque_callback_data" not in message


@pytest.mark.parametrize(
    ("parameter", "fallback"),
    [
        (CurrencyParameter(Money(25_000, "INR"), "250 rupees"), "250 rupees"),
        (CurrencyParameter(Money(12_345, "USD")), "USD 123.45"),
        (CurrencyParameter(Money(-5, "USD")), "-USD 0.05"),
    ],
)
def test_an_amount_has_a_fallback_for_phones_that_cannot_format_it(
    parameter: CurrencyParameter, fallback: str
) -> None:
    currency = parameter.as_fields()["currency"]
    assert isinstance(currency, dict)
    assert currency["fallback_value"] == fallback


@given(st.integers(0, 10**12))
def test_paise_become_thousandths_of_a_rupee_exactly(amount_paise: int) -> None:
    currency = CurrencyParameter(Money(amount_paise, "INR")).as_fields()["currency"]
    assert isinstance(currency, dict)
    assert currency["amount_1000"] * 100 == amount_paise * 1000


@pytest.mark.parametrize("code", [4, 80007, 130429, 131056, 131057])
@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_limit_is_throttling_whatever_the_status(code: int, status: int) -> None:
    with pytest.raises(GatewayThrottled) as caught:
        send(graph_error(code, status))
    assert caught.value.detail.code == str(code)


def test_a_429_without_a_code_is_throttling_and_its_pause_is_kept() -> None:
    with pytest.raises(GatewayThrottled) as caught:
        send(reply(429, raw=b"slow down", retry_after="5"))
    assert caught.value.retry_after_s == 5


@pytest.mark.parametrize(
    ("attempt", "pause_s"), [(-1, 6), (0, 6), (1, 6), (2, 16), (3, 64), (4, 256), (6, 4096), (99, 4096)]
)
def test_the_pair_limit_backs_off_by_powers_of_four(attempt: int, pause_s: int) -> None:
    assert pair_backoff_s(attempt) == pause_s
    with pytest.raises(GatewayThrottled) as caught:
        send(graph_error(131056), attempt=attempt)
    assert caught.value.retry_after_s == pause_s


@pytest.mark.parametrize(
    ("code", "status"), [(131026, 400), (132000, 400), (132001, 404), (190, 401), (100, 400), (10, 403)]
)
def test_a_definite_refusal_carries_metas_code(code: int, status: int) -> None:
    with pytest.raises(GatewayRejected) as caught:
        send(graph_error(code, status))
    assert (caught.value.status, caught.value.detail.code) == (status, str(code))
    assert caught.value.detail.description == "Details for [number]."
    assert "98765" not in f"{caught.value} {vars(caught.value)}"


def test_without_details_the_message_describes_the_refusal() -> None:
    with pytest.raises(GatewayRejected) as caught:
        send(graph_error(131026, details=None))
    assert caught.value.detail.description == "(#131026) Title"


@pytest.mark.parametrize(
    "step",
    [
        graph_error(1, 400),
        graph_error(2, 503),
        graph_error(131000, 400),
        graph_error(131016, 503),
        graph_error(999, 500),
        reply(502, raw=b"<html>"),
        reply(408, raw=b""),
        reply(302, raw=b""),
        reply(200, raw=b"<html>"),
        reply(200, {}),
        reply(200, {"messages": []}),
        reply(200, {"messages": ["wamid.A"]}),
        reply(200, {"messages": [{"id": 7}]}),
        reply(200, {"messages": [{"id": ""}]}),
        unknown(),
    ],
)
def test_without_a_usable_answer_the_message_may_have_been_sent(step: Step) -> None:
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        send(step)
    assert not caught.value.repeat_is_safe


@pytest.mark.parametrize("error", [7, None, "no", []])
def test_a_refusal_of_another_shape_is_still_a_refusal(error: object) -> None:
    with pytest.raises(GatewayRejected):
        send(reply(400, {"error": error}))


def test_a_refused_connection_sent_nothing() -> None:
    with pytest.raises(GatewayUnavailable):
        send(unavailable())


def test_nothing_is_ever_repeated_here() -> None:
    whatsapp, transport = client(graph_error(130429))
    with pytest.raises(GatewayThrottled):
        whatsapp.send_template(to_e164=TO, template="welcome", language="en")
    assert len(transport.requests) == 1


def test_the_circuit_opens_here_too() -> None:
    transport = ScriptedTransport([reply(500, raw=b"")] * 5)
    whatsapp = WhatsAppClient(
        phone_number_id="1", access_token="t", clock=FixedClock(START), transport=transport
    )
    kinds: list[type[GatewayError]] = []
    for _ in range(6):
        with pytest.raises(GatewayError) as caught:
            whatsapp.send_template(to_e164=TO, template="welcome", language="en")
        kinds.append(type(caught.value))
    assert kinds == [GatewayOutcomeUnknown] * 5 + [GatewayUnavailable]


@pytest.mark.parametrize(
    "to", ["9876543210", "+0987654321", "+91 98765 43210", "", "+91987654321a", TO + "\n"]
)
def test_a_recipient_is_a_whole_number(to: str) -> None:
    whatsapp, transport = client(SENT)
    with pytest.raises(ValueError, match="recipient") as caught:
        whatsapp.send_template(to_e164=to, template="welcome", language="en")
    assert "98765" not in str(caught.value)
    assert transport.requests == []


@pytest.mark.parametrize(
    ("template", "language"),
    [("Welcome", "en"), ("wel come", "en"), ("", "en"), ("w", "english"), ("w", "EN")],
)
def test_a_template_has_a_name_and_a_language(template: str, language: str) -> None:
    with pytest.raises(ValueError, match="template"):
        client(SENT)[0].send_template(to_e164=TO, template=template, language=language)


@pytest.mark.parametrize("text", ["", "x" * 1025, "two\nlines", "a\ttab", "five     spaces"])
def test_a_text_that_meta_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="text"):
        TextParameter(text)


def test_there_is_a_limit_to_parameters_and_references() -> None:
    with pytest.raises(ValueError, match="parameters"):
        send(SENT, parameters=[TextParameter("x")] * 21)
    for reference in ("", "x" * 513):
        with pytest.raises(ValueError, match="reference"):
            client(SENT)[0].send_template(to_e164=TO, template="w", language="en", reference=reference)


def test_what_a_parent_reads_does_not_show_in_a_repr() -> None:
    assert "Somebody" not in repr(TextParameter("Somebody"))


@pytest.mark.parametrize(
    ("phone_number_id", "token", "version"), [("x", "t", "v23.0"), ("1", "", "v23.0"), ("1", "t", "../v1")]
)
def test_a_client_that_cannot_work_is_refused(phone_number_id: str, token: str, version: str) -> None:
    with pytest.raises(ValueError, match=r"phone number id|token"):
        WhatsAppClient(
            phone_number_id=phone_number_id,
            access_token=token,
            clock=FixedClock(START),
            api_version=version,
        )


def test_a_client_calls_meta_or_this_machine_only() -> None:
    WhatsAppClient(phone_number_id="1", access_token="t", clock=FixedClock(START))
    with pytest.raises(ValueError, match="allow-list"):
        WhatsAppClient(
            phone_number_id="1", access_token="t", clock=FixedClock(START), base_url="https://example.org"
        )


def test_a_number_is_seen_by_reading_its_node() -> None:
    whatsapp, transport = client(reply(200, {"id": "10501"}))
    whatsapp.see_number()
    (request,) = transport.requests
    assert (request.method, request.target) == ("GET", "/v23.0/10501?fields=id")
    assert request.headers["Authorization"] == "Bearer test-token"
    assert not request.changes_state


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (graph_error(190, 401), GatewayRejected),
        (graph_error(100, 400), GatewayRejected),
        (graph_error(4, 400), GatewayThrottled),
        (graph_error(2, 500), GatewayUnavailable),
        (reply(200, {"id": "10502"}), GatewayUnavailable),
        (reply(200, {}), GatewayUnavailable),
        (unavailable(), GatewayUnavailable),
    ],
)
def test_a_number_that_is_not_seen_is_refused_or_unavailable_and_never_unknown(
    step: Step, kind: type[GatewayError]
) -> None:
    with pytest.raises(kind):
        client(step)[0].see_number()


def test_who_could_not_see_a_number_is_told_so() -> None:
    with pytest.raises(GatewayRejected, match="whatsapp: see_number: refused"):
        client(graph_error(190, 401))[0].see_number()
