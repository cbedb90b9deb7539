"""What people read: every placeholder filled, nothing injected, whatever a name looks like."""

import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.mail.client import SUBJECT_LENGTH_MAX
from runtime.gateways.whatsapp.client import TextParameter
from runtime.notifications.events import News
from runtime.notifications.messages import GREETING_WITHOUT_NAME, TEMPLATES, Message, Place, compose, one_line
from runtime.payments.events import DETAIL_TYPES
from runtime.payments.links.reminders.model import REMINDER_DUE
from runtime.payments.model import PaymentStatus
from runtime.payments.returns.events import REFUND_DETAIL_TYPES

PLACEHOLDER = re.compile(r"\{\{(\d+)\}\}")
ANY_TEXT = st.text(max_size=300)


def news(**changes: object) -> News:
    values: dict[str, object] = {
        "detail_type": "PaymentCaptured",
        "message_key": "PaymentCaptured:pmt_1:pay_1",
        "subject": "pmt_1",
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "amount_paise": 45_000,
        "currency": "INR",
        "description": "Lunches in April",
    }
    return News(**(values | changes))  # type: ignore[arg-type]  # the test decides what is in it


def message(school: str | None = "Green Valley School", **changes: object) -> Message:
    told = news(**changes)
    return compose(TEMPLATES[told.detail_type], told, school)


def reminder(school: str | None = "Green Valley School", **changes: object) -> Message:
    """A reminder of a payment link."""
    values = {
        "detail_type": REMINDER_DUE,
        "subject": "plk_1",
        "page": "https://rzp.io/rzp/00000000",
        "ends_at": "2026-04-30T18:29:59.000Z",
    }
    return message(school, **values | changes)


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_meta_sees_each_placeholder_once_and_in_order(detail_type: str) -> None:
    template = TEMPLATES[detail_type]
    numbers = [str(number) for number in range(1, len(template.places) + 1)]
    assert PLACEHOLDER.findall(template.body) == numbers
    assert len(set(template.places)) == len(template.places)


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_what_meta_approves_is_what_is_read_with_the_places_filled(detail_type: str) -> None:
    composed = reminder(detail_type=detail_type)
    texts = list(composed.texts("Asha").values())
    filled = PLACEHOLDER.sub(lambda found: texts[int(found[1]) - 1], composed.template.body)
    assert filled == composed.plain_text("Asha")


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_no_template_begins_or_ends_with_a_placeholder(detail_type: str) -> None:
    """Meta refuses such a template."""
    body = TEMPLATES[detail_type].body
    assert not body.startswith("{{")
    assert not body.endswith("}}")


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_a_template_has_nothing_that_html_would_read_otherwise(detail_type: str) -> None:
    assert escape(TEMPLATES[detail_type].text) == TEMPLATES[detail_type].text


def test_messages_about_payments_say_whose_what_and_which() -> None:
    of_payments = (Place.NAME, Place.AMOUNT, Place.SCHOOL, Place.PURPOSE, Place.REFERENCE)
    assert {template.places for name, template in TEMPLATES.items() if name != REMINDER_DUE} == {of_payments}


@pytest.mark.parametrize("detail_type", TEMPLATES)
def test_every_template_is_for_an_event_that_payments_tell(detail_type: str) -> None:
    assert detail_type in {*DETAIL_TYPES.values(), *REFUND_DETAIL_TYPES.values(), REMINDER_DUE}


def test_people_hear_of_money_and_of_nothing_in_between() -> None:
    told = {status for status, name in DETAIL_TYPES.items() if name in TEMPLATES}
    assert told == {PaymentStatus.CAPTURED, PaymentStatus.FAILED, PaymentStatus.CONFLICTED}


def test_the_message_as_a_parent_reads_it() -> None:
    assert message(amount_paise=12_345_678).plain_text("Asha") == (
        "Dear Asha, we have received ₹1,23,456.78 for Green Valley School (Lunches in April). "
        "Your payment reference is pmt_1. Thank you. HASIVU"
    )


def test_a_reminder_as_a_parent_reads_it() -> None:
    assert reminder(amount_paise=30_000).plain_text("Asha") == (
        "Dear Asha, ₹300.00 is still to be paid for Green Valley School (Lunches in April). "
        "You can pay until 30 April 2026 on this page: https://rzp.io/rzp/00000000 "
        "(your payment reference is plk_1). If you have paid meanwhile, you need not do anything. HASIVU"
    )


def test_the_last_day_is_that_of_india() -> None:
    assert "until 1 May 2026 on" in reminder(ends_at="2026-04-30T18:30:00.000Z").plain_text("Asha")


def test_a_reminder_without_a_page_or_an_end_is_a_sentence_all_the_same() -> None:
    text = reminder(page=None, ends_at=None).plain_text("Asha")
    assert "You can pay until further notice on this page: the page that you were sent (your" in text


def test_a_page_of_the_web_is_a_link_in_a_mail() -> None:
    assert "<a href='https://rzp.io/rzp/00000000'>https://rzp.io/rzp/00000000</a>" in reminder().html("Asha")


@pytest.mark.parametrize("page", ["javascript:alert(1)", "http://rzp.io/x", "data:text/html,x"])
def test_anything_else_is_none(page: str) -> None:
    assert "<a " not in reminder(page=page).html("Asha")


def test_a_page_cannot_end_its_link() -> None:
    html = reminder(page="https://rzp.io/'onclick='alert(1)").html("Asha")
    assert "<a href='https://rzp.io/&#x27;onclick=&#x27;alert(1)'>" in html


@pytest.mark.parametrize(
    ("amount_paise", "currency", "shown"), [(45_005, "USD", "USD 450.05"), (45_000, "INR", "₹450.00")]
)
def test_an_amount_is_shown_in_its_currency(amount_paise: int, currency: str, shown: str) -> None:
    assert shown in message(amount_paise=amount_paise, currency=currency).plain_text(None)


@pytest.mark.parametrize("name", [None, "", "   ", "\n"])
def test_who_has_no_name_is_greeted_all_the_same(name: str | None) -> None:
    assert message().texts(name)[Place.NAME] == GREETING_WITHOUT_NAME


def test_what_is_missing_has_words_of_its_own() -> None:
    texts = message(None, description="\n").texts("Asha")
    assert (texts[Place.SCHOOL], texts[Place.PURPOSE]) == ("your school", "school meals")


@given(name=ANY_TEXT, school=ANY_TEXT, description=ANY_TEXT)
def test_every_text_fits_into_a_placeholder_of_whatsapp(name: str, school: str, description: str) -> None:
    for text in reminder(school, description=description).texts(name).values():
        assert TextParameter(text).text == text


@given(name=ANY_TEXT, school=ANY_TEXT, description=ANY_TEXT)
def test_no_text_becomes_a_placeholder_of_another(name: str, school: str, description: str) -> None:
    assert not PLACEHOLDER.search(reminder(school, description=description).plain_text(name))


@pytest.mark.parametrize("text", ["{page}", "{{page}}", "{{7}}", "{amount}"])
def test_what_looks_like_a_place_in_what_people_wrote_is_not_filled(text: str) -> None:
    read = reminder(text, description=text).plain_text(text)
    assert read.count("https://rzp.io/rzp/00000000") == 1
    assert read.count("₹450.00") == 1


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
