"""Approved is running: stacks, their templates, their resources, and the code of functions and layers."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import urllib3

from checks.bundles.tree import sha256_of
from checks.probes.account import Account, CouldNotLook
from checks.probes.model import Fact, Probe
from checks.probes.normal import is_a_placeholder, parsed, scalar
from checks.probes.read import member, prop
from checks.probes.running import Live, Stack

FUNCTION, LAYER, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::Lambda::Alias"

DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
CODE_BYTES_MAX = 250 * 1024 * 1024
"""Lambda's own limit for what is unpacked."""

STACKS = Probe(
    name="stacks",
    title="Every stack of the assembly is deployed, at rest, and protected as the assembly says",
    remedy="Deploy again; read the stack's events for why it did not come to rest.",
    controls=("SOX CM-4",),
)
TEMPLATES = Probe(
    name="running-templates",
    title="The templates that run are the approved ones",
    remedy="Deploy the approved assembly, or approve what runs.",
    controls=("SOX CM-4", "PCI DSS 6.5.1"),
)
RESOURCES = Probe(
    name="stack-resources",
    title="The stacks hold the resources of their templates, and no other",
    remedy="Deploy again; a resource that is only in what runs came with another template.",
    controls=("SOX CM-4", "PCI DSS 6.5.1"),
)
CODE = Probe(
    name="running-code",
    title="The code that callers get is that of the approved bundles",
    remedy="Deploy the approved assembly; find in the trail who called UpdateFunctionCode.",
    controls=("SOX CM-4", "PCI DSS 6.3.2", "PCI DSS 11.5.2"),
)


def stack_is_wrong(stack: Stack) -> str | None:
    """What is wrong with how the stack stands."""
    if not stack.status:
        return "is not deployed"
    if stack.status not in DONE:
        return f"is in {stack.status}"
    if stack.protected and not stack.running_protected:
        return "may be deleted: termination protection is off"
    return None


def template_is_wrong(account: Account, stack: Stack) -> str | None:
    """The first way in which the running template is another one than the approved."""
    if not stack.status:
        return "is not deployed"
    answered = account.ask(
        "cloudformation",
        "get_template",
        region=stack.region,
        StackName=stack.name,
        TemplateStage="Original",
    )
    running = parsed(answered["TemplateBody"])
    if not isinstance(running, Mapping):
        raise CouldNotLook(f"cloudformation get_template: the template of {stack.name} is no JSON")
    return next(
        (
            f"{section} of the running template {how}"
            for section in ("Resources", "Outputs", "Parameters", "Rules", "Conditions", "Mappings")
            if (how := _of_a_section(stack.template.get(section) or {}, running.get(section) or {}))
        ),
        None,
    )


def _of_a_section(wanted: Mapping[str, Any], running: Mapping[str, Any]) -> str | None:
    if missing := sorted(wanted.keys() - running.keys()):
        return f"lack {missing[0]}"
    if extra := sorted(running.keys() - wanted.keys()):
        return f"have {extra[0]}, which the approved one has not"
    changed = next((name for name in sorted(wanted) if not _as_approved(wanted[name], running[name])), None)
    return None if changed is None else f"have another {changed}"


def _as_approved(wanted: Any, running: Any) -> bool:
    """Whether both are one template's value; a placeholder stands for whatever the deployment put there."""
    if isinstance(wanted, Mapping):
        return (
            isinstance(running, Mapping)
            and wanted.keys() == running.keys()
            and all(_as_approved(value, running[key]) for key, value in wanted.items())
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(running, list | tuple)
            and len(wanted) == len(running)
            and all(map(_as_approved, wanted, running))
        )
    return is_a_placeholder(wanted) or scalar(wanted) == scalar(running)


def resources_are_wrong(stack: Stack) -> str | None:
    """The first resource that is in the stack or in its template only."""
    if not stack.status:
        return "is not deployed"
    wanted, running = set(stack.template.get("Resources", {})), set(stack.deployed.physical_ids)
    if missing := sorted(wanted - running):
        return f"has no {missing[0]}"
    extra = sorted(running - wanted - {"CDKMetadata"})
    return f"has {extra[0]}, which its template has not" if extra else None


def _code_of_alias(account: Account, live: Live) -> str | None:
    """Of the version that the alias leads to: what callers get."""
    named = {"FunctionName": live.expected("FunctionName")}
    version = member(
        "lambda",
        "list_aliases",
        "Aliases",
        "Name",
        "FunctionVersion",
        of=prop("Name"),
        FunctionName=prop("FunctionName"),
    )(account, live)
    answered = account.ask("lambda", "get_function", region=live.region, Qualifier=version, **named)
    function = live.running.estate.target(live.resource.get("FunctionName"), live.resource.stack)
    if function is None:
        return "belongs to no function of the estate"
    content = function.body.get("Metadata", {}).get("aws:asset:path")
    return _compare(live, content, answered["Code"], answered["Configuration"].get("CodeSha256"))


def _code_of_layer(account: Account, live: Live) -> str | None:
    name, _, number = live.physical_id.rpartition(":")
    answered = account.ask(
        "lambda", "get_layer_version", region=live.region, LayerName=name, VersionNumber=int(number)
    )
    content = live.resource.body.get("Metadata", {}).get("aws:asset:path")
    return _compare(live, content, answered["Content"], answered["Content"].get("CodeSha256"))


def _compare(live: Live, asset: Any, code: Mapping[str, Any], code_sha256: str | None) -> str | None:
    folder = live.running.assembly / str(asset)
    if not asset or not folder.is_dir():
        raise CouldNotLook(f"the assembly has no bundle {asset} to compare with")
    zipped = _download(str(code.get("Location")))
    if base64.b64encode(hashlib.sha256(zipped).digest()).decode() != code_sha256:
        return "was delivered other than its CodeSha256 says"
    return None if _sha256_of_zip(zipped) == sha256_of(folder) else "is not the approved bundle"


def _download(url: str) -> bytes:
    try:
        answered = urllib3.request("GET", url, timeout=urllib3.Timeout(connect=5, read=60), retries=2)
    except urllib3.exceptions.HTTPError as error:
        raise CouldNotLook(f"the code could not be downloaded ({type(error).__name__})") from None
    if answered.status != 200:
        raise CouldNotLook(f"the code could not be downloaded (HTTP {answered.status})")
    return answered.data


def _sha256_of_zip(zipped: bytes) -> str:
    """As ``sha256_of`` a folder: over names and contents."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        files = [item for item in archive.infolist() if not item.is_dir()]
        if sum(item.file_size for item in files) > CODE_BYTES_MAX:
            raise CouldNotLook("the code is larger than Lambda takes")
        for item in sorted(files, key=lambda item: item.filename):
            content = hashlib.sha256(archive.read(item)).hexdigest()
            digest.update(f"{item.filename}\0{content}\n".encode())
    return digest.hexdigest()


FACTS = (
    Fact(kind=ALIAS, name="code", probe=CODE, wrong=_code_of_alias),
    Fact(kind=LAYER, name="code", probe=CODE, wrong=_code_of_layer),
)
