"""What a web ACL of a synthesised template decides on a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.firewall.request import NotEvaluated, WebRequest
from checks.firewall.statements import Sets, View, matches

BODY_LIMITS = {"KB_16": 16_384, "KB_32": 32_768, "KB_48": 49_152, "KB_64": 65_536}
GUARDED = ("API_GATEWAY", "COGNITO_USER_POOL")
ACTIONS = frozenset({"Allow", "Block", "Count"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a request.

    ``action`` is Allow or Block; ``rule`` the rule that ended it, None for the default action. ``counted``
    are rules of ours that matched and only count. ``left_to_aws`` are AWS's groups that the request was
    shown to on its way; what they say of it is AWS's. ``status`` and ``answer`` (a key of the web ACL's
    response bodies) are what is said to whom is blocked.
    """

    action: str
    rule: str | None = None
    counted: tuple[str, ...] = ()
    left_to_aws: tuple[str, ...] = ()
    status: int | None = None
    answer: str | None = None

    @property
    def objected(self) -> str | None:
        """The first rule of ours that has something against it, whether it blocks or only counts."""
        return next(iter(self.counted), self.rule)


@dataclass(frozen=True, slots=True)
class WebAcl:
    """A web ACL by the properties of its ``AWS::WAFv2::WebACL``, and what its address sets hold."""

    properties: Mapping[str, Any]
    address_sets: Sets

    @classmethod
    def of_template(cls, template: Mapping[str, Any], logical_id: str) -> WebAcl:
        """The web ACL ``logical_id`` of ``template``, in which its address sets are too."""
        resources = template["Resources"]

        def addresses(arn: Any) -> Sequence[str]:
            match arn:
                case {"Fn::GetAtt": [str(name), "Arn"]} if name in resources:
                    found: Sequence[str] = resources[name]["Properties"]["Addresses"]
                    return found
            raise NotEvaluated("an address set that is not in the template")

        return cls(resources[logical_id]["Properties"], addresses)

    @property
    def body_limit(self) -> int:
        """How many bytes of a body WAF is shown."""
        association: Any = self.properties.get("AssociationConfig") or {}
        limits = {
            found["DefaultSizeInspectionLimit"]
            for kind, found in association.get("RequestBody", {}).items()
            if kind in GUARDED
        }
        if len(limits) > 1:
            raise NotEvaluated("several limits of inspection")
        return BODY_LIMITS[limits.pop() if limits else "KB_16"]

    def decide(self, request: WebRequest) -> Decision:
        """The decision on ``request``. Raises NotEvaluated for what is not known here."""
        view = View(request, self.address_sets, self.body_limit)
        counted: list[str] = []
        left_to_aws: list[str] = []
        for rule in self._in_order():
            name, statement = str(rule["Name"]), rule["Statement"]
            if "ManagedRuleGroupStatement" in statement:
                group = statement["ManagedRuleGroupStatement"]
                only = group.get("ScopeDownStatement")
                if only is None or matches(only, view):
                    left_to_aws.append(str(group["Name"]))
                continue
            if not matches(statement, view):
                continue
            action = self._action(rule)
            if action == "Count":
                counted.append(name)
                continue
            said = rule["Action"][action].get("CustomResponse", {})
            return Decision(
                action,
                name,
                tuple(counted),
                tuple(left_to_aws),
                status=said.get("ResponseCode", 403) if action == "Block" else None,
                answer=said.get("CustomResponseBodyKey"),
            )
        (default,) = self.properties["DefaultAction"]
        return Decision(str(default), None, tuple(counted), tuple(left_to_aws))

    def _in_order(self) -> list[Mapping[str, Any]]:
        rules = sorted(self.properties["Rules"], key=lambda rule: int(rule["Priority"]))
        if len({rule["Priority"] for rule in rules}) < len(rules):
            raise NotEvaluated("two rules at one place")
        if any("RuleLabels" in rule for rule in rules):
            raise NotEvaluated("labels")
        return rules

    @staticmethod
    def _action(rule: Mapping[str, Any]) -> str:
        (action,) = rule["Action"]
        if action not in ACTIONS:
            raise NotEvaluated(f"action {action}")
        return str(action)
