"""A simulator of the WhatsApp Cloud API: template messages, limits, signed webhooks, a phone to look at.

Messages, errors and webhooks have the documented shapes. What it offers beyond them (planned faults, a clock
that can be moved, templates that can be set) lives under `/_control/`.
"""

from checks.sandbox.simulation.control_client import ControlRefused
from checks.sandbox.whatsapp.clock import SimulatorClock
from checks.sandbox.whatsapp.config import Limits, SimulatorConfig, Timings, WebhookPolicy
from checks.sandbox.whatsapp.control_client import ControlClient
from checks.sandbox.whatsapp.simulator import WhatsAppSimulator
from checks.sandbox.whatsapp.templates import Template

__all__ = [
    "ControlClient",
    "ControlRefused",
    "Limits",
    "SimulatorClock",
    "SimulatorConfig",
    "Template",
    "Timings",
    "WebhookPolicy",
    "WhatsAppSimulator",
]
