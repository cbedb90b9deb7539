"""Faults as a caller sees them: RFC 9457 problem documents with stable codes.

A code never changes its meaning; a client may branch on it. Every kind of problem is declared here once,
with the status it travels under and the next step a caller can take. A detail never repeats what was
sent, so that no secret, card number or personal datum can come back or reach a log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:hasivu:problem:"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of fault: its stable ``code``, its HTTP ``status``, a ``title`` and the ``next_step``."""

    code: str
    status: int
    title: str
    next_step: str


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: a JSON ``pointer`` (RFC 6901) and a ``reason`` that repeats no value."""

    pointer: str
    reason: str


class Problem(Exception):
    """A fault to be answered as a problem document."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: int | None = None,
        extensions: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(f"{kind.code}: {detail}")
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.extensions = dict(extensions or {})

    def document(self, instance: str) -> dict[str, object]:
        """The problem document; ``instance`` identifies this occurrence (the request id)."""
        document: dict[str, object] = {
            "type": TYPE_PREFIX + self.kind.code,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
            "next_step": self.kind.next_step,
            "instance": f"urn:request:{instance}",
        }
        if self.errors:
            document["errors"] = [{"pointer": error.pointer, "reason": error.reason} for error in self.errors]
        return document | self.extensions


@dataclass(slots=True)
class ProblemCatalogue:
    """All kinds of problems by code; a code can be declared only once."""

    kinds: dict[str, ProblemType] = field(default_factory=dict)

    def declare(self, code: str, status: int, title: str, next_step: str) -> ProblemType:
        if code in self.kinds:
            raise ValueError(f"the problem code {code} is declared twice")
        kind = ProblemType(code, status, title, next_step)
        self.kinds[code] = kind
        return kind


CATALOGUE = ProblemCatalogue()
_declare = CATALOGUE.declare

# What is sent
BODY_MALFORMED = _declare(
    "body-malformed", 400, "The body is not a JSON object", "Send one JSON object encoded as UTF-8."
)
BODY_TOO_LARGE = _declare("body-too-large", 413, "The body is too large", "Send a smaller body.")
BODY_INVALID = _declare(
    "body-invalid",
    400,
    "The body breaks the contract",
    "Compare the body with the API description; errors, where given, names the fields.",
)
QUERY_INVALID = _declare(
    "query-invalid", 400, "A query parameter breaks the contract", "Correct the parameters named in errors."
)
CARD_DATA_REFUSED = _declare(
    "card-data-refused",
    400,
    "Card data is never accepted here",
    "Remove card numbers and security codes; pay through the hosted checkout, which gives a token.",
)
AMOUNT_NOT_INTEGER = _declare(
    "amount-not-integer",
    400,
    "The amount is not an integer",
    "Send the amount as a whole number of paise, or of another currency's minor units.",
)
AMOUNT_BELOW_MINIMUM = _declare(
    "amount-below-minimum",
    422,
    "The amount is below the minimum",
    "Ask for at least 100 minor units of the currency (₹1.00).",
)
AMOUNT_ABOVE_MAXIMUM = _declare(
    "amount-above-maximum", 422, "The amount is above the maximum", "Split the amount into smaller payments."
)
AMOUNT_STEP_INVALID = _declare(
    "amount-step-invalid",
    422,
    "The currency has no such amount",
    "Send a multiple of the currency's step: of three decimal places the last digit is 0.",
)
CURRENCY_NOT_ENABLED = _declare(
    "currency-not-enabled", 422, "The currency is not enabled", "Ask for the amount in INR."
)
CURRENCY_INR_ONLY = _declare(
    "currency-inr-only", 422, "This is possible in INR only", "Ask for the amount in INR."
)

# Who is asking
UNAUTHENTICATED = _declare(
    "unauthenticated", 401, "The caller is not known", "Sign in again, or send a valid API key."
)
FORBIDDEN = _declare(
    "forbidden", 403, "The caller may not do this", "Ask an administrator for a role that may."
)
SCHOOL_FORBIDDEN = _declare(
    "school-forbidden", 403, "The caller does not belong to this school", "Use a school of your own."
)
SIGNATURE_MISSING = _declare(
    "signature-missing", 401, "The signature is missing", "Send the signature header with the raw body."
)
SIGNATURE_INVALID = _declare(
    "signature-invalid", 401, "The signature is wrong", "Sign the raw body with a live secret."
)
CHECKOUT_SIGNATURE_INVALID = _declare(
    "checkout-signature-invalid",
    422,
    "The checkout signature is wrong",
    "Send the three values exactly as the checkout returned them.",
)

