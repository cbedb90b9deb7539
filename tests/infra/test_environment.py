"""An environment file that must not be deployed is refused with the file, the key and the remedy."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.gateways.razorpay.api import ALLOWED_HOSTS as RAZORPAY_HOSTS
from runtime.gateways.transport import permitted_base_url
from runtime.gateways.whatsapp.client import ALLOWED_HOSTS as WHATSAPP_HOSTS
from stacks.environment import ENVIRONMENT_NAMES
from stacks.environment_file import EnvironmentRefused, load_environment
from stacks.house_app import ROOT
from tests.assemblies import TODAY

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
    environment = load_environment(name, directory=ENVIRONMENTS, today=TODAY)

    assert environment.name == name
    with pytest.raises(ValidationError, match="frozen"):
        environment.region = "us-east-1"  # type: ignore[misc]  # that it cannot be assigned is the point


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT_NAMES if name != "sandbox"])
def test_the_addresses_of_the_providers_are_those_that_the_clients_accept(name: str) -> None:
    environment = load_environment(name, directory=ENVIRONMENTS, today=TODAY)

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
        ("prod", '["INR"]', '["USD"]', "razorpay.presentment_currencies", '"INR" among them'),
        ("dev", '["INR"]', '["INR", "XYZ"]', "razorpay.presentment_currencies", "no such currency"),
        ("dev", '["INR"]', '["INR", "usd"]', "razorpay.presentment_currencies", "no such currency"),
        ("dev", '["INR"]', '["INR", "USD", "USD"]', "razorpay.presentment_currencies", "twice"),
        ("dev", '["INR"]', "[]", "razorpay.presentment_currencies", "INR is missing"),
        ("dev", '["INR"]', '"INR"', "razorpay.presentment_currencies", "Correct"),
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
            "people_rate_per_s = 400",
            "people_rate_per_s = 501",
            "api.people_rate_per_s",
            "Set it to 500 or less.",
        ),
        (
            "staging",
            "people_burst = 200",
            "people_burst = 251",
            "api.people_burst",
            "Set it to 250 or less.",
        ),
        (
            "staging",
            "back_office_rate_per_s = 100",
            "back_office_rate_per_s = 501",
            "api.back_office_rate_per_s",
            "Set it to 500 or less.",
        ),
        (
            "staging",
            "back_office_burst = 50",
            "back_office_burst = 251",
            "api.back_office_burst",
            "Set it to 250 or less.",
        ),
        (
            "staging",
            "back_office_daily_quota = 500000",
            "back_office_daily_quota = 0",
            "api.back_office_daily_quota",
            "Correct the value.",
        ),
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
        ("staging", '"444455556666"', '"12345"', "account", "Correct the value."),
        ("prod", "account = ", "acount = ", "account", "twelve digits"),
        ("prod", "account = ", "acount = ", "acount", "Did you mean account?"),
        ("prod", 'copy_region = "ap-south-2"', "", "backup.copy_region", "second Indian region"),
        ("prod", '"ap-south-2"', '"us-east-1"', "backup.copy_region", "Use ap-south-2"),
        ("prod", '"ap-south-2"', '"ap-south-1"', "backup.copy_region", "Use ap-south-2"),
        (
            "prod",
            "[backup]\nretention_days = 365",
            "[backup]\nretention_days = 34",
            "backup.retention_days",
            "",
        ),
        (
            "prod",
            "monthly_retention_days = 2922",
            "monthly_retention_days = 365",
            "backup.monthly_retention_days",
            "Raise it",
        ),
        ("prod", 'countries = ["IN"]', 'countries = ["AE"]', "firewall.countries", 'Put "IN"'),
        ("prod", 'countries = ["IN"]', 'countries = ["India"]', "firewall.countries.0", "Correct"),
        (
            "prod",
            "payment_requests_max = 300",
            "payment_requests_max = 9",
            "firewall.payment_requests_max",
            "",
        ),
        (
            "prod",
            "payment_requests_max = 300",
            "payment_requests_max = 6000",
            "firewall.payment_requests_max",
            "Lower it.",
        ),
        ("prod", "18.96.225.0/26", "0.0.0.0/0", "razorpay.webhook_sources.0", "Correct"),
        ("prod", "18.96.225.0/26", "18.96.225.1/26", "razorpay.webhook_sources.0", "Correct"),
        ("prod", 'name = "api.hasivu', 'name = "https://api.hasivu', "domain.name", "Correct"),
        (
            "prod",
            "[domain]\n",
            '[domain]\nhosted_zone = "Z0123456789"\n',
            "domain.hosted_zone",
            "hosted_zone_id?",
        ),
        ("prod", 'mode = "on_demand"', 'mode = "provisioned"', "capacity.read_units_min", "Say what"),
        (
            "prod",
            'mode = "on_demand"',
            'mode = "on_demand"\nwrite_units_min = 5',
            "capacity.write_units_min",
            "Remove it",
        ),
        (
            "dev",
            'mode = "on_demand"',
            'mode = "provisioned"\nread_units_min = 501\nwrite_units_min = 1',
            "capacity.read_units_min",
            "Lower it.",
        ),
        ("prod", "monthly_usd = 3000", "monthly_usd = 0", "budget.monthly_usd", "Correct"),
        ("dev", 'region = "ap-south-1"', 'region = "eu-west-1"', "region", "[residency_exception]"),
        ("staging", "embedded = false", "embedded = maybe", "(file)", "Correct the line."),
    ],
)
def test_an_unsound_environment_is_refused_with_file_key_and_remedy(
    edit: Edit, name: str, old: str, new: str, key: str, remedy: str
) -> None:
    with pytest.raises(EnvironmentRefused) as refused:
        load_environment(name, directory=edit(name, old, new), today=TODAY)

    lines = str(refused.value).splitlines()
    said = re.compile(rf"environments/{name}\.toml(:\d+)?: {re.escape(key)}: ")
    assert [line for line in lines if said.match(line) and remedy in line], lines


def test_every_broken_rule_is_named_at_once(edit: Edit) -> None:
    directory = edit(
        "prod", "[protection]\ndeletion_protection = true", "[protection]\ndeletion_protection = false"
    )
    file = directory / "prod.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"block"', '"count"'), encoding="utf-8")

    with pytest.raises(EnvironmentRefused) as refused:
        load_environment("prod", directory=directory, today=TODAY)

    assert {refusal.key for refusal in refused.value.refusals} == {
        "protection.deletion_protection",
        "firewall.mode",
    }


def test_payers_are_asked_in_rupees_until_the_file_names_more(edit: Edit) -> None:
    named = 'presentment_currencies = ["INR"]'
    for name in ENVIRONMENT_NAMES:
        environment = load_environment(name, directory=ENVIRONMENTS, today=TODAY)
        assert environment.razorpay.presentment_currencies == ("INR",)
    more = edit("dev", named, 'presentment_currencies = ["INR", "USD", "KWD"]')
    assert load_environment("dev", directory=more, today=TODAY).razorpay.presentment_currencies == (
        "INR",
        "USD",
        "KWD",
    )
    file = more / "dev.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        "\n".join(line for line in text.splitlines() if "presentment" not in line), encoding="utf-8"
    )
    assert load_environment("dev", directory=more, today=TODAY).razorpay.presentment_currencies == ("INR",)


def test_an_environment_without_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefused, match="does not exist"):
        load_environment("dev", directory=tmp_path, today=TODAY)


def test_a_name_is_never_a_path(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefused, match="no environment"):
        load_environment("../prod", directory=tmp_path, today=TODAY)


def test_a_refusal_names_the_line_of_its_key(edit: Edit) -> None:
    directory = edit("prod", 'mode = "block"', 'mode = "count"')
    lines = (directory / "prod.toml").read_text(encoding="utf-8").splitlines()

    with pytest.raises(EnvironmentRefused) as refused:
        load_environment("prod", directory=directory, today=TODAY)

    line = lines.index('mode = "count"') + 1
    assert str(refused.value) == (
        f"environments/prod.toml:{line}: firewall.mode: is too weak for production. "
        'Set it to "block"; counting stops nobody.'
    )


def test_a_key_that_is_not_there_is_shown_at_its_table(edit: Edit) -> None:
    directory = edit("prod", 'mode = "block"\n', "")
    lines = (directory / "prod.toml").read_text(encoding="utf-8").splitlines()

    with pytest.raises(
        EnvironmentRefused, match=rf"prod\.toml:{lines.index('[firewall]') + 1}: firewall\.mode"
    ):
        load_environment("prod", directory=directory, today=TODAY)


def test_the_account_asked_for_must_be_that_of_the_file() -> None:
    own = load_environment("prod", directory=ENVIRONMENTS, today=TODAY)

    asked = load_environment("prod", directory=ENVIRONMENTS, today=TODAY, account=own.account)
    assert asked.account == own.account
    with pytest.raises(EnvironmentRefused, match="account: is not the account asked for, 222222222222"):
        load_environment("prod", directory=ENVIRONMENTS, today=TODAY, account="222222222222")


def test_no_two_environments_share_an_account() -> None:
    accounts = [
        load_environment(name, directory=ENVIRONMENTS, today=TODAY).account for name in ENVIRONMENT_NAMES
    ]

    assert len(set(accounts)) == len(ENVIRONMENT_NAMES)


EXCEPTION = """
[residency_exception]
reason = "the vendor's load generator runs in Ireland, and sends made-up data only"
approved_by = "compliance"
until = 2026-12-31
"""


def outside_india(edit: Edit, name: str) -> Path:
    """The environment's file with its region outside India and an exception at its end."""
    directory = edit(name, 'region = "ap-south-1"', 'region = "eu-west-1"')
    file = directory / f"{name}.toml"
    file.write_text(file.read_text(encoding="utf-8") + EXCEPTION, encoding="utf-8")
    return directory


@pytest.mark.parametrize(("today", "counts"), [(date(2026, 12, 31), True), (date(2027, 1, 1), False)])
def test_dev_may_be_outside_india_for_a_reason_and_up_to_a_day(edit: Edit, today: date, counts: bool) -> None:
    directory = outside_india(edit, "dev")

    if counts:
        assert load_environment("dev", directory=directory, today=today).region == "eu-west-1"
    else:
        with pytest.raises(EnvironmentRefused, match=r"residency_exception\.until: the exception ended"):
            load_environment("dev", directory=directory, today=today)


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_nothing_excuses_production_or_its_rehearsal_outside_india(edit: Edit, name: str) -> None:
    with pytest.raises(EnvironmentRefused, match="residency_exception: is for a dev environment"):
        load_environment(name, directory=outside_india(edit, name), today=TODAY)


def test_an_exception_without_need_is_refused(edit: Edit) -> None:
    directory = outside_india(edit, "dev")
    file = directory / "dev.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("eu-west-1", "ap-south-2"), encoding="utf-8")

    with pytest.raises(EnvironmentRefused, match=r"residency_exception: .* Remove it"):
        load_environment("dev", directory=directory, today=TODAY)
