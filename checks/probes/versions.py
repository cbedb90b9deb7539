"""What a rollback goes back to: the version of each function before the one that callers get."""

from __future__ import annotations

from checks.probes.account import Account
from checks.probes.functions import ALIAS
from checks.probes.model import Fact, NothingThere, Probe
from checks.probes.read import member, prop
from checks.probes.running import Live

PREVIOUS = Probe(
    name="previous-versions",
    title="The version before the one that callers get is kept for every function",
    remedy="Deploy the release before once more, so that there is something to go back to; then this one.",
    controls=("SOX CM-7", "PCI DSS 6.5.1"),
)

_led_to = member(
    "lambda",
    "list_aliases",
    "Aliases",
    "Name",
    "FunctionVersion",
    of=prop("Name"),
    FunctionName=prop("FunctionName"),
)


def _is_kept(account: Account, live: Live) -> str | None:
    """Lambda numbers versions from 1 without a gap and never again: one that is missing was deleted."""
    current = str(_led_to(account, live))
    if not current.isdigit():
        return f"leads to {current}, which is no version"
    if current == "1":
        raise NothingThere("functions that never had another version")
    previous = str(int(current) - 1)
    versions = account.all(
        "lambda",
        "list_versions_by_function",
        "Versions",
        region=live.region,
        FunctionName=live.expected("FunctionName"),
    )
    kept = any(version.get("Version") == previous for version in versions)
    return None if kept else f"leads to version {current}, and {previous} is gone"


FACTS = (Fact(kind=ALIAS, name="previous version", probe=PREVIOUS, wrong=_is_kept),)
