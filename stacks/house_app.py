"""The CDK app with the feature flags of ``cdk.json``, however it is started."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App

ROOT = Path(__file__).resolve().parent.parent
"""The project's root."""


class HouseApp(App):
    """An app whose flags come from ``cdk.json`` also without the CDK CLI; what the CLI passes comes on top.

    ``context`` adds to the flags; ``output`` is the directory of the assembly, otherwise the CLI's choice.
    """

    def __init__(self, *, context: Mapping[str, str] | None = None, output: Path | None = None) -> None:
        flags: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
        super().__init__(context=flags | dict(context or {}), outdir=None if output is None else str(output))

    def asked(self, name: str) -> str | None:
        """The context value ``name`` as text; None where it is not given."""
        value = self.node.try_get_context(name)
        return None if value is None else str(value)
