"""Somebody to call the API as: made up in the sandbox's user pool, and given to a shell as variables."""

import shlex

from checks.errors import ExitCode, HasivuError
from checks.sandbox.people import gather, register_schools
from checks.sandbox.sandbox import Sandbox


def shell_variables(sandbox: Sandbox, part: str) -> list[str]:
    """``export`` lines for calling the API as ``part`` (a role, or ``other_parent`` of another school).

    Errors: `SANDBOX_DOWN` before the first `up`, `PART_UNKNOWN`.
    """
    endpoints = sandbox.endpoints
    session = sandbox.session()
    register_schools(session)
    people = gather(session, endpoints)
    if part not in people.by_part:
        raise HasivuError(
            "PART_UNKNOWN",
            f"Nobody plays {part!r} in the sandbox.",
            next_step=f"choose one of {', '.join(sorted(people.by_part))}",
            exit_code=ExitCode.USAGE,
        )
    variables = {
        "HASIVU_API": endpoints.api_url,
        "HASIVU_AUTHORIZATION": people[part].api.authorization or "",
        "RAZORPAY": endpoints.razorpay_url,
        "WHATSAPP": endpoints.whatsapp_url,
    }
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
