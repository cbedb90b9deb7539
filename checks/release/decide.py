"""A role signs what it decides about a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from checks.checklist.digests import catalogue_sha256
from checks.errors import ExitCode, HasivuError
from checks.release.checkout import against_checkout
from checks.release.context import Context
from checks.release.documents import SIGNATURE_SUFFIX, DocumentRefused, write
from checks.release.report_files import CONTRADICTION, RESULTS, agreeing_results, signer_of
from checks.release.roles import policy
from checks.release.signing import signature_over
from checks.release.signoff import Condition, Decision, Refused, Signed, SignOff, draft, read_all
from checks.release.sshsig import Namespace
from checks.release.typed import line_of


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asks to sign."""

    environment: str
    role: str
    decision: str
    conditions: tuple[str, ...]
    close: tuple[str, ...]
    """``number=ticket``, counted from 1, of the role's last decision."""
    ticket: str
    hours: int


def sign_off(
    report: Path,
    wish: Wish,
    *,
    key: Path | None,
    kms_key: str | None,
    signers: Path | None,
    directory: Path | None,
    now: datetime,
) -> Path:
    """Sign it and keep it beside the report; where it is kept.

    In a checkout with the catalogue that the report names, the report is held against that first: nobody
    approves what the gate would refuse.

    Errors: `UNKNOWN_ROLE`, `OTHER_ENVIRONMENT`, `SIGNOFFS_SPOILED`, `ONE_SIGNER_TWO_ROLES`, `NO_TICKET`,
    `NO_SUCH_CONDITION`, `CONDITIONS_MISFIT`, `TEXT_UNFIT`; DocumentRefused, NotAllowed; and those of signing.
    """
    roles = policy().roles
    if wish.role not in roles:
        raise _refused(
            "UNKNOWN_ROLE", f"there is no role {wish.role[:60]}", f"give one of {', '.join(roles)}"
        )
    ticket = line_of(wish.ticket, "--ticket")
    if not ticket:
        raise _refused("NO_TICKET", "a decision names its change ticket", "give it with --ticket")
    results = agreeing_results(report)
    if results.environment != wish.environment:
        message = f"the report is about {results.environment}"
        raise _refused("OTHER_ENVIRONMENT", message, "give the report of the environment that you decide on")
    if results.catalogue_sha256 == catalogue_sha256():
        for found in against_checkout(results, report):
            raise DocumentRefused(CONTRADICTION, RESULTS, f"{found.subject}: {found.message}")
    context = Context(wish.environment, signers=signers, records=None, directory=directory)
    signer_of(report, results, context.signers)
    signed, refused = read_all(report, context.signers)
    before = _before(wish.role, signed, refused)
    signer = context.signer(key, kms_key)
    allowed = context.signers.signer(signer.public_key(), namespace=Namespace.SIGNOFF, at=now, role=wish.role)
    for each in signed:
        same = allowed.person == each.person or allowed.key.fingerprint == each.fingerprint
        if same and each.signoff.role != wish.role:
            raise _refused(
                "ONE_SIGNER_TWO_ROLES",
                f"{allowed.person} has signed as {each.signoff.role}",
                "let somebody else decide in this role: the roles are different people with different keys",
            )
    decision = draft(
        results,
        role=wish.role,
        person=allowed.person,
        decision=Decision(wish.decision),
        conditions=_conditions(wish, before),
        ticket=ticket,
        at=now,
        valid_for=timedelta(hours=wish.hours),
        before=before,
    )
    document = decision.canonical()
    signature = signature_over(document, Namespace.SIGNOFF, signer)
    path = report / decision.file_name
    write(path.with_name(path.name + SIGNATURE_SUFFIX), signature.armoured())
    write(path, document)
    return path


def _before(role: str, signed: Sequence[Signed], refused: Sequence[Refused]) -> SignOff | None:
    spoiled = [each.path for each in refused if each.role == role]
    if spoiled:
        raise _refused(
            "SIGNOFFS_SPOILED",
            f"the file {spoiled[0]} is not as it was signed",
            "find out why; take it away only if it was never whole",
        )
    own = [each.signoff for each in signed if each.signoff.role == role]
    return own[-1] if own else None


def _conditions(wish: Wish, before: SignOff | None) -> list[Condition]:
    """Those of the decision before, closed where asked, and new ones."""
    kept = list(before.conditions) if before is not None and wish.close else []
    for asked in wish.close:
        number, _, closing = asked.partition("=")
        ticket = line_of(closing, "--close")
        numbers = [str(each) for each in range(1, len(kept) + 1)]
        if number not in numbers or not ticket:
            raise _refused(
                "NO_SUCH_CONDITION",
                f"{asked[:100]} closes nothing",
                "give --close NUMBER=TICKET with a number of this role's last decision, from 1",
            )
        kept[int(number) - 1] = kept[int(number) - 1].model_copy(update={"closed_by": ticket})
    texts = [line_of(text, "--condition") for text in wish.conditions]
    if not all(texts):
        raise _refused("CONDITIONS_MISFIT", "a condition says nothing", "say what has to be done first")
    conditions = [*kept, *(Condition(text=text) for text in texts)]
    if bool(conditions) != (wish.decision == Decision.CONDITIONS):
        raise _refused(
            "CONDITIONS_MISFIT",
            "conditions belong to approve-with-conditions, and only there",
            "give --condition or --close with --decision approve-with-conditions",
        )
    return conditions


def _refused(code: str, message: str, next_step: str) -> HasivuError:
    return HasivuError(
        code, f"{message[:1].upper()}{message[1:]}.", next_step=next_step, exit_code=ExitCode.USAGE
    )
