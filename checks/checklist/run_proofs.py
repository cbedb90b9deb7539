"""What runs prove: suites, single tests, coverage, scans, demonstrations, measurements, functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from checks.checklist.model import Level, ProofResult, Status
from checks.checklist.references import ROLLBACK_WINDOW, Reference
from checks.checklist.run_evidence import UNREADABLE, Case, Read, RunEvidence
from checks.checklist.wording import counted, line, listed
from checks.evidence.loads import LOADS, judged
from checks.rules.estate import Estate

COVERAGE_MIN_PER_MILLE: Final = 950
ANSWER_MAX_US: Final = 2_000_000
"""The checklist's two seconds, in microseconds."""

SUITES: Final[Mapping[str, tuple[str, str]]] = {
    "unit-tests": ("tests/unit/", "Every unit test passes"),
    "integration-tests": ("tests/integration/", "Every integration test passes"),
    "infrastructure-tests": ("tests/infra/", "Every test of the templates passes"),
    "end-to-end-tests": ("tests/e2e/", "Every test against the deployed sandbox passes"),
}
LINTS: Final[Mapping[str, str]] = {
    "mypy": "mypy finds no error in strict mode",
    "ruff": "ruff finds nothing",
    "import-contracts": "No module imports what it must not know",
    "static-security": "ruff's security rules (flake8-bandit) find nothing",
}
_TEST: Final = "Run `make test`, which records it."
_LINT: Final = "Run `make lint`, which records it."
_DEMO: Final = "Run `make demo`, which records it."
_BENCH: Final = "Run `make bench`, which records it."
AUDITED: Final = ("python", "node")
"""Whose packages an audit has to be about (checks/evidence/audit.py)."""
NOT_BUILT: Final = "runtime.platform.not_built"


