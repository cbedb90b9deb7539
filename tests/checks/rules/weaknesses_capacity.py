"""Planted: tables that cannot grow, that grow without end, or that reach their end unseen."""

from typing import Any

from tests.checks.rules.planting import Weakness, computing, drop, named, put

TABLE, ALARM = "AWS::DynamoDB::Table", "AWS::CloudWatch::Alarm"
TARGET, POLICY = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
TRACKING = "TargetTrackingScalingPolicyConfiguration"
INDEX = "GlobalSecondaryIndexes.0.OnDemandThroughput"
OUTBOX, PAYMENTS = named("TableName", "outbox"), named("TableName", "prod-payments")


def ceiling(title: str, change: Any, where: Any = OUTBOX) -> Weakness:
    return Weakness("HASIVU-CAP-1", title, TABLE, change, where)


def scaled(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-CAP-2", title, TARGET, change)


def tracked(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-CAP-2", title, POLICY, change)


def warned(title: str, change: Any) -> Weakness:
    return Weakness(
        "HASIVU-CAP-3", title, ALARM, change, computing("ConsumedWriteCapacityUnits"), witness=TABLE
    )


def deaf(body: dict[str, Any]) -> None:
    """Hold what is consumed against a ceiling that the table does not have."""
    for query in body["Properties"]["Metrics"]:
        if "MAX" in str(query.get("Expression")):
            query["Expression"] = query["Expression"].replace(" / ", " / 10")


WEAKNESSES = (
    Weakness("HASIVU-DDB-10", "one unit and no more", TABLE, put("BillingMode", "PROVISIONED"), OUTBOX),
    Weakness("HASIVU-DDB-10", "reads do not scale", TARGET, gone=True, witness=TABLE),
    Weakness(
        "HASIVU-DDB-10", "another dimension scales", TARGET, put("ScalableDimension", "x"), witness=TABLE
    ),
    ceiling("no ceiling", drop("OnDemandThroughput")),
    ceiling("no ceiling for writes", drop("OnDemandThroughput.MaxWriteRequestUnits")),
    ceiling("as much as the account has", put("OnDemandThroughput.MaxWriteRequestUnits", 40_000)),
    ceiling("reads without end", put("OnDemandThroughput.MaxReadRequestUnits", -1)),
    ceiling("on demand up to ten", put("OnDemandThroughput.MaxWriteRequestUnits", 10)),
    ceiling("an index without ceiling", drop(INDEX), PAYMENTS),
    ceiling("an index up to 40,000", put(f"{INDEX}.MaxReadRequestUnits", 40_000), PAYMENTS),
    scaled("more at least than at most", put("MinCapacity", 9000)),
    scaled("nothing at least", put("MinCapacity", 0)),
    scaled("up to 40,000", put("MaxCapacity", 40_000)),
    scaled("scaling is suspended", put("SuspendedState", {"DynamicScalingOutSuspended": True})),
    tracked("up once a day", put(f"{TRACKING}.ScaleOutCooldown", 86_400)),
    tracked("never down", put(f"{TRACKING}.ScaleInCooldown", 86_400)),
    Weakness(
        "HASIVU-CAP-2",
        "paid for around the clock",
        TABLE,
        put("ProvisionedThroughput", {"ReadCapacityUnits": 40_000, "WriteCapacityUnits": 40_000}),
    ),
    Weakness("HASIVU-CAP-2", "no policy", POLICY, gone=True, witness=TARGET),
    tracked("never less again", put(f"{TRACKING}.DisableScaleIn", True)),
    tracked("only when it is full", put(f"{TRACKING}.TargetValue", 100)),
    tracked("by steps that nobody knows", put("PolicyType", "StepScaling")),
    tracked(
        "by what others use",
        put(f"{TRACKING}.PredefinedMetricSpecification.PredefinedMetricType", "ALBRequestCountPerTarget"),
    ),
    warned("held against another ceiling", deaf),
    Weakness(
        "HASIVU-CAP-3",
        "nobody is told",
        ALARM,
        gone=True,
        where=computing("ConsumedWriteCapacityUnits"),
        witness=TABLE,
    ),
)