# What is asked about
ROUTE_UNKNOWN = _declare("route-unknown", 404, "There is no such resource", "See the API description.")
SCHOOL_UNKNOWN = _declare(
    "school-unknown", 422, "There is no such school", "Use the identifier of a registered school."
)
SCHOOL_INACTIVE = _declare(
    "school-inactive", 422, "The school takes no payments at present", "Ask HASIVU operations to activate it."
)
PAYMENT_NOT_FOUND = _declare(
    "payment-not-found", 404, "There is no such payment", "Check the identifier, or list your payments."
)
ORDER_MISMATCH = _declare(
    "order-mismatch", 422, "The order belongs to another payment", "Verify each payment with its own order."
)
CURSOR_INVALID = _declare(
    "cursor-invalid", 400, "The cursor is not one of ours", "Start again without a cursor."
)

# Payment methods and mandates
METHOD_NOT_FOUND = _declare(
    "method-not-found",
    404,
    "There is no such payment method",
    "List the payment methods, and use one of them.",
)
METHOD_NOT_SAVED = _declare(
    "method-not-saved",
    422,
    "The payment left nothing to save",
    "Pay with the box ticked that saves the instrument, then send that payment.",
)
METHODS_TOO_MANY = _declare(
    "methods-too-many", 422, "No more payment methods can be kept", "Revoke one that is not used any more."
)
CONTACT_MISSING = _declare(
    "contact-missing",
    422,
    "The payer's e-mail address or telephone number is missing",
    "Let the payer add what is missing to the account, or send a payment link, which needs neither.",
)
MANDATE_NOT_FOUND = _declare(
    "mandate-not-found", 404, "There is no such mandate", "List the mandates, and use one."
)
MANDATE_TERMS_INVALID = _declare(
    "mandate-terms-invalid", 422, "Nobody could authorise these terms", "Correct the terms named in errors."
)
MANDATE_ENDED = _declare(
    "mandate-ended", 409, "The mandate has ended", "Register a new mandate; an old one never comes back."
)

# Debits and retries
DEBIT_FORBIDDEN = _declare(
    "debit-forbidden",
    409,
    "Nothing may be debited like this",
    "Each of errors names a rule and its source; change what it is about, or let the payer pay itself.",
)
DEBIT_CYCLE_TAKEN = _declare(
    "debit-cycle-taken",
    409,
    "The mandate has a debit in this cycle",
    "Look at the payment that payment_id names; a cycle of a mandate has one debit.",
)
RETRY_FORBIDDEN = _declare(
    "retry-forbidden",
    409,
    "No retry is allowed",
    "Each of errors names a rule and its source; look at the payment's retries for what comes next.",
)
RETRY_NOT_PLANNED = _declare(
    "retry-not-planned", 409, "No retry is planned", "Nothing to cancel: look at the payment's retries."
)

# Captures
PAYMENT_NOT_AUTHORIZED = _declare(
    "payment-not-authorized",
    409,
    "The payment is not authorised",
    "Get the payment, or verify its checkout; what expired has to be paid anew.",
)
ALREADY_CAPTURED = _declare(
    "already-captured", 409, "The payment has been captured", "Nothing to do; refund what is not to be kept."
)
AUTHORIZATION_EXPIRED = _declare(
    "authorization-expired",
    409,
    "The authorisation is over and the money goes back to the payer",
    "Ask the payer to pay again.",
)
CAPTURE_UNDER_WAY = _declare(
    "capture-under-way",
    409,
    "Another call captures the payment",
    "Repeat that call with its Idempotency-Key, or get the payment after Retry-After.",
)
CAPTURE_EXCEEDS_AUTHORIZATION = _declare(
    "capture-exceeds-authorization",
    422,
    "More is to be captured than the payer has authorised",
    "Capture the authorised amount or less.",
)
CAPTURE_REST_TOO_SMALL = _declare(
    "capture-rest-too-small",
    422,
    "What is not kept is too little to be refunded",
    "Keep all of it, or leave 100 paise (₹1.00) at least.",
)

# Refunds
REFUND_NOT_FOUND = _declare(
    "refund-not-found", 404, "There is no such refund", "Check the identifier, or list the payment's refunds."
)
PAYMENT_NOT_CAPTURED = _declare(
    "payment-not-captured",
    409,
    "The payment brought no money that could go back",
    "Get the payment; only a captured one can be refunded.",
)
REFUND_EXCEEDS_BALANCE = _declare(
    "refund-exceeds-balance",
    422,
    "The refund is larger than what is left of the payment",
    "Ask for refundable_paise of the payment at most.",
)
ALREADY_REFUNDED = _declare(
    "already-refunded",
    422,
    "The payment has been refunded in full",
    "Nothing to do: list the payment's refunds to see where the money went.",
)
REFUNDS_TOO_MANY = _declare(
    "refunds-too-many", 422, "The payment has as many refunds as it can have", "Pay back by bank transfer."
)
REFUND_WINDOW_OVER = _declare(
    "refund-window-over",
    422,
    "The payment is too old for its bank to take a refund",
    "Pay back by bank transfer.",
)
GATEWAY_BALANCE_LOW = _declare(
    "gateway-balance-low",
    422,
    "The gateway holds too little of ours to pay the refund out",
    "Ask again with a new Idempotency-Key after the next captures, or ask finance to add funds.",
)