class RunProofs:
    """Proofs of level R, made when they are asked for."""

    def __init__(self, evidence: RunEvidence, estate: Estate, *, runtime: Path) -> None:
        self._evidence = evidence
        self._estate = estate
        self._runtime = runtime
        self._kinds: Mapping[str, Callable[[str], ProofResult]] = {
            "run": self._run,
            "test": self._test,
            "demo": self._demo,
            "bench": self._bench,
            "function": self._function,
        }

    def prove(self, reference: Reference) -> ProofResult:
        """The proof that ``reference`` names."""
        try:
            return self._kinds[reference.kind](reference.name)
        except UNREADABLE as error:
            return _proof(
                str(reference),
                Status.ERROR,
                f"What proves {reference.name} can be read",
                f"it cannot be read: {type(error).__name__}",
                remedy="Run it again.",
            )

    def _run(self, name: str) -> ProofResult:
        if name in SUITES:
            return self._suite(name)
        if name in LINTS:
            return self._lint(name)
        if name in LOADS:
            read = self._evidence.of(name, self._evidence.environment)
            return judged(name, read.seen, read.document)
        special = {
            "benchmarks": self._benchmarks,
            "coverage": self._coverage,
            "dependency-audit": self._dependency_audit,
            "smoke": self._smoke,
            "rollback-window": _rollback_window,
        }
        return special[name]()

    def _suite(self, name: str) -> ProofResult:
        folder, title = SUITES[name]
        read = self._evidence.tests
        if read.record is None:
            return _missing(f"run:{name}", title, read, _TEST)
        found = [case for case in read.document if case.test_id.startswith(folder)]
        if not read.record.whole:
            status, seen = Status.NOT_EVALUATED, "the recorded run was of a selection of the tests"
        else:
            status, seen = _outcome(found)
        return _proof(f"run:{name}", status, title, seen, read, _TEST, looked_at=len(found))

    def _test(self, name: str) -> ProofResult:
        title = name.rpartition("::")[2].removeprefix("test_").replace("_", " ").capitalize()
        read = self._evidence.tests
        if read.record is None:
            return _missing(f"test:{name}", title, read, _TEST)
        found = [case for case in read.document if case.test_id == name]
        status, seen = _outcome(found, skips_count=True)
        return _proof(f"test:{name}", status, title, seen, read, _TEST, looked_at=len(found))

    def _coverage(self) -> ProofResult:
        title = f"Tests reach at least {COVERAGE_MIN_PER_MILLE // 10} % of lines and branches of the runtime"
        read = self._evidence.tests
        if read.record is None:
            return _missing("run:coverage", title, read, _TEST)
        totals = self._evidence.coverage
        if totals is None or not read.record.whole:
            seen = "the recorded run measured no coverage, or was of a selection of the tests"
            return _proof("run:coverage", Status.NOT_EVALUATED, title, seen, read, _TEST)
        all_ = totals["num_statements"] + totals["num_branches"]
        reached = totals["covered_lines"] + totals["covered_branches"]
        enough = all_ > 0 and reached * 1000 >= COVERAGE_MIN_PER_MILLE * all_
        per_mille = reached * 1000 // all_ if all_ else 0
        seen = f"{per_mille // 10}.{per_mille % 10} % of {all_:,} lines and branches"
        return _proof(
            "run:coverage",
            Status.PASSED if enough else Status.FAILED,
            title,
            seen,
            read,
            "" if enough else "Test what is not reached: `make test` names it.",
            looked_at=all_,
        )

    def _lint(self, name: str) -> ProofResult:
        read = self._evidence.lint
        if read.record is None:
            return _missing(f"run:{name}", LINTS[name], read, _LINT)
        result = read.document[name]
        said = " ".join(result["said"][-1:])
        status = Status.PASSED if result["exit_code"] == 0 else Status.FAILED
        remedy = "" if status is Status.PASSED else f"See `{result['command']}`, and put it right."
        return _proof(f"run:{name}", status, LINTS[name], said, read, remedy, looked_at=1)

    def _dependency_audit(self) -> ProofResult:
        title = "No dependency has a known vulnerability"
        remedy = "Run `make audit` where advisories can be reached, and bring on what has one."
        read = self._evidence.of("dependency-audit")
        if read.record is None:
            return _missing("run:dependency-audit", title, read, remedy)
        parts = [read.document[name] for name in AUDITED]
        locked, looked_up = (sum(part[key] for part in parts) for key in ("locked", "looked_up"))
        bad = [str(each) for part in parts for each in part["found"]]
        seen = f"{looked_up} of {counted(locked, 'locked package')} looked up"
        if bad:
            status = Status.FAILED
            seen += f", {counted(len(bad), 'vulnerability', 'vulnerabilities')}: {listed(bad)}"
        elif any(part["looked_up"] < part["locked"] or not part["locked"] for part in parts):
            status = Status.NOT_EVALUATED
        else:
            status, remedy = Status.PASSED, ""
            seen += ", nothing is known of any"
        return _proof("run:dependency-audit", status, title, seen, read, remedy, looked_at=looked_up)

    def _smoke(self) -> ProofResult:
        title = f"One run through {self._evidence.environment} holds in every step"
        read = self._evidence.own_demo
        if read.record is None:
            return _missing("run:smoke", title, read, _DEMO)
        steps = read.document["steps"]
        bad = [step["name"] for step in steps if step["ok"] is not True]
        status = Status.FAILED if bad else Status.PASSED if steps else Status.NOT_EVALUATED
        seen = f"failed: {listed(bad)}" if bad else counted(len(steps), "step")
        return _proof("run:smoke", status, title, seen, read, _DEMO, looked_at=len(steps))

    def _demo(self, name: str) -> ProofResult:
        title = f"The demonstration's step {name} holds"
        read = self._evidence.demo
        if read.record is None:
            return _missing(f"demo:{name}", title, read, _DEMO)
        steps = [step for step in read.document["steps"] if step["name"] == name]
        if not steps:
            seen = "the demonstration has no such step, or ended before it"
            return _proof(f"demo:{name}", Status.NOT_EVALUATED, title, seen, read, _DEMO)
        good = all(step["ok"] is True for step in steps)
        said = next((str(step["evidence"].get("error", "")) for step in steps if step["ok"] is not True), "")
        return _proof(
            f"demo:{name}",
            Status.PASSED if good else Status.FAILED,
            title,
            "it held" if good else f"it failed: {said.partition(': ')[2] or said}",
            read,
            "" if good else "Put it right, then run `make demo` again.",
            looked_at=len(steps),
        )

    def _benchmarks(self) -> ProofResult:
        title = "Every measured operation keeps its limit"
        read = self._evidence.benchmarks
        if read.record is None:
            return _missing("run:benchmarks", title, read, _BENCH)
        number = len(read.document["benchmarks"])
        good = read.record.outcome == "passed" and read.record.whole
        status = Status.NOT_EVALUATED if not number else Status.PASSED if good else Status.FAILED
        seen = f"{counted(number, 'operation')} measured; the run {read.record.outcome}"
        return _proof("run:benchmarks", status, title, seen, read, _BENCH, looked_at=number)

    def _bench(self, name: str) -> ProofResult:
        operation = name.removeprefix("test_").replace("_", " ")
        title = f"{operation.capitalize()}: in less than two seconds"
        read = self._evidence.benchmarks
        if read.record is None:
            return _missing(f"bench:{name}", title, read, _BENCH)
        found = [each for each in read.document["benchmarks"] if each["name"].partition("[")[0] == name]
        worst = max((int(each["stats"]["max"] * 1_000_000) for each in found), default=0)
        status = (
            Status.NOT_EVALUATED if not found else Status.PASSED if worst < ANSWER_MAX_US else Status.FAILED
        )
        seen = f"{worst:,} µs at worst, without network" if found else "it was not measured"
        return _proof(f"bench:{name}", status, title, seen, read, _BENCH, looked_at=len(found))

    def _function(self, name: str) -> ProofResult:
        proof_id, title = f"function:{name}", f"Function {name}"
        module = f"{name.replace('-', '_')}.py"
        source = (self._runtime / "functions" / module).read_text(encoding="utf-8")
        if NOT_BUILT in source:
            operations = source.count("planned(")
            answers = (
                f"answers 501 to {counted(operations, 'operation')}" if operations else "takes no events"
            )
            remedy = f"Build {name}: runtime/functions/{module} is a placeholder."
            return _proof(
                proof_id, Status.FAILED, title, f"not built, it {answers}", remedy=remedy, looked_at=1
            )
        physical = f"hasivu-{self._estate.environment}-{name}"
        if self._estate.named("AWS::Lambda::Function", "FunctionName", physical) is None:
            seen = f"no stack deploys {physical}"
            return _proof(proof_id, Status.FAILED, title, seen, remedy=f"Deploy {physical}.", looked_at=1)
        read = self._evidence.demo
        if read.record is None:
            return _missing(proof_id, title, read, _DEMO)
        deployed = any(step["name"] == "sandbox" and step["ok"] is True for step in read.document["steps"])
        return _proof(
            proof_id,
            Status.PASSED if deployed else Status.FAILED,
            title,
            "built, and deployed by the recorded run" if deployed else "the recorded run could not deploy it",
            read,
            _DEMO,
            looked_at=1,
        )


