"""From running services to a deployed platform: synth, bootstrap, deploy, and what has to follow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import boto3

from checks.errors import ExitCode, HasivuError
from checks.progress import Reporter
from checks.sandbox import (
    assembly,
    cloud,
    deployed,
    deployment,
    dropped_properties,
    emulator,
    pipes,
    preflights,
    rotations,
    secret_values,
    simulators,
    synthesis,
)
from checks.sandbox.deployed import DeployedStack
from checks.sandbox.layout import Layout
from checks.sandbox.secret_values import SecretValues
from checks.sandbox.state import Endpoints, SandboxState
from stacks.environment_file import load_environment

ENVIRONMENT = "sandbox"

_NAMED_MAX = 5
"""Of more resources of one kind that are left out, only the number is said."""


def phone_number_id(repository: Path) -> str:
    """The WhatsApp number of the sandbox environment, which the simulator has to play."""
    directory, today = repository / "environments", datetime.now(UTC).date()
    return load_environment(ENVIRONMENT, directory=directory, today=today).whatsapp.phone_number_id


def install(layout: Layout, values: SecretValues, *, repository: Path, reporter: Reporter) -> Endpoints:
    """Deploy what is not deployed yet and connect everything; needs the services running."""
    endpoint_url = SandboxState.read(layout.state).url_of(emulator.NAME)
    session = cloud.session(endpoint_url, layout.aws_config)
    _synthesise_and_bootstrap(layout, session, repository=repository, reporter=reporter)
    _deploy(layout, session, repository=repository, reporter=reporter)
    stacks = deployed.read_stacks(layout.assembly, session.client("cloudformation"))
    with reporter.step("set what the emulator's CloudFormation drops, the secrets and the webhooks"):
        settings = dropped_properties.plan(stacks, region=emulator.REGION, account=emulator.ACCOUNT)
        before = SandboxState.read(layout.state).applied
        _remember(layout, applied=dropped_properties.apply(settings, before, session))
        rotations.schedule(rotations.schedules_of(stacks), session.client("secretsmanager"))
        preflights.answer(stacks, session.client("apigateway"))
        secret_values.put(values, session.client("secretsmanager"), environment=ENVIRONMENT)
        pipes.run(layout, stacks, endpoint_url)
        endpoints = _endpoints(stacks, SandboxState.read(layout.state))
        _remember(layout, endpoints=endpoints)
        for simulator in simulators.simulators(values, phone_number_id=phone_number_id(repository)):
            url = SandboxState.read(layout.state).url_of(simulator.name)
            simulators.set_webhook(simulator, url, api_url=endpoints.api_url)
    return endpoints


def _synthesise_and_bootstrap(
    layout: Layout, session: boto3.Session, *, repository: Path, reporter: Reporter
) -> None:
    """Both at once: the one computes, the other mostly waits."""
    state = SandboxState.read(layout.state)
    context = {
        "razorpay_base_url": state.url_of("razorpay"),
        "whatsapp_base_url": state.url_of("whatsapp"),
    }
    wanted = synthesis.fingerprint(context, repository=repository)

    def synthesise() -> None:
        if state.synthesised_from == wanted and (layout.assembly / "manifest.json").is_file():
            return
        with reporter.step("synthesise the stacks"):
            shutil.rmtree(layout.assembly, ignore_errors=True)
            synthesis.synthesise(ENVIRONMENT, context, repository=repository, into=layout.assembly)

    def bootstrap() -> None:
        client = session.client("cloudformation")
        if deployment.is_bootstrapped(client):
            return
        with reporter.step("bootstrap the emulator for the CDK"):
            deployment.bootstrap(
                state.url_of(emulator.NAME), repository=repository, log=layout.log_of("bootstrap")
            )

    with ThreadPoolExecutor() as pool:
        for running in [pool.submit(synthesise), pool.submit(bootstrap)]:
            running.result()
    _remember(layout, synthesised_from=wanted)


def _deploy(layout: Layout, session: boto3.Session, *, repository: Path, reporter: Reporter) -> None:
    state = SandboxState.read(layout.state)
    client = session.client("cloudformation")
    manifest = json.loads((layout.assembly / "manifest.json").read_text(encoding="utf-8"))
    names = [name for name, _ in assembly.stack_artifacts(manifest)]
    all_there = all(deployed.is_deployed(name, client) for name in names)
    if all_there and state.deployed_from == state.synthesised_from:
        return
    left_out = assembly.copy_for_emulator(layout.assembly, layout.emulator_assembly)
    _say_what_is_left_out(left_out, reporter)
    with reporter.step(f"deploy {len(names)} stacks"):
        deployment.deploy(
            layout.emulator_assembly,
            state.url_of(emulator.NAME),
            repository=repository,
            log=layout.log_of("deploy"),
        )
    _remember(layout, deployed_from=state.synthesised_from)


def _say_what_is_left_out(left_out: list[assembly.LeftOut], reporter: Reporter) -> None:
    by_reason: dict[str, dict[tuple[str, str], list[str]]] = {}
    for item in left_out:
        kind, _, name = item.what.rpartition(" ")
        by_reason.setdefault(item.reason, {}).setdefault((kind, item.stack), []).append(name)
    for reason, groups in by_reason.items():
        reporter.say(f"left out of the sandbox, because {reason}:")
        for (kind, stack), names in groups.items():
            if len(names) > _NAMED_MAX:
                reporter.say(f"  {len(names)} × {kind} ({stack})")
                continue
            for name in names:
                reporter.say(f"  {f'{kind} {name}'.lstrip()} ({stack})")


def _endpoints(stacks: Mapping[str, DeployedStack], state: SandboxState) -> Endpoints:
    outputs = {key: value for stack in stacks.values() for key, value in stack.outputs.items()}
    endpoint_url = state.url_of(emulator.NAME)
    return Endpoints(
        aws_endpoint_url=endpoint_url,
        region=emulator.REGION,
        account=emulator.ACCOUNT,
        api_url=f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{_stage_name(stacks)}",
        razorpay_url=state.url_of("razorpay"),
        whatsapp_url=state.url_of("whatsapp"),
        user_pool_id=outputs["UserPoolId"],
        user_pool_client_id=outputs["UserPoolClientId"],
    )


def _stage_name(stacks: Mapping[str, DeployedStack]) -> str:
    for stack in stacks.values():
        for resource in stack.template.get("Resources", {}).values():
            if resource.get("Type") == "AWS::ApiGateway::Stage":
                name: str = resource["Properties"]["StageName"]
                return name
    raise HasivuError(
        "API_MISSING",
        "No stack of the sandbox has a stage of an API.",
        next_step="look for AWS::ApiGateway::Stage in what `hasivu synth --env sandbox` writes",
        exit_code=ExitCode.SANDBOX,
    )


def _remember(layout: Layout, **changes: object) -> None:
    SandboxState.read(layout.state).model_copy(update=changes).write(layout.state)
