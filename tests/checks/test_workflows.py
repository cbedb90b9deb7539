"""The workflows: pinned, with the least rights, and with nothing of a stranger's in a shell."""

import copy
import importlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.toolchain import REPOSITORY

yaml: Any = importlib.import_module("yaml")  # comes with cfn-lint and brings no types

FOLDER = REPOSITORY / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
ACTIONS = sorted((FOLDER / "actions").glob("*/action.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
INTO_A_SHELL = re.compile(r"\$\{\{")
WRITABLE = {
    # what each job may do beyond reading the sources
    ("pull-request.yml", "comment"): {"pull-requests": "write"},
    ("deploy.yml", "dev"): {"id-token": "write"},
    ("deploy.yml", "staging"): {"id-token": "write"},
    ("deploy.yml", "prod"): {"id-token": "write"},
    ("deploy-environment.yml", "deploy"): {"id-token": "write"},
}


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", [])
    yield from document.get("runs", {}).get("steps", [])


def problems(name: str, document: dict[str, Any]) -> list[str]:
    """Everything that is wrong with a workflow or an action."""
    return [*_uses(document), *_shells(document), *_rights(name, document), *_triggers(document)]


def _uses(document: dict[str, Any]) -> Iterator[str]:
    named = [step["uses"] for step in steps(document) if "uses" in step]
    named += [job["uses"] for job in document.get("jobs", {}).values() if "uses" in job]
    for uses in named:
        if uses.startswith("./"):
            if not (REPOSITORY / uses).exists():
                yield f"{uses} does not exist"
        elif not PINNED.fullmatch(uses):
            yield f"{uses} is not pinned to a commit"


def _shells(document: dict[str, Any]) -> Iterator[str]:
    for step in steps(document):
        if INTO_A_SHELL.search(step.get("run", "")):
            yield "an expression is pasted into a shell; pass it by env"
        checkout = str(step.get("uses", "")).startswith("actions/checkout@")
        if checkout and step.get("with", {}).get("persist-credentials") is not False:
            yield "a checkout leaves the token behind"


def _rights(name: str, document: dict[str, Any]) -> Iterator[str]:
    if "jobs" not in document:
        return
    if document.get("permissions") != {}:
        yield "the workflow has rights that no job asked for"
    for title, job in document["jobs"].items():
        rights = job.get("permissions")
        if rights is None or not isinstance(rights, dict):
            yield f"{title} does not say what it may do"
            continue
        beyond = {right: level for right, level in rights.items() if (right, level) != ("contents", "read")}
        if beyond != WRITABLE.get((name, title), {}):
            yield f"{title} may {beyond}"
        if "uses" not in job and not job.get("timeout-minutes"):
            yield f"{title} may run for ever"


def _triggers(document: dict[Any, Any]) -> Iterator[str]:
    triggers = document.get(True, {})  # YAML 1.1 reads `on` as true
    for trigger in ("pull_request_target", "workflow_run", "issue_comment"):
        if trigger in triggers:
            yield f"{trigger} runs with rights on what a stranger wrote"


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_nothing_is_wrong_with_it(path: Path) -> None:
    assert problems(path.name, read(path)) == []


def test_there_is_something_to_look_at() -> None:
    assert {path.name for path in WORKFLOWS} == {
        "pull-request.yml",
        "prove.yml",
        "deploy.yml",
        "deploy-environment.yml",
        "rollback-window.yml",
    }
    assert ACTIONS


def planted(change: str) -> dict[Any, Any]:
    """The workflow of pull requests with one weakness in it."""
    document: dict[Any, Any] = copy.deepcopy(read(FOLDER / "workflows" / "pull-request.yml"))
    job = document["jobs"]["diff"]
    match change:
        case "tag":
            job["steps"][0]["uses"] = "actions/checkout@v6"
        case "short":
            job["steps"][0]["uses"] = "actions/checkout@8e8c483"
        case "shell":
            job["steps"][2]["run"] = "echo ${{ github.event.pull_request.title }}"
        case "rights":
            job["permissions"] = {"contents": "write"}
        case "all rights":
            job["permissions"] = "write-all"
        case "no rights said":
            del job["permissions"]
        case "trigger":
            document[True] = {"pull_request_target": None}
        case "token":
            job["steps"][0]["with"].pop("persist-credentials")
        case "endless":
            del job["timeout-minutes"]
    return document


@pytest.mark.parametrize(
    "change",
    ["tag", "short", "shell", "rights", "all rights", "no rights said", "trigger", "token", "endless"],
)
def test_each_weakness_would_be_found(change: str) -> None:
    assert len(problems("pull-request.yml", planted(change))) == 1


def test_one_commit_stands_for_one_version_everywhere() -> None:
    """The version beside the commit is what a person reads: the same commit has the same one."""
    versions: dict[str, set[str]] = {}
    for path in [*WORKFLOWS, *ACTIONS]:
        for action, commit, version in re.findall(
            r"uses: ([\w./-]+)@([0-9a-f]{40})(?: # (v[\d.]+))?", path.read_text(encoding="utf-8")
        ):
            versions.setdefault(action, set()).add(f"{commit} {version}")
    assert all(len(found) == 1 for found in versions.values()), versions
    assert all(re.search(r" v\d+\.\d+\.\d+$", min(found)) for found in versions.values()), versions


def test_the_job_that_may_comment_runs_nothing_of_the_pull_request() -> None:
    comment = read(FOLDER / "workflows" / "pull-request.yml")["jobs"]["comment"]
    assert not any("checkout" in str(step.get("uses", "")) for step in comment["steps"])
    assert "head.repo.full_name == github.repository" in comment["if"]


def test_a_pull_request_never_gets_credentials_of_aws() -> None:
    text = (FOLDER / "workflows" / "pull-request.yml").read_text(encoding="utf-8")
    assert "id-token" not in text
    assert "secrets." not in text
    assert "configure-aws-credentials" not in text


def test_no_workflow_knows_a_secret() -> None:
    for path in [*WORKFLOWS, *ACTIONS]:
        assert "secrets." not in path.read_text(encoding="utf-8")


def test_prod_comes_last_through_its_own_environment_and_one_at_a_time() -> None:
    jobs = read(FOLDER / "workflows" / "deploy.yml")["jobs"]
    assert [jobs[name]["needs"] for name in ("dev", "staging", "prod")] == [
        ["gate", "prove"],
        "dev",
        "staging",
    ]
    for name in ("dev", "staging", "prod"):
        assert jobs[name]["with"] == {"environment": name}
    deploy = read(FOLDER / "workflows" / "deploy-environment.yml")["jobs"]["deploy"]
    assert deploy["environment"] == "${{ inputs.environment }}"
    assert deploy["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}


def test_the_gate_looks_at_every_environment_that_is_deployed() -> None:
    deployed = sorted(
        path.stem for path in (REPOSITORY / "environments").glob("*.toml") if path.stem != "sandbox"
    )
    for name in ("pull-request.yml", "deploy.yml"):
        jobs = read(FOLDER / "workflows" / name)["jobs"]
        assert sorted(jobs["gate"]["strategy"]["matrix"]["environment"]) == deployed


def test_caches_are_keyed_by_both_lock_files() -> None:
    (action,) = ACTIONS
    keys = [step["with"]["key"] for step in steps(read(action)) if "with" in step]
    assert keys
    assert all("uv.lock" in key and "package-lock.json" in key for key in keys)


def test_the_account_is_masked_in_every_log() -> None:
    found = [
        step["with"].get("mask-aws-account-id")
        for path in WORKFLOWS
        for step in steps(read(path))
        if "configure-aws-credentials" in step.get("uses", "")
    ]
    assert found == [True]


def test_prod_is_deployed_only_through_the_gate() -> None:
    """The gate is asked before the deployment, on the assembly that is deployed, and its answer counts."""
    job = read(FOLDER / "workflows" / "deploy-environment.yml")["jobs"]["deploy"]
    names = [step.get("name") for step in job["steps"]]
    gate = job["steps"][names.index("Is it signed off?")]
    deploy = job["steps"][names.index("Deploy")]
    assert (
        names.index("Synthesise for this account") < names.index("Is it signed off?") < names.index("Deploy")
    )
    assert gate["if"] == "inputs.environment == 'prod'"
    assert "--assembly cdk.out" in gate["run"]
    assert "--app cdk.out" in deploy["run"]
    assert not any("continue-on-error" in step for step in job["steps"])


def deploying() -> dict[str, dict[str, Any]]:
    """The steps of a deployment by their names, in their order."""
    job = read(FOLDER / "workflows" / "deploy-environment.yml")["jobs"]["deploy"]
    return {str(step.get("name") or step["uses"]): step for step in job["steps"]}


def test_what_was_deployed_is_looked_at_and_its_report_is_kept() -> None:
    found = deploying()
    names = list(found)
    fetch, check, report, keep = (
        found["Fetch what the runs of these sources left"],
        found["Hold what runs against the checklist, as the auditor"],
        found["Write the report"],
        found["Keep the report"],
    )
    assert names.index("Deploy") < names.index("Is it up?") < names.index(str(check["name"]))
    assert names[-4:] == [each["name"] for each in (fetch, check, report, keep)]
    # a deployment that is not up is looked at all the more, and a bad check has its report
    assert {step["if"] for step in (fetch, check, report, keep)} == {
        "${{ !cancelled() && steps.deploy.outcome == 'success' }}"
    }
    assert found["Deploy"]["id"] == "deploy"
    assert "--no-live" not in check["run"]
    assert keep["with"]["path"] == "build/report/${{ inputs.environment }}"
    assert keep["with"]["if-no-files-found"] == "error"
    assert keep["with"]["retention-days"] >= 90
    assert "summary.md" in report["run"]


def test_what_the_runs_left_reaches_every_report_of_the_same_workflow() -> None:
    """A run on another machine, or in another job, proves nothing where nobody can read what it left."""
    job = read(FOLDER / "workflows" / "prove.yml")["jobs"]["prove"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    order = [next(at for at, run in enumerate(runs) if each in run) for each in RUNS_OF_CI]
    assert order == sorted(order), "the demonstration ends with the report, and reads what ran before it"
    kept = {step["with"]["name"]: step for step in job["steps"] if "upload-artifact" in step.get("uses", "")}
    assert kept["evidence"]["with"]["path"] == "build/evidence"
    assert kept["report-sandbox"]["with"]["path"] == "build/report/sandbox"
    assert all(step["with"]["if-no-files-found"] == "error" for step in kept.values())
    assert all(step["if"] == "${{ !cancelled() }}" for step in kept.values()), "what failed is shown, too"
    lax = [step["run"] for step in job["steps"] if step.get("continue-on-error")]
    assert lax == ["make audit"], "a new advisory fails an item, not every pull request"

    fetch = deploying()["Fetch what the runs of these sources left"]
    assert fetch["with"] == {"name": "evidence", "path": "build/evidence"}
    for name in ("pull-request.yml", "deploy.yml"):
        prove = read(FOLDER / "workflows" / name)["jobs"]["prove"]
        assert prove["uses"] == "./.github/workflows/prove.yml"


RUNS_OF_CI = (".ci/run", "make bench", "make audit", "make demo")


def ran(step: dict[str, Any], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A step's script as GitHub runs it, in ``folder``."""
    return subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "GITHUB_STEP_SUMMARY": str(folder / "summary"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_role_it_says_so_and_is_red(tmp_path: Path) -> None:
    step = deploying()["Is there an account to deploy to?"]
    assert next(iter(deploying())) == step["name"]
    ended = ran(step, tmp_path, ROLE="", ENVIRONMENT="dev")
    assert ended.returncode == 1
    assert "::error::Nothing was deployed to dev" in ended.stdout
    assert "nobody looked at it" in (tmp_path / "summary").read_text(encoding="utf-8")
    assert ran(step, tmp_path, ROLE="arn:aws:iam::1:role/x", ENVIRONMENT="dev").returncode == 0


@pytest.mark.parametrize(
    ("looked_at", "code", "expected"), [(0, 0, 1), (3, 0, 0), (3, 1, 1)], ids=["nobody", "good", "no-go"]
)
def test_a_check_that_looked_at_nothing_that_runs_is_red(
    tmp_path: Path, looked_at: int, code: int, expected: int
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    results = tmp_path / "build" / "compliance" / "dev" / "results.json"
    results.parent.mkdir(parents=True)
    proofs = [{"level": "L", "looked_at": looked_at}, {"level": "T", "looked_at": 9}]
    results.write_text(json.dumps({"proofs": proofs}), encoding="utf-8")
    command = tmp_path / ".venv" / "bin" / "hasivu"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\necho "$@" > asked\nexit {code}\n', encoding="utf-8")
    command.chmod(0o755)
    step = deploying()["Hold what runs against the checklist, as the auditor"]
    ended = ran(step, tmp_path, ENVIRONMENT="dev", FAIL_ON="nothing")
    assert ended.returncode == expected, ended.stderr
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "check --env dev --fail-on nothing\n"
    assert ("::error::Nobody looked" in ended.stdout) == (looked_at == 0)


def test_prod_is_red_where_it_should_not_have_gone_live() -> None:
    check = deploying()["Hold what runs against the checklist, as the auditor"]
    assert check["env"]["FAIL_ON"].startswith("${{ inputs.environment == 'prod' && 'no-go' ||")


def test_a_report_that_fails_is_red_and_is_shown(tmp_path: Path) -> None:
    command = tmp_path / ".venv" / "bin" / "hasivu"
    command.parent.mkdir(parents=True)
    command.write_text(
        "#!/bin/sh\nmkdir -p build/report/prod\n"
        'echo "$HASIVU_RELEASES NO-GO" > build/report/prod/summary.md\nexit 1\n',
        encoding="utf-8",
    )
    command.chmod(0o755)
    ended = ran(
        deploying()["Write the report"], tmp_path, ENVIRONMENT="prod", HASIVU_RELEASES="build/releases"
    )
    assert ended.returncode == 1
    assert (tmp_path / "summary").read_text(encoding="utf-8") == "build/releases NO-GO\n"
