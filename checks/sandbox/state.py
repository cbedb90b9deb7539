"""What a sandbox remembers between commands: its ports, its children and what is deployed. No secrets."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from checks.errors import ExitCode, HasivuError


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceRecord(_Remembered):
    """A child that was started.

    `started_ticks` is the kernel's start time of the process: a pid alone may by now be somebody else's.
    """

    pid: int
    started_ticks: int
    marker: str
    url: str | None = None


class AppliedSetting(_Remembered):
    """A property that was set after deploy because the emulator's CloudFormation drops it."""

    resource_type: str
    physical_id: str
    property_name: str


class Endpoints(_Remembered):
    """Where everything is, for people, tests and the demo."""

    aws_endpoint_url: str
    region: str
    account: str
    api_url: str
    razorpay_url: str
    whatsapp_url: str
    user_pool_id: str
    user_pool_client_id: str


class SandboxState(_Remembered):
    """The content of state.json."""

    ports: dict[str, int] = {}
    services: dict[str, ServiceRecord] = {}
    synthesised_from: str | None = None
    deployed_from: str | None = None
    applied: tuple[AppliedSetting, ...] = ()
    endpoints: Endpoints | None = None

    @classmethod
    def read(cls, path: Path) -> SandboxState:
        """The state at `path`; an empty one where none is yet. Error: `STATE_UNREADABLE`."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            raise HasivuError(
                "STATE_UNREADABLE",
                f"{path} is not the state of a sandbox ({error.error_count()} problems).",
                next_step="run `hasivu sandbox reset` to start afresh",
                exit_code=ExitCode.SANDBOX,
            ) from error

    def write(self, path: Path) -> None:
        """Write by rename, so that a reader never sees half of it."""
        staged = path.with_suffix(".partial")
        staged.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        staged.replace(path)

    def with_service(self, name: str, record: ServiceRecord) -> SandboxState:
        return self.model_copy(update={"services": {**self.services, name: record}})

    def with_port(self, name: str, port: int) -> SandboxState:
        return self.model_copy(update={"ports": {**self.ports, name: port}})

    def url_of(self, service: str) -> str:
        """Where a started service listens."""
        url = self.services[service].url
        if url is None:
            raise ValueError(f"{service} has no address")
        return url
