"""What the environment's file decides: a template that says something else was made by somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.firewall import environment_document
from checks.rules.functions import short_name
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.storage import BUCKET
from runtime.platform.currencies import BOOKS_CURRENCY
from runtime.platform.settings import SETTINGS_BY_FUNCTION

PARAMETERS = {
    "razorpay/base-url": ("razorpay", "base_url"),
    "whatsapp/base-url": ("whatsapp", "base_url"),
    "whatsapp/phone-number-id": ("whatsapp", "phone_number_id"),
    "mail/sender": ("mail", "sender"),
}
"""Parameters of the runtime by the end of their names, with where the file decides them."""

PLANS = {"apps": "people", "back-offices": "back_office"}
FLOODS = {
    "requests": "requests_max",
    "payments": "payment_requests_max",
    "sign-in": "sign_in_requests_max",
}
"""Rate limits of the firewall, by the name of their rule."""

Decided = tuple[Resource, str, Any]
"""A property with the value that was decided for it."""


@rule(
    "HASIVU-GOV-10",
    "SOX CM-3",
    "PCI DSS 2.2.1",
    environments=DEPLOYED,
    remedy="Change environments/{env}.toml, where it is decided and reviewed; the template follows.",
)
def the_file_of_the_environment_decides(estate: Estate) -> Iterator[Breach]:
    """Limits, retention, addresses, prices and listeners are those that the environment's file decides."""
    document = environment_document(estate.environment)
    for part in (_of_the_runtime, _of_the_api, _of_the_keepers):
        for resource, path, expected in part(estate, document):
            found = resource.get(path)
            if found != expected or isinstance(found, bool) is not isinstance(expected, bool):
                yield at(resource, path)


def _of_the_runtime(estate: Estate, document: Mapping[str, Any]) -> Iterator[Decided]:
    for parameter in estate.of("AWS::SSM::Parameter"):
        for end, (section, name) in PARAMETERS.items():
            if str(parameter.get("Name")).endswith(f"/{end}"):
                yield parameter, "Value", document[section][name]
    called = _called_by_browsers(estate)
    for function in estate.of("AWS::Lambda::Function"):
        name = short_name(estate, function)
        if name in called or function.get("Environment.Variables.ALLOWED_ORIGINS") is not None:
            yield function, "Environment.Variables.ALLOWED_ORIGINS", ",".join(document["web"]["origins"])
        declared = getattr(SETTINGS_BY_FUNCTION.get(name), "model_fields", {})
        said = function.get("Environment.Variables.PRESENTMENT_CURRENCIES") is not None
        if said or "presentment_currencies" in declared:
            # Not a word in the file is rupees alone: another currency is somebody's decision (RBI, FEMA).
            asked_in = document["razorpay"].get("presentment_currencies", [BOOKS_CURRENCY])
            yield function, "Environment.Variables.PRESENTMENT_CURRENCIES", ",".join(asked_in)
    for bucket in estate.of(BUCKET):
        for index, _ in enumerate(bucket.items("CorsConfiguration.CorsRules")):
            yield bucket, f"CorsConfiguration.CorsRules.{index}.AllowedOrigins", document["web"]["origins"]
    if document["capacity"]["mode"] == "on_demand":
        for table in estate.of("AWS::DynamoDB::Table"):
            if table.get("BillingMode") == "PAY_PER_REQUEST":
                for units in ("Read", "Write"):
                    ceiling = document["capacity"][f"{units.lower()}_units_max"]
                    yield table, f"OnDemandThroughput.Max{units}RequestUnits", ceiling


def _called_by_browsers(estate: Estate) -> set[str]:
    """The functions behind operations of the contract that ask who calls, or that tell of health."""
    operations = [
        operation
        for methods in estate.contract["paths"].values()
        for operation in methods.values()
        if isinstance(operation, Mapping)
    ]
    return {str(item.get("x-hasivu-function")) for item in operations if item.get("security")} - {"None"}


def _of_the_api(estate: Estate, document: Mapping[str, Any]) -> Iterator[Decided]:
    api = document["api"]
    for stage in estate.of("AWS::ApiGateway::Stage"):
        for index, _ in enumerate(stage.items("MethodSettings")):
            yield stage, f"MethodSettings.{index}.ThrottlingRateLimit", api["rate_per_s"]
            yield stage, f"MethodSettings.{index}.ThrottlingBurstLimit", api["burst"]
    for plan in estate.of("AWS::ApiGateway::UsagePlan"):
        callers = PLANS.get(str(plan.get("UsagePlanName")).removeprefix(f"hasivu-{estate.environment}-"))
        if callers is not None:
            yield plan, "Throttle.RateLimit", api[f"{callers}_rate_per_s"]
            yield plan, "Throttle.BurstLimit", api[f"{callers}_burst"]
        daily = api["back_office_daily_quota"]
        if callers is None:
            yield plan, "UsagePlanName", f"one of {', '.join(PLANS)}"
        yield plan, "Quota", {"Limit": daily, "Period": "DAY"} if callers == "back_office" else None
    for domain in estate.of("AWS::ApiGateway::DomainName"):
        yield domain, "DomainName", (document.get("domain") or {}).get("name")
    for acl in estate.of("AWS::WAFv2::WebACL"):
        for index, item in enumerate(acl.items("Rules")):
            limit = FLOODS.get(str(item.get("Name")))
            if limit is not None:
                yield acl, f"Rules.{index}.Statement.RateBasedStatement.Limit", document["firewall"][limit]


def _of_the_keepers(estate: Estate, document: Mapping[str, Any]) -> Iterator[Decided]:
    for group in estate.of("AWS::Logs::LogGroup"):
        yield group, "RetentionInDays", document["logs"]["retention_days"]
    for budget in estate.of("AWS::Budgets::Budget"):
        yield budget, "Budget.BudgetLimit.Amount", document["budget"]["monthly_usd"]
        for index, item in enumerate(budget.items("NotificationsWithSubscribers")):
            for number, _ in enumerate(item.get("Subscribers") or []):
                path = f"NotificationsWithSubscribers.{index}.Subscribers.{number}.Address"
                yield budget, path, document["alarms"]["ticket"]
    for subscription in estate.of("AWS::SNS::Subscription"):
        topic = estate.target(subscription.get("TopicArn"), subscription.stack)
        severity = str(topic.get("TopicName") if topic else "").rpartition("-alarms-")[2]
        if subscription.get("Protocol") == "email" and severity in document["alarms"]:
            yield subscription, "Endpoint", document["alarms"][severity]
    kept = sorted(
        days
        for name in ("retention_days", "monthly_retention_days")
        if (days := document["backup"].get(name)) is not None
    )
    for plan in estate.of("AWS::Backup::BackupPlan"):
        rules = plan.items("BackupPlan.BackupPlanRule")
        for index, days in enumerate(kept):
            yield plan, f"BackupPlan.BackupPlanRule.{index}.Lifecycle.DeleteAfterDays", days
        if len(rules) > len(kept):
            yield plan, "BackupPlan.BackupPlanRule", rules[: len(kept)]
