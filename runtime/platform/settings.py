"""What a function must be told to run, as typed models read once from its environment.

Each function has one model; its fields are the names of its environment variables in lower case.
The stacks take the names from here and a test holds every deployed function against its model, so a
variable that is missing, misspelt or left over is found before a deployment, not at three in the morning.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from runtime.platform.currencies import BOOKS_CURRENCY, currencies

Name = Annotated[str, StringConstraints(min_length=1, max_length=2048, strip_whitespace=True)]

Model = TypeVar("Model", bound="FunctionSettings")

PRESENTMENT_CURRENCIES_MAX = 20
"""More currencies than a checkout sensibly offers."""


def presentment_faults(codes: Sequence[str]) -> tuple[str, ...]:
    """What is wrong with a list of currencies in which payers may be asked for money, in words that end in a
    period; empty for a sound one. Rupees are never missing: the books are in them."""
    faults = []
    if unknown := sorted({code for code in codes if code not in currencies()}):
        faults.append(f"{', '.join(unknown)}: the gateway takes no such currency.")
    if BOOKS_CURRENCY not in codes:
        faults.append(f"{BOOKS_CURRENCY} is missing, in which the books are.")
    if len(set(codes)) != len(codes):
        faults.append("a currency is named twice.")
    if len(codes) > PRESENTMENT_CURRENCIES_MAX:
        faults.append(f"at most {PRESENTMENT_CURRENCIES_MAX} currencies can be offered.")
    return tuple(faults)


def _presentable(text: str) -> str:
    if faults := presentment_faults(text.split(",")):
        raise ValueError(" ".join(faults))
    return text


class SettingsError(RuntimeError):
    """The environment does not satisfy the function's settings model; the deployment is wrong."""


class FunctionSettings(BaseModel):
    """What every function is told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hasivu_env: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")]
    powertools_service_name: Name
    powertools_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    audit_table: Name
    allowed_origins: Annotated[
        str, Field(pattern=r"^(https?://[a-z0-9.-]+(:\d{1,5})?(,https?://[a-z0-9.-]+(:\d{1,5})?)*)?$")
    ] = ""
    """Whose pages may read the answers, with commas between; for functions that browsers call."""

    @property
    def origins(self) -> frozenset[str]:
        """The origins of ``allowed_origins``."""
        return frozenset(self.allowed_origins.split(",")) - {""}


class ApiAuthorizerSettings(FunctionSettings):
    """api-authorizer: who may come in."""

    api_keys_table: Name
    api_key_pepper_secret_arn: Name
    user_pool_id: Name
    user_pool_client_id: Name
    aws_endpoint_url: str = ""
    """Where AWS is, when that is not AWS: the AWS SDKs' own variable, set by an emulator."""


class HealthCheckSettings(FunctionSettings):
    """health-check: what a deep check looks at."""

    payments_table: Name
    ledger_table: Name
    webhook_queue_url: Name
    notifications_queue_url: Name
    webhook_dlq_url: Name
    notifications_dlq_url: Name
    razorpay_base_url_parameter: Name


class PaymentStoreSettings(FunctionSettings):
    """Functions that change payments write all of these in one transaction."""

    payments_table: Name
    ledger_table: Name
    outbox_table: Name
    payment_methods_table: Name


