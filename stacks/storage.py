"""Files: what people upload, what is issued to them, what is learnt, and the proof of all of it."""

from collections.abc import Sequence

from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.private_bucket import Keeping, PrivateBucket
from stacks.environment import Environment
from stacks.house_stack import HouseStack

EIGHT_YEARS_DAYS = 2_922
"""Invoices and books stay for 72 months after the annual return is due (CGST Act 2017, section 36), audit
records for seven years (SOX); eight years, leap days included, cover both."""

THREE_YEARS_DAYS = 1_096
YEAR_DAYS = 365
QUARTER_DAYS = 90
MONTH_DAYS = 30

ACCESS_LOG_DAYS = 731
"""PCI DSS 10.5.1 asks for twelve months; the second year is for what is found out late."""


class StorageStack(HouseStack):
    """The buckets and the key that encrypts them."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: buckets and their key",
            stateful=True,
        )
        self.key = CustomerKey(
            self,
            "StorageKey",
            environment=environment,
            purpose="storage",
            description="Files of HASIVU payments",
        )
        self.access_logs = PrivateBucket(
            self,
            "AccessLogs",
            environment=environment,
            purpose="access-logs",
            key=None,
            access_logs=None,
            keeping=Keeping(superseded_days=MONTH_DAYS, expires_days=ACCESS_LOG_DAYS),
        )
        self.uploads = self._bucket(
            "Uploads",
            "uploads",
            Keeping(superseded_days=QUARTER_DAYS, rarely_read_days=QUARTER_DAYS),
            origins=environment.web.origins,
        )
        self.ml_models = self._bucket("MlModels", "ml-models", Keeping(superseded_days=YEAR_DAYS))
        self.invoice_templates = self._bucket(
            # An invoice is drawn again with the theme of its day as long as the invoice is kept.
            "InvoiceTemplates",
            "invoice-templates",
            Keeping(superseded_days=EIGHT_YEARS_DAYS),
        )
        self.invoices = self._bucket("Invoices", "invoices", _record())
        self.analytics = self._bucket(
            "Analytics",
            "analytics",
            Keeping(
                superseded_days=MONTH_DAYS,
                rarely_read_days=QUARTER_DAYS,
                archived_days=YEAR_DAYS,
                expires_days=THREE_YEARS_DAYS,
            ),
        )
        self.audit = self._bucket("Audit", "audit", _record())

    def _bucket(
        self, construct_id: str, purpose: str, keeping: Keeping, *, origins: Sequence[str] = ()
    ) -> s3.Bucket:
        return PrivateBucket(
            self,
            construct_id,
            environment=self.environment_settings,
            purpose=purpose,
            key=self.key,
            access_logs=self.access_logs,
            keeping=keeping,
            origins=origins,
        )


def _record() -> Keeping:
    """What proves something is locked for eight years, and read seldom after the first."""
    return Keeping(
        superseded_days=EIGHT_YEARS_DAYS,
        archived_days=YEAR_DAYS,
        expires_days=EIGHT_YEARS_DAYS,
        locked=True,
    )
