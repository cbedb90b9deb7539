"""The demonstration is the end-to-end test: every claim in it is proved or it fails."""

import io
import json
from pathlib import Path

from rich.console import Console

from checks.checklist.model import Level, Results, Status
from checks.demo import run
from checks.sandbox.sandbox import Sandbox

STEPS = (
    "sandbox",
    "people",
    "health",
    "payment",
    "failing-instrument",
    "duplicates",
    "crash",
    "refunds",
    "dispute",
    "method",
    "mandate",
    "link",
    "instalments",
    "split",
    "refusals",
    "documented-webhooks",
    "reconciliation",
    "figures",
    "audit-trail",
    "books",
    "report",
)


def false_alarms(results: Results) -> list[str]:
    """What the probes say against the sandbox, which is deployed as it was checked."""
    return [
        f"{proof.proof_id}: {proof.observed}"
        for proof in results.proofs
        if proof.level is Level.LIVE and proof.status in (Status.FAILED, Status.ERROR)
    ]


def test_every_claim_of_the_demonstration_holds(sandbox: Sandbox, tmp_path: Path) -> None:
    told = io.StringIO()
    report = tmp_path / "report" / "sandbox"
    result = run(
        sandbox,
        Console(file=told, width=160),
        summary=tmp_path / "demo" / "summary.json",
        report=report,
    )
    assert result.ok, told.getvalue()

    summary = json.loads(result.summary.read_text(encoding="utf-8"))
    assert [step["name"] for step in summary["steps"]] == list(STEPS)
    assert all(
        step["ok"] and step["seconds"] >= 0 and step["evidence"] is not None for step in summary["steps"]
    )
    assert summary["books"]["debits_paise"] == summary["books"]["credits_paise"] > 0
    assert summary["endpoints"]["api_url"].startswith("http://127.0.0.1:")
    assert not false_alarms(Results.read((report / "results.json").read_bytes()))
    assert all(service.pid is not None for service in sandbox.status()), "it ran before and must run on"


def test_what_the_demonstration_wrote_holds_no_secret(sandbox: Sandbox) -> None:
    """The logs of everything that ran, and what the functions logged, hold no secret and no card number."""
    told = "\n".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in (sandbox.layout.directory / "logs").glob("*")
    )
    logs = sandbox.session().client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"]).get("events", [])
        told += "\n".join(event["message"] for event in events)
    secrets = sandbox.secrets.model_dump()
    found = [name for name, value in secrets.items() if name != "razorpay_key_id" and value in told]
    assert not found, f"in a log: {found}"
    for number in ("4111111111111111", "4111 1111 1111 1111"):
        assert number not in told
