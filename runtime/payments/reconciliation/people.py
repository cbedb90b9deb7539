"""Who may look at the reconciliation: it is of all schools at once."""

from runtime.platform.auth import Principal
from runtime.platform.errors import SCHOOL_FORBIDDEN, Problem


def of_the_house(principal: Principal) -> None:
    """Refuse whoever works for single schools: HASIVU's own finance belongs to none.

    Raises Problem ``school-forbidden``.
    """
    if not principal.sees_all_schools and principal.school_ids:
        raise Problem(SCHOOL_FORBIDDEN, "The reconciliation is of all schools, and you belong to some.")
