"""A simulator of Razorpay: orders to settlements over HTTP, signed webhooks, and a control API that plays
the customer, the bank and the weather.

It behaves as documented at api.razorpay.com, so that the official SDK and the platform's own client cannot
tell the difference. Where it offers more (instruments that fail with any published reason, planned faults,
a clock that can be moved), that is named as its own extension and lives under `/_control/`.
"""

from checks.sandbox.razorpay.clock import SimulatorClock
from checks.sandbox.razorpay.config import Limits, SimulatorConfig, Timings, WebhookPolicy
from checks.sandbox.razorpay.control_client import ControlClient
from checks.sandbox.razorpay.fees import FeeSchedule
from checks.sandbox.razorpay.simulator import RazorpaySimulator
from checks.sandbox.simulation.control_client import ControlRefused

__all__ = [
    "ControlClient",
    "ControlRefused",
    "FeeSchedule",
    "Limits",
    "RazorpaySimulator",
    "SimulatorClock",
    "SimulatorConfig",
    "Timings",
    "WebhookPolicy",
]
