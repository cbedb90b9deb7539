"""API keys: only the holder's text opens the door, only here, only while it is valid."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.access import api_keys
from runtime.access.api_keys import ApiKeyInvalid, ApiKeyVerifier, NewApiKey, PepperUnknown, new_api_key
from runtime.access.peppers import FIRST, Peppers
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import FixedClock
from runtime.platform.dynamodb import from_item, to_item

NOW = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
PEPPERS = Peppers({FIRST: "pepper-of-the-tests"}, FIRST)
OTHER_PEPPERS = Peppers({FIRST: "another"}, FIRST)
ROTATED = PEPPERS.superseded_by("a-pepper-that-chance-made-for-the-tests", now=NOW)


class Table:
    """The API keys' table, in memory."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.reads = 0

    def put(self, record: dict[str, object]) -> None:
        self.items[str(record["key_id"])] = to_item(record)

    def get_item(self, *, Key: dict[str, Any], **_: object) -> dict[str, Any]:
        self.reads += 1
        found = self.items.get(from_item(Key)["key_id"])
        return {"Item": found} if found else {}


class World:
    def __init__(self) -> None:
        self.clock = FixedClock(NOW)
        self.table = Table()
        self.verifier = ApiKeyVerifier(cast(Any, self.table), "t", "dev", self.clock)

    def issue(self, *, environment: str = "dev", peppers: Peppers = PEPPERS, **changes: object) -> NewApiKey:
        key = new_api_key(
            environment,
            peppers,
            roles=["service"],
            school_ids=["sch_1", "sch_2"],
            label="Back office",
            now=NOW,
            expires_at=NOW + timedelta(days=90),
        )
        self.table.put({**key.record, **changes})
        return key

    def refused(self, text: str, peppers: Peppers = PEPPERS) -> str:
        with pytest.raises(ApiKeyInvalid) as caught:
            self.verifier.holder(text, peppers)
        return str(caught.value)


@pytest.fixture
def world() -> World:
    return World()


def test_the_holder_of_a_key_is_known_by_it(world: World) -> None:
    key = world.issue()
    assert world.verifier.holder(key.text, PEPPERS).principal == Principal(
        f"key-{key.record['key_id']}", frozenset({Role.SERVICE}), frozenset({"sch_1", "sch_2"})
    )


@pytest.mark.parametrize("usage_plan_key", [None, ""])
def test_a_holder_without_a_usage_plan_of_its_own_names_none(
    world: World, usage_plan_key: str | None
) -> None:
    key = world.issue(usage_plan_key=usage_plan_key)
    assert world.verifier.holder(key.text, PEPPERS).usage_plan_key is None


def test_a_holder_may_have_a_usage_plan_of_its_own(world: World) -> None:
    own = "back-office-of-sunrise-school"
    key = new_api_key(
        "dev",
        PEPPERS,
        roles=["service"],
        school_ids=["sch_1"],
        label="Back office",
        now=NOW,
        expires_at=NOW + timedelta(days=90),
        usage_plan_key=own,
    )
    world.table.put(key.record)
    assert world.verifier.holder(key.text, PEPPERS).usage_plan_key == own


def test_the_table_holds_nothing_from_which_the_key_could_be_made(world: World) -> None:
    key = world.issue()
    secret = key.text.rpartition("_")[2]
    assert len(secret) == 43
    assert secret not in repr(key)
    assert secret not in str(key.record)
    assert key.text not in repr(key)


def test_no_two_keys_are_alike(world: World) -> None:
    keys = [world.issue() for _ in range(50)]
    assert len({key.text for key in keys}) == len({key.record["key_hash"] for key in keys}) == 50


def test_a_key_that_was_revoked_or_ran_out_opens_nothing(world: World) -> None:
    assert world.refused(world.issue(active=False).text) == "revoked or expired"
    key = world.issue()
    world.clock.advance(seconds=90 * 86_400 - 1)
    assert world.verifier.holder(key.text, PEPPERS)
    world.clock.advance(seconds=1)
    assert world.refused(key.text) == "revoked or expired"


def test_a_key_of_another_environment_is_not_even_looked_up(world: World) -> None:
    assert world.refused(world.issue(environment="prod").text) == "not a key of this environment"
    assert world.table.reads == 0


def test_a_key_said_to_be_of_this_environment_is_another_key(world: World) -> None:
    stolen = world.issue(environment="prod")
    assert world.refused(stolen.text.replace("hk_prod_", "hk_dev_")) == "no such key"


def test_a_secret_must_be_right_in_every_character(world: World) -> None:
    text = world.issue().text
    for position in (len(text) - 43, len(text) - 20, len(text) - 1):
        other = "A" if text[position] != "A" else "B"
        assert world.refused(text[:position] + other + text[position + 1 :]) == "no such key"
    assert world.refused(text.swapcase()) != ""


