"""The demonstration from beginning to end, and its summary."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from checks.checklist.digests import source_sha256
from checks.demo import (
    books,
    close_of_day,
    closing_report,
    documented_webhooks,
    in_parts,
    money_back,
    one_payment,
    sealed_trail,
    standing_orders,
    trouble,
)
from checks.demo.narrative import Narrative, Step
from checks.demo.records import ENVIRONMENT, Records
from checks.demo.stage import Stage
from checks.evidence.run_record import FOLDER, record
from checks.sandbox.emulator import NAME as EMULATOR
from checks.sandbox.people import SCHOOLS, gather, register_schools
from checks.sandbox.razorpay.control_client import ControlClient
from checks.sandbox.sandbox import Sandbox
from checks.sandbox.state import Endpoints
from checks.toolchain import REPOSITORY
from runtime.ledger.model import TrialBalance

REPORT = REPOSITORY / "build" / "report" / "sandbox"
SUMMARY = REPOSITORY / "build" / "demo" / "summary.json"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How it ended: whether all is well, and where the summary is."""

    ok: bool
    summary: Path


def run(
    sandbox: Sandbox, console: Console, *, summary: Path = SUMMARY, report: Path = REPORT, keep: bool = False
) -> DemoResult:
    """Bring the sandbox up, tell the story, write summary and report, and leave things as they were found.

    ``keep`` leaves the sandbox running; one that ran before is left running anyway.
    """
    ran_before = any(service.pid is not None for service in sandbox.status())
    began_at, sources = datetime.now(UTC), source_sha256()
    narrative = Narrative(console)
    endpoints: Endpoints | None = None
    balance: TrialBalance | None = None
    try:
        endpoints = narrative.tell("sandbox", "Build, start the sandbox, deploy", lambda _: sandbox.up())
        if endpoints is not None:
            balance = _tell(sandbox, endpoints, narrative)
    finally:
        _write(summary, narrative, endpoints, balance)
        if summary == SUMMARY:
            _record(narrative, began_at, sources)
        if endpoints is not None:
            act = partial(closing_report.close, sandbox, report, narrative, sandbox.reporter)
            narrative.tell("report", "The production checklist", act)
            _write(summary, narrative, endpoints, balance)
        if not (keep or ran_before):
            sandbox.down()
    _close(console, narrative, endpoints, summary, running=keep or ran_before)
    return DemoResult(narrative.ok, summary)


def _tell(sandbox: Sandbox, endpoints: Endpoints, narrative: Narrative) -> TrialBalance | None:
    stage = narrative.tell(
        "people", "Schools, and a person in each role", lambda step: _set(sandbox, endpoints, narrative, step)
    )
    if stage is None:
        return None
    for name, title, act in (
        ("health", "Is everything up?", one_payment.health),
        ("payment", "One payment, through everything", one_payment.pay),
        ("failing-instrument", "A payment that fails first", trouble.failing_instrument),
        ("duplicates", "Webhooks thrice and backwards", trouble.duplicates_and_disorder),
        ("crash", "A function that dies in the middle", trouble.crashed_handler),
        ("refunds", "Money back, in parts", money_back.refunds),
        ("dispute", "A payment that the bank contests", money_back.dispute),
        ("method", "A card that is kept", standing_orders.method),
        ("mandate", "A debit without the payer", standing_orders.mandate),
        ("link", "A payment link, paid in parts", in_parts.link),
        ("instalments", "Instalments, to the paisa", in_parts.instalments),
        ("split", "A payment shared with the caterer", in_parts.split),
        ("refusals", "What is not accepted", trouble.refusals),
        ("documented-webhooks", "Every documented webhook", documented_webhooks.feed),
        ("reconciliation", "Gateway, books and bank", close_of_day.reconcile),
        ("figures", "The figures of the day", close_of_day.figures),
        ("audit-trail", "The sealed audit trail", sealed_trail.seal_and_verify),
    ):
        narrative.tell(name, title, partial(act, stage))
    return narrative.tell("books", "The books", partial(books.close, stage))


def _set(sandbox: Sandbox, endpoints: Endpoints, narrative: Narrative, step: Step) -> Stage:
    session = sandbox.session()
    register_schools(session)
    people = gather(session, endpoints)
    narrative.say(f"Schools: {', '.join(SCHOOLS.values())}.")
    narrative.say(f"Signed in: {', '.join(sorted(people.by_part))}.")
    step.evidence["people"] = sorted(people.by_part)
    return Stage(
        endpoints=endpoints,
        narrative=narrative,
        records=Records(session),
        gateway=ControlClient(endpoints.razorpay_url),
        people=people,
        emulator_pid=next(
            status.pid for status in sandbox.status() if status.name == EMULATOR and status.pid
        ),
        webhook_secret=sandbox.secrets.razorpay_webhook_secret,
        gateway_credentials=f"{sandbox.secrets.razorpay_key_id}:{sandbox.secrets.razorpay_key_secret}",
    )


def _write(
    summary: Path, narrative: Narrative, endpoints: Endpoints | None, balance: TrialBalance | None
) -> None:
    document: dict[str, Any] = {
        "ok": narrative.ok,
        "steps": [asdict(step) for step in narrative.steps],
        "endpoints": endpoints.model_dump() if endpoints else {},
        "books": {"debits_paise": balance.debits_paise, "credits_paise": balance.credits_paise}
        if balance
        else {},
    }
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _record(narrative: Narrative, began_at: datetime, sources: str) -> None:
    """Write down for `hasivu check` that this took place, with a copy of what came of it."""
    kept = REPOSITORY / FOLDER / "demo" / f"{ENVIRONMENT}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    steps = [{"name": step.name, "ok": step.ok, "evidence": step.evidence} for step in narrative.steps]
    kept.write_text(json.dumps({"steps": steps}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    record(
        "demo",
        environment=ENVIRONMENT,
        source_sha256=sources,
        began_at=began_at,
        ended_at=datetime.now(UTC),
        tool="hasivu demo",
        tool_version=version("hasivu-payments"),
        passed=narrative.ok and source_sha256() == sources,
        files=[kept],
    )


def _close(
    console: Console, narrative: Narrative, endpoints: Endpoints | None, summary: Path, *, running: bool
) -> None:
    seconds = sum(step.seconds for step in narrative.steps)
    failed = [step.name for step in narrative.steps if not step.ok]
    console.print()
    if endpoints is not None:
        console.print(f"API       {endpoints.api_url}")
        console.print(f"Razorpay  {endpoints.razorpay_url}  (simulator)")
        console.print(f"WhatsApp  {endpoints.whatsapp_url}  (simulator; the parent's inbox)")
        if not running:
            console.print(
                "[dim]The sandbox is stopped; `hasivu sandbox up` brings it back with all its data.[/dim]"
            )
    console.print(f"Summary   {summary}")
    if failed:
        console.print(f"[bold red]Not well: {', '.join(failed)}[/bold red] ({seconds:.0f} s)")
    else:
        console.print(f"[bold green]All is well.[/bold green] {len(narrative.steps)} steps, {seconds:.0f} s")
