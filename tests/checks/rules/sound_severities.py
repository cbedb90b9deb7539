"""The alarms of the sound estate that each section of the runbooks asks for, and who is told of tickets."""

from checks.rules.severities import BURNS, ERROR_BUDGET, decided
from tests.checks.rules.building import Body, alarm, describe, ref, resource

TOPICS = {"page": "AlarmTopic", "ticket": "TicketTopic"}


def severities() -> dict[str, Body]:
    """An alarm of each severity of each section, and four pairs of windows on the error budget."""
    found: dict[str, Body] = {
        "TicketReader": resource(
            "AWS::SNS::Subscription",
            {"TopicArn": ref("TicketTopic"), "Protocol": "email", "Endpoint": "platform@hasivu.example"},
            tags=False,
        )
    }
    for number, (section, severities) in enumerate(decided().items()):
        for severity in sorted(severities):
            body = alarm("HASIVU/prod", "PaymentConflicted", "Sum", 1)
            found[f"Section{number}{severity.title()}"] = _as(body, severity, section)
    for severity, least in BURNS.items():
        for number in range(least):
            windows = ["", ['ALARM("', ref("ApiFaults"), '") AND ALARM("', ref("ApiLatency"), '")']]
            body = resource(
                "AWS::CloudWatch::CompositeAlarm",
                {"ActionsEnabled": True, "AlarmRule": {"Fn::Join": windows}},
            )
            found[f"Burn{severity.title()}{number}"] = _as(body, severity, ERROR_BUDGET)
    return found


def _as(body: Body, severity: str, section: str) -> Body:
    body["Properties"] |= {
        "AlarmActions": [ref(TOPICS[severity])],
        "AlarmDescription": describe(severity=severity, section=section),
    }
    return body
