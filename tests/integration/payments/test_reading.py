"""Getting and listing: what a caller may see, page by page, and not one payment more."""

import base64
import json
from typing import Any

import pytest

from runtime.platform.auth import Principal, Role
from tests.events import caller
from tests.integration.payments.world import ADMIN, OTHER_PARENT, PARENT, SCHOOL_ADMIN, World

EVERY_SCHOOL = [Role.OPERATOR, Role.AUDITOR, Role.ADMIN]
OWN_SCHOOLS = [Role.SCHOOL_ADMIN, Role.FINANCE, Role.SERVICE]


def staff(role: Role, *schools: str) -> Principal:
    return caller(f"usr_{role}", role, schools=schools)


class TestGet:
    def test_the_payer_sees_the_payment_with_every_attempt(self, world: World) -> None:
        payment = world.created()
        failed = world.gateway.pay(str(payment.order_id), "pay_00000000000001", status="failed")
        world.tell("evt_1", "payment.failed", failed, 1_775_025_000)
        answer = world.get(payment.payment_id)
        assert (answer.status, answer.body["status"]) == (200, "failed")
        (attempt,) = answer.body["attempts"]
        assert (attempt["error_reason"], attempt["vpa_masked"]) == ("payment_cancelled", "r***@okhdfc")
        assert answer.body["checkout"]["order_id"] == payment.order_id  # it can be tried again

    @pytest.mark.parametrize("role", EVERY_SCHOOL)
    def test_who_works_for_hasivu_sees_every_school(self, world: World, role: Role) -> None:
        assert world.get(world.created().payment_id, staff(role)).status == 200

    @pytest.mark.parametrize("role", OWN_SCHOOLS)
    def test_who_works_for_a_school_sees_that_school(self, world: World, role: Role) -> None:
        payment = world.created()
        assert world.get(payment.payment_id, staff(role, "sch_1")).status == 200
        assert world.get(payment.payment_id, staff(role, "sch_2")).code == "payment-not-found"
        assert world.get(payment.payment_id, staff(role)).code == "payment-not-found"

    def test_a_parent_does_not_see_what_another_parent_of_the_school_pays(self, world: World) -> None:
        answer = world.get(world.created().payment_id, OTHER_PARENT)
        assert (answer.status, answer.code) == (404, "payment-not-found")

    def test_somebody_elses_payment_and_none_at_all_look_the_same(self, world: World) -> None:
        foreign = world.get(world.created().payment_id, OTHER_PARENT)
        none = world.get("pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ", OTHER_PARENT)
        assert foreign.body == none.body

    def test_a_payer_who_also_works_elsewhere_still_sees_its_own(self, world: World) -> None:
        both = caller("usr_parent", Role.PARENT, Role.FINANCE, schools=["sch_2"])
        assert world.get(world.created().payment_id, both).status == 200

    @pytest.mark.parametrize("payment_id", ["nonsense", "pmt_", "ORDER#order_1", "pmt_01JQR4ZZZ", "../x"])
    def test_what_is_no_identifier_is_no_payment(self, world: World, payment_id: str) -> None:
        assert world.get(payment_id).code == "payment-not-found"

    def test_a_payment_is_never_read_through_its_order(self, world: World) -> None:
        assert world.get(str(world.created().order_id), ADMIN).code == "payment-not-found"


class TestRoles:
    @pytest.mark.parametrize("role", Role)
    def test_every_role_may_read(self, world: World, role: Role) -> None:
        assert world.page(staff(role, "sch_1"), school_id="sch_1").status == 200

    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
    def test_who_only_reads_creates_nothing(self, world: World, role: Role) -> None:
        answer = world.create(staff(role, "sch_1"), payer_id="usr_parent")
        assert (answer.status, answer.code) == (403, "forbidden")
        assert world.gateway.calls == []

    @pytest.mark.parametrize("role", OWN_SCHOOLS)
    def test_staff_creates_for_its_own_schools_only(self, world: World, role: Role) -> None:
        world.school("sch_2", "Hill View School")
        answer = world.create(staff(role, "sch_2"), payer_id="usr_parent")
        assert (answer.status, answer.code) == (403, "school-forbidden")
        assert world.create(staff(role, "sch_1"), payer_id="usr_parent").status == 201

    def test_no_role_is_no_access(self, world: World) -> None:
        for answer in (world.page(caller("usr_x")), world.create(caller("usr_x"))):
            assert (answer.status, answer.code) == (403, "forbidden")

    def test_no_caller_is_no_access(self, world: World) -> None:
        for answer in (world.page(None), world.create(None), world.get("pmt_x", None)):
            assert (answer.status, answer.code) == (401, "unauthenticated")


