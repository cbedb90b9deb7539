"""The API's own name: TLS, certificate, and what the name leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.api import API
from checks.rules.estate import Estate, Resource
from checks.rules.rule import Breach, at, rule

DOMAIN = "AWS::ApiGateway::DomainName"
MAPPING = "AWS::ApiGateway::BasePathMapping"
CERTIFICATE = "AWS::CertificateManager::Certificate"
RECORD = "AWS::Route53::RecordSet"

NEW_TLS = re.compile(r"SecurityPolicy_TLS13_1_[23]_(\w+_)?2\d{3}_\d{2}")
"""API Gateway's policies of 2021 and later for regional endpoints; TLS_1_2 is the older one."""


@rule(
    "HASIVU-API-10",
    "PCI DSS 4.2.1",
    remedy="Set a policy of TLS 1.2 or later and strict access on API and domain; close the other way in.",
)
def the_api_speaks_new_tls_only(estate: Estate) -> Iterator[Breach]:
    """The API and its domain speak TLS 1.2 or later, and with a domain it is reachable by that alone."""
    domains = list(estate.of(DOMAIN, "AWS::ApiGatewayV2::DomainName"))
    for domain in domains:
        yield from _old_tls(domain, accepted="TLS_1_2")
        if not estate.ours(domain, "RegionalCertificateArn", CERTIFICATE):
            yield at(domain, "RegionalCertificateArn")
    for api in estate.of(API):
        # The API's own policy is the one that is negotiated, behind a domain too; its default is TLS 1.0.
        yield from _old_tls(api)
        if domains and api.get("DisableExecuteApiEndpoint") is not True:
            yield at(api, "DisableExecuteApiEndpoint")


def _old_tls(resource: Resource, *, accepted: str | None = None) -> Iterator[Breach]:
    policy = str(resource.get("SecurityPolicy"))
    if policy == accepted:
        return
    if not NEW_TLS.fullmatch(policy):
        yield at(resource, "SecurityPolicy")
    elif resource.get("EndpointAccessMode") != "STRICT":
        yield at(resource, "EndpointAccessMode")


@rule(
    "HASIVU-API-18",
    "PCI DSS 1.3.1",
    "PCI DSS 4.2.1.1",
    remedy="Map the whole domain, regional, to the stage of the estate's API; prove the certificate by DNS.",
)
def the_domain_leads_to_the_stage(estate: Estate) -> Iterator[Breach]:
    """A domain leads, without a base path, to the one stage of our API; its certificate is proved by DNS."""
    mapped = {estate.target(item.get("DomainName"), item.stack) for item in estate.of(MAPPING)}
    for domain in estate.of(DOMAIN):
        if domain not in mapped:
            yield at(domain, "DomainName", shown="leads nowhere")
        if domain.items("EndpointConfiguration.Types") != ["REGIONAL"]:
            yield at(domain, "EndpointConfiguration.Types")
        certificate = estate.target(domain.get("RegionalCertificateArn"), domain.stack)
        if certificate is not None and certificate.get("DomainName") != domain.get("DomainName"):
            yield at(certificate, "DomainName")
    for mapping in estate.of(MAPPING):
        yield from _leading_elsewhere(estate, mapping)
    for certificate in estate.of(CERTIFICATE):
        if certificate.get("ValidationMethod") != "DNS":
            yield at(certificate, "ValidationMethod")
    for record in estate.of(RECORD):
        if not estate.ours(record, "AliasTarget.DNSName", DOMAIN):
            yield at(record, "AliasTarget.DNSName")


def _leading_elsewhere(estate: Estate, mapping: Resource) -> Iterator[Breach]:
    if mapping.get("BasePath"):
        yield at(mapping, "BasePath")
    for path, kind in (("DomainName", DOMAIN), ("RestApiId", API), ("Stage", "AWS::ApiGateway::Stage")):
        if not estate.ours(mapping, path, kind):
            yield at(mapping, path)
