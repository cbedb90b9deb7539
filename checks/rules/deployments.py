"""How functions are deployed: one alias that all call, small steps where money moves, and a way back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.bundles.layers import layers_of
from checks.rules.estate import Estate, Resource
from checks.rules.functions import FUNCTION, short_name
from checks.rules.invocations import LIVE, invocations, is_bare
from checks.rules.rule import Breach, at, rule
from runtime.platform.settings import SETTINGS_BY_FUNCTION


@rule(
    "HASIVU-FN-9",
    "SOX CM-7",
    remedy="Call the alias live: a deployment moves it, a rollback moves it back.",
)
def everything_calls_the_alias(estate: Estate) -> Iterator[Breach]:
    """Whatever calls a function calls its alias ``live``, never the function or a version."""
    for item in invocations(estate):
        if is_bare(estate, item.value, item.caller.stack):
            yield at(item.caller, item.path, shown=estate.text(item.value, item.caller.stack))


@rule(
    "HASIVU-FN-10",
    "SOX CM-7",
    remedy="Give the function the alias live, on a version of its own, with nothing routed elsewhere.",
)
def every_function_has_its_alias(estate: Estate) -> Iterator[Breach]:
    """Every function has the alias ``live``, which points wholly at a version of that function."""
    served: set[Resource | None] = set()
    for alias in estate.of("AWS::Lambda::Alias"):
        function = estate.target(alias.get("FunctionName"), alias.stack)
        version = estate.target(alias.get("FunctionVersion"), alias.stack)
        if alias.get("Name") == LIVE:
            served.add(function)
        if version is None or version.kind != "AWS::Lambda::Version":
            yield at(alias, "FunctionVersion")
        elif estate.target(version.get("FunctionName"), version.stack) != function:
            yield at(alias, "FunctionVersion", shown="a version of another function")
        if alias.get("RoutingConfig") is not None:
            yield at(alias, "RoutingConfig")
    for function in estate.of(FUNCTION):
        if function not in served:
            yield at(function, "", shown=f"no alias {LIVE}")


@rule(
    "HASIVU-FN-16",
    "PCI DSS 2.2.4",
    remedy="Deploy every function that has settings, under its own name.",
)
def every_function_is_deployed(estate: Estate) -> Iterator[Breach]:
    """Every function of the runtime is deployed, once, under its name."""
    deployed = [short_name(estate, function) for function in estate.of(FUNCTION)]
    for function in estate.of(FUNCTION):
        if short_name(estate, function) not in SETTINGS_BY_FUNCTION:
            yield at(function, "FunctionName")
    for name in sorted(SETTINGS_BY_FUNCTION):
        if deployed.count(name) != 1:
            stack = next((function.stack for function in estate.of(FUNCTION)), "")
            yield Breach(stack, f"hasivu-{estate.environment}-{name}", "", f"{deployed.count(name)} deployed")


_GROUP = re.compile(r"\blayer-([a-z]+)$")


@rule(
    "HASIVU-FN-18",
    "PCI DSS 6.3.2",
    "SOX OP-1",
    remedy="Give the function the layers that checks/bundles/layers.py assigns to it, no more and no fewer.",
)
def functions_have_their_layers(estate: Estate) -> Iterator[Breach]:
    """A function has exactly the layers that it imports, by the lock file's groups that they are of."""
    for function in estate.of(FUNCTION):
        needed = layers_of(short_name(estate, function))
        found = []
        for layer in function.items("Layers"):
            version = estate.target(layer, function.stack)
            group = _GROUP.search(str(version.get("Description"))) if version is not None else None
            found.append("" if group is None else group[1])
        if sorted(found) != sorted(needed):
            yield at(function, "Layers", shown=f"{', '.join(found) or 'none'} instead of {', '.join(needed)}")
