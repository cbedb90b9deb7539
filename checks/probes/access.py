"""Who may do what: roles, keys, secrets, parameters and the user pool beside what the templates say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import is_a_placeholder, policy
from checks.probes.read import answer, lines_of, member, physical_id, prop, then
from checks.probes.running import Live

ROLE, POLICY, KEY = "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::KMS::Key"
SECRET, ROTATION = "AWS::SecretsManager::Secret", "AWS::SecretsManager::RotationSchedule"
POOL, CLIENT = "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient"
GROUP = "AWS::Cognito::UserPoolGroup"

UNSET = "unset"
"""What stacks/identity.py writes where a value has to come from a person."""

LATE = timedelta(days=7)
"""By how much a rotation may be late before nobody can have missed it."""

ROLES = Probe(
    name="roles",
    title="Roles are taken on by whom the templates say, and may do what they say and no more",
    remedy="Detach what no template attaches, deploy again; see in the trail what the role did.",
    controls=("PCI DSS 7.2.5", "SOX AC-2", "GDPR 32(1)(b)"),
)
KEYS = Probe(
    name="keys",
    title="Keys are enabled, and used by whom their policies in the templates say",
    remedy="Cancel a planned deletion and enable the key at once: data under a deleted key is lost.",
    controls=("PCI DSS 3.6.1", "PCI DSS 3.7.5"),
)
KEY_ROTATION = Probe(
    name="key-rotation",
    title="Keys are rotated every year, as the templates say",
    remedy="Switch rotation on; nothing has to be encrypted anew.",
    controls=("PCI DSS 3.7.4",),
)
SECRETS = Probe(
    name="secrets",
    title="Secrets are there, encrypted, with a current version that replaced the placeholder",
    remedy="Stage the real value: hasivu secret stage NAME --env ENV --file FILE (docs/runbooks/secrets.md).",
    controls=("PCI DSS 8.6.2", "PCI DSS 2.2.2"),
)
VALUES = Probe(
    name="secret-values",
    title="Secrets hold a value of their own in each field, no placeholder, and of the right mode",
    remedy="Stage the real value: hasivu secret stage NAME --env ENV --file FILE (docs/runbooks/secrets.md).",
    controls=("PCI DSS 8.6.2", "PCI DSS 2.2.2"),
)
ROTATIONS = Probe(
    name="secret-rotation",
    title="Secrets are rotated by the function and as often as the templates say",
    remedy="See docs/runbooks/secrets.md; hasivu secret status says what each one waits for.",
    controls=("PCI DSS 8.6.3", "PCI DSS 3.7.4"),
)
PARAMETERS = Probe(
    name="parameters",
    title="Parameters have the values of the templates",
    remedy="Deploy again, and find in the trail who called PutParameter.",
    controls=("SOX CM-4",),
)
SIGN_IN = Probe(
    name="user-pool",
    title="People sign in with the passwords and the protection that the template asks for",
    remedy="Deploy again at once, and find in the trail who called UpdateUserPool.",
    controls=("PCI DSS 8.3.6", "SOX AC-5"),
)
MFA = Probe(
    name="user-pool-mfa",
    title="People sign in with a second factor as the template asks for it",
    remedy="Deploy again at once, and find in the trail who called SetUserPoolMfaConfig.",
    controls=("PCI DSS 8.4.2", "SOX AC-5"),
)
CLIENTS = Probe(
    name="user-pool-clients",
    title="Applications sign people in, for as long, and by the flows that the templates say",
    remedy="Deploy again, and find in the trail who called UpdateUserPoolClient.",
    controls=("PCI DSS 8.2.8",),
)


def _role(path: str) -> Read:
    return answer("iam", "get_role", f"Role.{path}", RoleName=physical_id)


def _only_role(live: Live) -> Any:
    (role,) = live.expected("Roles")
    return role


def _nothing_else(account: Account, live: Live) -> str | None:
    """No policy hangs on the role but those of the templates."""
    name = live.physical_id
    wanted = {
        item.expected("PolicyName")
        for item in live.running.of(POLICY)
        if item.body is not None and name in item.expected("Roles")
    }
    inline = account.all("iam", "list_role_policies", "PolicyNames", RoleName=name)
    if extra := sorted(set(inline) - wanted):
        return f"has the policy {extra[0]}, which no template gives it"
    attached = account.all("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    managed = set(live.expected("ManagedPolicyArns") or ())
    if extra := sorted({item["PolicyArn"] for item in attached} - managed):
        return f"has the policy {extra[0]}, which no template attaches"
    return None


def _key(path: str) -> Read:
    return answer("kms", "describe_key", f"KeyMetadata.{path}", KeyId=physical_id)


def _is_symmetric(live: Live) -> bool:
    """AWS rotates no key that signs."""
    return live.resource.get("KeySpec") in (None, "SYMMETRIC_DEFAULT")


def _is_enabled(account: Account, live: Live) -> str | None:
    state = _key("KeyState")(account, live)
    return None if state == "Enabled" else f"is {state}"


def _granted_to_ours(account: Account, live: Live) -> str | None:
    """Beside its policy a key is used by whom it was granted to: services of AWS, and this account."""
    own = f":{live.running.account}:"
    found = account.all("kms", "list_grants", "Grants", region=live.region, KeyId=live.physical_id)
    others = [
        grantee
        for item in found
        if not (grantee := str(item.get("GranteePrincipal"))).endswith(".amazonaws.com")
        and own not in grantee
    ]
    return f"was granted to {sorted(others)[0]}" if others else None


def _secret(path: str) -> Read:
    return answer("secretsmanager", "describe_secret", path, SecretId=physical_id)


def holds_placeholder(live: Live) -> bool:
    """Whether what the deployment makes is no value: its template has a field that waits for one."""
    made = live.resource.get("GenerateSecretString") or {}
    fields = json.loads(made.get("SecretStringTemplate") or "{}")
    return made.get("GenerateStringKey") == UNSET or any(item in (UNSET, [], "") for item in fields.values())


def _is_replaced(account: Account, live: Live) -> str | None:
    """By its versions alone: the first one is the placeholder that the deployment made."""
    if _secret("DeletedDate")(account, live) is not None:
        return "is going to be deleted"
    versions = account.all(
        "secretsmanager",
        "list_secret_version_ids",
        "Versions",
        region=live.region,
        SecretId=live.physical_id,
        IncludeDeprecated=True,
    )
    current = [item for item in versions if "AWSCURRENT" in item.get("VersionStages", ())]
    if not current:
        return "has no current version"
    created = _secret("CreatedDate")(account, live)
    made = current[0].get("CreatedDate")
    if not holds_placeholder(live):
        return None  # what the deployment made is the real value
    if (
        len(versions) == 1
        and created is not None
        and made is not None
        and made - created < timedelta(seconds=60)
    ):
        return "still has the placeholder that the deployment made"
    return None


def _nobody_else_reads(account: Account, live: Live) -> str | None:
    """No template gives a secret a policy of its own: who reads it is said by roles."""
    answered = account.ask(
        "secretsmanager", "get_resource_policy", region=live.region, SecretId=live.physical_id
    )
    return "has a policy of its own, which no template gives it" if answered.get("ResourcePolicy") else None


def _schedule(path: str) -> Read:
    return answer("secretsmanager", "describe_secret", path, SecretId=prop("SecretId"))


def _is_in_time(account: Account, live: Live) -> str | None:
    last = _schedule("LastRotatedDate")(account, live) or _schedule("CreatedDate")(account, live)
    days = int(live.expected("RotationRules.AutomaticallyAfterDays"))
    if last is None:
        return "was never rotated"
    over = live.running.now - last - timedelta(days=days)
    return f"should have been rotated {over.days} days ago" if over > LATE else None


def _pool(path: str) -> Read:
    return answer("cognito-idp", "describe_user_pool", f"UserPool.{path}", UserPoolId=physical_id)


def _no_other_client(account: Account, live: Live) -> str | None:
    """Nobody signs in through an application that no template knows."""
    known = {item.physical_id for item in live.running.of(CLIENT)}
    found = account.all(
        "cognito-idp",
        "list_user_pool_clients",
        "UserPoolClients",
        region=live.region,
        UserPoolId=live.physical_id,
    )
    extra = sorted({item["ClientId"] for item in found} - known)
    return f"has the client {extra[0]}, which no template gives it" if extra else None


def _no_other_group(account: Account, live: Live) -> str | None:
    known = {item.expected("GroupName") for item in live.running.of(GROUP)}
    found = account.all(
        "cognito-idp", "list_groups", "Groups", region=live.region, UserPoolId=live.physical_id
    )
    extra = sorted({item["GroupName"] for item in found} - known)
    return f"has the group {extra[0]}, which no template gives it" if extra else None


def _no_provider(account: Account, live: Live) -> str | None:
    """People sign in at the pool itself."""
    found = account.all(
        "cognito-idp", "list_identity_providers", "Providers", region=live.region, UserPoolId=live.physical_id
    )
    return f"trusts {found[0]['ProviderName']}, which no template does" if found else None


def _client(path: str) -> Read:
    return answer(
        "cognito-idp",
        "describe_user_pool_client",
        f"UserPoolClient.{path}",
        UserPoolId=prop("UserPoolId"),
        ClientId=physical_id,
    )


def _factors(found: Any) -> Any:
    software = (found.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled")
    return [
        *(["SOFTWARE_TOKEN_MFA"] if software else []),
        *(["SMS_MFA"] if found.get("SmsMfaConfiguration") else []),
        *(["EMAIL_OTP"] if found.get("EmailMfaConfiguration") else []),
    ]


LINES = (
    Line(
        kind=ROLE,
        path="AssumeRolePolicyDocument",
        probe=ROLES,
        read=_role("AssumeRolePolicyDocument"),
        normal=policy,
        exact=True,
    ),
    Line(kind=ROLE, path="Description", probe=ROLES, read=_role("Description")),
    Line(
        kind=ROLE,
        path="PermissionsBoundary",
        probe=ROLES,
        read=_role("PermissionsBoundary.PermissionsBoundaryArn"),
        unsaid=None,
    ),
    Line(
        kind=ROLE,
        path="MaxSessionDuration",
        probe=ROLES,
        read=_role("MaxSessionDuration"),
        unsaid=3600,
    ),
    Line(
        kind=POLICY,
        path="PolicyDocument",
        probe=ROLES,
        read=answer(
            "iam", "get_role_policy", "PolicyDocument", RoleName=_only_role, PolicyName=prop("PolicyName")
        ),
        normal=policy,
        exact=True,
    ),
    Line(
        kind=KEY,
        path="KeyPolicy",
        probe=KEYS,
        read=answer("kms", "get_key_policy", "Policy", KeyId=physical_id, PolicyName="default"),
        normal=policy,
        exact=True,
    ),
    *lines_of(KEY, KEYS, _key, "Description", "KeySpec", "KeyUsage"),
    Line(
        kind=KEY,
        path="EnableKeyRotation",
        probe=KEY_ROTATION,
        read=answer("kms", "get_key_rotation_status", "KeyRotationEnabled", KeyId=physical_id),
        unsaid=False,
        where=_is_symmetric,
    ),
    Line(
        kind="AWS::KMS::Alias",
        path="TargetKeyId",
        probe=KEYS,
        read=member("kms", "list_aliases", "Aliases", "AliasName", "TargetKeyId", of=prop("AliasName")),
        shape=lambda arn: str(arn).rpartition("/")[2],
    ),
    *lines_of(SECRET, SECRETS, _secret, "Name", "KmsKeyId"),
    Line(kind=ROTATION, path="RotationLambdaARN", probe=ROTATIONS, read=_schedule("RotationLambdaARN")),
    Line(kind=ROTATION, path="RotationRules", probe=ROTATIONS, read=_schedule("RotationRules")),
    *lines_of(
        "AWS::SSM::Parameter",
        PARAMETERS,
        lambda path: answer("ssm", "get_parameter", f"Parameter.{path}", Name=prop("Name")),
        "Name",
        "Type",
    ),
    Line(
        kind="AWS::SSM::Parameter",
        path="Value",
        probe=PARAMETERS,
        read=answer("ssm", "get_parameter", "Parameter.Value", Name=prop("Name")),
        where=lambda live: not is_a_placeholder(live.resource.get("Value")),
    ),
    *lines_of(
        POOL,
        SIGN_IN,
        _pool,
        "AccountRecoverySetting",
        "AdminCreateUserConfig.AllowAdminCreateUserOnly",
        "AutoVerifiedAttributes",
        "DeletionProtection",
        "Policies.PasswordPolicy",
        "UserPoolAddOns",
        "UserPoolTier",
        "UsernameAttributes",
        "UsernameConfiguration",
    ),
    Line(kind=POOL, path="UserPoolName", probe=SIGN_IN, read=_pool("Name")),
    Line(
        kind=POOL,
        path="LambdaConfig",
        probe=SIGN_IN,
        read=_pool("LambdaConfig"),
        normal=lambda value: value or {},
        unsaid={},
        exact=True,
    ),
    Line(kind=POOL, path="MfaConfiguration", probe=MFA, read=_pool("MfaConfiguration"), unsaid="OFF"),
    Line(
        kind=POOL,
        path="EnabledMfas",
        probe=MFA,
        read=then(answer("cognito-idp", "get_user_pool_mfa_config", UserPoolId=physical_id), _factors),
    ),
    *lines_of(
        CLIENT,
        CLIENTS,
        _client,
        "AccessTokenValidity",
        "EnableTokenRevocation",
        "ExplicitAuthFlows",
        "IdTokenValidity",
        "PreventUserExistenceErrors",
        "ReadAttributes",
        "RefreshTokenValidity",
        "SupportedIdentityProviders",
        "TokenValidityUnits",
        "WriteAttributes",
    ),
    Line(
        kind=GROUP,
        path="GroupName",
        probe=CLIENTS,
        read=answer(
            "cognito-idp",
            "get_group",
            "Group.GroupName",
            UserPoolId=prop("UserPoolId"),
            GroupName=prop("GroupName"),
        ),
    ),
)
FACTS = (
    Fact(kind=ROLE, name="other policies", probe=ROLES, wrong=_nothing_else),
    Fact(kind=KEY, name="grants", probe=KEYS, wrong=_granted_to_ours),
    Fact(kind=SECRET, name="other readers", probe=SECRETS, wrong=_nobody_else_reads),
    Fact(kind=POOL, name="other clients", probe=CLIENTS, wrong=_no_other_client),
    Fact(kind=POOL, name="other groups", probe=CLIENTS, wrong=_no_other_group),
    Fact(kind=POOL, name="other providers", probe=SIGN_IN, wrong=_no_provider),
    Fact(kind=KEY, name="state", probe=KEYS, wrong=_is_enabled),
    Fact(kind=SECRET, name="current version", probe=SECRETS, wrong=_is_replaced),
    Fact(kind=ROTATION, name="last rotation", probe=ROTATIONS, wrong=_is_in_time),
)
