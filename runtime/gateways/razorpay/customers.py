"""Customers and their tokens: saved instruments and the mandates behind them."""

from collections.abc import Mapping

from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import RazorpayApi
from runtime.gateways.razorpay.models import Cancellation, Customer, Deletion, Token


class Customers(RazorpayApi):
    """``/v1/customers``."""

    def create_customer(
        self,
        *,
        name: str | None,
        email: str | None,
        contact: str | None,
        notes: Mapping[str, str] | None = None,
    ) -> Customer:
        """The customer with this e-mail and contact, new or existing (``fail_existing`` is ``"0"``)."""
        fields = {
            "name": name,
            "email": email,
            "contact": contact,
            "fail_existing": "0",
            "notes": requests.notes_object(notes),
        }
        return self._write(Customer, "create_customer", "/v1/customers", fields)

    def list_tokens(self, customer_id: str) -> tuple[Token, ...]:
        """The instruments saved for a customer."""
        return self._all(Token, "list_tokens", _tokens_of(customer_id))

    def get_token(self, customer_id: str, token_id: str) -> Token:
        """One saved instrument."""
        return self._get(Token, "get_token", f"{_tokens_of(customer_id)}/{requests.identifier(token_id)}")

    def delete_token(self, customer_id: str, token_id: str) -> bool:
        """Forget a saved instrument; whether Razorpay says that it did."""
        path = f"{_tokens_of(customer_id)}/{requests.identifier(token_id)}"
        return self._write(Deletion, "delete_token", path, {}, method="DELETE").deleted

    def cancel_token(self, customer_id: str, token_id: str) -> None:
        """Ask for the end of the mandate behind a token; its end is told by ``token.cancelled``.

        Razorpay refuses it (GatewayRejected) for one that has ended.
        """
        path = f"{_tokens_of(customer_id)}/{requests.identifier(token_id)}/cancel"
        self._write(Cancellation, "cancel_token", path, {}, method="PUT")


def _tokens_of(customer_id: str) -> str:
    return f"/v1/customers/{requests.identifier(customer_id)}/tokens"
