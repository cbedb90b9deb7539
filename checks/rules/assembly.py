"""A synthesised assembly's folder, read as the estate that it would deploy."""

from __future__ import annotations

import json
import re
from pathlib import Path

from checks.rules.estate import Estate


def read_estate(folder: Path, *, environment: str) -> Estate:
    """The estate of the assembly in ``folder``. Raises FileNotFoundError, KeyError and ValueError."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stacks = {
        stack: artifact
        for stack, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    accounts = {
        found.group(1)
        for artifact in stacks.values()
        if (found := re.match(r"aws://(\d{12})/", artifact.get("environment", "")))
    }
    return Estate(
        {
            stack: json.loads((folder / artifact["properties"]["templateFile"]).read_text(encoding="utf-8"))
            for stack, artifact in stacks.items()
        },
        environment=environment,
        stack_names={stack: artifact["properties"]["stackName"] for stack, artifact in stacks.items()},
        termination_protection={
            stack: bool(artifact["properties"].get("terminationProtection"))
            for stack, artifact in stacks.items()
        },
        account=accounts.pop() if len(accounts) == 1 else None,
    )
