"""Tokens as they become known: the gateway tells of a token, a payment tells whose it is, in either order."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.payments.methods.events import mandate_event
from runtime.payments.methods.model import Mandate, TokenRecord, TokenState
from runtime.payments.methods.repository import LABELS, TokenRepository, WalletRepository
from runtime.payments.methods.rules import merge_token
from runtime.payments.model import Attempt, Payment
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

ACTOR = "razorpay"


class TokenChanged(Exception):
    """Somebody changed the token after it was read. Read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class TokenBook:
    """Keeps what is known of tokens, and tells of it once it is known whose they are."""

    client: "DynamoDBClient"
    tokens: TokenRepository
    wallets: WalletRepository
    audit: AuditTrail
    outbox: Outbox

    @classmethod
    def over(
        cls, client: "DynamoDBClient", table: str, *, audit: AuditTrail, outbox: Outbox, clock: Clock
    ) -> "TokenBook":
        """A book over the table of payment methods."""
        return cls(
            client,
            TokenRepository(client, table, clock),
            WalletRepository(client, table),
            audit,
            outbox,
        )

    def hear(
        self,
        token_id: str,
        heard: TokenState,
        *,
        event_id: str,
        event: str,
        request_id: str,
        also: "Callable[[Transaction], None]",
    ) -> bool:
        """Merge what an event says of a token, together with the write ``also``; whether it was news.

        Without news nothing is written, not even ``also``. Raises TokenChanged when somebody was faster.
        """
        known = self.tokens.get(token_id)
        state = merge_token(known.state, heard)
        if state == known.state:
            return False
        after = known.model_copy(update={"state": state})
        transaction = Transaction(self.client)
        self.tokens.put_in(transaction, after)
        if known.state is None or known.state.status is not state.status:
            self._tell_in(transaction, after)
        if after.payer_id is not None:
            self.audit.append_in(
                transaction,
                AuditLine(
                    actor_id=ACTOR,
                    action=event,
                    subject=after.mandate_id or token_id,
                    outcome=Outcome.DONE,
                    request_id=request_id,
                    details={"event_id": event_id, "token_id": token_id},
                ),
            )
        also(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABELS.intersection(failed.labels):
                raise TokenChanged(token_id) from None
            raise
        return True

    def attach_in(self, transaction: Transaction, payment: Payment, attempt: Attempt) -> None:
        """Let the token of ``attempt`` belong to the mandate that ``payment`` authorises.

        What was heard of the token before is told now, since only now it is known whose it is.
        """
        if payment.mandate_id is None or attempt.token_id is None:
            return
        token = self.tokens.get(attempt.token_id)
        if token.mandate_id is None:
            owned = token.model_copy(update={"payer_id": payment.payer_id, "mandate_id": payment.mandate_id})
            self.tokens.put_in(transaction, owned)
            self._tell_in(transaction, owned)
        mandate = self.wallets.mandate(payment.payer_id, payment.mandate_id)
        if mandate is not None and attempt.token_id not in mandate.tokens:
            self.wallets.put_mandate_in(transaction, _with_token(mandate, attempt.token_id))

    def _tell_in(self, transaction: Transaction, token: TokenRecord) -> None:
        event = mandate_event(token)
        if event is not None:
            self.outbox.add_in(transaction, event)


def _with_token(mandate: Mandate, token_id: str) -> Mandate:
    return mandate.model_copy(update={"tokens": tuple(sorted((*mandate.tokens, token_id)))})
