"""The rule packs that a checked synth runs: cdk-nag's four, and the house rules."""

from __future__ import annotations

import cdk_nag
from aws_cdk import App, Validations

from checks.rules.plugin import NAME, HouseRules

PACKS = ("AwsSolutions", "Serverless", "NIST.800.53.R5", "PCI.DSS.321", NAME)
"""Every pack by the name under which it reports."""

RETIRED = {
    "PCI.DSS.321": "PCI DSS 3.2.1 was retired by the PCI Security Standards Council on 31 March 2024. "
    "4.0.1 is in force, and what it asks of templates are house rules. The pack runs for what it still finds."
}
"""What must be said wherever a pack's result is quoted."""


def apply_checks(app: App, *, environment: str) -> None:
    """Have ``app`` checked by every pack when it is synthesised; its report is validation-report.json.

    A pack registered anywhere looks at the whole app. Suppressions are not copied into the templates.
    """
    Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.ServerlessChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.PCIDSS321Checks(app),
        HouseRules(environment),
    )
