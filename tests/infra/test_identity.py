"""Who may sign in and how, and secrets that no template knows."""

import json

from runtime.platform.auth import Role
from tests.infra.assembly import Assembly

SECRETS = {
    "razorpay": {"key_id", "key_secret"},
    "razorpay-webhook": {"secrets", "unset"},
    "whatsapp": {"access_token", "app_secrets", "verify_token"},
    "api-key-pepper": {"pepper"},
}


def test_every_role_of_the_runtime_has_its_group_and_no_other_has(assembly: Assembly) -> None:
    groups = {group.properties["GroupName"] for group in assembly.resources("AWS::Cognito::UserPoolGroup")}

    assert groups == {role.value for role in Role}


def test_nobody_signs_up_by_themselves(assembly: Assembly) -> None:
    pool = assembly.one("AWS::Cognito::UserPool").properties

    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_passwords_are_long_mixed_and_not_used_again(assembly: Assembly) -> None:
    policy = assembly.one("AWS::Cognito::UserPool").properties["Policies"]["PasswordPolicy"]

    assert policy["MinimumLength"] >= 12
    assert policy["PasswordHistorySize"] >= 4
    assert all(policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))
    assert policy["TemporaryPasswordValidityDays"] <= 7


def test_a_second_factor_is_an_authenticator_and_required_where_it_matters(assembly: Assembly) -> None:
    pool = assembly.one("AWS::Cognito::UserPool").properties

    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    required = assembly.environment in {"staging", "prod"}
    assert pool["MfaConfiguration"] == ("ON" if required else "OPTIONAL")


def test_threat_protection_is_enforced_where_the_tier_has_it(assembly: Assembly) -> None:
    pool = assembly.one("AWS::Cognito::UserPool").properties
    if assembly.environment in {"staging", "prod"}:
        assert (pool["UserPoolTier"], pool["UserPoolAddOns"]) == (
            "PLUS",
            {"AdvancedSecurityMode": "ENFORCED"},
        )
    else:
        assert pool["UserPoolTier"] == "ESSENTIALS"


def test_people_cannot_give_themselves_schools(assembly: Assembly) -> None:
    client = assembly.one("AWS::Cognito::UserPoolClient").properties

    assert set(client["WriteAttributes"]) == {"email", "phone_number"}
    assert "custom:school_ids" in client["ReadAttributes"]


def test_only_the_sandbox_takes_a_password_from_the_client(assembly: Assembly) -> None:
    flows = set(assembly.one("AWS::Cognito::UserPoolClient").properties["ExplicitAuthFlows"])

    assert {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"} <= flows
    extra = flows - {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert extra == ({"ALLOW_USER_PASSWORD_AUTH"} if assembly.environment == "sandbox" else set())


def test_the_client_does_not_tell_who_exists_and_its_tokens_can_be_revoked(assembly: Assembly) -> None:
    client = assembly.one("AWS::Cognito::UserPoolClient").properties

    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True
    assert client["IdTokenValidity"] <= 60
    assert client["TokenValidityUnits"]["IdToken"] == "minutes"


def test_secrets_are_generated_encrypted_and_in_no_template(assembly: Assembly) -> None:
    fields = {}
    for secret in assembly.resources("AWS::SecretsManager::Secret"):
        properties = secret.properties
        assert "SecretString" not in properties
        assert "KmsKeyId" in properties
        generated = properties["GenerateSecretString"]
        known = json.loads(generated["SecretStringTemplate"])
        assert all(value in ("unset", []) for value in known.values()), "nothing secret is written down"
        assert generated["PasswordLength"] >= 32
        fields[properties["Name"]] = {*known, generated["GenerateStringKey"]}

    assert fields == {f"hasivu/{assembly.environment}/{name}": keys for name, keys in SECRETS.items()}


def test_parameters_say_what_the_environment_says(assembly: Assembly) -> None:
    values = {
        parameter.properties["Name"]: parameter.properties["Value"]
        for parameter in assembly.resources("AWS::SSM::Parameter")
    }

    prefix = f"/hasivu/{assembly.environment}"
    assert values.keys() == {
        f"{prefix}/razorpay/base-url",
        f"{prefix}/whatsapp/base-url",
        f"{prefix}/whatsapp/phone-number-id",
        f"{prefix}/mail/sender",
    }
    if assembly.environment != "sandbox":
        assert values[f"{prefix}/razorpay/base-url"] == "https://api.razorpay.com"