def test_the_secret_of_one_key_does_not_open_another(world: World) -> None:
    one, other = world.issue(), world.issue()
    swapped = one.text.rpartition("_")[0] + "_" + other.text.rpartition("_")[2]
    assert world.refused(swapped) == "no such key"


def test_another_pepper_opens_nothing(world: World) -> None:
    assert world.refused(world.issue().text, OTHER_PEPPERS) == "no such key"


def test_a_key_lives_for_a_year_at_most_for_its_pepper_is_kept_no_longer() -> None:
    def made(days: int) -> NewApiKey:
        expires_at = NOW + timedelta(days=days)
        return new_api_key("dev", PEPPERS, roles=[], school_ids=[], label="", now=NOW, expires_at=expires_at)

    assert made(365)
    with pytest.raises(ValueError, match="365 days"):
        made(366)


def test_a_key_made_before_a_rotation_opens_the_door_after_it(world: World) -> None:
    key = world.issue()
    assert world.verifier.holder(key.text, ROTATED) == world.verifier.holder(key.text, PEPPERS)


def test_a_key_whose_record_names_no_pepper_was_hashed_under_the_first(world: World) -> None:
    key = world.issue()
    record = {name: value for name, value in key.record.items() if name != "pepper_version"}
    world.table.put(record)
    assert world.verifier.holder(key.text, ROTATED)


def test_a_new_key_is_hashed_under_the_current_pepper(world: World) -> None:
    key = world.issue(peppers=ROTATED)
    assert key.record["pepper_version"] == ROTATED.current
    assert world.verifier.holder(key.text, ROTATED)
    assert world.refused(key.text.replace(key.text[-1], "!"), ROTATED) != ""


def test_a_key_under_a_newer_pepper_asks_for_fresh_ones(world: World) -> None:
    key = world.issue(peppers=ROTATED)
    with pytest.raises(PepperUnknown):
        world.verifier.holder(key.text, PEPPERS)


@pytest.mark.parametrize(
    "changes", [{"active": False}, {"expires_on": "2026-03-31T00:00:00.000Z"}], ids=["revoked", "expired"]
)
def test_a_key_without_force_asks_for_no_fresh_peppers(world: World, changes: dict[str, Any]) -> None:
    """Its pepper may have been dropped; whoever holds such a key could make us read the secret each time."""
    key = world.issue(peppers=ROTATED, **changes)
    with pytest.raises(ApiKeyInvalid) as caught:
        world.verifier.holder(key.text, PEPPERS)
    assert not isinstance(caught.value, PepperUnknown)


def test_the_version_of_a_record_does_not_choose_an_easier_pepper(world: World) -> None:
    key = world.issue(pepper_version="20200101T000000Z")
    with pytest.raises(PepperUnknown):
        world.verifier.holder(key.text, ROTATED)


def test_a_role_that_is_none_of_ours_gives_nothing(world: World) -> None:
    key = world.issue(roles=["root", "service"])
    assert world.verifier.holder(key.text, PEPPERS).principal.roles == {Role.SERVICE}


def test_an_unknown_key_costs_the_same_work_as_a_wrong_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[str] = []

    class Watched:
        @staticmethod
        def new(*args: Any) -> Any:
            work.append("hash")
            return hmac.new(*args)

        @staticmethod
        def compare_digest(one: str, other: str) -> bool:
            work.append(f"compare {len(one)} with {len(other)}")
            return hmac.compare_digest(one, other)

    known = world.issue().text
    wrong_secret = known[:-43] + "x" * 43
    unknown = "hk_dev_" + "Z" * 16 + "_" + "x" * 43
    monkeypatch.setattr(api_keys, "hmac", Watched)
    done = []
    for text in (wrong_secret, unknown):
        work.clear()
        assert world.refused(text) == "no such key"
        done.append(tuple(work))
    assert done[0] == done[1] == ("hash", "compare 64 with 64")


def test_guessing_the_stand_in_for_a_missing_hash_opens_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "_hash", lambda *_: "0" * 64)
    assert world.refused("hk_dev_" + "Z" * 16 + "_" + "x" * 43) == "no such key"


GOOD = "hk_dev_" + "Z" * 16 + "_" + "x" * 43


@pytest.mark.parametrize(
    "text",
    [
        "", "hk", GOOD + "x", GOOD + "\n", " " + GOOD, GOOD[:-1], GOOD.upper(), GOOD.replace("hk_", "sk_"),
        GOOD.replace("Z", "é"), GOOD.replace("Z", "\u0663"), GOOD.replace("_dev_", "__"),
        GOOD.replace("dev", "DEV"), GOOD + "_" + "x" * 43, "\ud800",
    ],
)  # fmt: skip
def test_what_has_another_shape_is_not_looked_up(world: World, text: str) -> None:
    assert world.refused(text) == "not a key of this environment"
    assert world.table.reads == 0


@given(st.text(max_size=120))
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    World().refused(text)
