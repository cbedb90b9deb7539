"""Requests of which it is known what the firewall must do: attacks that it stops, guests that it lets in.

Written down independently of the stacks. The house rules hold every environment's web ACLs against them, the
tests do so one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from checks.firewall.request import WebRequest

ADDRESS_GROUPS = frozenset({"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList"})
CONTENT_GROUPS = frozenset(
    {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet"}
)
SIGN_IN_GROUPS = frozenset({"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet"})

FARAWAY = ("US", "CN", "RU", "BR", "NG")
PARENT = ip_address("203.0.113.7")
"""An address of RFC 5737, which is nobody's."""

RAZORPAY, WHATSAPP = "/v1/webhooks/razorpay", "/v1/webhooks/whatsapp"
MISSPELT = (
    "/live/v1/webhooks/razorpay",
    "/v1/webhooks/razorpay",
    "/v1/webhooks/razorpay/",
    "/v1/webhooks/razorpay/.",
    "/v1/webhooks//razorpay",
    "//live//v1//webhooks//razorpay",
    "/live/v1/./webhooks/./razorpay",
    "/live/v1/payments/../webhooks/razorpay",
    "/live/v1/webhooks%2frazorpay",
    "/live/v1/webhooks/%72%61zorpay",
    "/live/v1/webhooks/%2e/razorpay",
    "/live/V1/Webhooks/RAZORPAY",
    "/live/v1/webhooks/%52AZORPAY",
    "/live/v1/webhooks/razorpay%00",
    "/live/v1/webhooks/razorpay;jsessionid=1",
)
"""Ways to write the path of Razorpay's webhook that might reach it."""

ALMOST_OPEN = (
    ("GET", "/v1/payments"),
    ("GET", "/v1/webhooks"),
    ("POST", "/v1/webhooks/whatsapp/"),
    ("POST", "/v1/webhooks/whatsapp/../../payments"),
    ("POST", "/v1/payments/../webhooks/whatsapp"),
    ("POST", "/v1/webhooks/whatsapp%2f..%2f..%2fpayments"),
    ("POST", "/V1/webhooks/whatsapp"),
    ("POST", "/other/v1/webhooks/whatsapp"),
    ("POST", "/live/live/v1/webhooks/whatsapp"),
    ("POST", "//v1/webhooks/whatsapp"),
    ("GET", "/health/deep"),
    ("GET", "/health/"),
    ("GET", "/live/health/../v1/payments"),
    ("POST", "/health"),
)
"""What is not open to callers from anywhere, however much it looks like what is."""

MOVES_MONEY = (
    ("POST", "/live/v1/payments"),
    ("POST", "/v1/payments"),
    ("POST", "/v1/payments/pay_1/verify"),
    ("POST", "/v1/payments/pay_1/retries"),
    ("POST", "/v1/payment-links"),
    ("POST", "/v1/payment-links/plk_1/cancel"),
    ("POST", "/v1/payment-links/plk_1/reminders"),
    ("PUT", "/v1/payment-links/plk_1/reminders"),
    ("POST", "/v1/instalment-plans"),
    ("POST", "/v1/mandates"),
    ("POST", "/v1/payment-methods"),
    ("PUT", "/v1/payment-methods/customer"),
    ("PUT", "/v1/payment-methods/pm_1/default"),
    ("DELETE", "/v1/payment-methods/pm_1"),
    ("POST", "/v1/subscriptions"),
    ("POST", "/v1/subscriptions/sub_1/cancel"),
    ("POST", "/v1/subscriptions/sub_1/change"),
    ("POST", "//v1//payments"),
    ("POST", "/v1/./payments/"),
    ("POST", "/V1/%50ayments"),
    ("POST", "/v1%2fpayments"),
)

TRIES_SECRETS = (
    *("InitiateAuth", "RespondToAuthChallenge", "SignUp", "ConfirmSignUp", "ResendConfirmationCode"),
    *("ForgotPassword", "ConfirmForgotPassword", "ChangePassword"),
    *("VerifySoftwareToken", "VerifyUserAttribute"),
)
"""Cognito's operations with which a password or a code is guessed, or somebody is flooded with mail."""

