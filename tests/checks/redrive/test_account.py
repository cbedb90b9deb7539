"""The session leads where it should: the sandbox for the sandbox, the right account or nowhere."""

import tomllib
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError

from checks.errors import HasivuError
from checks.redrive import account
from checks.sandbox.state import Endpoints, SandboxState
from checks.toolchain import REPOSITORY


class Sts:
    def __init__(self, answer: str | Exception) -> None:
        self._answer = answer

    def get_caller_identity(self) -> dict[str, str]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return {"Account": self._answer}


@pytest.fixture
def dev_in_account(tmp_path: Path) -> str:
    """The account that environments/dev.toml of a checkout in `tmp_path` names."""
    text = (REPOSITORY / "environments" / "dev.toml").read_text(encoding="utf-8")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.toml").write_text(text, encoding="utf-8")
    return str(tomllib.loads(text)["account"])


def answer(monkeypatch: pytest.MonkeyPatch, with_: str | Exception) -> None:
    def client(*_: Any, **__: Any) -> Sts:
        return Sts(with_)

    monkeypatch.setattr(boto3.Session, "client", client)


def test_credentials_of_the_named_account_are_let_through(
    dev_in_account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer(monkeypatch, dev_in_account)
    assert account.session_for("dev", repository=tmp_path).region_name == "ap-south-1"


@pytest.mark.parametrize(
    ("given", "code"), [("222222222222", "WRONG_ACCOUNT"), (NoCredentialsError(), "NO_CREDENTIALS")]
)
def test_any_others_are_not_and_no_account_is_named(
    dev_in_account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | Exception, code: str
) -> None:
    answer(monkeypatch, given)
    with pytest.raises(HasivuError) as refused:
        account.session_for("dev", repository=tmp_path)
    assert refused.value.code == code
    assert dev_in_account not in str(refused.value)
    assert "222222222222" not in str(refused.value)


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(HasivuError) as refused:
        account.session_for("live")
    assert refused.value.code == "ENVIRONMENT_REFUSED"


def test_the_sandbox_is_asked_for_its_own_session(tmp_path: Path) -> None:
    with pytest.raises(HasivuError) as refused:
        account.session_for("sandbox", sandbox_directory=tmp_path)
    assert refused.value.code == "SANDBOX_DOWN"


def test_a_sandbox_that_was_stopped_is_down_and_not_asked(tmp_path: Path) -> None:
    """It has been deployed, so that it knows where everything was."""
    endpoints = Endpoints.model_validate(dict.fromkeys(Endpoints.model_fields, "http://127.0.0.1:1"))
    SandboxState(endpoints=endpoints).write(tmp_path / "state.json")
    with pytest.raises(HasivuError) as refused:
        account.session_for("sandbox", sandbox_directory=tmp_path)
    assert refused.value.code == "SANDBOX_DOWN"
    assert str(tmp_path) not in refused.value.message, "it goes into results, which know no machine"


def test_a_profile_that_nobody_has_is_named(dev_in_account: str, tmp_path: Path) -> None:
    with pytest.raises(HasivuError, match="'nobody'") as refused:
        account.session_for("dev", repository=tmp_path, profile="nobody")
    assert refused.value.code == "NO_CREDENTIALS"
