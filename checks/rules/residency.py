"""Where data is: in India, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.estate import Estate, strings_in
from checks.rules.rule import DEPLOYED, Breach, at, rule
from stacks.environment_rules import INDIAN_REGIONS

REGION = re.compile(
    r"\b(us|eu|ap|ca|sa|me|af|il|mx|cn|us-gov)-(north|south|east|west|central|northeast|southeast|northwest|southwest)"
    r"-\d\b"
)
RESIDENCE = ("RBI 2018-04-06", "GDPR 44-49", "CERT-In 2022")
ABROAD = (
    "AWS::CloudFront::Distribution",
    "AWS::DynamoDB::GlobalTable",
    "AWS::GlobalAccelerator::Accelerator",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::KMS::ReplicaKey",
    "AWS::RDS::GlobalCluster",
    "AWS::Events::Endpoint",
    "AWS::CloudFormation::StackSet",
    "AWS::Config::AggregationAuthorization",
)


@rule(
    "HASIVU-RES-1",
    *RESIDENCE,
    remedy="Keep to ap-south-1 and ap-south-2.",
)
def nothing_names_a_region_abroad(estate: Estate) -> Iterator[Breach]:
    """No property, output or reference names a region outside India."""
    for resource in estate.resources:
        for path, text in strings_in(resource.body, ""):
            if any(found.group() not in INDIAN_REGIONS for found in REGION.finditer(text)):
                yield at(resource, path.removeprefix("Properties."), shown=text)
    for stack, template in estate.templates.items():
        for path, text in strings_in(template.get("Outputs") or {}, "Outputs"):
            if any(found.group() not in INDIAN_REGIONS for found in REGION.finditer(text)):
                yield Breach(stack, path.split(".")[1], path, text)


@rule(
    "HASIVU-RES-2",
    *RESIDENCE,
    remedy="Take it away: it spreads data over regions.",
)
def nothing_spreads_over_regions(estate: Estate) -> Iterator[Breach]:
    """No resource is of a kind that spreads data over regions."""
    for resource in estate.of(*ABROAD):
        yield at(resource, "", shown=resource.kind)


@rule(
    "HASIVU-RES-3",
    *RESIDENCE,
    remedy="Replicate to ap-south-2 alone, or not at all.",
)
def replicas_stay_in_india(estate: Estate) -> Iterator[Breach]:
    """Replicas of secrets, keys and tables stay in India."""
    for resource in estate.resources:
        for path in ("ReplicaRegions", "Replicas", "ReplicationSpecification"):
            for item in resource.items(path):
                region = item.get("Region") if isinstance(item, dict) else None
                if region not in INDIAN_REGIONS:
                    yield at(resource, path)


@rule(
    "HASIVU-RES-4",
    *RESIDENCE,
    environments=DEPLOYED,
    remedy="Give the stack its region in the environment's file.",
)
def every_stack_knows_its_region(estate: Estate) -> Iterator[Breach]:
    """No resource leaves its region to whoever deploys."""
    for resource in estate.resources:
        for path, text in _references(resource.body):
            if text == "AWS::Region" or "${AWS::Region}" in text:
                yield at(resource, path.removeprefix("Properties."), shown="AWS::Region")


def _references(body: object) -> Iterator[tuple[str, str]]:
    for path, text in strings_in(body, ""):
        if path.endswith((".Ref", ".Fn::Sub", ".Fn::Sub.0")):
            yield path, text
