"""The pipe simulator as a child of the sandbox."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from checks.sandbox import cloud, emulator, pipe_simulator, process
from checks.sandbox.deployed import DeployedStack
from checks.sandbox.layout import Layout
from checks.sandbox.pipe_simulator import definition
from checks.sandbox.state import SandboxState
from checks.toolchain import tool_environment

_GRACE_S = 5.0


def run(layout: Layout, stacks: Mapping[str, DeployedStack], endpoint_url: str) -> None:
    """Have the simulator run exactly the pipes of the templates: started, restarted or left as it is."""
    pipes = definition.pipes_of(stacks, region=emulator.REGION, account=emulator.ACCOUNT)
    wanted = definition.written(pipes)
    as_before = layout.pipes.exists() and layout.pipes.read_bytes() == wanted
    state = SandboxState.read(layout.state)
    record = state.services.get(pipe_simulator.NAME)
    if record is not None and as_before and process.is_running(record):
        return
    if record is not None:
        process.stop(record, grace_s=_GRACE_S)
    layout.pipes.write_bytes(wanted)
    checkpoints = layout.data_of(pipe_simulator.NAME)
    checkpoints.mkdir(exist_ok=True)
    arguments = (
        "--pipes",
        str(layout.pipes),
        "--endpoint-url",
        endpoint_url,
        "--checkpoints",
        str(checkpoints),
    )
    started = process.start(
        [sys.executable, "-P", "-m", pipe_simulator.MODULE, *arguments],
        environment=cloud.without_aws(tool_environment()),
        log=layout.log_of(pipe_simulator.NAME),
        marker=f"-m {pipe_simulator.MODULE}",
    )
    state.with_service(pipe_simulator.NAME, started).write(layout.state)