# Splits between linked accounts
SPLIT_TERMS_NOT_FOUND = _declare(
    "split-terms-not-found", 404, "The school has no split terms", "Set them, or leave its payments unsplit."
)
SPLIT_SHARES_INVALID = _declare(
    "split-shares-invalid",
    422,
    "The shares are impossible",
    "Name at most 20 accounts, each once, with basis points of 0 to 10000 and fixed sums in whole paise.",
)
SPLIT_SHARES_EXCEED_WHOLE = _declare(
    "split-shares-exceed-whole",
    422,
    "The shares are more than the whole",
    "Let all basis_points of the shares sum to 10000 at most.",
)
SPLIT_TERMS_TOO_MANY = _declare(
    "split-terms-too-many", 422, "No more changes can be set ahead", "Set them when their days are nearer."
)
SPLIT_DAY_INVALID = _declare(
    "split-day-invalid", 422, "Terms cannot begin on that day", "Name today or a day within a year."
)
SPLIT_NOT_FOUND = _declare(
    "split-not-found",
    404,
    "The payment is not split",
    "Check that it is captured and that its school had split terms on that day.",
)
SPLIT_ACCOUNT_UNKNOWN = _declare(
    "split-account-unknown", 422, "The account has no part in the payment", "Name an account of the split."
)
SPLIT_NOTHING_HELD = _declare(
    "split-nothing-held", 409, "Nothing is held back for the account", "Look at the split; it was paid on."
)
SPLIT_NOTHING_TO_RETRY = _declare(
    "split-nothing-to-retry",
    409,
    "No transfer of the payment waits for a person",
    "Look at the split: what is open is tried again by itself at next_look_at.",
)

# Payment links
LINK_NOT_FOUND = _declare(
    "payment-link-not-found", 404, "There is no such payment link", "List the payment links, and use one."
)
LINK_TERMS_INVALID = _declare(
    "payment-link-terms-invalid", 422, "No such link can be made", "Correct the terms named in errors."
)
LINK_NOT_CANCELLABLE = _declare(
    "payment-link-not-cancellable",
    409,
    "The payment link can no longer be cancelled",
    "Look at the link: what was paid of it is given back by a refund of its payments.",
)
LINK_NOT_PAYABLE = _declare(
    "payment-link-not-payable",
    409,
    "The payment link cannot be paid",
    "Look at the link: it is paid, or has ended, or the gateway has not confirmed it yet.",
)
LINK_REMINDED_TODAY = _declare(
    "payment-link-reminded-today",
    429,
    "The payer was reminded of the payment link today",
    "Remind again on another day; Retry-After says from when on.",
)
LINK_REMINDERS_EXHAUSTED = _declare(
    "payment-link-reminders-exhausted",
    409,
    "The payer was reminded of the payment link as often as may be",
    "Talk to the payer, or cancel the link and make a new one.",
)
REMINDER_QUIET_HOURS = _declare(
    "reminder-quiet-hours",
    409,
    "Nobody is reminded at this hour",
    "Remind during the day in India; Retry-After says from when on.",
)

