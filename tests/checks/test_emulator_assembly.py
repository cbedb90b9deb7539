"""The emulator's copy of an assembly: honest about what it lacks, and otherwise the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.services.cloudformation import provisioners

from checks.sandbox.assembly import copy_for_emulator, filter_template
from checks.sandbox.emulator_gaps import GAPS

PIPE = {"Type": "AWS::Pipes::Pipe", "Properties": {"Source": "s"}}
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
RUNS_BUT_NOT_HERE = {"AWS::Pipes::Pipe", "AWS::CloudWatch::Alarm", "AWS::WAFv2::WebACL"}


def filtered(resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return filter_template({"Resources": resources, **more}, stack="s").template


def test_a_template_without_gaps_stays_as_it_is() -> None:
    template = {"Resources": {"Queue": QUEUE}, "Outputs": {"Url": {"Value": {"Ref": "Queue"}}}}
    result = filter_template(template, stack="s")
    assert result.template == template
    assert result.left_out == ()


def test_a_resource_in_the_gap_list_is_left_out_and_reported_with_its_reason() -> None:
    result = filter_template({"Resources": {"Pipe": PIPE, "Queue": QUEUE}}, stack="payments")
    assert result.template["Resources"] == {"Queue": QUEUE}
    (left_out,) = result.left_out
    assert left_out.stack == "payments"
    assert left_out.what == "AWS::Pipes::Pipe Pipe"
    assert "pipe simulator" in left_out.reason


@pytest.mark.parametrize(
    "reference",
    [
        {"Ref": "Pipe"},
        {"Fn::GetAtt": ["Pipe", "Arn"]},
        {"Fn::GetAtt": "Pipe.Arn"},
        {"Fn::Sub": "arn:${Pipe.Arn}/x"},
        {"Fn::Join": ["", ["arn:", {"Ref": "Pipe"}]]},
    ],
)
def test_every_kind_of_reference_to_it_goes_too_and_is_reported(reference: dict[str, Any]) -> None:
    queue = {**QUEUE, "Properties": {"QueueName": reference, "Tags": ["kept", reference]}}
    result = filter_template({"Resources": {"Pipe": PIPE, "Queue": queue}}, stack="s")
    assert result.template["Resources"]["Queue"]["Properties"] == {"Tags": ["kept"]}
    assert [item.what for item in result.left_out[1:]] == [
        "Resources/Queue/Properties/QueueName",
        "Resources/Queue/Properties/Tags",
    ]


def test_a_dependency_on_it_goes_but_others_stay() -> None:
    resources = {
        "Pipe": PIPE,
        "One": {**QUEUE, "DependsOn": "Pipe"},
        "Two": {**QUEUE, "DependsOn": ["Pipe", "One"]},
    }
    result = filtered(resources)["Resources"]
    assert "DependsOn" not in result["One"]
    assert result["Two"]["DependsOn"] == ["One"]


def test_an_alias_whose_deployments_are_left_out_keeps_no_half_of_an_update_policy() -> None:
    names = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": "Group"}}
    resources = {
        "Application": {"Type": "AWS::CodeDeploy::Application"},
        "Group": {"Type": "AWS::CodeDeploy::DeploymentGroup"},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"Name": "live"},
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": names},
        },
    }

    result = filter_template({"Resources": resources}, stack="s")

    assert result.template["Resources"] == {
        "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live"}}
    }
    assert result.left_out[-1].what == "Resources/Live/UpdatePolicy"


def test_an_output_of_it_goes() -> None:
    outputs = {"PipeArn": {"Value": {"Ref": "Pipe"}}, "Other": {"Value": "x"}}
    assert filtered({"Pipe": PIPE}, Outputs=outputs)["Outputs"] == {"Other": {"Value": "x"}}


def test_a_literal_that_looks_like_a_reference_stays() -> None:
    queue = {**QUEUE, "Properties": {"QueueName": {"Fn::Sub": "${!Pipe}"}, "Ref": "x", "Name": "Pipe"}}
    assert filtered({"Pipe": PIPE, "Queue": queue})["Resources"]["Queue"] == queue


def test_an_alarm_is_left_out_only_for_metric_math() -> None:
    plain = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    maths = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"Metrics": [{"Id": "r", "Expression": "a/b"}, {"Id": "a", "MetricStat": {}}]},
    }
    assert filtered({"Plain": plain, "Maths": maths})["Resources"] == {"Plain": plain}


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": ["q"], "PolicyDocument": document}}


DENY_PLAIN = {
    "Effect": "Deny",
    "Action": "sqs:*",
    "Principal": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
DENY_OTHERS = {
    "Effect": "Deny",
    "Action": "sqs:*",
    "Principal": "*",
    "Condition": {"StringNotEquals": {"aws:x": "y"}},
}


def test_a_denial_of_plain_http_is_left_out_and_every_other_statement_stays() -> None:
    result = filter_template({"Resources": {"P": _policy(DENY_PLAIN, DENY_OTHERS)}}, stack="s")
    assert result.template["Resources"] == {"P": _policy(DENY_OTHERS)}
    assert result.left_out[0].what == "statement of AWS::SQS::QueuePolicy P"


def test_a_policy_of_nothing_else_goes_as_a_whole_with_what_depends_on_it() -> None:
    resources = {"P": _policy(DENY_PLAIN), "Queue": {**QUEUE, "DependsOn": ["P"]}}
    assert filtered(resources)["Resources"] == {"Queue": QUEUE}


def test_a_denial_in_a_roles_policy_is_no_resource_policy_and_stays() -> None:
    role = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [DENY_PLAIN]}}}
    assert filtered({"R": role})["Resources"] == {"R": role}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8).filter(lambda k: k not in {"DependsOn", "Ref"}), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(properties=st.dictionaries(st.text(min_size=1, max_size=8), json_values, max_size=4))
def test_properties_that_refer_to_nothing_left_out_are_never_touched(properties: dict[str, Any]) -> None:
    kept = {"Type": "AWS::X::Y", "Properties": {f"p{key}": value for key, value in properties.items()}}
    assert filtered({"Pipe-": PIPE, "Kept": kept})["Resources"] == {"Kept": kept}


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.resource_type)
def test_the_list_holds_nothing_that_the_emulator_could_deploy(gap: Any) -> None:
    known = gap.resource_type in provisioners._RESOURCE_HANDLERS
    assert known == (gap.resource_type in RUNS_BUT_NOT_HERE)
    assert gap.reason
    assert gap.instead


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    root = tmp_path / "assembly"
    root.mkdir()
    template = {"Resources": {"Pipe": PIPE, "Queue": QUEUE}}
    (root / "A.template.json").write_text(json.dumps(template))
    destinations = {"here": {"bucketName": "b", "objectKey": "old.json"}}
    source = {"path": "A.template.json", "packaging": "file"}
    (root / "A.assets.json").write_text(
        json.dumps({"files": {"old": {"source": source, "destinations": destinations}}})
    )
    properties = {"templateFile": "A.template.json", "stackTemplateAssetObjectUrl": "s3://b/old.json"}
    stack = {"type": "aws:cloudformation:stack", "properties": {**properties, "stackName": "hasivu-a"}}
    (root / "manifest.json").write_text(json.dumps({"artifacts": {"A": stack}}))
    return root


def test_the_copy_is_deployed_from_a_key_of_its_own_and_the_original_stays(
    assembly: Path, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in assembly.iterdir()}
    (left_out,) = copy_for_emulator(assembly, tmp_path / "copy")
    assert left_out.stack == "hasivu-a"
    assert {path.name: path.read_bytes() for path in assembly.iterdir()} == before

    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    url = manifest["artifacts"]["A"]["properties"]["stackTemplateAssetObjectUrl"]
    assets = json.loads((tmp_path / "copy" / "A.assets.json").read_text())
    key = assets["files"]["old"]["destinations"]["here"]["objectKey"]
    assert url == f"s3://b/{key}"
    assert key != "old.json"
    template = json.loads((tmp_path / "copy" / "A.template.json").read_text())
    assert list(template["Resources"]) == ["Queue"]