BODY_BYTES_MAX, EVENT_BYTES = 65_536, 262_144
PATH_BYTES_MAX, QUERY_BYTES_MAX = 1_024, 2_048


@dataclass(frozen=True, slots=True)
class Known:
    """A request and the rule of ours that must object to it; None: nobody may. ``groups`` of AWS's must get
    to see it then."""

    title: str
    request: WebRequest
    rule: str | None = None
    groups: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.title


@dataclass(frozen=True, slots=True)
class World:
    """An environment as its firewall sees it: limits in five minutes, countries, Razorpay's ranges."""

    requests_max: int
    payment_requests_max: int
    sign_in_requests_max: int
    countries: tuple[str, ...]
    razorpay: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> World:
        """Of an environment's file, read."""
        firewall = document["firewall"]
        return cls(
            firewall["requests_max"],
            firewall["payment_requests_max"],
            firewall["sign_in_requests_max"],
            tuple(firewall["countries"]),
            tuple(ip_network(text) for text in document["razorpay"]["webhook_sources"]),
        )

    @property
    def abroad(self) -> str:
        """A country that is not served."""
        return next(country for country in FARAWAY if country not in self.countries)

    def parent(self, method: str, path: str, **more: Any) -> WebRequest:
        """A request from home."""
        return WebRequest(method, path, PARENT, self.countries[0], **more)

    def stranger(self, method: str, path: str, **more: Any) -> WebRequest:
        """A request from abroad."""
        return WebRequest(method, path, PARENT, self.abroad, **more)

    def event(self, source: IPv4Address | IPv6Address, path: str = RAZORPAY, **more: Any) -> WebRequest:
        """An event as Razorpay sends it; its addresses may be taken for any country's."""
        headers = {"x-razorpay-signature": "0" * 64, "content-type": "application/json"}
        return WebRequest("POST", path, source, self.abroad, headers=headers, body=b"{}", **more)

    def inside(self) -> Iterator[IPv4Address | IPv6Address]:
        """The first and the last address of each of Razorpay's ranges."""
        for network in self.razorpay:
            yield from (network[0], network[-1])

    def outside(self) -> Iterator[IPv4Address | IPv6Address]:
        """Their neighbours, and somebody else."""
        for network in self.razorpay:
            for neighbour in (network[0] - 1, network[-1] + 1):
                if not any(neighbour in other for other in self.razorpay):
                    yield neighbour
        yield PARENT


def facing_the_api(world: World) -> list[Known]:
    """What comes to the API."""
    return [*_forged(world), *_from_abroad(world), *_floods(world), *_oversized(world), *_guests(world)]


def facing_the_user_pool(world: World) -> list[Known]:
    """What comes to the user pool: the operation is in a header, the path is always the root."""

    def call(operation: str, **more: Any) -> WebRequest:
        headers = {"x-amz-target": f"AWSCognitoIdentityProviderService.{operation}"}
        return replace(world.parent("POST", "/", **more), headers=headers)

    most = world.sign_in_requests_max
    return [
        *(
            Known(f"a flood of {operation}", call(operation, earlier=most), "sign-in")
            for operation in TRIES_SECRETS
            if most < world.requests_max
        ),
        Known("a flood of anything", call("GetUser", earlier=world.requests_max), "requests"),
        Known("signing in from abroad", replace(call("InitiateAuth"), country=world.abroad), "country"),
        Known("signing in", call("InitiateAuth"), groups=SIGN_IN_GROUPS),
        Known(
            "a school that signs in at once", call("InitiateAuth", earlier=most - 1), groups=SIGN_IN_GROUPS
        ),
        Known(
            "looking oneself up, often",
            call("GetUser", earlier=min(most, world.requests_max - 1)),
            groups=SIGN_IN_GROUPS,
        ),
    ]


def _forged(world: World) -> Iterator[Known]:
    for source in world.outside():
        yield Known(f"an event from {source}", world.event(source), "webhook-source")
    for path in MISSPELT:
        for method in ("POST", "GET"):
            request = world.parent(method, path, query="x=1")
            yield Known(f"a forged event, {method} {path}", request, "webhook-source")
        away = world.stranger("POST", path)
        yield Known(f"a forged event from abroad, {path}", away, "webhook-source")


