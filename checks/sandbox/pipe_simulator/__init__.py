"""Runs the EventBridge Pipes of the synthesised templates, which the emulator deploys but cannot run.

Each pipe runs from its own resource in the template (filter, target parameters, input template, retries,
dead letters) and with credentials of its own role, so that the role's least privilege is proved as well.
Sources: DynamoDB streams. Targets: event buses. Anything else is refused.
"""

NAME = "pipes"
"""The service's name in the sandbox's state and logs."""

MODULE = "checks.sandbox.pipe_simulator"
