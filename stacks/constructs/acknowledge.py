"""Saying, at the construct, why one finding of one rule is accepted: by whom, on what evidence, how long."""

import re
from datetime import date

from aws_cdk import Acknowledgment, CfnResource, Stack, Stage, Validations
from constructs import IConstruct

PACKS = {
    "AwsSolutions-": "AwsSolutions",
    "Serverless-": "Serverless",
    "NIST.800.53.R5-": "NIST.800.53.R5",
    "PCI.DSS.321-": "PCI.DSS.321",
    "HASIVU-": "HASIVU-House-Rules",
}
"""The plugin that reports a rule, by the beginning of the rule's name."""

OWNERS = frozenset({"platform", "payments", "security", "compliance"})
"""Roles, never people: a person leaves, the duty stays."""

PACKS_ADR = "ADR 0010"
"""What the packs find and we accept: docs/adr/0010."""

NEXT_REVIEW = date(2027, 10, 31)
"""The last day on which what was accepted counts, unless it is looked at again."""

EVIDENCE = re.compile(r"ADR \d{4}|(tests|docs)/[\w./-]+(::\w+)?")


class AcknowledgementInvalid(ValueError):
    """An acknowledgement that the gate would refuse; says what is wrong with it."""

    code = "acknowledgement-invalid"


def acknowledge(
    construct: IConstruct,
    *rules: str,
    why: str,
    evidence: str = PACKS_ADR,
    owner: str,
    until: date = NEXT_REVIEW,
    about: IConstruct | None = None,
) -> None:
    """Accept the findings ``rules`` on ``construct`` and what is below it.

    A rule is named as its pack names it (``AwsSolutions-IAM5[Resource::*]``) and is recorded under its
    pack's qualified id. Where a finding quotes a logical id, write ``{id}`` and pass the construct as
    ``about``: the id is generated, so that the acknowledgement follows the construct. ``evidence`` is an
    ADR (``ADR 0012``), a test or a document; ``owner`` is one of OWNERS; ``until`` is the last day on which
    the acknowledgement counts. Raises AcknowledgementInvalid, also for a whole stack or app.
    """
    if isinstance(construct, Stack | Stage):
        raise AcknowledgementInvalid(f"{construct.node.path or 'the app'}: acknowledge one resource, not all")
    if owner not in OWNERS:
        raise AcknowledgementInvalid(f"owner {owner!r} is none of {', '.join(sorted(OWNERS))}")
    if not EVIDENCE.fullmatch(evidence):
        raise AcknowledgementInvalid(f"evidence {evidence!r} is neither an ADR, a test nor a document")
    if not why.strip() or "|" in why or "\n" in why:
        raise AcknowledgementInvalid("say why in one line without a vertical bar")
    reason = f"{why} | evidence={evidence} | owner={owner} | until={until.isoformat()}"
    logical_id = "" if about is None else _logical_id(about)
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=qualified(rule.replace("{id}", logical_id)), reason=reason) for rule in rules)
    )


def qualified(rule: str) -> str:
    """``rule`` under the name of its pack: ``AwsSolutions::AwsSolutions-S1``."""
    for beginning, pack in PACKS.items():
        if rule.startswith(beginning):
            return f"{pack}::{rule}"
    raise AcknowledgementInvalid(f"{rule!r} is a rule of no pack; the packs are {', '.join(PACKS.values())}")


def _logical_id(construct: IConstruct) -> str:
    element = construct if isinstance(construct, CfnResource) else construct.node.default_child
    if not isinstance(element, CfnResource):
        raise AcknowledgementInvalid(f"{construct.node.path} is no single resource; pass the resource itself")
    resolved: str = Stack.of(construct).resolve(element.logical_id)
    return resolved


def accept_inline_policy(role: IConstruct) -> None:
    """A role of one purpose has its rights in one policy of its own."""
    acknowledge(
        role,
        "NIST.800.53.R5-IAMNoInlinePolicy",
        "PCI.DSS.321-IAMNoInlinePolicy",
        why="the policy belongs to this role alone and goes with it",
        owner="security",
    )


def accept_every_resource(role: IConstruct, *, why: str) -> None:
    """Actions for which AWS knows no narrower resource than all."""
    acknowledge(role, "AwsSolutions-IAM5[Resource::*]", why=why, owner="security")
