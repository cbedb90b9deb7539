"""People: how they sign in, what a client may do in their name, for how long."""

from __future__ import annotations

from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, PROD, SHIELDED, Breach, at, rule

POOL = "AWS::Cognito::UserPool"
CLIENT = "AWS::Cognito::UserPoolClient"
PASSWORD_LENGTH, PASSWORD_HISTORY = range(12, 100), range(4, 25)
"""From what the rules ask to what Cognito takes."""

FLOWS = frozenset({"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH"})
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_DEFAULT_UNITS = {"AccessToken": "hours", "IdToken": "hours", "RefreshToken": "days"}
TOKEN_S_MAX = {"AccessToken": 3600, "IdToken": 3600, "RefreshToken": 30 * 86_400}
TOKEN_S_MIN = 300
READABLE = frozenset(
    {"custom:school_ids", "email", "email_verified", "phone_number", "phone_number_verified"}
)
WRITABLE = frozenset({"email", "phone_number"})
ATTRIBUTES = {"email": True, "phone_number": False, "school_ids": None}
"""What is known of a person, and whether it must be (schools are the platform's own attribute)."""

CODE = "{####}"
GROUPS = frozenset({"parent", "school_admin", "finance", "operator", "auditor", "admin", "service"})


@rule(
    "HASIVU-COG-1",
    "PCI DSS 7.2.1",
    "SOX AC-1",
    remedy="Let administrators alone create people.",
)
def people_do_not_sign_up_by_themselves(estate: Estate) -> Iterator[Breach]:
    """Nobody signs up by themselves."""
    for pool in estate.of(POOL):
        if pool.get("AdminCreateUserConfig.AllowAdminCreateUserOnly") is not True:
            yield at(pool, "AdminCreateUserConfig.AllowAdminCreateUserOnly")


@rule(
    "HASIVU-COG-2",
    "PCI DSS 8.4.1-8.4.3",
    "SOX AC-5",
    remedy="Ask for a second factor from an authenticator app (production: ON).",
)
def people_prove_themselves_twice(estate: Estate) -> Iterator[Breach]:
    """A second factor is possible everywhere and asked for in production, from an app and not by SMS."""
    for pool in estate.of(POOL):
        accepted = {"ON"} if estate.environment in PROD else {"ON", "OPTIONAL"}
        if pool.get("MfaConfiguration") not in accepted:
            yield at(pool, "MfaConfiguration")
        if set(pool.items("EnabledMfas")) != {"SOFTWARE_TOKEN_MFA"}:
            yield at(pool, "EnabledMfas")


@rule(
    "HASIVU-COG-3",
    "PCI DSS 8.3.6",
    "PCI DSS 8.3.7/8.3.9",
    remedy="Twelve characters of all four kinds, four remembered, temporary ones for a week at most.",
)
def passwords_are_strong(estate: Estate) -> Iterator[Breach]:
    """A password has twelve characters of every kind and is none of the last four."""
    base = "Policies.PasswordPolicy"
    for pool in estate.of(POOL):
        if int(pool.get(f"{base}.MinimumLength") or 0) not in PASSWORD_LENGTH:
            yield at(pool, f"{base}.MinimumLength")
        for kind in ("RequireLowercase", "RequireNumbers", "RequireSymbols", "RequireUppercase"):
            if pool.get(f"{base}.{kind}") is not True:
                yield at(pool, f"{base}.{kind}")
        if int(pool.get(f"{base}.PasswordHistorySize") or 0) not in PASSWORD_HISTORY:
            yield at(pool, f"{base}.PasswordHistorySize")
        days = pool.get(f"{base}.TemporaryPasswordValidityDays")
        if days is not None and not 1 <= int(days) <= 7:
            yield at(pool, f"{base}.TemporaryPasswordValidityDays")


@rule(
    "HASIVU-COG-4",
    "PCI DSS 8.3.4",
    environments=SHIELDED - {"staging"},
    remedy="Use the tier Plus with threat protection ENFORCED.",
)
def attacks_on_sign_in_are_stopped(estate: Estate) -> Iterator[Breach]:
    """Cognito stops what looks like an attack, rather than only writing it down."""
    for pool in estate.of(POOL):
        if pool.get("UserPoolAddOns.AdvancedSecurityMode") != "ENFORCED":
            yield at(pool, "UserPoolAddOns.AdvancedSecurityMode")
        if pool.get("UserPoolTier") != "PLUS":
            yield at(pool, "UserPoolTier")
    for risk in estate.of("AWS::Cognito::UserPoolRiskConfigurationAttachment"):
        if risk.get("RiskExceptionConfiguration.SkippedIPRangeList"):
            yield at(risk, "RiskExceptionConfiguration.SkippedIPRangeList")