class PaymentsAdvancedSettings(PaymentStoreSettings):
    """payments-advanced: the payment API. What became of reminders stands among the notifications."""

    idempotency_table: Name
    notifications_table: Name
    schools_table: Name
    user_pool_id: Name
    razorpay_secret_arn: Name
    razorpay_base_url_parameter: Name
    presentment_currencies: Annotated[
        str, Field(pattern=r"^[A-Z]{3}(,[A-Z]{3})*$"), AfterValidator(_presentable)
    ] = BOOKS_CURRENCY

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies in which a payment may be asked for; rupees always."""
        return frozenset(self.presentment_currencies.split(","))


class PaymentsManageMethodsSettings(PaymentStoreSettings):
    """payments-manage-methods: what payers may be debited by."""

    idempotency_table: Name
    schools_table: Name
    user_pool_id: Name
    razorpay_secret_arn: Name
    razorpay_base_url_parameter: Name


class PaymentsRetrySettings(PaymentStoreSettings):
    """payments-retry: debits by mandate, and what follows when they fail."""

    idempotency_table: Name
    schools_table: Name
    user_pool_id: Name
    razorpay_secret_arn: Name
    razorpay_base_url_parameter: Name
    retry_queue_url: Name


class PaymentsReconciliationSettings(FunctionSettings):
    """payments-reconciliation: what people see and do of it, and the bank accounts of the statements."""

    ledger_table: Name
    outbox_table: Name
    idempotency_table: Name
    reconciliation_table: Name
    uploads_bucket: Name
    bank_accounts: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,31}(,[a-z][a-z0-9-]{1,31})*$")] = (
        "settlements"
    )

    @property
    def accounts(self) -> frozenset[str]:
        """Our own names of the accounts that the gateway pays into."""
        return frozenset(self.bank_accounts.split(","))


class PaymentsReconciliationWorkerSettings(PaymentStoreSettings):
    """payments-reconciliation-worker: what is swept, matched and imported by the clock."""

    idempotency_table: Name
    reconciliation_table: Name
    uploads_bucket: Name
    razorpay_secret_arn: Name
    razorpay_base_url_parameter: Name


class PaymentsWebhookHandlerSettings(PaymentStoreSettings):
    """payments-webhook-handler: events from Razorpay."""

    webhook_events_table: Name
    webhook_queue_url: Name
    razorpay_webhook_secret_arn: Name


class PaymentsAnalyticsSettings(FunctionSettings):
    """payments-analytics: where events are counted, where they are kept, and how that is asked."""

    payment_rollups_table: Name
    analytics_bucket: Name
    history_database: Name
    history_workgroup: Name


class NotificationDispatcherSettings(FunctionSettings):
    """notification-dispatcher: messages to people. Of payments it reads the links that it reminds of."""

    notifications_table: Name
    payments_table: Name
    schools_table: Name
    user_pool_id: Name
    whatsapp_secret_arn: Name
    whatsapp_base_url_parameter: Name
    whatsapp_phone_number_id_parameter: Name
    mail_sender_parameter: Name


class SecretRotationSettings(FunctionSettings):
    """secret-rotation: the secrets that it renews, and where it asks whether a value is taken."""

    razorpay_secret_arn: Name
    razorpay_webhook_secret_arn: Name
    whatsapp_secret_arn: Name
    api_key_pepper_secret_arn: Name
    razorpay_base_url_parameter: Name
    whatsapp_base_url_parameter: Name
    whatsapp_phone_number_id_parameter: Name


class AuditSealerSettings(FunctionSettings):
    """audit-sealer: where seals go, and what signs them."""

    audit_bucket: Name
    audit_seal_key_arn: Name


SETTINGS_BY_FUNCTION: dict[str, type[FunctionSettings]] = {
    "api-authorizer": ApiAuthorizerSettings,
    "health-check": HealthCheckSettings,
    "payments-advanced": PaymentsAdvancedSettings,
    "payments-webhook-handler": PaymentsWebhookHandlerSettings,
    "payments-manage-methods": PaymentsManageMethodsSettings,
    "payments-reconciliation": PaymentsReconciliationSettings,
    "payments-retry": PaymentsRetrySettings,
    "payments-analytics": PaymentsAnalyticsSettings,
    "notification-dispatcher": NotificationDispatcherSettings,
    # Not built yet: what every function is told is all that they need.
    "subscription-management": FunctionSettings,
    "billing-automation": FunctionSettings,
    "subscription-plans": FunctionSettings,
    "dunning-management": FunctionSettings,
    "subscription-analytics": FunctionSettings,
    "invoice-generator": FunctionSettings,
    "pdf-generator": FunctionSettings,
    "invoice-templates": FunctionSettings,
    "invoice-mailer": FunctionSettings,
    "invoice-analytics": FunctionSettings,
    "ml-payment-insights": FunctionSettings,
    "advanced-payment-intelligence": FunctionSettings,
    # None of the product's: see OPERATIONAL_FUNCTIONS.
    "audit-sealer": AuditSealerSettings,
    "payments-reconciliation-worker": PaymentsReconciliationWorkerSettings,
    "secret-rotation": SecretRotationSettings,
}
"""The settings model of each function, by the function's name."""

OPERATIONAL_FUNCTIONS = frozenset({"audit-sealer", "payments-reconciliation-worker", "secret-rotation"})
"""Functions that work by the clock and serve no caller. All others are the product's 21."""


def load(model: type[Model], environment: Mapping[str, str]) -> Model:
    """The settings of a function, read from ``environment`` (usually ``os.environ``).

    Raises SettingsError naming every variable that is missing or malformed, never its value.
    """
    known = {name: environment[name.upper()] for name in model.model_fields if name.upper() in environment}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        names = ", ".join(sorted({str(item["loc"][0]).upper() for item in error.errors() if item["loc"]}))
        raise SettingsError(f"environment variables missing or malformed: {names}") from None
