"""The web ACLs of the sound estate, written out by hand."""

import json
from typing import Any

from tests.checks.rules.building import TAGS, Body

REFUSED = {
    "type": "urn:hasivu:problem:firewall-refused",
    "title": "Refused",
    "status": 403,
    "detail": "It looks like an attack.",
    "code": "firewall-refused",
    "next_step": "Tell us.",
}
LATER = REFUSED | {"status": 429, "code": "throttled"}
SENT, PLAIN = ("NONE",), ("URL_DECODE", "NORMALIZE_PATH", "LOWERCASE")


def regex(expression: str, field: Body, *kinds: str) -> Body:
    transformations = [{"Priority": number, "Type": kind} for number, kind in enumerate(kinds)]
    return {
        "RegexMatchStatement": {
            "RegexString": expression,
            "FieldToMatch": field,
            "TextTransformations": transformations,
        }
    }


def path(expression: str, *kinds: str) -> Body:
    return regex(expression, {"UriPath": {}}, *kinds)


def no(statement: Body) -> Body:
    return {"NotStatement": {"Statement": statement}}


def both(*statements: Body) -> Body:
    return {"AndStatement": {"Statements": list(statements)}}


def either(*statements: Body) -> Body:
    return {"OrStatement": {"Statements": list(statements)}}


def rate(limit: int, only: Body | None = None) -> Body:
    statement: Body = {"Limit": limit, "AggregateKeyType": "IP", "EvaluationWindowSec": 300}
    return {"RateBasedStatement": statement | ({"ScopeDownStatement": only} if only else {})}


def larger(field: Body, size: int) -> Body:
    return {
        "SizeConstraintStatement": {
            "FieldToMatch": field,
            "ComparisonOperator": "GT",
            "Size": size,
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
        }
    }


RAZORPAY = {"IPSetReferenceStatement": {"Arn": {"Fn::GetAtt": ["Partners", "Arn"]}}}
EVENT = path("^(?:/live)?/v1/webhooks/(?:razorpay|whatsapp)$", *SENT)
OF_RAZORPAY = both(path("^(?:/live)?/v1/webhooks/razorpay$", *SENT), RAZORPAY)
HEALTH = both(regex("^GET$", {"Method": {}}, *SENT), path("^(?:/live)?/health$", *SENT))
ABROAD = no({"GeoMatchStatement": {"CountryCodes": ["IN"]}})
MONEY = both(
    regex("^(?:POST|PUT|PATCH|DELETE)$", {"Method": {}}, *SENT),
    path(
        "/v1/(?:instalment-plans|mandates|payment-links|payment-methods|payments|subscriptions)(?:/|$)",
        *PLAIN,
    ),
)
HEADERS = {"Headers": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": "MATCH"}}
SECRETS = (
    r"\.(?:initiateauth|respondtoauthchallenge|(?:confirm)?(?:forgotpassword|signup)|resendconfirmationcode"
    r"|changepassword|verif(?:ysoftwaretoken|yuserattribute))$"
)

API: dict[str, Body] = {
    "webhook-source": both(path("/webhooks/razorpay", *PLAIN), no(RAZORPAY)),
    "country": both(ABROAD, no(either(EVENT, HEALTH))),
    "requests": rate(5000, no(OF_RAZORPAY)),
    "payments": rate(300, MONEY),
    "body-size": both(larger({"Body": {"OversizeHandling": "MATCH"}}, 65_536), no(EVENT)),
    "target-size": either(larger({"UriPath": {}}, 1024), larger({"QueryString": {}}, 2048)),
    "header-size": larger(HEADERS, 8192),
}
GROUPS: dict[str, Body | None] = {
    "AmazonIpReputationList": no(OF_RAZORPAY),
    "AnonymousIpList": no(OF_RAZORPAY),
    "KnownBadInputsRuleSet": no(EVENT),
    "SQLiRuleSet": no(EVENT),
    "CommonRuleSet": no(EVENT),
}
SIGN_IN: dict[str, Body] = {
    "country": ABROAD,
    "requests": rate(5000),
    "sign-in": rate(100, regex(SECRETS, {"SingleHeader": {"Name": "x-amz-target"}}, "LOWERCASE")),
}


def seen(name: str) -> Body:
    return {"CloudWatchMetricsEnabled": True, "MetricName": name, "SampledRequestsEnabled": False}


def block(name: str) -> Body:
    later = name in {"requests", "payments"}
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "60"} if later else {})
    return {
        "Block": {
            "CustomResponse": {
                "ResponseCode": 429 if later else 403,
                "CustomResponseBodyKey": "throttled" if later else "refused",
                "ResponseHeaders": [{"Name": key, "Value": value} for key, value in headers.items()],
            }
        }
    }