def _outcome(found: Sequence[Case], *, skips_count: bool = False) -> tuple[Status, str]:
    failed = [case.test_id.rpartition("/")[2] for case in found if case.outcome == "failed"]
    skipped = sum(case.outcome == "skipped" for case in found)
    if failed:
        return Status.FAILED, f"{len(failed)} of {len(found)} failed: {listed(failed, shown=3)}"
    if not found or skipped == len(found) or (skips_count and skipped):
        return Status.NOT_EVALUATED, "it was skipped" if found else "the recorded run did not run it"
    return Status.PASSED, f"{counted(len(found) - skipped, 'case')} passed" + (
        f", {skipped} skipped" if skipped else ""
    )


def _rollback_window() -> ProofResult:
    """Open here: records of releases are made after a check. The report puts in what they say."""
    return _proof(
        ROLLBACK_WINDOW,
        Status.NOT_EVALUATED,
        "The rollback window of the last go-live",
        "the report takes it from the records of releases",
        remedy="`hasivu window --env ENV` says how it stands.",
    )


def _missing(proof_id: str, title: str, read: Read, remedy: str) -> ProofResult:
    return _proof(proof_id, read.seen.status, title, read.seen.reason, remedy=remedy)


def _proof(
    proof_id: str,
    status: Status,
    title: str,
    observed: str,
    read: Read | None = None,
    remedy: str = "",
    *,
    looked_at: int = 0,
) -> ProofResult:
    record = None if read is None else read.record
    good = status is Status.PASSED
    if good and looked_at == 0:
        status = Status.NOT_EVALUATED
    return ProofResult(
        proof_id=proof_id,
        level=Level.RUN,
        title=line(title),
        status=status,
        expected=line(title),
        observed=line(observed or "it said nothing"),
        looked_at=looked_at,
        on_emulator=record is not None and record.environment == "sandbox",
        evidence=tuple(each.path for each in read.seen.evidence) if read is not None else (),
        remedy="" if good else line(remedy),
    )
