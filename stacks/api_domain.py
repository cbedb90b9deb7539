"""The API's own name: its certificate, the domain with its mapping to the stage, and the address in the DNS.

All of it is in the API's stack: a new name gets its certificate, its domain and its mapping before
CloudFormation removes what the old one had, and nothing is left behind in another stack.
"""

from aws_cdk import CfnOutput
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from stacks.environment import Domain

SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
"""TLS 1.3 and 1.2, with forward secrecy only. The API has it as well: it is the API's that is negotiated,
and without one that is TLS 1.0 (API Gateway developer guide, "Security policies for REST APIs")."""

ENDPOINT_ACCESS_MODE = "STRICT"
"""API Gateway asks for it with such a policy: a request's name and its TLS handshake's name must agree."""


class ApiDomain(Construct):
    """The name ``domain`` for a stage, without a base path.

    The deployment waits until the certificate is proved: by a record that CloudFormation makes where the
    hosted zone is given, otherwise by one that somebody makes.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, domain: Domain, stage: apigateway.Stage
    ) -> None:
        super().__init__(scope, construct_id)
        self.url = f"https://{domain.name}/"
        proof = None
        if domain.hosted_zone_id is not None:
            proof = [
                acm.CfnCertificate.DomainValidationOptionProperty(
                    domain_name=domain.name, hosted_zone_id=domain.hosted_zone_id
                )
            ]
        certificate = acm.CfnCertificate(
            self,
            "Certificate",
            domain_name=domain.name,
            validation_method="DNS",
            domain_validation_options=proof,
        )
        name = apigateway.CfnDomainName(
            self,
            "Name",
            domain_name=domain.name,
            regional_certificate_arn=certificate.ref,
            endpoint_configuration=apigateway.CfnDomainName.EndpointConfigurationProperty(types=["REGIONAL"]),
            security_policy=SECURITY_POLICY,
            endpoint_access_mode=ENDPOINT_ACCESS_MODE,
        )
        apigateway.CfnBasePathMapping(
            self,
            "Mapping",
            domain_name=name.ref,
            rest_api_id=stage.rest_api.rest_api_id,
            stage=stage.stage_name,
        )
        if domain.hosted_zone_id is not None:
            route53.CfnRecordSet(
                self,
                "Address",
                hosted_zone_id=domain.hosted_zone_id,
                name=domain.name,
                type="A",
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=name.attr_regional_domain_name,
                    hosted_zone_id=name.attr_regional_hosted_zone_id,
                ),
            )
        CfnOutput(
            scope,
            "DomainTarget",
            value=name.attr_regional_domain_name,
            description="What the API's name points at, as a CNAME, where the stack does not do it",
        )
