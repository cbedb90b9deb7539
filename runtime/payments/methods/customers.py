"""The gateway's customer of a payer: made once, kept in the payer's profile."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.gateways.errors import GatewayError, GatewayRejected, GatewayThrottled
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.methods.model import Profile
from runtime.payments.methods.repository import WalletRepository
from runtime.platform.contacts import Contacts
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import CONTACT_MISSING, GATEWAY_REJECTED, GATEWAY_UNAVAILABLE, Problem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class GatewayCustomers:
    """Finds or makes the customer. The gateway knows one customer for one e-mail and telephone number."""

    client: "DynamoDBClient"
    wallets: WalletRepository
    contacts: Contacts
    gateway: RazorpayClient

    def for_debits(self, profile: Profile) -> str:
        """As ``of``, for a payer who is to be debited: Razorpay takes a recurring payment only with both, an
        e-mail address and a telephone number. So who lacks one hears of it before the bank is asked, and not
        with the first debit."""
        contact = self.contacts.find(profile.payer_id)
        missing = [
            name
            for name, known in (
                ("e-mail address", contact.email),
                ("telephone number", contact.phone_e164),
            )
            if known is None
        ]
        if missing:
            raise Problem(
                CONTACT_MISSING,
                f"The gateway debits only with both, number and address. Missing: {' and '.join(missing)}.",
            )
        return self.of(profile)

    def of(self, profile: Profile) -> str:
        """The customer's id. Raises Problem ``contact-missing``, ``gateway-rejected``,
        ``gateway-unavailable``."""
        if profile.customer_id is not None:
            return profile.customer_id
        contact = self.contacts.find(profile.payer_id)
        if contact.email is None and contact.phone_e164 is None:
            raise Problem(CONTACT_MISSING, "Nothing is known by which the payer could be told of a debit.")
        try:
            customer = self.gateway.create_customer(
                name=contact.name, email=contact.email, contact=contact.phone_e164
            )
        except GatewayError as error:
            raise gateway_problem(error, "The gateway did not register the payer.") from None
        return self._keep(profile, customer.id)

    def _keep(self, profile: Profile, customer_id: str) -> str:
        transaction = Transaction(self.client)
        self.wallets.put_profile_in(transaction, profile.model_copy(update={"customer_id": customer_id}))
        try:
            transaction.commit()
        except ConditionFailed:
            # Somebody was faster, with the same payer and so the same customer; or with another default.
            kept = self.wallets.get(profile.payer_id).profile
            if kept.customer_id is None:
                return self._keep(kept, customer_id)
            return kept.customer_id
        return customer_id


def gateway_problem(error: GatewayError, detail: str) -> Problem:
    """What the caller hears of a gateway that refused, or that gave no answer."""
    if isinstance(error, GatewayRejected):
        return Problem(GATEWAY_REJECTED, detail)
    wait_s = error.retry_after_s if isinstance(error, GatewayThrottled) else None
    return Problem(GATEWAY_UNAVAILABLE, detail, retry_after_s=max(1, int(wait_s or RETRY_AFTER_S)))
