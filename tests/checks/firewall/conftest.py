"""The web ACLs as they are deployed, and the world that each environment's file describes."""

import tomllib
from collections.abc import Callable

import pytest

from checks.firewall.known_requests import World
from checks.firewall.web_acl import WebAcl
from stacks.house_app import ROOT
from tests.assemblies import Assemblies, assemblies, placeholder_bundles, shared_root
from tests.infra.assembly import read_assembly

__all__ = ["assemblies", "placeholder_bundles", "shared_root"]

Deployed = Callable[[str, str], WebAcl]


@pytest.fixture(scope="session")
def deployed(assemblies: Assemblies) -> Deployed:
    """The web ACL of an environment by its logical id."""
    known: dict[str, dict[str, object]] = {}

    def deployed(environment: str, logical_id: str) -> WebAcl:
        if environment not in known:
            known[environment] = read_assembly(environment, assemblies(environment)).templates["Firewall"]
        return WebAcl.of_template(known[environment], logical_id)

    return deployed


@pytest.fixture(scope="session")
def api_acl(deployed: Deployed) -> WebAcl:
    """What stands before production's API."""
    return deployed("prod", "ApiAcl")


@pytest.fixture(scope="session")
def world() -> World:
    """Production."""
    return world_of("prod")


def world_of(environment: str) -> World:
    """What an environment's file says of its firewall."""
    return World.of(
        tomllib.loads((ROOT / "environments" / f"{environment}.toml").read_text(encoding="utf-8"))
    )
