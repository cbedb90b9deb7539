"""What payers have, in DynamoDB: one partition for a payer, one item for each of the gateway's tokens.

``PAYER#…``: the profile, the saved methods and the mandates, read by one query. ``TOKEN#…``: what was heard
of a token. A token that nobody of ours turns out to have goes by itself after some weeks.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from runtime.payments.methods.model import Mandate, Method, Profile, TokenRecord, Wallet
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import Item, Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OF_TOKEN, OF_PROFILE, OF_METHOD, OF_MANDATE = "token", "profile", "method", "mandate"
LABELS = frozenset({OF_TOKEN, OF_PROFILE, OF_METHOD, OF_MANDATE})
"""The writes of this table; one whose condition fails means that somebody was faster: read again."""

STRANGER_KEPT_FOR = timedelta(days=35)
"""How long a token is remembered that belongs to nobody of ours: longer than the gateway repeats events."""

_NEW = "attribute_not_exists(pk)"


class TokenRepository:
    """Reads tokens, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    @property
    def table(self) -> str:
        """The table's name, for what else is known of methods."""
        return self._table

    def get(self, token_id: str) -> TokenRecord:
        """The token as it is known; an empty record where nothing is."""
        found = get_item(self._client, self._table, _token_key(token_id))
        return TokenRecord(token_id=token_id) if found is None else TokenRecord.model_validate(found)

    def put_in(self, transaction: Transaction, record: TokenRecord) -> None:
        """Write ``record`` if nobody changed it since; its version is raised by one here."""
        forget_at = None
        if record.payer_id is None:
            forget_at = int((self._clock.now() + STRANGER_KEPT_FOR).timestamp())
        _put_versioned(
            transaction, OF_TOKEN, self._table, _token_key(record.token_id), record, forget_at=forget_at
        )


class WalletRepository:
    """Reads what payers have, and writes it within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, payer_id: str) -> Wallet:
        """Everything of a payer; an empty wallet for one who has nothing."""
        profile = Profile(payer_id=payer_id)
        methods: list[Method] = []
        mandates: list[Mandate] = []
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :payer",
            ExpressionAttributeValues=to_item({":payer": _payer(payer_id)}),
            ConsistentRead=True,
        )
        for page in pages:
            for raw in page["Items"]:
                item = from_item(raw)
                match item["sk"].partition("#")[0]:
                    case "PROFILE":
                        profile = Profile.model_validate(item)
                    case "METHOD":
                        methods.append(Method.model_validate(item))
                    case "MANDATE":
                        mandates.append(Mandate.model_validate(item))
        return Wallet(profile=profile, methods=tuple(methods), mandates=tuple(mandates))

    def mandate(self, payer_id: str, mandate_id: str) -> Mandate | None:
        """One mandate of a payer, or None."""
        found = get_item(self._client, self._table, _key(payer_id, f"MANDATE#{mandate_id}"))
        return None if found is None else Mandate.model_validate(found)

    def put_profile_in(self, transaction: Transaction, profile: Profile) -> None:
        """Write ``profile`` if nobody changed it since; its version is raised by one here."""
        _put_versioned(transaction, OF_PROFILE, self._table, _key(profile.payer_id, "PROFILE"), profile)

    def put_method_in(self, transaction: Transaction, method: Method) -> None:
        """The same for a method."""
        key = _key(method.payer_id, f"METHOD#{method.method_id}")
        _put_versioned(transaction, OF_METHOD, self._table, key, method)

    def put_mandate_in(self, transaction: Transaction, mandate: Mandate) -> None:
        """The same for a mandate."""
        key = _key(mandate.payer_id, f"MANDATE#{mandate.mandate_id}")
        _put_versioned(transaction, OF_MANDATE, self._table, key, mandate)


def _put_versioned(
    transaction: Transaction,
    label: str,
    table: str,
    key: Item,
    record: TokenRecord | Profile | Method | Mandate,
    *,
    forget_at: int | None = None,
) -> None:
    item = {**key, **record.model_dump(mode="json"), "version": record.version + 1, "expires_at": forget_at}
    if record.version == 0:
        transaction.put(label, table, item, condition=_NEW)
    else:
        transaction.put(
            label, table, item, condition="version = :previous", values={":previous": record.version}
        )


def _payer(payer_id: str) -> str:
    return f"PAYER#{payer_id}"


def _key(payer_id: str, sort: str) -> Item:
    return {"pk": _payer(payer_id), "sk": sort}


def _token_key(token_id: str) -> Item:
    return {"pk": f"TOKEN#{token_id}", "sk": "TOKEN"}
