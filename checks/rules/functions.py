"""Functions: what they run, how long, under which limits, and what they leave behind in logs and traces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.invocations import invocations, invoked_function
from checks.rules.rule import EVERYWHERE, PROD, SHIELDED, Breach, at, rule
from runtime.platform.settings import SETTINGS_BY_FUNCTION, presentment_faults

FUNCTION = "AWS::Lambda::Function"
RUNTIME = "python3.14"
API_TIMEOUT_S = 29
TIMEOUT_S_MAX = 900
BATCH_MAX = 100
LOG_LEVELS = {"prod": {"INFO", "WARNING"}, "staging": {"INFO", "WARNING", "DEBUG"}}


def short_name(estate: Estate, function: Resource) -> str:
    """``payments-advanced`` of ``hasivu-prod-payments-advanced``."""
    return str(function.get("FunctionName")).removeprefix(f"hasivu-{estate.environment}-")


@rule(
    "HASIVU-FN-1",
    "PCI DSS 6.3.3",
    "PCI DSS 2.2.6",
    remedy=f"Run {RUNTIME} from a zip on one architecture, and let AWS patch the runtime.",
)
def functions_run_the_supported_runtime(estate: Estate) -> Iterator[Breach]:
    """A function runs the supported runtime, patched by AWS."""
    for function in estate.of(FUNCTION):
        if function.get("Runtime") != RUNTIME:
            yield at(function, "Runtime")
        if function.get("RuntimeManagementConfig.UpdateRuntimeOn") not in {None, "Auto"}:
            yield at(function, "RuntimeManagementConfig.UpdateRuntimeOn")
        if function.get("PackageType") not in {None, "Zip"}:
            yield at(function, "PackageType")
        expected = {"sandbox": ({"x86_64"}, {"arm64"})}.get(estate.environment, ({"arm64"},))
        if set(function.items("Architectures")) not in expected:
            yield at(function, "Architectures")


@rule(
    "HASIVU-FN-2",
    "PCI DSS 6.3.2",
    "SOX CM-4",
    remedy="Deploy the built bundle from the bootstrap's asset bucket, and layers of the estate.",
)
def functions_run_our_code(estate: Estate) -> Iterator[Breach]:
    """A function runs the project's bundle and the project's layers, nothing written into the template."""
    bundles = Counter(str(function.get("Code.S3Key")) for function in estate.of(FUNCTION))
    for function in estate.of(FUNCTION):
        yield from _code_faults(estate, function, bundles)
        if not function.items("Layers"):
            yield at(function, "Layers")
        for index, layer in enumerate(function.items("Layers")):
            target = estate.target(layer, function.stack)
            if target is None or target.kind != "AWS::Lambda::LayerVersion":
                yield at(function, f"Layers.{index}")
        module = short_name(estate, function).replace("-", "_")
        if function.get("Handler") != f"runtime.functions.{module}.handler":
            yield at(function, "Handler")
        if function.get("FileSystemConfigs") is not None:
            yield at(function, "FileSystemConfigs")
    for layer in estate.of("AWS::Lambda::LayerVersion"):
        bucket = estate.text(layer.get("Content.S3Bucket"), layer.stack)
        if not re.fullmatch(r"cdk-[a-z0-9]+-assets-(<AWS::AccountId>|\d{12})-ap-south-[12]", bucket):
            yield at(layer, "Content.S3Bucket")
        if not re.fullmatch(r"[0-9a-f]{64}\.zip", str(layer.get("Content.S3Key"))):
            yield at(layer, "Content.S3Key")


def _code_faults(estate: Estate, function: Resource, bundles: Counter[str]) -> Iterator[Breach]:
    """What is wrong with where the function's code comes from."""
    if bundles[str(function.get("Code.S3Key"))] > 1:
        yield at(function, "Code.S3Key", shown="another function's bundle")
    bucket = estate.text(function.get("Code.S3Bucket"), function.stack)
    if not re.fullmatch(r"cdk-[a-z0-9]+-assets-(<AWS::AccountId>|\d{12})-ap-south-[12]", bucket):
        yield at(function, "Code")
    built = function.get("/Metadata.aws:asset:path")  # what the toolchain staged for this function
    if built is not None and f"{built}.zip" != f"asset.{function.get('Code.S3Key')}":
        yield at(function, "Code.S3Key", shown="not the bundle that was built for it")
    if not re.fullmatch(r"[0-9a-f]{64}\.zip", str(function.get("Code.S3Key"))):
        yield at(function, "Code.S3Key")