# Instalment plans
PLAN_NOT_FOUND = _declare(
    "instalment-plan-not-found",
    404,
    "There is no such instalment plan",
    "List the instalment plans, and use one.",
)
PLAN_MISMATCH = _declare(
    "instalment-plan-mismatch", 422, "The plan cannot receive this payment", "Correct what errors names."
)
INSTALMENT_AMOUNT_INVALID = _declare(
    "instalment-amount-invalid", 422, "An amount of the plan is impossible", "Use whole paise above nothing."
)
INSTALMENT_RATE_INVALID = _declare(
    "instalment-rate-invalid",
    422,
    "The yearly rate is impossible",
    "Give hundredths of a per cent: 2400 is 24 %.",
)
INSTALMENT_COUNT_INVALID = _declare(
    "instalment-count-invalid",
    422,
    "The number of instalments is impossible",
    "Ask for 1 to 360 instalments.",
)
INSTALMENT_DUE_DATE_INVALID = _declare(
    "instalment-due-date-invalid",
    422,
    "The due days are impossible",
    "Give ascending days from today on; the first one on the anchor day.",
)
INSTALMENTS_DO_NOT_SUM = _declare(
    "instalments-do-not-sum",
    422,
    "The instalments do not sum to the amount",
    "Make the parts sum to principal_paise, to the paisa.",
)
INSTALMENTS_DO_NOT_AMORTISE = _declare(
    "instalments-do-not-amortise",
    422,
    "The instalments would never repay the amount",
    "Ask for fewer instalments or a lower rate.",
)
INSTALMENT_TOO_SMALL = _declare(
    "instalment-too-small",
    422,
    "An instalment is too small to be paid",
    "Ask for fewer instalments; each is at least 100 paise.",
)
NOTHING_TO_PREPAY = _declare(
    "instalment-nothing-to-prepay",
    422,
    "The payment brings nothing forward",
    "Offer more than what is due today.",
)
INSTALMENT_PAYMENTS_TOO_MANY = _declare(
    "instalment-payments-too-many",
    422,
    "The plan takes no more payments",
    "Contact the school: the rest of the plan needs a new one.",
)

# Reconciliation
RECONCILIATION_NOT_FOUND = _declare(
    "reconciliation-not-found", 404, "There is no such reconciliation", "List them, and use one."
)
RECONCILIATION_DAY_INVALID = _declare(
    "reconciliation-day-invalid",
    422,
    "That day cannot be reconciled",
    "Name today, or a day of the last year.",
)
BANK_ACCOUNT_UNKNOWN = _declare(
    "bank-account-unknown", 422, "There is no such bank account", "Use our own name of one of our accounts."
)
STATEMENT_REFUSED = _declare(
    "statement-refused",
    422,
    "The bank statement was not taken",
    "Correct what fault and line_no name, or get the file from the bank again.",
)
STATEMENT_UPLOAD_NOT_FOUND = _declare(
    "statement-upload-not-found", 404, "There is no such upload", "Ask for one, and use its identifier."
)
STATEMENT_UPLOADS_OPEN = _declare(
    "statement-uploads-open",
    409,
    "Too many uploads are open",
    "Send or wait for those that were asked for; one without a file ends by itself.",
)
EXCEPTION_NOT_FOUND = _declare(
    "exception-not-found", 404, "There is no such exception", "List the open exceptions, and use one."
)
EXCEPTION_NOT_OWNER = _declare(
    "exception-not-owner", 403, "Only the owner may do this", "Ask the owner, or assign the exception first."
)
EXCEPTION_FOUR_EYES = _declare(
    "exception-four-eyes", 403, "A forced posting takes two people", "Let somebody else approve it."
)
EXCEPTION_STEP_REFUSED = _declare(
    "exception-step-refused",
    409,
    "The step is not allowed now",
    "Read the exception; refusal says what is wrong.",
)

# Events from outside
WEBHOOK_EVENT_UNKNOWN = _declare(
    "webhook-event-unknown",
    200,
    "The event is not one that is documented",
    "Nothing to do: it was not kept. Unsubscribe from it at the gateway.",
)
WEBHOOK_EVENT_ALTERED = _declare(
    "webhook-event-altered",
    409,
    "The event id was used before with another body",
    "Send a new event under an id of its own.",
)

# Repeats
IDEMPOTENCY_KEY_MISSING = _declare(
    "idempotency-key-missing",
    400,
    "The Idempotency-Key header is missing or malformed",
    "Send 8 to 64 characters of A-Z a-z 0-9 _ - that are unique to this operation.",
)
IDEMPOTENCY_KEY_REUSED = _declare(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key was used for another request",
    "Use a new key for a new operation.",
)
IDEMPOTENCY_IN_FLIGHT = _declare(
    "idempotency-in-flight", 409, "The same request is still being worked on", "Repeat it after Retry-After."
)

# Our side
CONCURRENT_CHANGE = _declare(
    "concurrent-change", 409, "Someone else changed it at the same time", "Repeat the request."
)
GATEWAY_UNAVAILABLE = _declare(
    "gateway-unavailable",
    503,
    "The payment gateway does not answer",
    "Repeat the request with the same Idempotency-Key after Retry-After; nothing is done twice.",
)
GATEWAY_REJECTED = _declare(
    "gateway-rejected", 502, "The payment gateway refused the request", "Contact HASIVU with the instance."
)
NOT_IMPLEMENTED = _declare(
    "not-implemented", 501, "This function is not built yet", "Watch the changelog for its release."
)
INTERNAL = _declare(
    "internal", 500, "Something went wrong on our side", "Repeat later; contact HASIVU with the instance."
)
