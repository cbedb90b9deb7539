"""Who may act for whom, and at which school: the same for every operation on payments."""

from dataclasses import dataclass

from runtime.platform.auth import Principal, Role
from runtime.platform.errors import (
    BODY_INVALID,
    QUERY_INVALID,
    SCHOOL_FORBIDDEN,
    SCHOOL_INACTIVE,
    SCHOOL_UNKNOWN,
    FieldError,
    Problem,
)
from runtime.platform.schools import SchoolRegister

_ACT_FOR_OTHERS = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
"""These may ask somebody else to pay. Who is a parent and otherwise only reads pays for itself."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The schools, and what a caller has to do with them."""

    schools: SchoolRegister

    def payer_of(self, principal: Principal, payer_id: str | None) -> str:
        """Who is to pay: a parent itself, otherwise whoever the caller names. Raises ``body-invalid``."""
        if not principal.has_any(_ACT_FOR_OTHERS):
            if payer_id not in (None, principal.principal_id):
                raise Problem(
                    BODY_INVALID,
                    "A parent pays for itself.",
                    errors=[FieldError("/payer_id", "leave it out")],
                )
            return principal.principal_id
        if payer_id is None:
            raise Problem(
                BODY_INVALID,
                "Somebody has to pay.",
                errors=[FieldError("/payer_id", "required from this caller")],
            )
        return payer_id

    def check_open(self, principal: Principal, school_id: str) -> None:
        """Raises ``school-unknown``, ``school-forbidden`` or ``school-inactive``."""
        school = self.schools.get(school_id)
        if school is None:
            raise Problem(SCHOOL_UNKNOWN, "No school is registered under that identifier.")
        self.check(principal, school_id)
        if not school.active:
            raise Problem(SCHOOL_INACTIVE, "The school is registered but not active.")

    def school_of(self, principal: Principal, school_id: str | None) -> str:
        """The school that is asked about: the one named, or the caller's only one. Raises ``query-invalid``
        and ``school-forbidden``."""
        if school_id is None:
            if len(principal.school_ids) != 1:
                raise Problem(
                    QUERY_INVALID,
                    "Several schools are possible.",
                    errors=[FieldError("/school_id", "name one school")],
                )
            school_id = next(iter(principal.school_ids))
        self.check(principal, school_id)
        return school_id

    @staticmethod
    def check(principal: Principal, school_id: str) -> None:
        """Raises ``school-forbidden`` where the caller belongs to other schools."""
        if not principal.may_see_school(school_id):
            raise Problem(SCHOOL_FORBIDDEN, "The caller belongs to other schools.")
