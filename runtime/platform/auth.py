"""Who is asking: a principal with roles and schools, as the authoriser established it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from runtime.platform.errors import UNAUTHENTICATED, Problem


class Role(StrEnum):
    """What a principal is, one Cognito group each; ``service`` is held by API keys."""

    PARENT = "parent"
    SCHOOL_ADMIN = "school_admin"
    FINANCE = "finance"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SERVICE = "service"


_ROLES = {role.value: role for role in Role}

ROLES_FOR_ALL_SCHOOLS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
"""These work for HASIVU, not for a school, and therefore see every school."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: ``principal_id`` (Cognito sub or API key id), its roles and its schools."""

    principal_id: str
    roles: frozenset[Role]
    school_ids: frozenset[str]

    def has_any(self, roles: frozenset[Role]) -> bool:
        """Whether the principal holds one of ``roles``."""
        return not self.roles.isdisjoint(roles)

    def may_see_school(self, school_id: str) -> bool:
        """Whether the principal's tenancy covers the school."""
        return self.sees_all_schools or school_id in self.school_ids

    @property
    def sees_all_schools(self) -> bool:
        """Whether the tenancy is every school."""
        return self.has_any(ROLES_FOR_ALL_SCHOOLS)

    @property
    def is_only_parent(self) -> bool:
        """Whether the principal may act for itself alone."""
        return self.roles == {Role.PARENT}


def to_authorizer_context(principal: Principal) -> dict[str, str]:
    """The principal as API Gateway carries it from the authoriser to a function: strings only."""
    return {
        "principal_id": principal.principal_id,
        "roles": " ".join(sorted(principal.roles)),
        "school_ids": " ".join(sorted(principal.school_ids)),
    }


def from_authorizer_context(context: Mapping[str, object] | None) -> Principal:
    """The principal that :func:`to_authorizer_context` wrote.

    Raises Problem ``unauthenticated`` where there is none: a function behind the authoriser never
    trusts that the gateway was configured rightly.
    """
    principal_id = (context or {}).get("principal_id")
    if not isinstance(principal_id, str) or not principal_id or context is None:
        raise Problem(UNAUTHENTICATED, "No caller was established for this request.")
    return Principal(
        principal_id=principal_id,
        roles=roles_named(str(context.get("roles", "")).split()),
        school_ids=frozenset(str(context.get("school_ids", "")).split()),
    )


def roles_named(names: list[str]) -> frozenset[Role]:
    """The roles among ``names``; a group that is not a role of ours gives nothing."""
    return frozenset(_ROLES[name] for name in names if name in _ROLES)