@rule(
    "HASIVU-FN-3",
    "PCI DSS 10.2.1",
    "PCI DSS 10.5.1",
    remedy="Give the function a log group of the estate, as JSON, down to INFO.",
)
def functions_log_into_their_own_group(estate: Estate) -> Iterator[Breach]:
    """A function logs, as JSON, into a log group of its own in the estate."""
    owners: dict[Resource, Resource] = {}
    for function in estate.of(FUNCTION):
        group = estate.target(function.get("LoggingConfig.LogGroup"), function.stack)
        if group is None or group.kind != "AWS::Logs::LogGroup":
            yield at(function, "LoggingConfig.LogGroup")
        elif owners.setdefault(group, function) != function:
            yield at(function, "LoggingConfig.LogGroup", shown=f"shared with {owners[group].logical_id}")
        if function.get("LoggingConfig.LogFormat") != "JSON":
            yield at(function, "LoggingConfig.LogFormat")
        for level in ("ApplicationLogLevel", "SystemLogLevel"):
            if function.get(f"LoggingConfig.{level}") not in {None, "INFO", "WARN"}:
                yield at(function, f"LoggingConfig.{level}")


@rule(
    "HASIVU-FN-4",
    "PCI DSS 10.2.1",
    remedy="Set TracingConfig.Mode to Active.",
)
def functions_are_traced(estate: Estate) -> Iterator[Breach]:
    """A function is traced."""
    for function in estate.of(FUNCTION):
        if function.get("TracingConfig.Mode") != "Active":
            yield at(function, "TracingConfig.Mode")


@rule(
    "HASIVU-FN-5",
    "GDPR 32(1)(b)",
    environments=EVERYWHERE,
    remedy="Reserve a share of the account's concurrency, more than none; nothing where a quota is missing.",
)
def functions_have_room_to_run(estate: Estate) -> Iterator[Breach]:
    """A function may run at all, and in production has its own share of the account's concurrency."""
    for function in estate.of(FUNCTION):
        reserved = function.get("ReservedConcurrentExecutions")
        missing = reserved is None and estate.environment in PROD
        if missing or (reserved is not None and not (isinstance(reserved, int) and 1 <= reserved <= 500)):
            yield at(function, "ReservedConcurrentExecutions")
        memory_mib = function.get("MemorySize")
        if not (isinstance(memory_mib, int) and 128 <= memory_mib <= 10_240):
            yield at(function, "MemorySize")


@rule(
    "HASIVU-FN-6",
    "PCI DSS 2.2.6",
    remedy=f"Give the function a timeout; behind the API at most {API_TIMEOUT_S} seconds.",
)
def functions_end_in_time(estate: Estate) -> Iterator[Breach]:
    """A function has a timeout that leaves its caller time to answer."""
    behind_the_api = {
        invoked_function(estate, item.value, item.caller.stack)
        for item in invocations(estate)
        if item.caller.kind.startswith("AWS::ApiGateway::")
    }
    for function in estate.of(FUNCTION):
        timeout_s = function.get("Timeout")
        limit_s = API_TIMEOUT_S if function in behind_the_api else TIMEOUT_S_MAX
        if not (isinstance(timeout_s, int) and 3 <= timeout_s <= limit_s):
            yield at(function, "Timeout")


@rule(
    "HASIVU-FN-7",
    "PCI DSS 2.2.2",
    "PCI DSS 8.6.2",
    remedy="Set exactly the variables of the function's settings model (runtime/platform/settings.py).",
)
def settings_are_exactly_those_of_the_model(estate: Estate) -> Iterator[Breach]:
    """A function's environment holds the variables of its settings model, and no others."""
    for function in estate.of(FUNCTION):
        model = SETTINGS_BY_FUNCTION.get(short_name(estate, function))
        if model is None:
            yield at(function, "FunctionName")
            continue
        variables = function.get("Environment.Variables") or {}
        known = {field.upper() for field in model.model_fields}
        required = {field.upper() for field, info in model.model_fields.items() if info.is_required()}
        for name in sorted(variables.keys() - known):
            yield at(function, f"Environment.Variables.{name}", shown="not a setting of the function")
        for name in sorted(required - variables.keys()):
            yield at(function, f"Environment.Variables.{name}", shown="missing")
        said = {"HASIVU_ENV": estate.environment, "POWERTOOLS_SERVICE_NAME": short_name(estate, function)}
        for name, value in said.items():
            if variables.get(name) != value:
                yield at(function, f"Environment.Variables.{name}")
        asked_in = variables.get("PRESENTMENT_CURRENCIES")
        if asked_in is not None and presentment_faults(str(asked_in).split(",")):
            yield at(function, "Environment.Variables.PRESENTMENT_CURRENCIES")


@rule(
    "HASIVU-FN-8",
    "PCI DSS 6.5.5/6.5.6",
    environments=SHIELDED,
    remedy="Log at INFO or WARNING; DEBUG writes what people sent, ERROR hides what happened.",
)
def functions_log_at_a_fit_level(estate: Estate) -> Iterator[Breach]:
    """A function logs at a level that shows what happened and not what people sent."""
    for function in estate.of(FUNCTION):
        level = function.get("Environment.Variables.POWERTOOLS_LOG_LEVEL")
        if level not in LOG_LEVELS[estate.environment]:
            yield at(function, "Environment.Variables.POWERTOOLS_LOG_LEVEL")


