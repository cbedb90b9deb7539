"""Two plain pages for a person: what is going on, and a checkout to pay at."""

from datetime import datetime
from html import escape
from urllib.parse import parse_qs

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from checks.sandbox.razorpay import checkout
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.reasons import FAILURES
from checks.sandbox.razorpay.records import Record
from checks.sandbox.razorpay.settlement_calendar import INDIA
from checks.sandbox.simulation.html_page import html_page
from checks.sandbox.simulation.http_exchange import from_this_machine
from runtime.platform.currencies import BOOKS_CURRENCY
from runtime.platform.money import Money, written

RECENT = 20
STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5c6b7a; --line: #d8dfe6; --ground: #f5f7f9;
  --card: #fff; --accent: #1f5fbf }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa8b5; --line: #33404d;
  --ground: #141a20; --card: #1c242c; --accent: #7fb0ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .25rem }
h2 { font-size: 1.05rem; margin: 0 0 .5rem }
section p:last-child { margin-bottom: 0 }
p { margin: .25rem 0 1rem }
.soft { color: var(--soft) }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem;
  margin: 1rem 0 }
time { white-space: nowrap }
.wide { overflow-x: auto }
table { width: 100%; border-collapse: collapse; white-space: nowrap }
td, th { text-align: left; padding: .4rem .75rem; border-bottom: 1px solid var(--line) }
td:first-child, th:first-child { padding-left: 0 }
td:last-child, th:last-child { padding-right: 0 }
tbody tr:last-child td { border-bottom: 0 }
th { font-weight: 600; color: var(--soft) }
.amount { text-align: right; font-variant-numeric: tabular-nums }
td code { font-size: .85em }
a { color: var(--accent) }
label { display: block; margin: .75rem 0 .25rem }
select, button { font: inherit; padding: .55rem .7rem; border-radius: 8px; border: 1px solid var(--line);
  background: var(--card); color: var(--ink); width: 100% }
button { background: var(--accent); color: var(--card); border: 0; margin-top: 1rem; cursor: pointer }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { background: var(--ground); padding: .75rem; border-radius: 8px; margin: 0;
  white-space: pre-wrap; overflow-wrap: anywhere }