def web_acl(name: str, rules: dict[str, Body], groups: dict[str, Body | None], **settings: Any) -> Body:
    listed: list[Body] = [
        {"Name": key, "Action": block(key) if settings else {"Block": {}}, "Statement": statement}
        for key, statement in rules.items()
    ]
    for key, only in groups.items():
        group: Body = {"VendorName": "AWS", "Name": f"AWSManagedRules{key}"}
        listed.append(
            {
                "Name": key,
                "OverrideAction": {"None": {}},
                "Statement": {
                    "ManagedRuleGroupStatement": group | ({"ScopeDownStatement": only} if only else {})
                },
            }
        )
    return {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": "REGIONAL",
            "DefaultAction": {"Allow": {}},
            "VisibilityConfig": seen(name),
            "Rules": [
                item | {"Priority": number, "VisibilityConfig": seen(item["Name"])}
                for number, item in enumerate(listed)
            ],
            "Tags": TAGS,
            **settings,
        },
    }


def log(name: str, key: Body) -> Body:
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": f"aws-waf-logs-{name}",
            "RetentionInDays": 731,
            "KmsKeyId": key,
            "Tags": TAGS,
        },
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


def logging(acl: str, group: str) -> Body:
    return {
        "Type": "AWS::WAFv2::LoggingConfiguration",
        "Properties": {
            "ResourceArn": {"Fn::GetAtt": [acl, "Arn"]},
            "LogDestinationConfigs": [
                {"Fn::Join": ["", ["arn:aws:logs:ap-south-1:1:log-group:", {"Ref": group}]]}
            ],
            "RedactedFields": [
                {"SingleHeader": {"Name": "authorization"}},
                {"SingleHeader": {"Name": "cookie"}},
                {"QueryString": {}},
            ],
            "LoggingFilter": {
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [
                            {"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")
                        ],
                    }
                ],
            },
        },
    }


def association(acl: str, target: Any) -> Body:
    return {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {"WebACLArn": {"Fn::GetAtt": [acl, "Arn"]}, "ResourceArn": target},
    }


STAGE = {"Fn::Join": ["", ["arn:aws:apigateway:ap-south-1::/restapis/", {"Ref": "Api"}, "/stages/live"]]}


def resources() -> dict[str, Body]:
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    said = {
        name: {"ContentType": "APPLICATION_JSON", "Content": json.dumps(document)}
        for name, document in (("refused", REFUSED), ("throttled", LATER))
    }
    inspected = {"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_64"}}}
    at_the_pool: dict[str, Body | None] = {"AmazonIpReputationList": None, "KnownBadInputsRuleSet": None}
    return {
        "Acl": web_acl("api", API, GROUPS, CustomResponseBodies=said, AssociationConfig=inspected),
        "Partners": {
            "Type": "AWS::WAFv2::IPSet",
            "Properties": {
                "Scope": "REGIONAL",
                "IPAddressVersion": "IPV4",
                "Addresses": ["18.96.225.0/26", "18.99.161.0/26"],
                "Tags": TAGS,
            },
        },
        "Association": association("Acl", STAGE),
        "AclLog": log("api", key),
        "AclLogging": logging("Acl", "AclLog"),
        "SignInAcl": web_acl("sign-in", SIGN_IN, at_the_pool),
        "SignInAssociation": association("SignInAcl", {"Fn::GetAtt": ["Pool", "Arn"]}),
        "SignInLog": log("sign-in", key),
        "SignInLogging": logging("SignInAcl", "SignInLog"),
    }
