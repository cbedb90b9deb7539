"""An environment file that must not be deployed is refused with the file, the key and the remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.gateways.razorpay.api import ALLOWED_HOSTS as RAZORPAY_HOSTS
from runtime.gateways.transport import permitted_base_url
from runtime.gateways.whatsapp.client import ALLOWED_HOSTS as WHATSAPP_HOSTS
from stacks.environment import ENVIRONMENT_NAMES, EnvironmentRefused, load_environment
from stacks.house_app import ROOT

ENVIRONMENTS = ROOT / "environments"
Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """A copy of an environment's file with one piece of text replaced."""

    def edit(name: str, old: str, new: str) -> Path:
        text = (ENVIRONMENTS / f"{name}.toml").read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}.toml"
        directory = tmp_path / "environments"
        directory.mkdir()
        (directory / f"{name}.toml").write_text(text.replace(old, new), encoding="utf-8")
        return directory

    return edit


@pytest.mark.parametrize("name", ENVIRONMENT_NAMES)
def test_every_committed_environment_is_sound(name: str) -> None:
    environment = load_environment(name, directory=ENVIRONMENTS)

    assert environment.name == name
    with pytest.raises(ValidationError, match="frozen"):
        environment.region = "us-east-1"  # type: ignore[misc]  # that it cannot be assigned is the point


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT_NAMES if name != "sandbox"])
def test_the_addresses_of_the_providers_are_those_that_the_clients_accept(name: str) -> None:
    environment = load_environment(name, directory=ENVIRONMENTS)

    for address, allowed in (
        (environment.razorpay.base_url, RAZORPAY_HOSTS),
        (environment.whatsapp.base_url, WHATSAPP_HOSTS),
    ):
        assert permitted_base_url(address, allowed) == address


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "remedy"),
    [
        (
            "prod",
            "deletion_protection = true",
            "deletion_protection = false",
            "protection.deletion_protection",
            "Set it to true.",
        ),
        (
            "prod",
            "termination_protection = true",
            "termination_protection = false",
            "protection.termination_protection",
            "Set it to true.",
        ),
        ("prod", "retain_data = true", "retain_data = false", "protection.retain_data", "Set it to true."),
        (
            "prod",
            "recovery_days = 35",
            "recovery_days = 7",
            "protection.point_in_time_recovery_days",
            "Set it to 35.",
        ),
        (
            "prod",
            "lock_records = true",
            "lock_records = false",
            "protection.lock_records",
            "Set it to true.",
        ),
        ("dev", "https://app.dev", "http://app.dev", "web.origins", "https://"),
        ("prod", 'origins = ["https://app.hasivu.example"]', "origins = []", "web.origins", "Correct"),
        ("prod", "https://app.hasivu.example", "*", "web.origins.0", "Correct"),
        ("prod", 'mode = "block"', 'mode = "count"', "firewall.mode", 'Set it to "block"'),
        ("prod", 'mfa = "required"', 'mfa = "optional"', "identity.mfa", 'Set it to "required"'),
        (
            "prod",
            "threat_protection = true",
            "threat_protection = false",
            "identity.threat_protection",
            "Set it to true.",
        ),
        (
            "prod",
            "reserve_concurrency = true",
            "reserve_concurrency = false",
            "functions.reserve_concurrency",
            "Set it to true.",
        ),
        ("prod", "retention_days = 731", "retention_days = 180", "logs.retention_days", "365 or more"),
        ("prod", 'log_level = "INFO"', 'log_level = "DEBUG"', "functions.log_level", 'Set it to "INFO"'),
        (
            "prod",
            "password_sign_in = false",
            "password_sign_in = true",
            "identity.password_sign_in",
            "Set it to false",
        ),
        (
            "dev",
            "deletion_protection = true",
            "deletion_protection = false",
            "protection.deletion_protection",
            "Set it to true.",
        ),
        (
            "dev",
            'bundle_target = "arm64"',
            'bundle_target = "host"',
            "functions.bundle_target",
            'architecture to "arm64"',
        ),
        ("dev", "https://api.razorpay.com", "http://api.razorpay.com", "razorpay.base_url", "https://"),
        ("dev", "embedded = false", "embedded = true", "embedded", "Set it to true there, false elsewhere."),
        (
            "sandbox",
            "embedded = true",
            "embedded = false",
            "embedded",
            "Set it to true there, false elsewhere.",
        ),
        (
            "staging",
            'region = "ap-south-1"',
            'region = "ap-southeast-1"',
            "region",
            "Use one of ap-south-1, ap-south-2.",
        ),
        ("staging", 'name = "staging"', 'name = "dev"', "name", 'Set it to "staging".'),
        ("staging", "retain_data", "retian_data", "protection.retian_data", "Did you mean retain_data?"),
        ("staging", "[firewall]", "[zebra]", "zebra", "Remove it."),
        ("staging", 'mode = "block"', "", "firewall.mode", "Add it."),
        ("staging", "rate_per_s = 500", 'rate_per_s = "500"', "api.rate_per_s", "Correct the value."),
        ("staging", "rate_per_s = 500", "rate_per_s = 0", "api.rate_per_s", "Correct the value."),
        (
            "staging",
            "retention_days = 365",
            "retention_days = 366",
            "logs.retention_days",
            "Correct the value.",
        ),
        (
            "staging",
            'sender = "payments@',
            'sender = "Payments <payments@',
            "mail.sender",
            "Correct the value.",
        ),
        (
            "staging",
            "embedded = false",
            'embedded = false\naccount = "12345"',
            "account",
            "Correct the value.",
        ),
        ("staging", "embedded = false", "embedded = maybe", "(file)", "Correct the line."),
    ],
)
def test_an_unsound_environment_is_refused_with_file_key_and_remedy(
    edit: Edit, name: str, old: str, new: str, key: str, remedy: str
) -> None:
    with pytest.raises(EnvironmentRefused) as refused:
        load_environment(name, directory=edit(name, old, new))

    lines = str(refused.value).splitlines()
    assert [
        line for line in lines if line.startswith(f"environments/{name}.toml: {key}: ") and remedy in line
    ]


