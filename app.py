"""The CDK app: reads one environment, builds its stacks. No lookups, no network, no credentials.

Context (``-c name=value``):
    env                 sandbox (default), dev, staging or prod
    account             twelve digits that must be those of the environment file
    bundles             where the built Lambda bundles are; build/lambda unless given
    checks              "on" runs cdk-nag and the house rules (the gate asks for it; deploys need not)
    ignore_canary_alarms  why deployments go on although their alarms ring; for one day
    razorpay_base_url   address of the simulator; for the sandbox only
    whatsapp_base_url   the same
"""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from stacks.api import ApiStack
from stacks.api_contract import ContractInvalid, operations
from stacks.billing import BillingStack
from stacks.bundles import BUNDLES, BundleMissing, Bundles
from stacks.constructs.canary import IgnoredAlarms, IgnoringRefused
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.environment_file import EnvironmentRefused, load_environment
from stacks.firewall import FirewallStack
from stacks.governance import GovernanceStack
from stacks.house_app import ROOT, HouseApp
from stacks.identity import IdentityStack
from stacks.insights import InsightsStack
from stacks.invoicing import InvoicingStack
from stacks.messaging import MessagingStack
from stacks.observability import ObservabilityStack
from stacks.observability_estate import Estate
from stacks.payments import PaymentsStack
from stacks.platform import PlatformStack
from stacks.recovery import RecoveryCopyStack, RecoveryStack
from stacks.storage import StorageStack

SANDBOX_OVERRIDES = {
    "razorpay_base_url": "razorpay.base_url",
    "whatsapp_base_url": "whatsapp.base_url",
}


def build(
    app: HouseApp,
    *,
    today: date,
    contract_file: Path = ROOT / "runtime" / "openapi.json",
    environments: Path = ROOT / "environments",
) -> Environment:
    """Add the stacks of the environment that the context names to ``app``, as it counts on the day ``today``.

    ``environments`` holds the environments' files, ``contract_file`` the API's contract.
    Raises EnvironmentRefused, BundleMissing, ContractInvalid and IgnoringRefused.
    """
    ignoring = app.asked("ignore_canary_alarms")
    ignored = None if ignoring is None else IgnoredAlarms.because(ignoring, today=today)
    environment = load_environment(
        app.asked("env") or "sandbox",
        directory=environments,
        account=app.asked("account"),
        today=today,
        sandbox_overrides={
            key: value for name, key in SANDBOX_OVERRIDES.items() if (value := app.asked(name)) is not None
        },
    )
    bundles = Bundles(ROOT / (app.asked("bundles") or BUNDLES), environment.functions.bundle_target)
    contract = json.loads(contract_file.read_text(encoding="utf-8"))

    copy_region = environment.backup.copy_region
    recovery = RecoveryStack(
        app,
        "Recovery",
        environment=environment,
        copy=None
        if copy_region is None
        else RecoveryCopyStack(app, "RecoveryCopy", environment=environment, region=copy_region),
    )
    data = DataStack(app, "Data", environment=environment, recovery=recovery)
    storage = StorageStack(app, "Storage", environment=environment)
    messaging = MessagingStack(app, "Messaging", environment=environment)
    GovernanceStack(
        app,
        "Governance",
        environment=environment,
        data=data,
        storage=storage,
        messaging=messaging,
        recovery=recovery,
    )
    identity = IdentityStack(app, "Identity", environment=environment)
    payments = PaymentsStack(
        app,
        "Payments",
        environment=environment,
        bundles=bundles,
        data=data,
        messaging=messaging,
        storage=storage,
        identity=identity,
        canary_alarms_ignored=ignored,
    )
    areas = (
        payments,
        BillingStack(app, "Billing", environment=environment, bundles=bundles, data=data),
        InvoicingStack(app, "Invoicing", environment=environment, bundles=bundles, data=data),
        InsightsStack(app, "Insights", environment=environment, bundles=bundles, data=data),
    )
    platform = PlatformStack(
        app,
        "Platform",
        environment=environment,
        bundles=bundles,
        data=data,
        messaging=messaging,
        identity=identity,
        storage=storage,
        canary_alarms_ignored=ignored,
    )
    firewall = FirewallStack(
        app,
        "Firewall",
        environment=environment,
        operations=tuple(operations(contract)),
        identity=identity,
        log_key=data.log_key,
    )
    api = ApiStack(
        app,
        "Api",
        environment=environment,
        contract=contract,
        authorizer=platform.api_authorizer,
        functions={
            function.name: function
            for function in (
                *(function for area in areas for function in area.functions),
                platform.health_check,
                platform.notification_dispatcher,
            )
        },
        log_key=data.log_key,
        firewall=firewall.api_acl,
        app_client_id=identity.user_pool_client.user_pool_client_id,
    )
    ObservabilityStack(
        app,
        "Observability",
        environment=environment,
        estate=Estate.of(app),
        api=api.api,
        access_logs=api.access_logs,
        operations=[(operation.method, operation.path) for operation in api.operations],
        firewall=firewall.api_acl,
        topics=messaging.alarm_topics,
    )
    return environment


if __name__ == "__main__":
    cdk_app = HouseApp()
    try:
        deployed = build(cdk_app, today=datetime.now(UTC).date())
    except (EnvironmentRefused, BundleMissing, ContractInvalid, IgnoringRefused) as refusal:
        sys.exit(str(refusal))
    if (reason := cdk_app.asked("ignore_canary_alarms")) is not None:
        sys.stderr.write(f"{deployed.name}: deployments ignore their alarms: {reason}\n")
    if cdk_app.asked("checks") == "on":
        from checks.rules.packs import apply_checks

        apply_checks(cdk_app, environment=deployed.name)
    cdk_app.synth()
