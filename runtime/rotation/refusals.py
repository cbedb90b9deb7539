"""Why a rotation did not take place: a stable code, what is wrong, and what to do. Never a value."""

from dataclasses import dataclass

STAGE_IT = "stage a new value with `hasivu secret stage` (docs/runbooks/secrets.md)"


@dataclass(frozen=True, slots=True)
class Reason:
    """A kind of refusal. ``code`` never changes its meaning; ``next_step`` is for the operator."""

    code: str
    next_step: str


DUE = Reason("secret-due", STAGE_IT)
"""It is time, and nobody has staged a value: only the provider's dashboard makes one."""

VALUE_MALFORMED = Reason("value-malformed", "correct the file, then stage it again")
VALUE_NOT_NEW = Reason("value-not-new", "make a new one in the provider's dashboard, then stage it")
OVERLAP_MISSING = Reason("overlap-missing", "put the new value in front and keep the current one behind it")
PROVIDER_REFUSED = Reason(
    "provider-refused", "see that the value is active in the provider's dashboard, then stage it again"
)
PROVIDER_UNREACHABLE = Reason(
    "provider-unreachable", "nothing is wrong with the value yet: stage it again when the provider answers"
)
PENDING_MISSING = Reason("pending-missing", STAGE_IT)

STEP_UNKNOWN = Reason("step-unknown", "let Secrets Manager call the function, nobody else")
SECRET_UNKNOWN = Reason("secret-unknown", "rotate only the secrets of stacks/identity.py with this function")
ROTATION_NOT_ENABLED = Reason("rotation-not-enabled", "deploy the platform stack: it schedules the rotation")
TOKEN_NOT_STAGED = Reason("token-not-staged", "begin a new rotation; this one was ended or never began")


class RotationRefused(Exception):
    """The step is refused, the current value stays. The text is what Secrets Manager and the log show."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.code}: {detail} Next: {reason.next_step}.")
        self.reason = reason
        self.detail = detail
