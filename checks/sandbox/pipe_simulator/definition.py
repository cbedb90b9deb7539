"""A pipe as its template defines it (AWS::Pipes::Pipe), read into what the simulator needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from checks.errors import ExitCode, HasivuError
from checks.sandbox.deployed import DeployedStack, Resolver

TYPE = "AWS::Pipes::Pipe"

# The defaults of the resource type, where the template says nothing.
_DEFAULT_BATCH = 100
_FOREVER = -1


class PipeDefinition(BaseModel):
    """One pipe from a DynamoDB stream to an event bus. `-1` retries and `-1` seconds mean without end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arn: str
    role_arn: str
    stream_arn: str
    bus_arn: str
    starting_position: Literal["TRIM_HORIZON", "LATEST"]
    batch_size: int = Field(ge=1, le=10_000)
    retries_max: int = Field(ge=-1)
    record_age_max_s: int = Field(ge=-1)
    dead_letter_queue_arn: str | None
    filters: tuple[dict[str, Any], ...]
    source: str
    detail_type: str
    input_template: str | None


_FILE = TypeAdapter(tuple[PipeDefinition, ...])


def read(path: Path) -> tuple[PipeDefinition, ...]:
    return _FILE.validate_json(path.read_bytes())


def written(definitions: tuple[PipeDefinition, ...]) -> bytes:
    return _FILE.dump_json(definitions, indent=2)


def pipes_of(stacks: Mapping[str, DeployedStack], *, region: str, account: str) -> tuple[PipeDefinition, ...]:
    """Every running pipe in the templates of the deployed stacks. Error: `PIPE_UNSUPPORTED`."""
    found = []
    for stack in stacks.values():
        for logical_id, resource in stack.template.get("Resources", {}).items():
            properties = resource.get("Properties", {})
            if resource.get("Type") != TYPE or properties.get("DesiredState", "RUNNING") != "RUNNING":
                continue
            resolved = Resolver(stack, stacks, region, account).resolve(properties)
            name = resolved.get("Name", f"{stack.name}-{logical_id}")
            found.append(_definition(name, f"arn:aws:pipes:{region}:{account}:pipe/{name}", resolved))
    return tuple(found)


def _definition(name: str, arn: str, properties: Mapping[str, Any]) -> PipeDefinition:
    source_parameters = properties.get("SourceParameters", {})
    target_parameters = properties.get("TargetParameters", {})
    stream = source_parameters.get("DynamoDBStreamParameters")
    bus = target_parameters.get("EventBridgeEventBusParameters")
    if stream is None or bus is None or "Enrichment" in properties:
        raise HasivuError(
            "PIPE_UNSUPPORTED",
            f"The pipe {name} is not one from a DynamoDB stream to an event bus without enrichment.",
            next_step="teach checks/sandbox/pipe_simulator this source or target",
            exit_code=ExitCode.SANDBOX,
        )
    criteria = source_parameters.get("FilterCriteria", {}).get("Filters", [])
    return PipeDefinition(
        name=name,
        arn=arn,
        role_arn=properties["RoleArn"],
        stream_arn=properties["Source"],
        bus_arn=properties["Target"],
        starting_position=stream["StartingPosition"],
        batch_size=stream.get("BatchSize", _DEFAULT_BATCH),
        retries_max=stream.get("MaximumRetryAttempts", _FOREVER),
        record_age_max_s=stream.get("MaximumRecordAgeInSeconds", _FOREVER),
        dead_letter_queue_arn=stream.get("DeadLetterConfig", {}).get("Arn"),
        filters=tuple(json.loads(item["Pattern"]) for item in criteria),
        source=bus.get("Source", f"Pipe {name}"),
        detail_type=bus.get("DetailType", "Event from aws:dynamodb"),
        input_template=target_parameters.get("InputTemplate"),
    )
