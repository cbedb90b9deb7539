"""The web application firewall: one web ACL before the API, one before the user pool."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from aws_cdk import ArnFormat
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks.api_contract import Operation
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.encrypted_log_group import EncryptedLogGroup
from stacks.environment import Environment
from stacks.firewall_answers import bodies
from stacks.firewall_rules import Rule, api_rules, as_rules, money_collections, seen_as, sign_in_rules
from stacks.house_stack import HouseStack
from stacks.identity import IdentityStack

Acl = wafv2.CfnWebACL
Logging = wafv2.CfnLoggingConfiguration

LOG_GROUP_PREFIX = "aws-waf-logs-"
"""WAF writes to no log group of another name."""

REDACTED_HEADERS = ("authorization", "cookie")

KEPT = ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
"""What is logged: what a rule objected to. Whoever merely passes leaves no address behind."""


class FirewallStack(HouseStack):
    """The two web ACLs with their address sets and logs.

    The API's stack associates ``api_acl`` with its stage itself, so that the stage and what stands before it
    come and go together, and cdk-nag, which looks into one stack at a time, sees it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        operations: Sequence[Operation],
        identity: IdentityStack,
        log_key: CustomerKey,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: web application firewall",
            stateful=False,
        )
        self._log_key = log_key
        self.api_acl = self._web_acl(
            "Api",
            "api",
            api_rules(
                environment.firewall,
                razorpay=self._razorpay(environment.razorpay.webhook_sources),
                collections=money_collections(operations),
            ),
            custom_response_bodies=bodies(),
            # Without it, WAF is shown 16 KB of a body; more than that would count as oversize.
            association_config=Acl.AssociationConfigProperty(
                request_body={
                    "API_GATEWAY": Acl.RequestBodyAssociatedResourceTypeConfigProperty(
                        default_size_inspection_limit="KB_64"
                    )
                }
            ),
        )
        sign_in = self._web_acl("SignIn", "sign-in", sign_in_rules(environment.firewall))
        wafv2.CfnWebACLAssociation(
            self,
            "UserPoolAssociation",
            resource_arn=identity.user_pool.user_pool_arn,
            web_acl_arn=sign_in.attr_arn,
        )

    def _razorpay(self, ranges: Sequence[str]) -> list[wafv2.CfnIPSet]:
        """Razorpay's addresses; a set holds one version of IP."""
        found = {
            version: [text for text in ranges if ip_network(text).version == version] for version in (4, 6)
        }
        return [
            wafv2.CfnIPSet(
                self,
                f"RazorpayV{version}",
                name=f"hasivu-{self.environment_settings.name}-razorpay-v{version}",
                description="Where the events of Razorpay come from",
                scope="REGIONAL",
                ip_address_version=f"IPV{version}",
                addresses=addresses,
            )
            for version, addresses in found.items()
            if addresses
        ]

    def _web_acl(
        self, construct_id: str, name: str, rules: Sequence[Rule], **settings: Any
    ) -> wafv2.CfnWebACL:
        """A regional web ACL that lets through what no rule blocks, with its log."""
        full_name = f"hasivu-{self.environment_settings.name}-{name}"
        acl = Acl(
            self,
            f"{construct_id}Acl",
            name=full_name,
            description=f"What stands before the {name} of HASIVU payments",
            scope="REGIONAL",
            default_action=Acl.DefaultActionProperty(allow={}),
            visibility_config=seen_as(full_name),
            rules=as_rules(
                rules,
                mode=self.environment_settings.firewall.mode,
                origins=self.environment_settings.web.origins,
            ),
            **settings,
        )
        self._log(construct_id, full_name, acl)
        return acl

    def _log(self, construct_id: str, full_name: str, acl: wafv2.CfnWebACL) -> None:
        """Keep what a rule objected to, without credentials; the query carries WhatsApp's verify token."""
        group = EncryptedLogGroup(
            self,
            f"{construct_id}Log",
            environment=self.environment_settings,
            key=self._log_key,
            name=LOG_GROUP_PREFIX + full_name,
        )
        Logging(
            self,
            f"{construct_id}Logging",
            resource_arn=acl.attr_arn,
            # WAF wants the ARN without the ":*" at its end.
            log_destination_configs=[
                self.format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=group.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                *(Logging.FieldToMatchProperty(single_header={"Name": name}) for name in REDACTED_HEADERS),
                Logging.FieldToMatchProperty(query_string={}),
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": action}} for action in KEPT],
                    }
                ],
            },
        )
