"""Changes that weaken nothing: judged one by one, each with the reason why nobody would object."""

import re

_REASONS: dict[str, tuple[str, ...]] = {
    "words for people and names that nothing refers to": (
        r"(Description|\.Sid|\.Id|RuleName|SelectionName|BackupPlanName|BudgetName|AnalyzerName|PolicyName) ",
        r"AWS::Config::\w+ Name ",
        r"AWS::CloudTrail::Trail AdvancedEventSelectors\.Name ",
        r"AWS::WAFv2::\w+ (Name|Rules\.Name) ",
        r"Cognito::UserPool (\w+\.)?Email\w*Subject (anything|empty)$",
        r"EventSelectors\.Name |LifecycleConfiguration\.Rules\.Id |Targets\.Id ",
        r"(Email|Sms)\w*(Message|Subject) dropped$|VerificationMessageTemplate(\.\w+)? (dropped|empty)$",
    ),
    "tags of billing and of copies, and values of tags that only sort": (
        r"ResourceTags|RecoveryPointTags|Tags(\.Value)? (anything|empty|abroad)$",
        r"CloudWatch::\w+ Tags",
    ),
    "the default is the same value": (
        r"(ActionsEnabled|State|DesiredState|RecordingMode|IgnorePollAlarmFailure|DataTraceEnabled) dropped$",
        r"(MessageRetentionPeriod|PendingWindowInDays|StartWindowMinutes|CompletionWindowMinutes) dropped$",
        r"(ScheduleExpressionTimezone|BatchSize|MaxRetentionDays|GenerateSecret) dropped$",
        r"(AllowedOAuthFlowsUserPoolClient|Priority|TimeToLiveSpecification\.Enabled|Mode) dropped$",
        r"ConfigSnapshotDeliveryProperties|InputParameters|DatapointsToAlarm dropped$",
        r"(BeforeAllow|AfterAllow)|TemporaryPasswordValidityDays dropped$",
        r"x-amazon-apigateway-integration\.timeoutInMillis dropped$",
        r"request-validators\.nothing\.validateRequest(Body|Parameters) dropped$",
    ),
    "stricter, louder, narrower or refused: what is asked is asked all the more": (
        r"CloudWatch::\w+ (Threshold a thousandth|OKActions|Dimensions|Metrics.*Dimensions)",
        r"PendingWindowInDays thousandfold$",
        r"NotStartsWith",
        r"IAM::Policy PolicyDocument\.Statement(\.Action|\.Resource)? dropped$",
        r"KMS::Key KeyPolicy.*StringEquals\.aws:SourceArn dropped$",  # the account and the context stand
        r"kms:ViaService|kms:EncryptionContext|aws:SourceAccount (dropped|anything)$|Condition\.ArnLike",
        r"Condition\.StringEquals (dropped|empty)$|s3:x-amz-acl|aws:SourceArn anything$",
        r"Policy PolicyDocument\.Statement\.(Action|Resource) (anything|a stranger's)$",
        r"KeyPolicy\.Statement\.Action anything$",
        r"ResourcePolicy\.PolicyDocument\.Statement\.Resource anything$",
        r"ReadAttributes dropped$|WriteAttributes dropped$|CorsRules|CorsConfiguration",
        r"BudgetLimit\.Amount a thousandth$",
        r"authorizerResultTtlInSeconds a thousandth$",
        r"request-validators\.nothing\.validateRequestParameters turned$",
    ),
    "what it costs, or how it looks": (
        r"MoveToColdStorageAfterDays|Transitions|MetricTransformations\.(Unit|DefaultValue)",
        r"BatchSize (thousandfold|a thousandth)$|Compatible(Architectures|Runtimes)",
        r"WAFv2::WebACL Rules\.(Action\.Block(\.CustomResponse| empty)|VisibilityConfig\.MetricName)",
        r"WAFv2::WebACL Rules\.(.*\.)?Priority (thousandfold|a thousandth)$",
        r"WAFv2::WebACL Rules.*(RuleActionOverrides (dropped|empty)|EvaluationWindowSec dropped)$",
        r"InputTransformer|Dashboard |StringAttributeConstraints|ExcludePunctuation",
    ),
    "the only one of its kind, whichever number it has": (r"RecoveryMechanisms\.Priority (a |thousand)",),
    "an alias that only people use": (r"AWS::KMS::Alias  ?gone$",),
    "refused by CloudFormation or cfn-lint, which the gate runs as well": (
        r"AWS::WAFv2::IPSet IPAddressVersion|RedactedFields\.QueryString|ComputePlatform",
        r"AttributeType|MetricStat dropped$|DestinationArn empty$",
    ),
    "what a preflight or an answer of the contract says in words": (
        r"ApiGateway::RestApi Body\.(info|components\.responses)",
        r"ApiGateway::RestApi Body\.paths\..*(responses|summary|operationId|tags|passthroughBehavior)",
        r"ApiGateway::RestApi Body\.openapi",
    ),
}
_NEUTRAL = [re.compile(pattern) for patterns in _REASONS.values() for pattern in patterns]


def is_neutral(species: str) -> bool:
    """Whether nobody would object to a change of this species."""
    return any(pattern.search(species) for pattern in _NEUTRAL)
