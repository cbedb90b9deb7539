"""The app as a whole: weak references, protections, tags, and refusals that say what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import build
from stacks.bundles import BundleMissing, Bundles
from stacks.environment_file import EnvironmentRefused, load_environment
from stacks.house_app import ROOT, HouseApp
from tests.assemblies import PATHS, TODAY
from tests.infra.assembly import Assembly, Resource
from tests.infra.conftest import Synthesise

STACKS = {
    *("Recovery", "Data", "Storage", "Messaging", "Identity", "Governance"),
    *("Payments", "Billing", "Invoicing", "Insights", "Platform"),
    *("Firewall", "Api", "Observability"),
}
STATEFUL_STACKS = {
    *("Recovery", "RecoveryCopy", "Data", "Storage", "Messaging", "Identity"),
    "Governance",  # without the trail nobody sees who deletes the others
}
SECOND_REGION = {"RecoveryCopy"}
"""Stacks that exist only where the environment names a second region: a vault is not copied to nowhere."""
TAGGED = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::SQS::Queue",
    "AWS::IAM::Role",
}


def test_stacks_are_named_by_environment_and_their_ids_are_not(assembly: Assembly) -> None:
    environment = load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)
    stacks = STACKS if environment.backup.copy_region is None else STACKS | SECOND_REGION
    assert assembly.stack_names == {
        stack: f"hasivu-{assembly.environment}-{stack.lower()}" for stack in stacks
    }


def test_logical_ids_are_the_same_in_every_environment(assembly: Assembly, prod: Assembly) -> None:
    """All but those that CDK derives from content, the answers that only the emulator needs apart, and what
    stands in a second region or belongs to a domain, where one environment has it and the other has not."""
    of_a_domain = {
        "AWS::ApiGateway::BasePathMapping",
        "AWS::ApiGateway::DomainName",
        "AWS::CertificateManager::Certificate",
        "AWS::Route53::RecordSet",
    }

    def common(item: Resource) -> bool:
        watches_a_certificate = item.properties.get("Namespace") == "AWS/CertificateManager"
        of_one_alone = item.kind in of_a_domain or item.stack in SECOND_REGION
        return not of_one_alone and not watches_a_certificate

    def ids(of: Assembly) -> set[tuple[str, str]]:
        derived = {
            "AWS::Lambda::Version",
            "AWS::ApiGateway::Deployment",
            "AWS::ApiGateway::GatewayResponse",
        }
        return {
            (item.stack, item.logical_id)
            for item in of.every_resource()
            if item.kind not in derived and common(item)
        }

    assert ids(assembly) == ids(prod)


def test_stacks_refer_to_each_other_weakly(assembly: Assembly) -> None:
    everything = json.dumps(assembly.templates)

    assert "Fn::GetStackOutput" in everything
    assert "Fn::ImportValue" not in everything
    assert '"Export"' not in everything


def test_no_stack_comes_near_the_limit_of_500_resources(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert len(template["Resources"]) <= 450


def test_stacks_with_state_refuse_to_be_deleted_in_production(
    placeholder_bundles: Path, tmp_path: Path
) -> None:
    app = HouseApp(context={"env": "prod", "bundles": str(placeholder_bundles)}, output=tmp_path)
    build(app, today=TODAY)
    protected = {
        child.node.id for child in app.node.children if getattr(child, "termination_protection", False)
    }

    assert protected == STATEFUL_STACKS


def test_everything_is_tagged_with_project_environment_and_subject(assembly: Assembly) -> None:
    for resource in assembly.every_resource():
        if resource.kind in TAGGED:
            tags = {item["Key"]: item["Value"] for item in resource.properties["Tags"]}
            assert tags == {
                "project": "hasivu",
                "environment": assembly.environment,
                "subject": resource.stack.lower(),
            }


def test_everything_is_deployed_to_india(assembly: Assembly) -> None:
    everything = json.dumps(assembly.templates)

    assert "ap-south-1" in everything
    assert ("ap-south-2" in everything) is ("RecoveryCopy" in assembly.templates)
    for elsewhere in ("us-east-1", "eu-west-1", "ap-southeast-1"):
        assert elsewhere not in everything


def test_addresses_of_simulators_reach_the_sandbox(synthesise: Synthesise) -> None:
    assembly = synthesise(
        "sandbox", razorpay_base_url="http://127.0.0.1:5001", whatsapp_base_url="http://127.0.0.1:5002"
    )

    for name, url in (("razorpay", "http://127.0.0.1:5001"), ("whatsapp", "http://127.0.0.1:5002")):
        parameter = assembly.one("AWS::SSM::Parameter", Name=f"/hasivu/sandbox/{name}/base-url")
        assert parameter.properties["Value"] == url


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_no_other_environment_takes_the_address_of_a_simulator(
    synthesise: Synthesise, environment: str
) -> None:
    with pytest.raises(
        EnvironmentRefused, match=r"razorpay\.base_url: can be overridden in the sandbox only"
    ):
        synthesise(environment, razorpay_base_url="https://127.0.0.1:5001")


def test_a_missing_bundle_names_the_command_that_builds_it(tmp_path: Path) -> None:
    bundles = Bundles(tmp_path, "arm64")
    (tmp_path / "functions" / "health-check").mkdir(parents=True)

    with pytest.raises(BundleMissing, match="make build"):
        bundles.layer("core")
    with pytest.raises(BundleMissing, match="make build"):
        bundles.function("health-check")


def test_app_py_synthesises_without_credentials_network_or_the_cdk_cli(
    placeholder_bundles: Path, tmp_path: Path, prod: Assembly
) -> None:
    """As the CLI starts it: the context and the output directory in variables, nothing else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment |= {
        "CDK_CONTEXT_JSON": json.dumps({"env": "prod", "bundles": str(placeholder_bundles)} | PATHS),
        "CDK_OUTDIR": str(tmp_path),
        "CDK_VALIDATION": "false",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }

    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True, timeout=120)

    data = json.loads((tmp_path / "Data.template.json").read_text(encoding="utf-8"))
    assert data == prod.templates["Data"]


def test_app_py_refuses_an_unknown_environment_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"CDK_CONTEXT_JSON": json.dumps({"env": "prd"}), "CDK_OUTDIR": str(tmp_path)}

    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert result.returncode != 0
    assert result.stderr.strip().endswith(
        "environments/prd.toml: env: 'prd' is no environment. Choose one of sandbox, dev, staging, prod."
    )
    assert "Traceback" not in result.stderr