"""

INSTRUMENTS: dict[str, tuple[str, Record]] = {
    "upi-success": ("UPI · success@razorpay", {"method": "upi", "vpa": "success@razorpay"}),
    "upi-failure": ("UPI · failure@razorpay", {"method": "upi", "vpa": "failure@razorpay"}),
    "upi-pending": ("UPI · the bank does not answer", {"method": "upi", "vpa": "pending@razorpay"}),
    "visa": ("Card · Visa test card", {"method": "card", "number": "4100280000001007"}),
    "mastercard": ("Card · Mastercard test card", {"method": "card", "number": "5500670000001002"}),
    "rupay": ("Card · RuPay test card", {"method": "card", "number": "6527658900001005"}),
    "netbanking": ("Netbanking · HDFC", {"method": "netbanking", "bank": "HDFC"}),
    "wallet": ("Wallet · PayZapp", {"method": "wallet", "wallet": "payzapp"}),
    "emandate": ("e-mandate · HDFC", {"method": "emandate", "bank": "HDFC"}),
}


def rupees(amount_paise: int) -> str:
    """₹ with two decimals and Indian grouping, from paise: 12,34,567.89."""
    whole, rest = str(amount_paise // 100), f"{amount_paise % 100:02d}"
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return f"₹{','.join([*pairs, tail])}.{rest}"


def price(amount_minor: int, code: str) -> str:
    """An amount of any currency as the customer reads it."""
    return rupees(amount_minor) if code == BOOKS_CURRENCY else written(Money(amount_minor, code))


def india_time(unix: int) -> str:
    """The moment as people in India read it, in HTML: 06 Jan 2026, 14:30:00 IST."""
    moment = datetime.fromtimestamp(unix, INDIA)
    return f'<time datetime="{moment.isoformat()}">{moment:%d %b %Y, %H:%M:%S} IST</time>'


def _page(title: str, body: str, status: int = 200) -> Response:
    return html_page(title, body, STYLE, status=status, forms=True)


class Pages:
    """`GET /`, `GET /checkout/{order_id}` and the form's `POST`."""

    def __init__(self, gw: Gateway) -> None:
        self._gw = gw

    def answer(self, request: Request) -> Response:
        if not from_this_machine(request):
            return _page("Not from here", "<h1>This page answers this machine only.</h1>", 403)
        if request.path == "/":
            return self._overview()
        order_id = request.path.removeprefix("/checkout/").rstrip("/")
        with self._gw.lock:
            order = self._gw.books["orders"].get(order_id)
            if order is None:
                return _page("No such order", '<h1>No such order</h1><p><a href="/">All orders</a></p>', 404)
            if request.method == "POST":
                return self._pay(request, order)
            return self._form(order)

    def _overview(self) -> Response:
        with self._gw.lock:
            orders = list(self._gw.each("orders"))[-RECENT:][::-1]
            counts = {kind: len(self._gw.books[kind]) for kind in ("orders", "payments", "refunds", "events")}
            now = self._gw.now()
        rows = "".join(
            f'<tr><td><a href="/checkout/{escape(order["id"])}"><code>{escape(order["id"])}</code></a></td>'
            f'<td class="amount">{price(order["amount"], order["currency"])}</td>'
            f"<td>{escape(order['status'])}</td>"
            f"<td><code>{escape(order['receipt'] or '')}</code></td></tr>"
            for order in orders
        )
        table = (
            '<div class="wide" role="region" aria-labelledby="orders" tabindex="0"><table><thead><tr>'
            '<th scope="col">Order</th><th scope="col" class="amount">Amount</th><th scope="col">Status</th>'
            f'<th scope="col">Receipt</th></tr></thead><tbody>{rows}</tbody></table></div>'
            if rows
            else '<p class="soft">No order yet. Create one with POST /v1/orders.</p>'
        )
        summary = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        return _page(
            "Razorpay simulator",
            f'<h1>Razorpay simulator</h1><p class="soft">{escape(self._gw.config.business_name)}'
            f' · {summary} · {india_time(now)}</p><section><h2 id="orders">Orders</h2>{table}</section>'
            "<section><h2>Where things are</h2><p>API: <code>/v1</code> · control: <code>/_control</code> "
            '(<a href="/_control/health">health</a>, <a href="/_control/events">events</a>, '
            '<a href="/_control/requests">requests</a>, <a href="/_control/faults">faults</a>)</p></section>',
        )

    def _form(self, order: Record, notice: str = "") -> Response:
        options = "".join(
            f'<option value="{escape(name)}">{escape(label)}</option>'
            for name, (label, told) in INSTRUMENTS.items()
            if order["currency"] == BOOKS_CURRENCY or told["method"] == "card"
        )
        reasons = "".join(f'<option value="{escape(r)}">{escape(r)}</option>' for r in sorted(FAILURES))
        paid = order["status"] == "paid"
        form = (
            "<p>This order is paid.</p>"
            if paid
            else f'<form method="post" action="/checkout/{escape(order["id"])}">'
            '<label for="instrument">Pay with</label>'
            f'<select id="instrument" name="instrument">{options}</select>'
            '<label for="reason">Outcome</label><select id="reason" name="reason">'
            f'<option value="">what the instrument gives</option>{reasons}</select>'
            f"<button>Pay {price(order['amount_due'], order['currency'])}</button></form>"
        )
        return _page(
            f"Pay {order['id']}",
            f"<h1>{escape(self._gw.config.business_name)}</h1>"
            f'<p class="soft">Order {escape(order["id"])} · {price(order["amount"], order["currency"])}'
            f" · {escape(order['status'])}</p>"
            f'{notice}<section>{form}</section><p><a href="/">All orders</a></p>',
        )

    def _pay(self, request: Request, order: Record) -> Response:
        try:
            fields = parse_qs(request.get_data(as_text=True), max_num_fields=10)
        except (RequestEntityTooLarge, ValueError):
            return _page("Too much", "<h1>That form was too large.</h1>", 413)
        _, instrument = INSTRUMENTS.get(
            fields.get("instrument", ["upi-success"])[0], INSTRUMENTS["upi-success"]
        )
        reason = fields.get("reason", [""])[0]
        wanted = {**instrument, "reason": reason} if reason else instrument
        try:
            answer = checkout.pay(self._gw, {"order_id": order["id"], "instrument": wanted})
        except (ApiError, ControlError) as refused:
            return self._form(order, f"<section><p>{escape(str(refused))}</p></section>")
        return self._form(order, _notice(answer))


def _notice(answer: Record) -> str:
    if "error" in answer:
        error = answer["error"]
        return (
            f"<section><h2>The payment failed</h2><p>{escape(str(error['description']))}</p>"
            f"<p class='soft'>{escape(str(error['code']))} · {escape(str(error['reason']))} · "
            f"{escape(str(error['metadata']['payment_id']))}</p></section>"
        )
    lines = ",\n".join(f'  "{escape(name)}": "{escape(str(value))}"' for name, value in answer.items())
    return (
        f"<section><h2>Paid</h2><p>Paste these into the verify call:</p><pre>{{\n{lines}\n}}</pre></section>"
    )
