"""Intrinsics of a template, resolved with what the deployment made of it."""

from typing import Any

import pytest

from checks.sandbox.deployed import DeployedStack, Resolver, Unresolved

DATA = DeployedStack(
    name="data", template={}, physical_ids={}, outputs={"TableName": "hasivu-sandbox-payments"}
)
STACK = DeployedStack(
    name="app",
    template={
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Role": {"Type": "AWS::IAM::Role"}},
        "Parameters": {"Version": {"Type": "String", "Default": "7"}},
    },
    physical_ids={"Queue": "http://127.0.0.1:1/000000000000/jobs", "Role": "app-role"},
    outputs={},
    attributes={("Thing", "StreamArn"): "arn:stream"},
)
ACCOUNT = "000000000000"
RESOLVER = Resolver(STACK, {"app": STACK, "data": DATA}, "ap-south-1", ACCOUNT)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ({"Ref": "AWS::Region"}, "ap-south-1"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "Role"}, "app-role"),
        ({"Ref": "Version"}, "7"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:ap-south-1:000000000000:jobs"),
        ({"Fn::GetAtt": "Role.Arn"}, "arn:aws:iam::000000000000:role/app-role"),
        ({"Fn::GetAtt": ["Thing", "StreamArn"]}, "arn:stream"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Role"}]]}, "a/app-role"),
        ({"Fn::Sub": "${AWS::AccountId}:${!x}"}, "000000000000:${x}"),
        ({"Fn::Sub": "${Role.Arn}"}, "arn:aws:iam::000000000000:role/app-role"),
        ({"Fn::Sub": ["${n}-${Role}", {"n": {"Ref": "AWS::Region"}}]}, "ap-south-1-app-role"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::GetStackOutput": {"StackName": "data", "OutputName": "TableName"}}, "hasivu-sandbox-payments"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
    ],
)
def test_an_intrinsic_becomes_its_value(value: Any, expected: Any) -> None:
    assert RESOLVER.resolve(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Nobody"},
        {"Fn::GetAtt": ["Queue", "Colour"]},
        {"Fn::GetStackOutput": {"StackName": "data", "OutputName": "Nothing"}},
        {"Fn::Cidr": []},
    ],
)
def test_what_is_not_deployed_is_an_error_and_never_a_guess(value: Any) -> None:
    with pytest.raises(Unresolved, match=r"app: .+"):
        RESOLVER.resolve(value)
