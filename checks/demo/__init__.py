"""The demonstration: one payment through everything, then everything that goes wrong, then the books."""

from checks.demo.run import DemoResult, run

__all__ = ["DemoResult", "run"]
