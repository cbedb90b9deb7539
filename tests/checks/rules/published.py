"""What the weaknesses of published lists share.

Each names the list and the rule that it comes from: Checkov (CKV), cfn-nag (W, F), Security Hub's
foundational practices (FSBP), AWS Config's managed rules, KICS, Prowler, CIS; or the law that it breaks.
"""

from typing import Any

from tests.checks.rules.building import TAGS
from tests.checks.rules.planting import Weakness

STATEMENTS = "PolicyDocument.Statement"
STRANGER = "arn:aws:iam::999999999999:root"


def statement(effect: str, principal: Any, action: Any, resource: Any = "*", **rest: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, **rest}


def lets(principal: Any, action: Any, **rest: Any) -> dict[str, Any]:
    return statement("Allow", principal, action, **rest)


def beside(source: str, kind: str, **properties: Any) -> Weakness:
    return Weakness(
        source, f"{kind} beside", beside={"Type": kind, "Properties": {"Tags": TAGS, **properties}}
    )
