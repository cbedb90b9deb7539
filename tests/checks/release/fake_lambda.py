"""Lambda's aliases and versions in memory, with faults at any call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


def client_error(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class FakeAlias:
    version: str
    revision: int = 0
    weights: dict[str, float] = field(default_factory=dict)


class FakeLambda:
    """As much of the client as releases use. ``before`` is called before each call, with its name."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, dict[str, str]]] = {}
        self.aliases: dict[str, FakeAlias] = {}
        self.before: Callable[[str, dict[str, Any]], None] = lambda name, arguments: None
        self.calls: list[str] = []

    def add(self, function: str, *, versions: int = 2, live: int | None = 2) -> None:
        self.versions[function] = {
            number: {"CodeSha256": f"code-{number}", "Description": f"What {function} does"}
            for number in ["$LATEST", *map(str, range(1, versions + 1))]
        }
        if live is not None:
            self.aliases[function] = FakeAlias(str(live))

    def _call(self, name: str, arguments: dict[str, Any]) -> None:
        self.calls.append(name)
        self.before(name, arguments)

    def get_paginator(self, name: str) -> Any:
        assert name == "list_functions"
        fake = self

        class Pages:
            def paginate(self) -> Iterator[dict[str, Any]]:
                fake._call("list_functions", {})
                for function in fake.versions:
                    yield {"Functions": [{"FunctionName": function}]}

        return Pages()

    def get_waiter(self, name: str) -> Any:
        class Waiter:
            def wait(self, **arguments: Any) -> None:
                pass

        return Waiter()

    def get_alias(self, **arguments: Any) -> dict[str, Any]:
        self._call("get_alias", arguments)
        alias = self.aliases.get(arguments["FunctionName"])
        if alias is None:
            raise client_error("ResourceNotFoundException")
        answer: dict[str, Any] = {"FunctionVersion": alias.version, "RevisionId": f"r{alias.revision}"}
        if alias.weights:
            answer["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
        return answer

    def get_function_configuration(self, **arguments: Any) -> dict[str, Any]:
        self._call("get_function_configuration", arguments)
        found = self.versions[arguments["FunctionName"]].get(arguments.get("Qualifier", "$LATEST"))
        if found is None:
            raise client_error("ResourceNotFoundException")
        return dict(found)

    def update_function_configuration(self, **arguments: Any) -> dict[str, Any]:
        self._call("update_function_configuration", arguments)
        self.versions[arguments["FunctionName"]]["$LATEST"]["Description"] = arguments["Description"]
        return {}

    def publish_version(self, **arguments: Any) -> dict[str, Any]:
        self._call("publish_version", arguments)
        versions = self.versions[arguments["FunctionName"]]
        number = str(max(int(name) for name in versions if name != "$LATEST") + 1)
        versions[number] = {
            "CodeSha256": versions["$LATEST"]["CodeSha256"],
            "Description": arguments["Description"],
        }
        return {"Version": number, **versions[number]}

    def update_alias(self, **arguments: Any) -> dict[str, Any]:
        self._call("update_alias", arguments)
        alias = self.aliases[arguments["FunctionName"]]
        if arguments.get("RevisionId") not in {None, f"r{alias.revision}"}:
            raise client_error("PreconditionFailedException")
        alias.version = arguments["FunctionVersion"]
        alias.revision += 1
        if "RoutingConfig" in arguments:
            alias.weights = {}
        return {}

    def delete_function(self, **arguments: Any) -> None:
        self._call("delete_function", arguments)
        del self.versions[arguments["FunctionName"]][arguments["Qualifier"]]
