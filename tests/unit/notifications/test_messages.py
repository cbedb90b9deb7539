"""What people read: every placeholder filled, nothing injected, whatever a name looks like."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.mail.client import SUBJECT_LENGTH_MAX
from runtime.gateways.whatsapp.client import TextParameter
from runtime.notifications.events import PaymentNews
from runtime.notifications.messages import GREETING_WITHOUT_NAME, TEMPLATES, Message, compose, one_line
from runtime.payments.events import DETAIL_TYPES
from runtime.payments.model import PaymentStatus
from runtime.payments.returns.events import REFUND_DETAIL_TYPES

PLACEHOLDER = re.compile(r"\{\{(\d+)\}\}")
ANY_TEXT = st.text(max_size=300)


def news(**changes: object) -> PaymentNews:
    values: dict[str, object] = {
        "detail_type": "PaymentCaptured",
        "message_key": "PaymentCaptured:pmt_1:pay_1",
        "payment_id": "pmt_1",
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "amount_paise": 45_000,
        "currency": "INR",
        "description": "Lunches in April",
    }
    return PaymentNews(**(values | changes))  # type: ignore[arg-type]  # the test decides what is in it


def message(school: str | None = "Green Valley School", **changes: object) -> Message:
    composed = compose(news(**changes), school)
    assert composed is not None
    return composed


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_every_template_uses_each_placeholder_once_and_in_order(detail_type: str) -> None:
    assert PLACEHOLDER.findall(TEMPLATES[detail_type].body) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_every_template_is_for_an_event_that_payments_tell(detail_type: str) -> None:
    assert detail_type in {*DETAIL_TYPES.values(), *REFUND_DETAIL_TYPES.values()}


def test_people_hear_of_money_and_of_nothing_in_between() -> None:
    told = {status for status, name in DETAIL_TYPES.items() if compose(news(detail_type=name), "School")}
    assert told == {PaymentStatus.CAPTURED, PaymentStatus.FAILED, PaymentStatus.CONFLICTED}


def test_the_message_as_a_parent_reads_it() -> None:
    assert message(amount_paise=12_345_678).plain_text("Asha") == (
        "Dear Asha, we have received ₹1,23,456.78 for Green Valley School (Lunches in April). "
        "Your payment reference is pmt_1. Thank you. HASIVU"
    )


@pytest.mark.parametrize(
    ("amount_paise", "currency", "shown"), [(45_005, "USD", "USD 450.05"), (45_000, "INR", "₹450.00")]
)
def test_an_amount_is_shown_in_its_currency(amount_paise: int, currency: str, shown: str) -> None:
    assert shown in message(amount_paise=amount_paise, currency=currency).plain_text(None)


@pytest.mark.parametrize("name", [None, "", "   ", "\n"])
def test_who_has_no_name_is_greeted_all_the_same(name: str | None) -> None:
    assert message().texts(name)[0] == GREETING_WITHOUT_NAME


def test_what_is_missing_has_words_of_its_own() -> None:
    texts = message(None, description="\n").texts("Asha")
    assert texts[2:4] == ("your school", "school meals")


def test_the_same_news_is_one_message_for_a_person_and_another_for_the_next() -> None:
    assert message().notification_id == message().notification_id
    assert message().notification_id != message(payer_id="usr_2").notification_id
    assert message().notification_id != message(message_key="PaymentCaptured:pmt_1:pay_2").notification_id


@given(name=ANY_TEXT, school=ANY_TEXT, description=ANY_TEXT)
def test_every_text_fits_into_a_placeholder_of_whatsapp(name: str, school: str, description: str) -> None:
    for text in message(school, description=description).texts(name):
        assert TextParameter(text).text == text


@given(name=ANY_TEXT, school=ANY_TEXT, description=ANY_TEXT)
def test_no_text_becomes_a_placeholder_of_another(name: str, school: str, description: str) -> None:
    assert not PLACEHOLDER.search(message(school, description=description).plain_text(name))


def test_a_placeholder_in_a_name_stays_a_text() -> None:
    text = message("{{5}}", description="{{1}}").plain_text("{{2}}")
    assert text.startswith("Dear ((2)), we have received ₹450.00 for ((5)) (((1))).")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(name=ANY_TEXT, school=ANY_TEXT, description=ANY_TEXT)
def test_nothing_that_people_wrote_becomes_markup(name: str, school: str, description: str) -> None:
    composed = message(school, description=description)
    reader = _Reader()
    reader.feed(composed.html(name))
    reader.close()
    assert reader.tags == ["html", "body", "p"]


def test_markup_is_shown_as_it_was_written() -> None:
    html = message("<b>&School</b>", description="\"x\" onload='y'").html("<script>alert(1)</script>")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;b&gt;&amp;School&lt;/b&gt;" in html
    assert "&quot;x&quot; onload=&#x27;y&#x27;" in html


@given(school=ANY_TEXT)
def test_a_subject_is_one_printable_line_of_bounded_length(school: str) -> None:
    subject = message(school).subject
    assert 1 <= len(subject) <= SUBJECT_LENGTH_MAX
    assert subject.isprintable()


@pytest.mark.parametrize(
    "school",
    ["x" * 200, "\u0d36\u0d4d\u0d30\u0d40\u200d \u0d35\u0d3f\u0d26\u0d4d\u0d2f\u0d3e\u0d32\u0d2f\u0d02"],
    ids=["long", "zero-width joiner"],
)
@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_a_mail_about_any_school_has_a_subject(detail_type: str, school: str) -> None:
    subject = message(school, detail_type=detail_type).subject
    assert subject.startswith(f"{TEMPLATES[detail_type].subject}: ")
    assert len(subject) <= SUBJECT_LENGTH_MAX
    assert subject.isprintable()


@given(ANY_TEXT)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 200
    assert line == one_line(line)
    assert not re.search(r"[\r\n\t{}]| {2}", line)


def test_money_of_an_unknown_currency_is_no_message() -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        message(currency="XXX")
