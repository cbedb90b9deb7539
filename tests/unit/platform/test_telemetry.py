"""Log lines: readable for us, and free of everything that is somebody's own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.clock import FixedClock, iso
from runtime.platform.ids import UlidIds
from runtime.platform.telemetry import MASK, TEXT_MAX, MaskingFormatter, mask, mask_text, new_logger
from tests.growth import grows_linearly

VISA = "4111111111111111"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhc2hhQGV4YW1wbGUuY29tIn0.c2lnbmF0dXJl"
API_KEY = "hk_dev_ABCDEFGH23456789_" + "aB3" * 14 + "x"


_services = count()


class Lines:
    """The lines that a logger wrote; each has a name of its own, for loggers live as long as the process."""

    def __init__(self) -> None:
        self.stream = StringIO()
        self.service = f"tests-{next(_services)}"
        self.logger = Logger(
            service=self.service, stream=self.stream, logger_formatter=MaskingFormatter(), level="DEBUG"
        )

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.text.splitlines()[-1])
        return line


@pytest.fixture
def lines() -> Lines:
    return Lines()


# What must not be read


@pytest.mark.parametrize(
    "phone",
    [
        "9876543210",
        "09876543210",
        "919876543210",
        "+919876543210",
        "00919876543210",
        "+91 9876543210",
        "+91-98765-43210",
        "+91 98765 43210",
        "98765 43210",
        "98765-43210",
        "9876 543 210",
        "987 654 3210",
        "98 7654 3210",
        "(+91) 98765 43210",
        "+14155552671",
        "+1 415 555 2671",
        "+44 20 7946 0958",
        "+971501234567",
        "\u096f\u096e\u096d\u096c\u096b\u096a\u0969\u0968\u0967\u0966",
        "\uff19\uff18\uff17\uff16\uff15\uff14\uff13\uff12\uff11\uff10",
    ],
)
@pytest.mark.parametrize("text", ["{}", "call {} now", "tel:{}", '"{}"', "({}),", "phone={}."])
def test_phone_numbers_are_masked_as_people_write_them(phone: str, text: str) -> None:
    masked = mask_text(text.format(phone))
    assert MASK in masked
    assert sum(character.isdigit() for character in masked) <= 2


@pytest.mark.parametrize(
    "address",
    [
        "asha@example.com",
        "asha.rao+meals@mail.example.co.in",
        "asha_rao%x@example.com",
        "ASHA@EXAMPLE.COM",
        "josé@example.com",
        "आशा@उदाहरण.भारत",
        "asha@okhdfcbank",
        "9876543210@upi",
        "asha.rao-1@ybl",
        "o'neil@example.com",
    ],
)
@pytest.mark.parametrize("text", ["{}", "to {},", "mailto:{}", "<{}>", "vpa={};", '{{"k":"{}"}}'])
def test_mail_addresses_and_upi_handles_are_masked(address: str, text: str) -> None:
    masked = mask_text(text.format(address))
    assert MASK in masked
    assert "@" not in masked
    assert address.partition("@")[2] not in masked


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {JWT}", JWT),
        (f"token was {JWT}", JWT),
        (f"cut {JWT[:40]}", JWT[:40]),
        ("header eyJhbGciOiJSUzI1NiJ9 only", "eyJhbGciOiJSUzI1NiJ9"),
        (f"ApiKey {API_KEY}", API_KEY),
        (f"the key {API_KEY} is wrong", API_KEY),
        ("basic cnpwX3Rlc3Q6c2VjcmV0", "cnpwX3Rlc3Q6c2VjcmV0"),
        ("key_secret=s3cr3t-of-ours&x=1", "s3cr3t-of-ours"),
        ("{'access_token': 'EAAGxyz-abc'}", "EAAGxyz-abc"),
        ('{"razorpay_signature":"0a1b2c"}', "0a1b2c"),
        ("password: hunter2", "hunter2"),
        ('{"cvv": "123"}', "123"),
        ("cvv=123", "123"),
        (f"paid with {VISA}", VISA),
        ("paid with 4111 1111 1111 1111", "4111 1111 1111"),
    ],
)
def test_credentials_and_card_numbers_are_masked_in_text(text: str, secret: str) -> None:
    assert secret not in mask_text(text)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "cookie", "key_secret", "access_token", "password", "pepper",
        "x-razorpay-signature", "api_key", "apiKey", "email", "Email", "contact", "phone", "mobile",
        "phone_number", "phoneNumber", "vpa", "name", "first_name", "fullName", "student_name", "address",
        "account_number", "dob", "to", "payer_email", "email_address", "contact_number", "mobile_no",
        "given_name", "family_name", "whatsapp_number", "cvv", "cvc2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["abc", 123, ["abc"], {"abc": 1}, None, 1.5])
def test_a_member_with_a_private_name_is_masked_whole(name: str, value: object) -> None:
    assert mask({"outer": [{name: value}]}) == {"outer": [{name: MASK}]}


@pytest.mark.parametrize("value", [int(VISA), float(VISA), 9876543210, 919876543210])
def test_numbers_are_masked_like_text(value: float) -> None:
    assert mask({"note": [value]}) == {"note": [MASK]}


def test_names_are_masked_too() -> None:
    masked = mask({f"card {VISA}": 1, "asha@example.com": 2, 7: "x"})
    assert list(masked.values()) == [1, 2, "x"]
    assert VISA not in str(masked)
    assert "asha" not in str(masked)


def test_a_quantity_may_look_like_a_phone_but_not_like_a_card() -> None:
    assert mask({"captured_paise": 9876543210, "x_paise": int(VISA), "y_paise": "9876543210"}) == {
        "captured_paise": 9876543210,
        "x_paise": MASK,
        "y_paise": MASK,
    }


# What must stay readable


@given(st.integers(0, 2**80 - 1), st.integers(0, 10**9), st.sampled_from(["pmt", "evt", "aud", "ntf"]))
def test_our_identifiers_stay_readable(random: int, later_s: int, prefix: str) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=later_s))
    identifier = UlidIds(clock, lambda _: random).new(prefix)
    runs = "".join(c if c.isdigit() else " " for c in identifier).split()
    long_by_chance = max(map(len, runs), default=0) >= 13
    text = f"payment {identifier} (school:sch_1) is done"
    assert long_by_chance or mask_text(text) == text


@given(st.integers(10**15, 2_221 * 10**12 - 1))
def test_moments_stay_readable(microseconds: int) -> None:
    moment = datetime.fromtimestamp(microseconds // 1000 / 1000, tz=UTC)
    for text in (iso(moment), moment.isoformat(), str(moment), moment.strftime("%Y-%m-%d %H:%M:%S,000+0000")):
        assert mask_text(text) == text
    for shown in (microseconds // 10**6, microseconds // 1000, microseconds, microseconds * 1000):
        assert mask(shown) == shown


@given(st.integers(-(10**9), 5_999_999_999))
def test_amounts_stay_readable(amount_paise: int) -> None:
    assert mask({"amount_paise": amount_paise, "n": amount_paise}) == {
        "amount_paise": amount_paise,
        "n": amount_paise,
    }
    assert mask_text(f"captured {amount_paise} paise") == f"captured {amount_paise} paise"


@pytest.mark.parametrize(
    "value",
    [
        "order_IluGWxBm9U8zJ8",
        "pay_29QQoUBi66xm2f",
        "rrn 412345678901",
        "arn:aws:dynamodb:ap-south-1:123456789012:table/hasivu-dev-payments",
        "https://sqs.ap-south-1.amazonaws.com/123456789012/hasivu-dev-webhooks",
        "₹1,23,456.78",
        "signature-invalid: The signature is wrong",
        "token expired",
        "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "192.168.100.200",
        "GET /v1/payments/{payment_id} 200",
        "",
        True,
        False,
        None,
        0,
        -1,
        3.25,
    ],
)
def test_what_is_nobodys_own_stays_readable(value: object) -> None:
    assert mask(value) == value


# Odd objects


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError(VISA)

    __repr__ = __str__


class Speaking:
    def __str__(self) -> str:
        return "asha@example.com"


def itself() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    "value",
    [
        Unspeakable(),
        {Unspeakable(): 1},
        [Unspeakable()],
        itself(),
        float("nan"),
        float("inf"),
        b"asha@example.com",
        {1, 2},
        frozenset({"a"}),
        (1, 2),
        10**5000,
        "\ud800",
        {"\udfff": "\ud800"},
        object(),
        datetime(2026, 4, 1, tzinfo=UTC),
        range(3),
        type,
        Ellipsis,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_line_is_written_whatever_stands_in_it(lines: Lines, value: object) -> None:
    lines.logger.info("odd", value=value, nested={"deep": [value]})
    assert lines.last()["message"] == "odd"
    lines.text.encode("utf-8")
    assert "asha" not in lines.text


def test_an_object_is_masked_by_what_it_says() -> None:
    assert mask([Speaking()]) == [MASK]


def test_what_lies_too_deep_is_masked() -> None:
    deep: object = "bottom"
    for _ in range(40):
        deep = [deep]
    assert "bottom" not in str(mask(deep))
    assert MASK in str(mask(deep))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_anything_can_be_masked_and_then_written_as_json(value: object) -> None:
    json.dumps(mask(value), allow_nan=False).encode("utf-8")


@given(PLAIN)
def test_masking_twice_changes_nothing_more(value: object) -> None:
    masked = mask(value)
    assert mask(masked) == masked


@given(st.text(), st.sampled_from([VISA, "asha@example.com", "+919876543210", JWT, API_KEY]), st.text())
def test_nothing_around_a_secret_lets_it_through(before: str, secret: str, after: str) -> None:
    assert secret not in mask_text(f"{before} {secret} {after}")


@given(
    st.integers(0, 60), st.sampled_from([VISA, "4111 1111 1111 1111", "asha@example.com", "9876543210", JWT])
)
def test_where_a_long_text_is_cut_no_half_of_a_secret_remains(shown: int, secret: str) -> None:
    text = "x " * ((TEXT_MAX - shown) // 2) + secret + " and so on" * 100
    masked = mask_text(text)
    assert masked.endswith("[cut]") or MASK in masked
    assert secret[:9] not in masked


@pytest.mark.parametrize(
    "text",
    [
        "a" * 8192, "eyJ-" * 2048, "4 " * 4096, "secret" * 1400, "a@" * 4096, "+9" * 4096, "token=" * 1400,
        "x." * 4096, "\u0967" * 8192, "hk_a_" * 1700, "'" * 8192, "1-" * 4096, "a" * 10**6, "9" * 10**6,
    ],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    assert grows_linearly(mask_text, text)


# Whole lines


def secrets_raised() -> None:
    try:
        raise ValueError(f"card {VISA} of asha@example.com")
    except ValueError as error:
        raise RuntimeError(f"while calling +91 98765 43210 with Bearer {JWT}") from error


@pytest.mark.parametrize("serialise_stacktrace", [True, False])
def test_exceptions_are_masked_with_their_causes_and_stack_traces(serialise_stacktrace: bool) -> None:
    stream = StringIO()
    logger = Logger(
        service=f"tests-{serialise_stacktrace}",
        stream=stream,
        logger_formatter=MaskingFormatter(serialize_stacktrace=serialise_stacktrace),
    )
    try:
        secrets_raised()
    except RuntimeError:
        logger.exception("failed for %s", "asha@example.com")
    text = stream.getvalue()
    for secret in (VISA, "asha", "98765", JWT, "43210"):
        assert secret not in text
    assert "RuntimeError" in text
    assert "secrets_raised" in text


def test_every_way_of_logging_is_masked(lines: Lines) -> None:
    lines.logger.append_keys(contact="x", payer="asha@example.com")
    lines.logger.info("to %s", "asha@example.com", extra={"vpa": "asha@ybl", "about": {"note": VISA}})
    lines.logger.warning({"email": "x", "text": "asha@example.com", "amount_paise": 45000})
    lines.logger.error("plain", phone="9876543210", payment_id="pmt_01KX0000000000000000000000")
    for secret in ("asha", VISA, "98765"):
        assert secret not in lines.text
    assert lines.last()["payment_id"] == "pmt_01KX0000000000000000000000"
    assert lines.last()["contact"] == MASK
    assert '"amount_paise":45000' in lines.text


def test_a_line_says_where_when_and_from_which_function(lines: Lines) -> None:
    lines.logger.info("hello")
    line = lines.last()
    assert (line["level"], line["message"], line["service"]) == ("INFO", "hello", lines.service)
    assert line["location"].startswith("test_a_line_says")
    assert line["timestamp"][:2] == "20"


def test_the_logger_of_a_function_masks(capsys: pytest.CaptureFixture[str]) -> None:
    logger = new_logger("a-function", "WARNING")
    logger.info("not shown")
    logger.warning("for asha@example.com")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == f"for {MASK}"


@pytest.mark.parametrize("log", [lambda logger: logger.debug("x"), lambda logger: logger.info("x")])
def test_the_level_is_obeyed(capsys: pytest.CaptureFixture[str], log: Callable[[Logger], None]) -> None:
    log(new_logger("another-function", "ERROR"))
    assert capsys.readouterr().out == ""
