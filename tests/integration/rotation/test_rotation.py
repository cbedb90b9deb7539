"""A rotation through its four steps: what becomes current, what is refused, and that nothing is lost."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator
from checks.sandbox.whatsapp import WhatsAppSimulator
from runtime.access.peppers import FIRST, Peppers
from runtime.functions import secret_rotation
from runtime.gateways.razorpay.signatures import sign, webhook_signature_is_valid
from runtime.platform import aws
from runtime.rotation.refusals import RotationRefused
from runtime.rotation.steps import CURRENT, PENDING, STAGED, Rotation, Step
from tests.integration.rotation.conftest import (
    AS_THEY_ARE,
    NEXT_KEYS,
    NEXT_TOKEN,
    WEBHOOK_SECRET,
    Rotations,
)
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

NEXT_WEBHOOK = {"secrets": ["n" * 32, WEBHOOK_SECRET]}
NEXT_TALK = AS_THEY_ARE["whatsapp"] | {"access_token": NEXT_TOKEN, "app_secrets": ["q" * 32, "p" * 32]}
STAGED_VALUES: list[tuple[str, dict[str, Any]]] = [
    ("razorpay", NEXT_KEYS),
    ("razorpay-webhook", NEXT_WEBHOOK),
    ("whatsapp", NEXT_TALK),
]


def refused(rotations: Rotations, name: str, *, code: str, during: Step) -> str:
    """Rotate, see it refused with ``code`` in the step ``during``, and see the current value stay."""
    before = rotations.value(name)
    token = rotations.begin(name)
    for step in [step for step in Step if [*Step].index(step) < [*Step].index(during)]:
        rotations.step(step, name, token)
    with pytest.raises(RotationRefused) as caught:
        rotations.step(during, name, token)
    assert caught.value.reason.code == code
    assert rotations.value(name) == before
    return str(caught.value)


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What the function wrote, log lines and metrics."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


# --- the pepper renews itself ---


def test_a_new_pepper_is_current_and_the_old_one_stays(rotations: Rotations) -> None:
    rotations.rotate("api-key-pepper")
    peppers = Peppers.of(rotations.value("api-key-pepper"))
    assert peppers.by_version[FIRST] == "f" * 64
    assert peppers.current != FIRST
    assert len(peppers.by_version[peppers.current]) == secret_rotation.PEPPER_LENGTH


def test_the_value_before_is_one_label_away(rotations: Rotations) -> None:
    token = rotations.rotate("api-key-pepper")
    assert CURRENT in rotations.labels("api-key-pepper")[token]
    assert rotations.value("api-key-pepper", "AWSPREVIOUS") == AS_THEY_ARE["api-key-pepper"]


def test_nobody_chooses_a_pepper(rotations: Rotations) -> None:
    rotations.stage("api-key-pepper", {"pepper": "chosen-by-somebody-who-knows-it-then"})
    rotations.rotate("api-key-pepper")
    assert "chosen" not in json.dumps(rotations.value("api-key-pepper"))


# --- an operator's value ---


@pytest.mark.parametrize(("name", "value"), STAGED_VALUES)
def test_a_staged_value_becomes_current_once_it_is_taken(
    rotations: Rotations, name: str, value: dict[str, Any]
) -> None:
    rotations.stage(name, value)
    token = rotations.rotate(name)
    assert CURRENT in rotations.labels(name)[token]
    assert value.items() <= rotations.value(name).items()
    assert not rotations.has(name, STAGED), "it waits no longer"


def test_the_former_key_of_razorpay_is_kept_beside_the_new_one(rotations: Rotations) -> None:
    rotations.stage("razorpay", NEXT_KEYS)
    rotations.rotate("razorpay")
    assert rotations.value("razorpay")["former_key_secret"] == AS_THEY_ARE["razorpay"]["key_secret"]


@pytest.mark.parametrize("name", ["razorpay", "razorpay-webhook", "whatsapp"])
def test_without_a_staged_value_the_secret_is_due(
    rotations: Rotations, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(rotations, name, code="secret-due", during=Step.CREATE)
    assert "hasivu secret stage" in said
    lines = printed(capsys)
    assert [line["reason"] for line in lines if "SecretRotationRefused" in line] == ["due"]
    (told,) = [line for line in lines if line.get("message") == "rotation refused"]
    assert (told["code"], told["level"], told["rotated"]) == ("secret-due", "WARNING", name)
    assert "exception_name" not in told, "a refusal is an answer, not a failure of the function"


def test_what_was_taken_before_is_not_taken_twice(rotations: Rotations) -> None:
    rotations.stage("razorpay", NEXT_KEYS)
    rotations.rotate("razorpay")
    rotations.stage("razorpay", NEXT_KEYS)
    refused(rotations, "razorpay", code="value-not-new", during=Step.CREATE)


def test_a_failed_rotation_that_comes_again_takes_what_was_staged_meanwhile(rotations: Rotations) -> None:
    token = rotations.begin("razorpay-webhook")
    with pytest.raises(RotationRefused, match="secret-due"):
        rotations.step(Step.CREATE, "razorpay-webhook", token)
    rotations.stage("razorpay-webhook", NEXT_WEBHOOK)
    for step in Step:
        rotations.step(step, "razorpay-webhook", token)
    assert rotations.value("razorpay-webhook") == NEXT_WEBHOOK


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("razorpay", NEXT_KEYS | {"key_id": "rzp_live_" + "B" * 14}, "value-malformed"),
        ("razorpay-webhook", {"secrets": ["n" * 32]}, "overlap-missing"),
        ("razorpay-webhook", {"secrets": [WEBHOOK_SECRET, "n" * 32]}, "value-not-new"),
        ("whatsapp", NEXT_TALK | {"app_secrets": ["q" * 32]}, "overlap-missing"),
        ("whatsapp", ["not", "an", "object"], "value-malformed"),
    ],
)
def test_a_value_that_may_not_follow_is_refused_before_anybody_is_asked(
    rotations: Rotations, name: str, value: object, code: str
) -> None:
    rotations.stage(name, value)
    refused(rotations, name, code=code, during=Step.CREATE)
    assert rotations.has(name, STAGED), "it is not lost either"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("razorpay", NEXT_KEYS | {"key_secret": "w" * 24}),
        ("whatsapp", NEXT_TALK | {"access_token": "EAA" + "w" * 40}),
    ],
)
def test_a_value_that_the_provider_does_not_take_is_refused(
    rotations: Rotations, name: str, value: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rotations.stage(name, value)
    said = refused(rotations, name, code="provider-refused", during=Step.TEST)
    assert "401" in said
    written = said + json.dumps(printed(capsys))
    assert "w" * 24 not in written


@pytest.mark.parametrize("name", ["razorpay", "whatsapp"])
def test_a_provider_that_does_not_answer_says_nothing_against_a_value(
    rotations: Rotations, razorpay: RazorpaySimulator, whatsapp: WhatsAppSimulator, name: str
) -> None:
    rotations.stage(name, dict(STAGED_VALUES)[name])
    razorpay.stop()
    whatsapp.stop()
    refused(rotations, name, code="provider-unreachable", during=Step.TEST)


# --- the contract with Secrets Manager ---


def test_every_step_may_come_again(rotations: Rotations) -> None:
    token = rotations.begin("api-key-pepper")
    made = []
    for step in (Step.CREATE, Step.CREATE, Step.SET, Step.SET, Step.TEST, Step.TEST):
        rotations.step(step, "api-key-pepper", token)
        made.append(rotations.value("api-key-pepper", PENDING))
    assert all(value == made[0] for value in made)
    for step in (Step.FINISH, Step.FINISH, *Step):
        rotations.step(step, "api-key-pepper", token)
    assert rotations.value("api-key-pepper") == made[0]
    assert rotations.value("api-key-pepper", "AWSPREVIOUS") == AS_THEY_ARE["api-key-pepper"]


def test_a_crash_after_the_change_leaves_a_label_that_the_next_call_takes_off(
    rotations: Rotations, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotations.stage("razorpay-webhook", NEXT_WEBHOOK)
    token = rotations.begin("razorpay-webhook")
    for step in (Step.CREATE, Step.SET, Step.TEST):
        rotations.step(step, "razorpay-webhook", token)
    with monkeypatch.context() as crashing:
        crashing.setattr(Rotation, "_clear_staged", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotations.step(Step.FINISH, "razorpay-webhook", token)
    assert rotations.value("razorpay-webhook") == NEXT_WEBHOOK
    rotations.step(Step.FINISH, "razorpay-webhook", token)
    assert not rotations.has("razorpay-webhook", STAGED)


def test_a_value_that_is_staged_during_a_rotation_waits_for_the_next(rotations: Rotations) -> None:
    rotations.stage("razorpay-webhook", NEXT_WEBHOOK)
    token = rotations.begin("razorpay-webhook")
    for step in (Step.CREATE, Step.SET, Step.TEST):
        rotations.step(step, "razorpay-webhook", token)
    (older,) = [
        version for version, labels in rotations.labels("razorpay-webhook").items() if STAGED in labels
    ]
    rotations.client.update_secret_version_stage(
        SecretId=rotations.arns["razorpay-webhook"], VersionStage=STAGED, RemoveFromVersionId=older
    )
    newest = {"secrets": ["m" * 32, *NEXT_WEBHOOK["secrets"]]}
    rotations.stage("razorpay-webhook", newest)
    rotations.step(Step.FINISH, "razorpay-webhook", token)
    assert rotations.value("razorpay-webhook") == NEXT_WEBHOOK
    assert rotations.value("razorpay-webhook", STAGED) == newest


def test_a_token_that_is_not_pending_is_refused(rotations: Rotations) -> None:
    for token in ("11111111-2222-3333-4444-555555555555", ""):
        with pytest.raises(RotationRefused, match="token-not-staged"):
            rotations.step(Step.CREATE, "api-key-pepper", token)
    token = rotations.begin("api-key-pepper")
    rotations.client.update_secret_version_stage(
        SecretId=rotations.arns["api-key-pepper"], VersionStage=PENDING, RemoveFromVersionId=token
    )
    with pytest.raises(RotationRefused, match="token-not-staged"):
        rotations.step(Step.FINISH, "api-key-pepper", token)


def test_a_secret_that_nobody_scheduled_is_refused(
    environment: dict[str, str], secrets_manager: "SecretsManagerClient", unique: str
) -> None:
    unscheduled = secrets_manager.create_secret(Name=f"{unique}/other", SecretString='{"pepper":"a"}')
    environment["API_KEY_PEPPER_SECRET_ARN"] = unscheduled["ARN"]
    rotations = Rotations(secrets_manager, environment)
    token = rotations.begin("api-key-pepper")
    with pytest.raises(RotationRefused, match="rotation-not-enabled"):
        rotations.step(Step.CREATE, "api-key-pepper", token)


def test_a_secret_or_a_step_that_is_none_of_ours_is_refused(rotations: Rotations) -> None:
    token = rotations.begin("api-key-pepper")
    with pytest.raises(RotationRefused, match="step-unknown"):
        rotations.step("dropSecret", "api-key-pepper", token)
    rotations.arns["stranger"] = "arn:aws:secretsmanager:ap-south-1:000000000000:secret:stranger-AbCdEf"
    with pytest.raises(RotationRefused, match="secret-unknown"):
        rotations.step(Step.CREATE, "stranger", token)


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_the_trial_when_a_schedule_is_made_asks_nobody_and_changes_nothing(
    rotations: Rotations, name: str
) -> None:
    """Secrets Manager then calls testSecret alone, on a pending version without a value of its own."""
    empty = rotations.begin(name)
    rotations.step(Step.TEST, name, empty)
    copied = "22222222-2222-3333-4444-555555555555"
    rotations.client.put_secret_value(
        SecretId=rotations.arns[name],
        ClientRequestToken=copied,
        SecretString=json.dumps(AS_THEY_ARE[name]),
        VersionStages=[PENDING],
    )
    rotations.step(Step.TEST, name, copied)
    for token in (empty, copied):
        with pytest.raises(RotationRefused, match="pending-missing"):
            rotations.step(Step.FINISH, name, token)
    assert rotations.value(name) == AS_THEY_ARE[name]


# --- what is left behind ---


def test_a_rotation_is_in_the_audit_trail_and_counted_once(
    rotations: Rotations, tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    token = rotations.rotate("api-key-pepper")
    rotations.step(Step.FINISH, "api-key-pepper", token)
    (line,) = tables.items("audit")
    assert (line["action"], line["subject"], line["actor_id"], line["outcome"]) == (
        "secrets.rotate",
        "api-key-pepper",
        "secrets-manager",
        "done",
    )
    counted = [written["rotated"] for written in printed(capsys) if "SecretRotated" in written]
    assert counted == ["api-key-pepper"]


def test_nothing_that_is_written_shows_a_value(
    rotations: Rotations, tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in STAGED_VALUES:
        rotations.stage(name, value)
        rotations.rotate(name)
    rotations.rotate("api-key-pepper")
    written = capsys.readouterr().out + json.dumps(tables.items("audit"), default=str)
    kept = [rotations.value(name, stage) for name in AS_THEY_ARE for stage in (CURRENT, "AWSPREVIOUS")]
    for text in filter(lambda text: len(text) >= 16, _texts(kept)):
        assert text not in written


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    members = value.values() if isinstance(value, dict) else value
    return [text for member in members for text in _texts(member)]


# --- who reads the secret ---


def test_a_webhook_signed_with_the_secret_before_is_still_taken_during_the_overlap(
    rotations: Rotations,
) -> None:
    """Razorpay's retries keep the old signature for a day; functions hold the old list for five minutes."""
    read = aws.secret_reader()
    body = b'{"event":"payment.captured"}'
    old, new = sign(body, WEBHOOK_SECRET), sign(body, "n" * 32)
    arn = rotations.arns["razorpay-webhook"]
    assert webhook_signature_is_valid(body, old, read(arn)["secrets"])
    rotations.stage("razorpay-webhook", NEXT_WEBHOOK)
    rotations.rotate("razorpay-webhook")

    cached = read(arn)["secrets"]
    assert webhook_signature_is_valid(body, old, cached)
    assert not webhook_signature_is_valid(body, new, cached), "so the dashboard is changed after five minutes"

    fresh = read(arn, fresh=True)["secrets"]
    assert webhook_signature_is_valid(body, old, fresh)
    assert webhook_signature_is_valid(body, new, fresh)
