"""For any address, path and size: what closes closes, what opens opens."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.firewall.known_requests import RAZORPAY, World
from checks.firewall.web_acl import WebAcl
from tests.checks.firewall.conftest import world_of

WORLD = world_of("prod")
calmly = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

outside = st.ip_addresses().filter(lambda source: not any(source in network for network in WORLD.razorpay))
inside = st.sampled_from(WORLD.razorpay).flatmap(
    lambda network: st.integers(0, network.num_addresses - 1).map(lambda number: network[number])
)


@st.composite
def spelt(draw: st.DrawFn) -> str:
    """The path of Razorpay's webhook in one of the ways that API Gateway might take for it."""
    prefix = draw(st.sampled_from(("", "/live")))
    written = ""
    for segment in (prefix + RAZORPAY).split("/")[1:]:
        written += draw(st.sampled_from(("/", "//", "/./", "/x/../", "%2f", "/%2e/")))
        for letter in segment:
            written += draw(
                st.sampled_from(
                    (letter, letter, letter, letter.upper(), f"%{ord(letter):02x}", f"%{ord(letter):02X}")
                )
            )
    return written + draw(st.sampled_from(("", "/", "/.", "//", "/x/..", "%00", "/more")))


@calmly
@given(
    source=outside, path=spelt(), method=st.sampled_from(("POST", "GET", "PUT")), query=st.text(max_size=20)
)
def test_from_anywhere_else_no_spelling_of_the_webhook_gets_through(
    source: IPv4Address | IPv6Address, path: str, method: str, query: str, api_acl: WebAcl
) -> None:
    request = replace(WORLD.parent(method, path, query=query), source=source)

    assert api_acl.decide(request).rule == "webhook-source"


@calmly
@given(source=inside, size=st.integers(0, 262_144), earlier=st.integers(0, 10**6), stage=st.booleans())
def test_any_event_from_razorpays_addresses_gets_through(
    source: IPv4Address | IPv6Address, size: int, earlier: int, stage: bool, api_acl: WebAcl
) -> None:
    request = replace(
        WORLD.event(source, f"/live{RAZORPAY}" if stage else RAZORPAY), body=b"x" * size, earlier=earlier
    )
    decision = api_acl.decide(request)

    assert (decision.action, decision.rule, decision.left_to_aws) == ("Allow", None, ())


@calmly
@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#"), max_size=60),
    method=st.sampled_from(("GET", "POST")),
)
def test_from_abroad_only_what_is_open_gets_through(path: str, method: str, api_acl: WebAcl) -> None:
    decision = api_acl.decide(WORLD.stranger(method, f"/{path}"))

    opened = {f"{stage}{where}" for stage in ("", "/live") for where in ("/v1/webhooks/whatsapp", "/health")}
    assert decision.rule in {"country", "webhook-source"} or f"/{path}" in opened


@calmly
@given(tail=st.sampled_from(("", "/", "/x", "/x/verify")), earlier=st.integers(0, 10_000))
def test_money_moves_up_to_the_limit(tail: str, earlier: int, api_acl: WebAcl, world: World) -> None:
    decision = api_acl.decide(world.parent("POST", f"/v1/payments{tail}", earlier=earlier))

    stopped = earlier >= world.payment_requests_max
    assert (decision.rule is not None) is stopped


@calmly
@given(size=st.integers(0, 200_000))
def test_a_body_gets_through_as_far_as_the_runtime_would_take_it(
    size: int, api_acl: WebAcl, world: World
) -> None:
    decision = api_acl.decide(world.parent("POST", "/v1/invoices", body=b"x" * size))

    assert decision.rule == ("body-size" if size > 65_536 else None)


@calmly
@given(
    source=st.ip_addresses(),
    path=st.text(max_size=40),
    query=st.text(max_size=40),
    body=st.binary(max_size=40),
)
def test_nothing_that_is_sent_breaks_the_evaluation(
    source: IPv4Address | IPv6Address, path: str, query: str, body: bytes, api_acl: WebAcl
) -> None:
    request = replace(WORLD.parent("POST", path, query=query, body=body), source=source)

    assert api_acl.decide(request).action in {"Allow", "Block"}


def test_the_ranges_are_those_that_razorpay_publishes() -> None:
    assert ip_address("18.96.225.0") in WORLD.razorpay[0]
    assert [str(network) for network in WORLD.razorpay] == ["18.96.225.0/26", "18.99.161.0/26"]
