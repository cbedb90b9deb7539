"""A new value is read from where nobody else can read it, and nothing of it is ever shown."""

import json
import os
from pathlib import Path

import pytest

from checks.errors import HasivuError
from checks.rotation.value_file import SIZE_MAX_BYTES, STAGEABLE, read

SECRET = "n" * 40
VALUES: dict[str, dict[str, object]] = {
    "razorpay": {"key_id": "rzp_test_" + "B" * 14, "key_secret": SECRET},
    "razorpay-webhook": {"secrets": [SECRET]},
    "whatsapp": {"access_token": SECRET, "app_secrets": ["q" * 32], "verify_token": "v" * 32},
}


def written(folder: Path, content: str, *, mode: int = 0o600) -> Path:
    path = folder / "secret.json"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


def refused(path: Path, name: str = "razorpay-webhook", environment: str = "dev") -> HasivuError:
    with pytest.raises(HasivuError) as caught:
        read(path, name, environment=environment)
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", STAGEABLE)
def test_a_value_of_the_right_shape_is_read(tmp_path: Path, name: str) -> None:
    assert read(written(tmp_path, json.dumps(VALUES[name])), name, environment="dev") == VALUES[name]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o620, 0o601])
def test_a_file_that_others_may_touch_is_exposed(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, json.dumps(VALUES["razorpay-webhook"]), mode=mode)
    error = refused(path)
    assert error.code == "FILE_EXPOSED"
    assert "make a new value" in error.next_step


def test_links_folders_and_what_is_not_there_are_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(VALUES["razorpay-webhook"]))
    link = tmp_path / "link.json"
    link.symlink_to(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    assert refused(link).code == "FILE_UNREADABLE"
    assert refused(tmp_path / "absent.json").code == "FILE_UNREADABLE"
    assert refused(tmp_path).code == "FILE_EXPOSED"
    assert refused(pipe).code == "FILE_EXPOSED"


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "[" * 100_000, '"n"', json.dumps({"secrets": "n" * 40}),
        json.dumps({"secrets": ["short"]}), json.dumps({"secrets": [SECRET], "more": 1}),
        json.dumps({"secrets": ["n" * SIZE_MAX_BYTES]}),
    ],
)  # fmt: skip
def test_what_is_no_value_of_this_secret_is_told_without_showing_it(tmp_path: Path, content: str) -> None:
    assert refused(written(tmp_path, content)).code == "VALUE_MALFORMED"


def test_a_test_key_is_not_for_prod(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(VALUES["razorpay"]))
    error = refused(path, "razorpay", "prod")
    assert "prod takes keys of live mode only" in error.message


@pytest.mark.parametrize("name", ["api-key-pepper", "razorpay_webhook", ""])
def test_the_pepper_and_what_is_no_secret_cannot_be_staged(tmp_path: Path, name: str) -> None:
    error = refused(written(tmp_path, "{}"), name)
    assert error.code == "SECRET_NAME_UNKNOWN"
    assert "razorpay-webhook" in error.next_step
