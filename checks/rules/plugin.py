"""The house rules as a policy plugin of the CDK: they run in every synth that asks for checks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
)

from checks.rules.catalogue import examine, rules
from checks.rules.estate import Estate
from checks.rules.rule import Finding, Severity

NAME = "HASIVU-House-Rules"
"""The CDK replaces spaces in a plugin's name inside acknowledgement ids; a hyphen stays what it is."""

VERSION = "1"


@jsii.implements(IPolicyValidationPlugin)
class HouseRules:
    """Holds the synthesised templates of ``environment`` against the house rules."""

    def __init__(self, environment: str) -> None:
        self._environment = environment

    @property
    def name(self) -> str:
        """The plugin's name, and the beginning of its acknowledgement ids."""
        return NAME

    @property
    def version(self) -> str:
        """Which report this is a part of."""
        return VERSION

    @property
    def rule_ids(self) -> list[str]:
        """Every rule that the plugin may report."""
        return [rule.rule_id for rule in rules()]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """What the rules find. Only errors make it a failure; the gate fails on warnings by itself."""
        stacks = [node for node in context.app_construct.node.find_all() if isinstance(node, Stack)]
        places = {
            Path(template.template_path).name: template.template_path for template in context.stack_templates
        }
        estate = _estate(self._environment, stacks, places)
        files = {
            stack.node.path: places[stack.template_file] for stack in stacks if stack.template_file in places
        }
        findings = examine(estate)
        return PolicyValidationPluginReport(
            success=not any(finding.severity is Severity.ERROR for finding in findings),
            violations=list(_violations(findings, files)),
            plugin_version=VERSION,
        )


def _estate(environment: str, stacks: Iterable[Stack], places: dict[str, str]) -> Estate:
    present = [stack for stack in stacks if stack.template_file in places]
    accounts = {stack.account for stack in present if stack.account.isdigit()}
    return Estate(
        {
            stack.node.path: json.loads(Path(places[stack.template_file]).read_text(encoding="utf-8"))
            for stack in present
        },
        environment=environment,
        stack_names={stack.node.path: stack.stack_name for stack in present},
        termination_protection={stack.node.path: bool(stack.termination_protection) for stack in present},
        account=accounts.pop() if len(accounts) == 1 else None,
    )


def _violations(findings: list[Finding], files: dict[str, str]) -> Iterable[PolicyViolation]:
    for rule_id, group in groupby(findings, key=lambda finding: finding.rule_id):
        for finding in group:
            yield PolicyViolation(
                rule_name=rule_id,
                severity=finding.severity.value,
                description=finding.title,
                fix=finding.remedy,
                rule_metadata={"evidence": finding.evidence, "controls": ", ".join(finding.controls)},
                violating_resources=[
                    PolicyViolatingResource(
                        resource_logical_id=finding.logical_id,
                        template_path=files.get(finding.stack, finding.stack),
                        locations=[finding.path or "Properties"],
                    )
                ],
            )