def test_every_broken_rule_is_named_at_once(edit: Edit) -> None:
    directory = edit(
        "prod", "[protection]\ndeletion_protection = true", "[protection]\ndeletion_protection = false"
    )
    file = directory / "prod.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"block"', '"count"'), encoding="utf-8")

    with pytest.raises(EnvironmentRefused) as refused:
        load_environment("prod", directory=directory)

    assert {refusal.key for refusal in refused.value.refusals} == {
        "protection.deletion_protection",
        "firewall.mode",
    }


def test_an_environment_without_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefused, match="does not exist"):
        load_environment("dev", directory=tmp_path)


def test_a_name_is_never_a_path(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefused, match="no environment"):
        load_environment("../prod", directory=tmp_path)


def test_the_account_asked_for_is_used_and_must_agree_with_the_file(edit: Edit) -> None:
    asked = load_environment("prod", directory=ENVIRONMENTS, account="222222222222")
    assert asked.account == "222222222222"

    directory = edit("prod", "embedded = false", 'embedded = false\naccount = "111111111111"')
    assert load_environment("prod", directory=directory, account="111111111111").account == "111111111111"
    with pytest.raises(EnvironmentRefused, match="account: differs from the account asked for"):
        load_environment("prod", directory=directory, account="222222222222")


def test_the_account_of_the_credentials_is_only_a_last_resort(edit: Edit) -> None:
    directory = edit("prod", "embedded = false", 'embedded = false\naccount = "111111111111"')

    own = load_environment("prod", directory=directory, account_of_credentials="333333333333")
    none_given = load_environment("prod", directory=ENVIRONMENTS, account_of_credentials="333333333333")

    assert (own.account, none_given.account) == ("111111111111", "333333333333")


def test_no_account_is_made_up() -> None:
    for name in ("dev", "staging", "prod"):
        assert load_environment(name, directory=ENVIRONMENTS).account is None
