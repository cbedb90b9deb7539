"""Aliases go back to the versions before, once, whatever happens on the way."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import HasivuError
from checks.release.aliases import LIVE, roll_back, snapshot
from checks.release.rehearsal import rehearse
from stacks.constructs import service_function
from tests.checks.release.fake_lambda import FakeLambda, client_error
from tests.checks.release.world import NOW, moved, version

NAMES = [f"hasivu-prod-{name}" for name in ("a", "b", "c", "d")]


@pytest.fixture
def fake() -> FakeLambda:
    client = FakeLambda()
    for name in NAMES:
        client.add(name)
    return client


def back(client: Any, **options: Any) -> Any:
    return roll_back(client, moved(NAMES), **options)


def where(fake: FakeLambda) -> set[str]:
    return {alias.version for alias in fake.aliases.values()}


def test_the_alias_is_named_as_the_stacks_name_it() -> None:
    assert service_function.LIVE == LIVE


def test_every_alias_goes_back(fake: FakeLambda) -> None:
    assert back(fake).moved == NAMES
    assert where(fake) == {"1"}


def test_a_second_run_changes_nothing(fake: FakeLambda) -> None:
    back(fake)
    fake.calls.clear()
    assert back(fake).already_back == NAMES
    assert "update_alias" not in fake.calls


def test_a_dry_run_changes_nothing(fake: FakeLambda) -> None:
    assert back(fake, dry_run=True).moved == NAMES
    assert where(fake) == {"2"}
    assert "update_alias" not in fake.calls


def test_a_canary_that_was_cut_off_goes_back_whole(fake: FakeLambda) -> None:
    fake.aliases[NAMES[0]].version = "1"
    fake.aliases[NAMES[0]].weights = {"2": 0.1}
    assert NAMES[0] in back(fake).moved
    assert fake.aliases[NAMES[0]].weights == {}


@pytest.mark.parametrize("other_code", [False, True])
def test_nothing_moves_when_a_version_is_gone(fake: FakeLambda, other_code: bool) -> None:
    if other_code:
        fake.versions[NAMES[-1]]["1"]["CodeSha256"] = "other"
    else:
        del fake.versions[NAMES[-1]]["1"]
    with pytest.raises(HasivuError) as refused:
        back(fake)
    assert refused.value.code == "VERSION_GONE"
    assert where(fake) == {"2"}


def test_nothing_moves_when_an_alias_leads_elsewhere(fake: FakeLambda) -> None:
    fake.add(NAMES[-1], versions=3, live=3)
    with pytest.raises(HasivuError) as refused:
        back(fake)
    assert refused.value.code == "ALIAS_ELSEWHERE"
    assert where(fake) == {"2", "3"}


def test_nothing_moves_when_an_alias_is_gone(fake: FakeLambda) -> None:
    del fake.aliases[NAMES[-1]]
    with pytest.raises(HasivuError) as refused:
        back(fake)
    assert refused.value.code == "ALIAS_GONE"
    assert where(fake) == {"2"}


def test_a_new_function_has_nothing_to_go_back_to(fake: FakeLambda) -> None:
    outcome = roll_back(fake, moved(NAMES[:1], previous=None))  # type: ignore[arg-type]
    assert (outcome.moved, outcome.without_previous) == ([], NAMES[:1])


def test_what_somebody_else_moved_back_meanwhile_is_well(fake: FakeLambda) -> None:
    def meddle(name: str, arguments: dict[str, Any]) -> None:
        if name == "update_alias" and fake.aliases[NAMES[0]].revision == 0:
            fake.aliases[NAMES[0]].version = "1"
            fake.aliases[NAMES[0]].revision += 1

    fake.before = meddle
    back(fake)
    assert where(fake) == {"1"}


def test_whoever_keeps_moving_it_is_named(fake: FakeLambda) -> None:
    def meddle(name: str, arguments: dict[str, Any]) -> None:
        if name == "update_alias":
            fake.aliases[arguments["FunctionName"]].revision += 1

    fake.before = meddle
    with pytest.raises(HasivuError) as refused:
        back(fake)
    assert refused.value.code == "ALIAS_CHANGES"


FAULTS = [client_error("ServiceException"), EndpointConnectionError(endpoint_url="x"), KeyboardInterrupt()]


@given(st.integers(0, 60), st.sampled_from(FAULTS))
def test_cut_off_at_any_call_it_goes_on_when_run_again(at: int, fault: BaseException) -> None:
    client: Any = FakeLambda()
    for name in NAMES:
        client.add(name)
    left = at

    def break_(name: str, arguments: dict[str, Any]) -> None:
        nonlocal left
        if left == 0:
            left = -1
            raise fault
        left -= 1

    client.before = break_
    with contextlib.suppress(HasivuError, KeyboardInterrupt):
        back(client)
    client.before = lambda name, arguments: None
    outcome = back(client)
    assert where(client) == {"1"}
    assert sorted(outcome.moved + outcome.already_back) == NAMES


def test_the_snapshot_is_of_this_environments_aliases(fake: FakeLambda) -> None:
    fake.add("hasivu-dev-a")
    fake.add("hasivu-prod-preflight", live=None)
    assert snapshot(fake, "prod") == {name: version(2) for name in NAMES}  # type: ignore[arg-type]


def test_a_snapshot_in_the_middle_of_a_canary_is_refused(fake: FakeLambda) -> None:
    fake.aliases[NAMES[1]].weights = {"1": 0.9}
    with pytest.raises(HasivuError) as refused:
        snapshot(fake, "prod")  # type: ignore[arg-type]
    assert refused.value.code == "CANARY_UNDER_WAY"


def test_denied_is_named(fake: FakeLambda) -> None:
    def deny(name: str, arguments: dict[str, Any]) -> None:
        raise client_error("AccessDeniedException")

    fake.before = deny
    with pytest.raises(HasivuError, match="AccessDenied"):
        snapshot(fake, "prod")  # type: ignore[arg-type]


def staged() -> Any:
    client = FakeLambda()
    for name in NAMES:
        client.add(name.replace("prod", "staging"))
    return client


def practise(client: Any, environment: str = "staging") -> Any:
    ticks = iter(range(100))
    return rehearse(
        client,
        environment,
        emulator=False,
        by="owner@hasivu.example",
        commit="c" * 40,
        clock=lambda: NOW + timedelta(milliseconds=1500 * next(ticks)),
    )


def test_a_rehearsal_leaves_everything_as_it_was() -> None:
    client, untouched = staged(), staged()
    drill = practise(client)
    assert client.versions == untouched.versions
    assert where(client) == {"2"}
    assert (len(drill.functions), drill.interrupted, drill.seconds) == (4, True, 2)


def test_prod_is_not_rehearsed_in(fake: FakeLambda) -> None:
    with pytest.raises(HasivuError) as refused:
        practise(fake, "prod")
    assert refused.value.code == "NOT_IN_PROD"
    assert fake.calls == []


def test_a_rehearsal_of_nothing_is_none() -> None:
    with pytest.raises(HasivuError) as refused:
        practise(FakeLambda())
    assert refused.value.code == "NOTHING_TO_REHEARSE"


@given(st.integers(0, 120))
def test_a_rehearsal_that_was_killed_is_taken_back_by_the_next(at: int) -> None:
    """Killed: nothing after that call is done, not even what ends a rehearsal that fails."""
    client = staged()
    left = at

    def kill(name: str, arguments: dict[str, Any]) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    client.before = kill
    with contextlib.suppress(KeyboardInterrupt):
        practise(client)
    client.before = lambda name, arguments: None
    practise(client)
    assert where(client) == {"2"}
    descriptions = {versions["$LATEST"]["Description"] for versions in client.versions.values()}
    assert not any("rehearsal" in description for description in descriptions)