def _from_abroad(world: World) -> Iterator[Known]:
    for method, path in ALMOST_OPEN:
        yield Known(f"from abroad, {method} {path}", world.stranger(method, path), "country")


def _floods(world: World) -> Iterator[Known]:
    most, payments = world.requests_max, world.payment_requests_max
    for method, path in (("GET", "/v1/payments"), ("GET", "/nowhere"), ("OPTIONS", "/v1/payments")):
        yield Known(f"a flood, {method} {path}", world.parent(method, path, earlier=most), "requests")
    flood = world.stranger("POST", WHATSAPP, earlier=most)
    yield Known("a flood of WhatsApp's webhook", flood, "requests")
    elsewhere = world.event(next(world.inside()), "/v1/payments", earlier=most)
    yield Known("a flood from Razorpay's addresses", replace(elsewhere, country="IN"), "requests")
    if payments < most:
        for method, path in MOVES_MONEY:
            yield Known(
                f"a flood that moves money, {method} {path}",
                world.parent(method, path, earlier=payments),
                "payments",
            )


def _oversized(world: World) -> Iterator[Known]:
    large = b"x" * (BODY_BYTES_MAX + 1)
    for path in ("/v1/payments", "/live/v1/webhooks/whatsapp/../../payments", "/v1/webhooks/whatsapp/"):
        yield Known(f"a large body, {path}", world.parent("POST", path, body=large), "body-size")
    path = "/v1/payments/" + "x" * PATH_BYTES_MAX
    yield Known("a long path", world.parent("GET", path), "target-size")
    query = "a=" + "x" * QUERY_BYTES_MAX
    yield Known("a long query", world.parent("GET", "/v1/payments", query=query), "target-size")
    cookie = {"cookie": "x" * 8_192}
    yield Known("a large cookie", world.parent("GET", "/v1/payments", headers=cookie), "header-size")
    many = {f"x-{number}": "" for number in range(201)}
    yield Known("many headers", world.parent("GET", "/v1/payments", headers=many), "header-size")


def _guests(world: World) -> Iterator[Known]:
    every = ADDRESS_GROUPS | CONTENT_GROUPS
    most, payments = world.requests_max, world.payment_requests_max
    event = b"x" * EVENT_BYTES
    for source in world.inside():
        for path in (RAZORPAY, f"/live{RAZORPAY}"):
            request = world.event(source, path, earlier=most * 10)
            yield Known(f"an event of Razorpay, {source} {path}", replace(request, body=event))
    handshake = world.stranger("GET", WHATSAPP, query="hub.mode=subscribe&hub.challenge=1")
    yield Known("WhatsApp's handshake", handshake, groups=ADDRESS_GROUPS)
    statuses = world.stranger("POST", f"/live{WHATSAPP}", body=event)
    yield Known("WhatsApp's statuses", statuses, groups=ADDRESS_GROUPS)
    for path in ("/health", "/live/health"):
        yield Known(f"looking whether we are up, {path}", world.stranger("GET", path), groups=every)
    burst = world.parent("POST", "/v1/payments", body=b"{}", earlier=payments - 1)
    yield Known("a school that pays at once", burst, groups=every)
    reading = world.parent("GET", "/v1/payments", query="limit=50", earlier=most - 1)
    yield Known("a school that looks at once", reading, groups=every)
    if payments < most:
        asked = world.parent("OPTIONS", "/v1/payments", earlier=payments)
        yield Known("browsers that ask before they pay", asked, groups=every)
    office: Sequence[tuple[str, str]] = (
        ("POST", "/v1/invoices"),
        ("POST", "/v1/reconciliations"),
        ("POST", "/v1/bank-statement-uploads"),
    )
    for method, path in office:
        request = world.parent(method, path, body=b"x" * BODY_BYTES_MAX, earlier=min(payments, most - 1))
        yield Known(f"a back office, {method} {path}", request, groups=every)
    long = "/v1/payments/" + "x" * (PATH_BYTES_MAX - len("/v1/payments/"))
    yield Known("a path that is just not too long", world.parent("GET", long), groups=every)
    token = {"authorization": "Bearer " + "x" * 6_000, "user-agent": "app"}
    yield Known("a large token", world.parent("GET", "/v1/payments", headers=token), groups=every)