class TestList:
    def filled(self, world: World, count: int = 5) -> list[str]:
        """Payments of the parent, oldest first, a second apart."""
        made = []
        for _ in range(count):
            made.append(world.created().payment_id)
            world.clock.advance(seconds=1)
        return made

    def test_a_parent_sees_its_own_newest_first_page_by_page(self, world: World) -> None:
        mine = self.filled(world)
        world.created(principal=OTHER_PARENT)
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for size in (2, 2, 1):
            page = world.page(PARENT, limit="2", **cursor)
            assert (page.status, len(page.body["items"])) == (200, size)
            seen += [item["payment_id"] for item in page.body["items"]]
            cursor = {"cursor": page.body["next_cursor"]} if page.body["next_cursor"] else {}
        assert seen == mine[::-1]
        assert cursor == {}

    def test_a_parent_sees_its_own_in_every_school_whatever_it_names(self, world: World) -> None:
        mine = self.filled(world, 2)
        page = world.page(PARENT, school_id="sch_9")
        assert {item["payment_id"] for item in page.body["items"]} == set(mine)

    @pytest.mark.parametrize("role", OWN_SCHOOLS)
    def test_staff_sees_its_school(self, world: World, role: Role) -> None:
        self.filled(world, 2)
        world.created(principal=OTHER_PARENT)
        assert len(world.page(staff(role, "sch_1")).body["items"]) == 3
        refused = world.page(staff(role, "sch_1"), school_id="sch_2")
        assert (refused.status, refused.code) == (403, "school-forbidden")

    @pytest.mark.parametrize(
        "principal", [ADMIN, caller("usr_two", Role.FINANCE, schools=["sch_1", "sch_2"])]
    )
    def test_who_sees_several_schools_names_one(self, world: World, principal: Principal) -> None:
        self.filled(world, 1)
        answer = world.page(principal)
        assert (answer.status, answer.code) == (400, "query-invalid")
        assert answer.body["errors"] == [{"pointer": "/school_id", "reason": "name one school"}]
        assert len(world.page(principal, school_id="sch_1").body["items"]) == 1

    @pytest.mark.parametrize(
        "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "many"}, {"sort": "x"}, {"cursor": "x" * 1025}]
    )
    def test_a_query_that_breaks_the_contract_is_refused(self, world: World, query: dict[str, str]) -> None:
        assert world.page(PARENT, **query).code == "query-invalid"

    def test_the_number_on_a_page_may_be_left_out(self, world: World) -> None:
        self.filled(world, 1)
        assert world.page(PARENT).body["next_cursor"] is None


def cursor_of(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode()


POSITION = {
    "pk": "PAYMENT#pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ",
    "sk": "PAYMENT",
    "created_key": "2026-04-01T06:30:00.000Z#pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ",
    "payer_id": "usr_parent",
}


class TestCursor:
    @pytest.mark.parametrize(
        "cursor",
        [
            "not base64!",
            "ünicode",
            cursor_of(b"no json"),
            cursor_of(b"\xff\xfe"),
            cursor_of([POSITION]),
            cursor_of({}),
            cursor_of(POSITION | {"payer_id": "usr_other"}),
            cursor_of(POSITION | {"more": "x"}),
            cursor_of({name: part for name, part in POSITION.items() if name != "sk"}),
            cursor_of(POSITION | {"pk": 7}),
            cursor_of(POSITION | {"pk": ""}),
            cursor_of(POSITION | {"pk": "\ud800"}),
            cursor_of(b"[" * 760),
        ],
        ids=[
            "no base64",
            "no ascii",
            "no json",
            "no utf-8",
            "a list",
            "empty",
            "another payer's",
            "more",
            "less",
            "a number",
            "an empty text",
            "half a character",
            "deep",
        ],
    )
    def test_a_forged_cursor_is_refused(self, world: World, cursor: str) -> None:
        answer = world.page(PARENT, cursor=cursor)
        assert (answer.status, answer.code) == (400, "cursor-invalid")

    def test_a_cursor_of_another_list_is_refused(self, world: World) -> None:
        for _ in range(2):
            world.created()
        cursor = world.page(PARENT, limit="1").body["next_cursor"]
        assert world.page(PARENT, limit="1", cursor=cursor).status == 200
        assert world.page(OTHER_PARENT, limit="1", cursor=cursor).code == "cursor-invalid"
        assert world.page(SCHOOL_ADMIN, limit="1", cursor=cursor).code == "cursor-invalid"

    def test_a_forged_position_shows_nothing_of_others(self, world: World) -> None:
        theirs = world.created(principal=OTHER_PARENT).payment_id
        mine = world.created().payment_id
        forged = POSITION | {"pk": f"PAYMENT#{theirs}", "created_key": "9999"}
        page = world.page(PARENT, cursor=cursor_of(forged))
        assert [item["payment_id"] for item in page.body["items"]] == [mine]