@rule(
    "HASIVU-FN-11",
    "SOX OP-4",
    remedy="Answer for each message of a batch on its own (ReportBatchItemFailures).",
)
def batches_are_answered_message_by_message(estate: Estate) -> Iterator[Breach]:
    """A function that reads a queue or stream answers for each message of a batch on its own."""
    for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
        if "ReportBatchItemFailures" not in mapping.items("FunctionResponseTypes"):
            yield at(mapping, "FunctionResponseTypes")


CONSUMERS_MIN = 5
"""How many batches of a queue are worked on at once, at least: with fewer a burst waits for an hour."""


@rule(
    "HASIVU-FN-12",
    "SOX OP-1",
    remedy="Enable the mapping, without a filter, with a batch and a concurrency that the function can bear.",
)
def queues_are_read(estate: Estate) -> Iterator[Breach]:
    """An event source mapping is enabled, reads everything, and no more at once than the function can do."""
    for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
        if mapping.get("Enabled") not in {None, True}:
            yield at(mapping, "Enabled")
        if mapping.get("FilterCriteria") is not None:
            yield at(mapping, "FilterCriteria")
        if not 1 <= int(mapping.properties.get("BatchSize", 10)) <= BATCH_MAX:
            yield at(mapping, "BatchSize")
        if int(mapping.get("MaximumBatchingWindowInSeconds") or 0) > 60:
            yield at(mapping, "MaximumBatchingWindowInSeconds")
        if not estate.ours(mapping, "EventSourceArn", "AWS::SQS::Queue", "AWS::DynamoDB::Table"):
            yield at(mapping, "EventSourceArn")
        yield from _fits(estate, mapping)


def _fits(estate: Estate, mapping: Resource) -> Iterator[Breach]:
    function = invoked_function(estate, mapping.get("FunctionName"), mapping.stack)
    if function is None:
        yield at(mapping, "FunctionName")
        return
    reserved = function.get("ReservedConcurrentExecutions")
    at_once = mapping.get("ScalingConfig.MaximumConcurrency")
    if isinstance(reserved, int) and not (isinstance(at_once, int) and CONSUMERS_MIN <= at_once <= reserved):
        yield at(mapping, "ScalingConfig.MaximumConcurrency")


@rule(
    "HASIVU-FN-13",
    "SOX OP-4",
    remedy="Remove RecursiveLoop, or set it to Terminate.",
)
def loops_are_ended(estate: Estate) -> Iterator[Breach]:
    """AWS ends a function that calls itself in a circle; asynchronous events are not thrown away."""
    for function in estate.of(FUNCTION):
        if function.get("RecursiveLoop") not in {None, "Terminate"}:
            yield at(function, "RecursiveLoop")
    for config in estate.of("AWS::Lambda::EventInvokeConfig"):
        if config.get("MaximumRetryAttempts") == 0 or (config.get("MaximumEventAgeInSeconds") or 3600) < 120:
            yield at(config, "MaximumRetryAttempts")


POINTS_AT = {
    "_TABLE": "AWS::DynamoDB::Table",
    "_SECRET_ARN": "AWS::SecretsManager::Secret",
    "_QUEUE_URL": "AWS::SQS::Queue",
    "_DLQ_URL": "AWS::SQS::Queue",
    "_PARAMETER": "AWS::SSM::Parameter",
    "_BUCKET": "AWS::S3::Bucket",
    "_KEY_ARN": "AWS::KMS::Key",
    "USER_POOL_ID": "AWS::Cognito::UserPool",
    "USER_POOL_CLIENT_ID": "AWS::Cognito::UserPoolClient",
}
"""What a setting refers to, by the end of its name."""

SANDBOX_ONLY = frozenset({"AWS_ENDPOINT_URL", "COGNITO_ISSUER_URL"})
"""Settings that lead a function elsewhere than to AWS."""


@rule(
    "HASIVU-FN-17",
    "PCI DSS 1.3.2",
    "PCI DSS 6.5.3",
    remedy="Let the setting refer to the resource of the estate that it names.",
)
def settings_refer_to_our_resources(estate: Estate) -> Iterator[Breach]:
    """A setting that names a table, secret, queue, parameter, key or pool refers to one of the estate."""
    for function in estate.of(FUNCTION):
        variables = function.get("Environment.Variables") or {}
        for name, value in variables.items():
            kind = next((kind for end, kind in POINTS_AT.items() if name.endswith(end)), None)
            target = estate.target(value, function.stack)
            if kind is not None and (target is None or target.kind != kind):
                yield at(function, f"Environment.Variables.{name}", shown="refers to none of the estate's")
            if name in SANDBOX_ONLY and value and estate.environment != "sandbox":
                yield at(function, f"Environment.Variables.{name}", shown="leads elsewhere than to AWS")