@rule(
    "HASIVU-COG-5",
    "PCI DSS 8.3.4",
    remedy="Answer the same, whether the person exists or not.",
)
def nobody_learns_who_exists(estate: Estate) -> Iterator[Breach]:
    """A sign-in does not tell whether the person exists."""
    for client in estate.of(CLIENT):
        if client.get("PreventUserExistenceErrors") != "ENABLED":
            yield at(client, "PreventUserExistenceErrors")


@rule(
    "HASIVU-COG-6",
    "PCI DSS 8.3.2",
    environments=DEPLOYED,
    remedy="Leave SRP and refresh; a password may not travel, an administrator does not sign in for others.",
)
def passwords_do_not_travel(estate: Estate) -> Iterator[Breach]:
    """A client signs people in by SRP: no password travels, nobody signs in for others."""
    for client in estate.of(CLIENT):
        flows = client.items("ExplicitAuthFlows")
        if not set(flows) <= FLOWS or not {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"} <= set(flows):
            yield at(client, "ExplicitAuthFlows")


@rule(
    "HASIVU-COG-7",
    "PCI DSS 6.2.4",
    remedy="Leave OAuth off, or use the code flow to https addresses of our own.",
)
def tokens_are_not_handed_out_by_redirect(estate: Estate) -> Iterator[Breach]:
    """No token is handed out by an implicit OAuth flow or to an address that is not https."""
    for client in estate.of(CLIENT):
        if not set(client.items("AllowedOAuthFlows")) <= {"code"}:
            yield at(client, "AllowedOAuthFlows")
        if client.get("AllowedOAuthFlowsUserPoolClient") and not client.items("AllowedOAuthFlows"):
            yield at(client, "AllowedOAuthFlowsUserPoolClient")
        if client.get("GenerateSecret"):  # browsers cannot keep one
            yield at(client, "GenerateSecret")
        for path in ("CallbackURLs", "LogoutURLs"):
            for index, url in enumerate(client.items(path)):
                if not str(url).startswith("https://") or "*" in str(url):
                    yield at(client, f"{path}.{index}")
        if "aws.cognito.signin.user.admin" in client.items("AllowedOAuthScopes"):
            yield at(client, "AllowedOAuthScopes")
        if set(client.items("SupportedIdentityProviders")) != {"COGNITO"}:
            yield at(client, "SupportedIdentityProviders")


@rule(
    "HASIVU-COG-8",
    "PCI DSS 8.2.8",
    remedy="An hour for access and identity, thirty days for refresh, and revocation on.",
)
def tokens_end(estate: Estate) -> Iterator[Breach]:
    """A token ends: within an hour for access, within thirty days for refresh, at once when revoked; and one
    application alone gets any."""
    for client in list(estate.of(CLIENT))[1:]:
        yield at(client, "", shown="a second application")
    for client in estate.of(CLIENT):
        for token, limit_s in TOKEN_S_MAX.items():
            value = client.get(f"{token}Validity")
            unit = client.get(f"TokenValidityUnits.{token}") or _DEFAULT_UNITS[token]
            if value is None or not TOKEN_S_MIN <= int(value) * _SECONDS.get(unit, 86_400) <= limit_s:
                yield at(client, f"{token}Validity")
        if client.get("EnableTokenRevocation") is not True:
            yield at(client, "EnableTokenRevocation")


@rule(
    "HASIVU-COG-9",
    "PCI DSS 7.3.1-7.3.3",
    "SOX AC-1",
    remedy="Let people write their contacts; schools and roles are written by the platform.",
)
def people_cannot_make_themselves_more(estate: Estate) -> Iterator[Breach]:
    """A client writes no attribute that decides what a person may do."""
    for client in estate.of(CLIENT):
        written = client.items("WriteAttributes")
        if not written or not set(written) <= WRITABLE:
            yield at(client, "WriteAttributes")
        read = client.items("ReadAttributes")
        if not read or not set(read) <= READABLE:  # none named is all that there are
            yield at(client, "ReadAttributes")


@rule(
    "HASIVU-COG-10",
    "GDPR 32(1)(c)",
    environments=DEPLOYED,
    remedy='Set DeletionProtection to "ACTIVE".',
)
def people_are_not_deleted_with_their_pool(estate: Estate) -> Iterator[Breach]:
    """A user pool refuses to be deleted."""
    for pool in estate.of(POOL):
        if pool.get("DeletionProtection") != "ACTIVE":
            yield at(pool, "DeletionProtection")


@rule(
    "HASIVU-COG-11",
    "PCI DSS 8.3.4",
    "GDPR 5(1)(d)",
    remedy="Verify e-mail addresses, recover by verified e-mail only, and see names without their case.",
)
def accounts_are_recovered_by_their_owner(estate: Estate) -> Iterator[Breach]:
    """An address is verified before it counts, and an account is recovered by verified e-mail only."""
    for pool in estate.of(POOL):
        if "email" not in pool.items("AutoVerifiedAttributes"):
            yield at(pool, "AutoVerifiedAttributes")
        ways = [item.get("Name") for item in pool.items("AccountRecoverySetting.RecoveryMechanisms")]
        if not ways or not set(ways) <= {"verified_email", "admin_only"}:
            yield at(pool, "AccountRecoverySetting.RecoveryMechanisms")
        if pool.get("UsernameConfiguration.CaseSensitive") is not False:
            yield at(pool, "UsernameConfiguration.CaseSensitive")


@rule(
    "HASIVU-COG-12",
    "PCI DSS 1.3.1",
    "SOX SoD-1",
    remedy="Take it away; signing in is Cognito's work, roles are the groups of stacks/identity.py.",
)
def nothing_stands_between_people_and_their_sign_in(estate: Estate) -> Iterator[Breach]:
    """No function, foreign provider or unauthenticated pool stands in the sign-in; groups are those known."""
    for pool in estate.of(POOL):
        if pool.get("LambdaConfig"):
            yield at(pool, "LambdaConfig", shown="a trigger")
    for item in estate.of(
        "AWS::Cognito::IdentityPool", "AWS::Cognito::UserPoolIdentityProvider", "AWS::Cognito::UserPoolUser"
    ):
        yield at(item, "", shown=item.kind)
    for group in estate.of("AWS::Cognito::UserPoolGroup"):
        if group.get("GroupName") not in GROUPS or group.get("RoleArn") is not None:
            yield at(group, "GroupName" if group.get("RoleArn") is None else "RoleArn")
        if not estate.ours(group, "UserPoolId", POOL):
            yield at(group, "UserPoolId")
    for client in estate.of(CLIENT):
        if not _is_known(estate, client):
            yield at(client, "UserPoolId")


def _is_known(estate: Estate, client: Resource) -> bool:
    return estate.ours(client, "UserPoolId", POOL)


@rule(
    "HASIVU-COG-13",
    "PCI DSS 7.2.1",
    "SOX AC-1",
    remedy="Make the groups of GROUPS and the attributes of ATTRIBUTES, as stacks/identity.py does.",
)
def the_pool_knows_roles_and_schools(estate: Estate) -> Iterator[Breach]:
    """A user pool has every role's group, knows people by e-mail, and whose schools they act for."""
    groups = {
        (estate.target(group.get("UserPoolId"), group.stack), group.get("GroupName"))
        for group in estate.of("AWS::Cognito::UserPoolGroup")
    }
    for pool in estate.of(POOL):
        for name in sorted(GROUPS):
            if (pool, name) not in groups:
                yield at(pool, "", shown=f"no group {name}")
        if pool.items("UsernameAttributes") != ["email"]:
            yield at(pool, "UsernameAttributes")
        known = {item.get("Name"): item for item in pool.items("Schema")}
        for name, required in ATTRIBUTES.items():
            said = known.get(name) or {}
            if said.get("Mutable") is not True or said.get("Required") is not required:
                yield at(pool, f"Schema.{name}")
            if name == "school_ids" and said.get("AttributeDataType") != "String":
                yield at(pool, f"Schema.{name}.AttributeDataType")


@rule(
    "HASIVU-COG-14",
    "PCI DSS 8.3.4",
    remedy="Send the code and nothing that could be followed: no link, no address.",
)
def messages_carry_a_code_and_no_link(estate: Estate) -> Iterator[Breach]:
    """What Cognito sends to people holds their code and leads nowhere."""
    for pool in estate.of(POOL):
        option = pool.get("VerificationMessageTemplate.DefaultEmailOption")
        if option not in {None, "CONFIRM_WITH_CODE"}:
            yield at(pool, "VerificationMessageTemplate.DefaultEmailOption")
        for path, subject in MESSAGES.items():
            text = pool.get(path)
            if text is not None and (("://" in text or "www." in text) or (CODE in text) is subject):
                yield at(pool, path)


MESSAGES = {
    "EmailVerificationMessage": False,
    "EmailVerificationSubject": True,
    "SmsVerificationMessage": False,
    "VerificationMessageTemplate.EmailMessage": False,
    "VerificationMessageTemplate.EmailSubject": True,
    "VerificationMessageTemplate.SmsMessage": False,
}
"""What is sent, and whether it is only a subject (which shows no code)."""
