"""One sandbox for all end-to-end tests of a session: really deployed, in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.sandbox.sandbox import Sandbox

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that `-m "not e2e"` leaves them out."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that is up. Its folder, with every log, is kept as pytest keeps temporary folders."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.down()
