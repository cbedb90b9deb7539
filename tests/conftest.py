"""For all tests: how hypothesis works on a machine that others use too, and what shares a worker."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import is_hypothesis_test, settings
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/e2e/", "tests/infra/")
"""One deployed sandbox, and one process in which stacks are synthesised that nobody else wants."""

MEASURED = ("tests/integration/", "tests/unit/")
"""Where the tests are that must reach every branch of the runtime: by examples that are written down, for
what hypothesis finds differs from run to run. Tracing doubles what a test costs, and the others run the
runtime in processes of their own, or not at all."""

# Read once by the Node process that jsii starts on the first import of aws_cdk, whoever imports it first.
os.environ["CDK_VALIDATION"] = "false"

STOPPED = pytest.StashKey[list[Coverage]]()

# How long one example takes says nothing here; what must be fast has a test or a benchmark of its own.
settings.register_profile("hasivu", deadline=None, print_blob=True)
settings.load_profile("hasivu")


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Which tests run on one worker: those of a file, and those of a folder that share something dear.

    xdist has groups of its own, but they rely on an attribute of test items that pytest 9.2 no longer has.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)  # xdist's, and absent without it
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    """What `--numprocesses` uses, whatever `--dist` says."""
    return TogetherScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage, if it is measured at all, only while those tests run, fixtures included."""
    stopped = item.config.stash.setdefault(STOPPED, [])
    example = not is_hypothesis_test(getattr(item, "obj", None))
    if example and item.nodeid.startswith(MEASURED):
        while stopped:
            stopped.pop().start()
    else:
        while measuring := Coverage.current():  # one within another: pytest-cov begins twice in a worker
            measuring.stop()
            stopped.append(measuring)
    return (yield)
