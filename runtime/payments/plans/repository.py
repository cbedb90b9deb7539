"""Instalment plans in the table of payments. In the indexes a school's plans stand under ``PLANS#…``."""

from datetime import datetime
from typing import TYPE_CHECKING

from runtime.payments.pages import IndexPage, query_page
from runtime.payments.plans.model import AgreedPlan
from runtime.platform.clock import iso
from runtime.platform.dynamodb import Item, Transaction, get_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LABEL_PLAN = "plan"
LABELS = frozenset({LABEL_PLAN})
"""The writes of plans; one whose condition fails means that somebody was faster: read again."""

_OWNER = "PLANS#"


class PlanRepository:
    """Reads plans, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, plan_id: str) -> AgreedPlan | None:
        """The plan, or None."""
        item = get_item(self._client, self._table, _key(plan_id))
        return None if item is None else _plan(item)

    def put_in(self, transaction: Transaction, agreed: AgreedPlan, now: datetime) -> AgreedPlan:
        """Write ``agreed`` if nobody changed it since it was read; gives it as stored."""
        stored = agreed.model_copy(update={"version": agreed.version + 1, "updated_at": iso(now)})
        item = {
            **_key(stored.plan_id),
            "school_id": _OWNER + stored.school_id,
            "payer_id": _OWNER + stored.payer_id,
            "created_key": f"{stored.created_at}#{stored.plan_id}",
            "version": stored.version,
            "plan": stored.model_dump(mode="json"),
        }
        if agreed.version == 0:
            transaction.put(LABEL_PLAN, self._table, item, condition="attribute_not_exists(pk)")
        else:
            transaction.put(
                LABEL_PLAN,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": agreed.version},
            )
        return stored

    def list_by_school(
        self, school_id: str, *, limit: int, cursor: str | None
    ) -> tuple[tuple[AgreedPlan, ...], str | None]:
        """Plans of a school, newest first, and where the next page begins. Raises ``cursor-invalid``."""
        return self._page("by_school", "school_id", school_id, limit, cursor)

    def list_by_payer(
        self, payer_id: str, *, limit: int, cursor: str | None
    ) -> tuple[tuple[AgreedPlan, ...], str | None]:
        """Plans of a payer, newest first, and where the next page begins. Raises ``cursor-invalid``."""
        return self._page("by_payer", "payer_id", payer_id, limit, cursor)

    def _page(
        self, index: str, attribute: str, owner: str, limit: int, cursor: str | None
    ) -> tuple[tuple[AgreedPlan, ...], str | None]:
        page: IndexPage = query_page(
            self._client,
            self._table,
            index=index,
            attribute=attribute,
            value=_OWNER + owner,
            limit=limit,
            cursor=cursor,
        )
        return tuple(_plan(item) for item in page.items), page.next_cursor


def _key(plan_id: str) -> dict[str, str]:
    return {"pk": f"PLAN#{plan_id}", "sk": "PLAN"}


def _plan(item: Item) -> AgreedPlan:
    return AgreedPlan.model_validate(item["plan"])
