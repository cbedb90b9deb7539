"""The audit of dependencies by the real uv and npm, against databases of our own."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.run_proofs import AUDITED
from checks.errors import HasivuError
from checks.evidence import audit
from checks.evidence.audit import Audited, of_npm, of_uv, tools

PYPROJECT = """
[project]
name = "ours"
version = "0"
requires-python = ">=3.11"
dependencies = ["old", "young"]
"""
UV_LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "old"
version = "1.0"
source = { registry = "REGISTRY/simple" }

[[package]]
name = "young"
version = "2.0"
source = { registry = "REGISTRY/simple" }

[[package]]
name = "ours"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "old" }, { name = "young" }]
"""
PACKAGE = {"name": "ours", "version": "0.0.0", "dependencies": {"left": "1.0.0"}}
PACKAGE_LOCK = {
    "name": "ours",
    "version": "0.0.0",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": PACKAGE,
        "node_modules/left": {
            "version": "1.0.0",
            "resolved": "https://r.example/l.tgz",
            "integrity": "sha512-",
        },
    },
}


@dataclass
class Databases:
    """OSV, a package index and the npm registry in one, and what they know."""

    python: dict[str, str] = field(default_factory=dict)
    """The advisory of a package."""
    statuses: dict[str, str] = field(default_factory=dict)
    node: dict[str, str] = field(default_factory=dict)
    """The severity of a package's advisory."""
    broken: bool = False
    address: str = ""

    def answer(self, path: str, asked: Any) -> Any:
        if path == "/v1/querybatch":
            names = [query["package"]["name"] for query in asked["queries"]]
            return {"results": [self._advisories(name) for name in names]}
        if path.startswith("/v1/vulns/"):
            return {"id": path.rpartition("/")[2], "modified": "2026-01-01T00:00:00Z"}
        if path.startswith("/simple/"):
            name = path.split("/")[2]
            status = {"status": self.statuses.get(name, "active")}
            return {"meta": {"api-version": "1.4"}, "name": name, "files": [], "project-status": status}
        if path.startswith("/-/npm/"):
            return {
                name: [{"id": 1, "url": "u", "title": "t", "severity": severity, "vulnerable_versions": "*"}]
                for name, severity in self.node.items()
            }
        name = path.removeprefix("/")
        versions = {"1.0.0": {"name": name, "version": "1.0.0", "dist": {}}}
        return {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": versions}

    def _advisories(self, name: str) -> dict[str, Any]:
        known = self.python.get(name)
        return {} if known is None else {"vulns": [{"id": known, "modified": "2026-01-01T00:00:00Z"}]}


@contextmanager
def serving(databases: Databases) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(json.loads(self._body()))

        def do_GET(self) -> None:
            self._answer(None)

        def _body(self) -> bytes:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

        def _answer(self, asked: Any) -> None:
            document = json.dumps(databases.answer(self.path, asked)).encode()
            kind = "application/json"
            if self.path.startswith("/simple/"):
                kind = "application/vnd.pypi.simple.v1+json"
            self.send_response(404 if databases.broken else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        databases.address = f"http://127.0.0.1:{server.server_port}"
        yield
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def databases() -> Iterator[Databases]:
    found = Databases()
    with serving(found):
        yield found


@pytest.fixture
def repository(tmp_path: Path, databases: Databases) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "uv.lock").write_text(UV_LOCK.replace("REGISTRY", databases.address))
    (tmp_path / "package.json").write_text(json.dumps(PACKAGE))
    (tmp_path / "package-lock.json").write_text(json.dumps(PACKAGE_LOCK))
    return tmp_path


def run(repository: Path, databases: Databases) -> dict[str, Audited]:
    asked = tools(osv=databases.address, registry=databases.address)
    return audit.run(asked, repository=repository)


def recorded(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((repository / "build/evidence/dependency-audit.json").read_text())
    return found


def test_packages_of_which_nothing_is_known(repository: Path, databases: Databases) -> None:
    found = run(repository, databases)
    assert found == {"python": Audited(2, 2, ()), "node": Audited(1, 1, ())}
    assert tuple(found) == AUDITED, "what the checklist reads"
    assert recorded(repository)["outcome"] == "passed"


def test_what_is_known_of_a_package_is_named(repository: Path, databases: Databases) -> None:
    databases.python["old"] = "GHSA-aaaa-bbbb-cccc"
    databases.statuses |= {"young": "quarantined", "old": "archived"}
    databases.node["left"] = "high"
    found = run(repository, databases)
    assert found["python"].found == ("old 1.0: GHSA-aaaa-bbbb-cccc", "young: quarantined")
    assert found["python"].noted == ("old: archived",)
    assert found["node"].found == ("left: high",)
    assert recorded(repository)["outcome"] == "failed"


def test_without_an_answer_nothing_is_recorded(
    repository: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    databases.broken = True
    with pytest.raises(HasivuError) as raised:
        run(repository, databases)
    assert raised.value.code == "AUDIT_UNANSWERED"
    assert not (repository / "build").exists()


def test_the_registry_alone_is_not_enough(repository: Path, databases: Databases) -> None:
    asked = tools(osv=databases.address, registry="http://127.0.0.1:1")
    with pytest.raises(HasivuError, match=r"package-lock\.json"):
        audit.run(asked, repository=repository)
    assert not (repository / "build").exists()


@pytest.mark.parametrize("read", [of_uv, of_npm])
@pytest.mark.parametrize("said", [{}, {"summary": {}}, {"vulnerabilities": []}, {"message": "405"}])
def test_another_shape_is_no_answer(read: Any, said: dict[str, Any]) -> None:
    with pytest.raises((AttributeError, LookupError, TypeError, ValueError)):
        read(said, "package = []" if read is of_uv else '{"packages": {}}')
