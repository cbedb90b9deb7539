"""Who is asking, on its way from the authoriser to a function."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.auth import (
    ROLES_FOR_ALL_SCHOOLS,
    Principal,
    Role,
    from_authorizer_context,
    roles_named,
    to_authorizer_context,
)
from runtime.platform.errors import UNAUTHENTICATED, Problem

names = st.text("abcXYZ019_-", min_size=1, max_size=20)
principals = st.builds(Principal, names, st.frozensets(st.sampled_from(Role)), st.frozensets(names))


@given(principals)
def test_a_principal_survives_the_gateway(principal: Principal) -> None:
    context = to_authorizer_context(principal)
    assert all(isinstance(value, str) for value in context.values())
    assert from_authorizer_context(context) == principal


@pytest.mark.parametrize(
    "context",
    [None, {}, {"principal_id": ""}, {"principal_id": None}, {"principal_id": 7}, {"roles": "admin"}],
)
def test_nobody_is_let_through_without_an_identity(context: dict[str, object] | None) -> None:
    with pytest.raises(Problem) as caught:
        from_authorizer_context(context)
    assert caught.value.kind is UNAUTHENTICATED


def test_a_principal_without_roles_and_schools_has_none() -> None:
    assert from_authorizer_context({"principal_id": "p"}) == Principal("p", frozenset(), frozenset())


@given(st.lists(st.text() | st.sampled_from([role.value for role in Role])))
def test_a_group_that_is_no_role_gives_nothing(groups: list[str]) -> None:
    assert {role.value for role in roles_named(groups)} == set(groups) & {role.value for role in Role}


@pytest.mark.parametrize("name", ["Admin", "ADMIN", "admin ", "admins", "root", "*", ""])
def test_roles_are_named_exactly(name: str) -> None:
    assert roles_named([name]) == frozenset()


@given(principals, names)
def test_tenancy_is_ones_own_schools_unless_one_works_for_all(principal: Principal, school_id: str) -> None:
    works_for_all = bool(principal.roles & {Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
    assert principal.sees_all_schools == works_for_all
    assert principal.may_see_school(school_id) == (works_for_all or school_id in principal.school_ids)


@pytest.mark.parametrize("role", sorted(set(Role) - ROLES_FOR_ALL_SCHOOLS))
def test_roles_of_a_school_do_not_see_other_schools(role: Role) -> None:
    principal = Principal("p", frozenset({role}), frozenset({"sch_1"}))
    assert principal.may_see_school("sch_1")
    assert not principal.may_see_school("sch_2")
    assert not principal.may_see_school("")


@given(principals)
def test_only_a_parent_and_nothing_else_is_only_a_parent(principal: Principal) -> None:
    assert principal.is_only_parent == (principal.roles == {Role.PARENT})


@given(principals, st.frozensets(st.sampled_from(Role)))
def test_one_role_of_several_is_enough_and_none_is_not(principal: Principal, roles: frozenset[Role]) -> None:
    assert principal.has_any(roles) == bool(principal.roles & roles)
