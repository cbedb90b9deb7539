"""Where a sandbox keeps its things: one folder per sandbox, nothing anywhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from checks.toolchain import REPOSITORY

DIRECTORY_VARIABLE = "HASIVU_SANDBOX_DIR"


def default_directory() -> Path:
    """`HASIVU_SANDBOX_DIR`, or `.sandbox` in the checkout."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or REPOSITORY / ".sandbox").resolve()


@dataclass(frozen=True)
class Layout:
    """The places inside one sandbox folder."""

    directory: Path

    @property
    def lock(self) -> Path:
        return self.directory / "sandbox.lock"

    @property
    def state(self) -> Path:
        return self.directory / "state.json"

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets.json"

    @property
    def assembly(self) -> Path:
        """What `cdk synth` wrote, untouched."""
        return self.directory / "assembly"

    @property
    def emulator_assembly(self) -> Path:
        """The copy that is deployed: the assembly without what the emulator does not know."""
        return self.directory / "assembly-emulator"

    @property
    def aws_config(self) -> Path:
        """A configuration file for AWS tools that leads to this sandbox and nowhere else."""
        return self.directory / "aws-config"

    @property
    def pipes(self) -> Path:
        return self.directory / "pipes.json"

    def log_of(self, service: str) -> Path:
        return self.directory / "logs" / f"{service}.log"

    def data_of(self, service: str) -> Path:
        return self.directory / service

    def create(self) -> None:
        """Create the folder, readable by its owner only."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.directory / "logs").mkdir(exist_ok=True)
