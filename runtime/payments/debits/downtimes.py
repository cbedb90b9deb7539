"""The gateway's downtimes: kept while they matter, merged by their newest word, forgotten by themselves."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runtime.gateways.razorpay.models import Downtime
from runtime.payments.model import Frozen
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LABEL_DOWNTIME = "downtime"
KEPT_FOR = timedelta(days=35)
"""Longer than the gateway repeats events: a late "started" must not open again what is over."""

READ_MAX = 200
"""More than the gateway ever had at once."""

MOMENT_MAX = int(datetime(2099, 12, 31, tzinfo=UTC).timestamp())

_PARTITION = "DOWNTIME"
_RANK = {"scheduled": 0, "started": 1, "updated": 2, "resolved": 3, "cancelled": 4}
_CANCELLED = "cancelled"


class KeptDowntime(Frozen):
    """A downtime: unix seconds, open where ``ends_at`` is None. ``instruments`` are the banks, networks and
    apps that it concerns; none is the whole method."""

    downtime_id: str
    method: str
    status: str
    instruments: tuple[str, ...]
    begins_at: int
    ends_at: int | None = None
    heard: str


class DowntimeBook:
    """Keeps downtimes, beside the payment methods they concern."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def is_news(self, downtime: Downtime) -> bool:
        """Whether the word is newer than the one that is kept."""
        known = get_item(self._client, self._table, _key(downtime.id))
        return known is None or str(known["heard"]) < _order(downtime)

    def keep_in(self, transaction: Transaction, downtime: Downtime) -> None:
        """Keep a downtime in place of what is known of it, if it is news."""
        now = self._clock.now()
        kept = KeptDowntime(
            downtime_id=downtime.id,
            method=downtime.method,
            status=downtime.status,
            instruments=tuple(sorted(set(downtime.instrument.values()))),
            begins_at=_sane(downtime.begin or downtime.created_at) or int(now.timestamp()),
            ends_at=_sane(downtime.end),
            heard=_order(downtime),
        )
        forget_at = max(now, _moment(kept.ends_at or 0)) + KEPT_FOR
        transaction.put(
            LABEL_DOWNTIME,
            self._table,
            {**_key(downtime.id), **kept.model_dump(mode="json"), "expires_at": int(forget_at.timestamp())},
            condition="attribute_not_exists(pk) OR heard < :heard",
            values={":heard": kept.heard},
        )

    def current(self) -> tuple[KeptDowntime, ...]:
        """The downtimes that last or are announced."""
        now_s = int(self._clock.now().timestamp())
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :all",
            ExpressionAttributeValues=to_item({":all": _PARTITION}),
            ScanIndexForward=False,
            Limit=READ_MAX,
        )
        kept = [KeptDowntime.model_validate(from_item(item)) for item in answer["Items"]]
        return tuple(
            one for one in kept if one.status != _CANCELLED and (one.ends_at is None or one.ends_at > now_s)
        )


def _order(downtime: Downtime) -> str:
    """The order of words about a downtime, as a text that sorts: the moment, then how far along."""
    moment = downtime.updated_at or downtime.created_at or 0
    return f"{moment:012d}#{_RANK.get(downtime.status, 0)}"


def _key(downtime_id: str) -> dict[str, str]:
    return {"pk": _PARTITION, "sk": f"DOWNTIME#{downtime_id}"}


def _sane(unix_s: int | None) -> int | None:
    """A moment of this century; what lies beyond it is not meant."""
    return None if unix_s is None else min(unix_s, MOMENT_MAX)


def _moment(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
