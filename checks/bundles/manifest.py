"""What was built: one entry per bundle, written to build/lambda/manifest.json."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

LIMIT_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a function and its layers, unzipped (AWS Lambda quotas, "Deployment package size")."""

BUDGET_BYTES = {"layers": 32 * 1024 * 1024, "functions": 2 * 1024 * 1024}
"""Our own budget for one bundle of each kind: an unintended dependency shows long before Lambda's limit."""


class Bundle(BaseModel):
    """One built directory. `key` says what it was built from: the same key never builds twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["layers", "functions"]
    name: str
    target: str | None
    path: str
    key: str
    sha256: str
    size_bytes: int


class Manifest(BaseModel):
    """All bundles by their path below build/lambda."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundles: dict[str, Bundle]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest at `path`; an absent or unreadable one is an empty one, so that all is built again."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return cls(bundles={})

    def write(self, path: Path) -> None:
        """Write sorted and by rename, so that two builds of the same thing give the same bytes."""
        ordered = Manifest(bundles=dict(sorted(self.bundles.items())))
        staged = path.with_suffix(".partial")
        staged.write_text(ordered.model_dump_json(indent=2) + "\n", encoding="utf-8")
        staged.replace(path)

    def over_budget(self) -> list[str]:
        """What is too big, in words; empty if all is well. A function counts with every layer of a target."""
        problems = [
            f"{bundle.path} has {bundle.size_bytes:,} bytes, its budget is {BUDGET_BYTES[bundle.kind]:,}"
            for bundle in self.bundles.values()
            if bundle.size_bytes > BUDGET_BYTES[bundle.kind]
        ]
        for target, layers_bytes in self.layers_bytes_by_target().items():
            largest = max((b.size_bytes for b in self.bundles.values() if b.kind == "functions"), default=0)
            if layers_bytes + largest >= LIMIT_BYTES:
                problems.append(
                    f"the largest function with all {target} layers has {layers_bytes + largest:,} bytes"
                )
        return problems

    def layers_bytes_by_target(self) -> dict[str, int]:
        """The unzipped size of all layers of each target together."""
        totals: dict[str, int] = {}
        for bundle in self.bundles.values():
            if bundle.target is not None:
                totals[bundle.target] = totals.get(bundle.target, 0) + bundle.size_bytes
        return totals
