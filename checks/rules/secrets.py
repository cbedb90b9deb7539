"""Secrets: none in a template, each under our key, each made by chance."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache

from checks.rules.estate import Estate, Resource, literals_in, strings_in
from checks.rules.rule import DEPLOYED, Breach, at, rule

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 -- a CloudFormation type
PARAMETER = "AWS::SSM::Parameter"
RANDOM_LENGTH = range(32, 4097)

PATTERNS: Mapping[str, re.Pattern[str]] = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA|AIDA|AROA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a Razorpay key": re.compile(r"\brzp_(live|test)_[A-Za-z0-9]{8,}"),
    "an API key of the platform": re.compile(r"\bhk_[a-z]+_[A-Za-z0-9]+_[A-Za-z0-9_-]{8,}"),
    "a token of Meta": re.compile(r"\bEAA[A-Za-z0-9]{20,}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.?"),
    "a token of a code host": re.compile(
        r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})"
    ),
    "a token of a chat": re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/\w+"),
    "a key of a payment provider": re.compile(r"\b[sr]k_(live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9]{8,}"),
    "a key of a cloud": re.compile(
        r"\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[\w-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    ),
    "a credential in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'$<{]+:[^\s/@\"'$<{]+@"),
    "a password in words": re.compile(
        r"(?i)(?<!:\d{12}:)\b(pass(word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key)\s*[=:]\s*"
        r"['\"]?[^\s'\"{}<>$,;]{4,}"
    ),
    "a bearer credential": re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_=-]{12,}(?!\w)"),
}
"""What a secret looks like, by what it is."""

NAME_OF_A_SECRET = re.compile(
    r"(?i)(pass(word|wd|phrase)|secret|token|pepper|salt|credential|private_?key|api_?key|access_?key"
    r"|signing_?key|encryption_?key|hmac|_pin$|auth)"
)
NAMES_THAT_ONLY_POINT = re.compile(
    r"(?i)(_arn|_id|_name|_table|_parameter|_url|_path|_prefix|_ttl|_s|_days)$"
)

CONTRACT_PATHS = ("Body.paths", "Body.components.schemas", "Body.info", "Body.x-amazon-apigateway-gateway")
"""The API's public description; the contract rule holds every word of it against the committed one."""

HARMLESS_KEYS = frozenset({"S3Key", "Format", "AlarmRule", "DashboardBody", "InputTemplate", "Expression"})
RANDOM_BITS_MIN = 3.7
_RANDOM = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}={0,2}(?![A-Za-z0-9+/_-])")
_DIGITS = re.compile(r"(?<!\d)(?:\d[ -]?){13,19}(?!\d)")


@lru_cache(maxsize=1 << 16)
def kinds_of_secrets_in(text: str) -> tuple[str, ...]:
    """What kinds of secrets ``text`` holds, also inside base64. Templates say most texts many times."""
    return tuple(
        kind
        for readable in (text, *_decoded(text))
        for kind, pattern in PATTERNS.items()
        if pattern.search(readable)
    )


def _decoded(text: str) -> Iterator[str]:
    for run in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        try:
            yield base64.b64decode(run, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue


def looks_random(text: str) -> bool:
    """Whether a run of ``text`` looks drawn by chance: letters and digits mixed, many bits a character."""
    for run in _RANDOM.findall(text):
        mixed = re.search(r"\d", run) and re.search(r"[a-z]", run) and re.search(r"[A-Z]", run)
        hexadecimal = re.fullmatch(r"[0-9a-f]{32,}|[0-9A-F]{32,}", run)
        if (mixed and _bits_per_character(run) >= RANDOM_BITS_MIN) or hexadecimal:
            return True
    return False


def _bits_per_character(text: str) -> float:
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def is_card_number(digits: str) -> bool:
    """Whether 13 to 19 digits pass the Luhn check that card numbers carry (ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in reversed(digits)]
    doubled = sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])
    return 13 <= len(numbers) <= 19 and len(set(numbers)) > 1 and (sum(numbers[::2]) + doubled) % 10 == 0


def _literals(estate: Estate) -> Iterator[tuple[Resource, str, str]]:
    """Every literal of every resource, but the words of the public contract."""
    for resource in estate.resources:
        for path, text in literals_in(resource.properties, ""):
            if not (resource.kind == "AWS::ApiGateway::RestApi" and path.startswith(CONTRACT_PATHS)):
                yield resource, path, text
        for path, text in strings_in(resource.body.get("Metadata") or {}, "/Metadata"):
            yield resource, path, text


@rule(
    "HASIVU-SEC-1",
    "PCI DSS 8.6.2",
    "PCI DSS 2.2.2",
    remedy="Revoke it, it was written down; keep the new one in Secrets Manager and read it by its ARN.",
)
def no_literal_is_a_secret(estate: Estate) -> Iterator[Breach]:
    """No literal of any resource looks like a secret."""
    for resource, path, text in _literals(estate):
        for kind in kinds_of_secrets_in(text):
            yield at(resource, path, shown=f"{kind}, {len(text)} characters")


@rule(
    "HASIVU-SEC-2",
    "PCI DSS 8.6.2",
    remedy="Keep it in Secrets Manager; an environment variable holds the secret's ARN at most.",
)
def nothing_named_a_secret_has_a_literal_value(estate: Estate) -> Iterator[Breach]:
    """Nothing whose name says secret, password, token or key has a literal value."""
    for resource in estate.resources:
        for holder in ("Environment.Variables", "Variables", "StageVariables", "Parameters"):
            values = resource.get(holder)
            for name, value in values.items() if isinstance(values, Mapping) else ():
                if _names_a_secret(str(name)) and isinstance(value, str) and value:
                    yield at(resource, f"{holder}.{name}", shown=f"a literal of {len(value)} characters")
        for tag in resource.items("Tags"):
            if isinstance(tag, Mapping) and _names_a_secret(str(tag.get("Key"))):
                yield at(resource, "Tags", shown=f"a tag named {tag.get('Key')}")


def _names_a_secret(name: str) -> bool:
    return NAME_OF_A_SECRET.search(name) is not None and NAMES_THAT_ONLY_POINT.search(name) is None


@rule(
    "HASIVU-SEC-3",
    "PCI DSS 8.6.2",
    "PCI DSS 3.6.1",
    remedy="If it is a secret, revoke it and keep it in Secrets Manager; if not, do not write chance down.",
)
def no_literal_looks_drawn_by_chance(estate: Estate) -> Iterator[Breach]:
    """No setting, parameter, tag or description holds something that looks drawn by chance."""
    places = (
        "Environment.Variables",
        "Value",
        "Tags",
        "Description",
        "Variables",
        "AlarmDescription",
        "Input",
    )
    for resource, path, text in _literals(estate):
        if path.startswith(places) and looks_random(text):
            yield at(resource, path, shown=f"{len(text)} characters that look drawn by chance")


@rule(
    "HASIVU-SEC-4",
    "PCI DSS 3.3.1",
    "PCI DSS 3.5.1",
    "GDPR 5(1)(c)",
    remedy="Take it out of the template, and find out how it got there.",
)
def no_literal_is_a_card_number_or_a_person(estate: Estate) -> Iterator[Breach]:
    """No literal is a card number, an Indian mobile number, a PAN or an Aadhaar number."""
    personal = re.compile(r"(?<![\w+])\+91[ -]?[6-9]\d{9}(?!\d)|\b[A-Z]{5}\d{4}[A-Z]\b|\b\d{4} \d{4} \d{4}\b")
    for resource, path, text in _literals(estate):
        if path.rpartition(".")[2] in HARMLESS_KEYS:
            continue
        cards = (re.sub(r"[ -]", "", run) for run in _DIGITS.findall(text))
        if any(is_card_number(digits) for digits in cards) or personal.search(text):
            yield at(resource, path, shown=f"personal or card data, {len(text)} characters")


@rule(
    "HASIVU-SEC-5",
    "PCI DSS 8.6.2",
    "PCI DSS 2.2.2",
    remedy="Let Secrets Manager generate at least 32 characters; an operator puts real values in.",
)
def secrets_are_generated(estate: Estate) -> Iterator[Breach]:
    """A secret's value is generated, long, and nowhere written down."""
    for secret in estate.of(SECRET):
        if secret.get("SecretString") is not None:
            yield at(secret, "SecretString", shown="a literal")
        if int(secret.get("GenerateSecretString.PasswordLength") or 0) not in RANDOM_LENGTH:
            yield at(secret, "GenerateSecretString.PasswordLength")
        kinds = [
            kind
            for kind in ("Lowercase", "Uppercase", "Numbers")
            if secret.get(f"GenerateSecretString.Exclude{kind}")
        ]
        if kinds:
            yield at(secret, f"GenerateSecretString.Exclude{kinds[0]}")
        if len(str(secret.get("GenerateSecretString.ExcludeCharacters") or "")) > 32:
            yield at(secret, "GenerateSecretString.ExcludeCharacters")
        yield from _template_of(secret)


def _template_of(secret: Resource) -> Iterator[Breach]:
    """The fields beside the generated one say ``unset`` or nothing."""
    template = secret.get("GenerateSecretString.SecretStringTemplate")
    key = secret.get("GenerateSecretString.GenerateStringKey")
    if (template is None) is not (key is None) or not re.fullmatch(
        r"[a-z_]+", "none" if key is None else str(key)
    ):
        yield at(secret, "GenerateSecretString.GenerateStringKey", shown="template and key belong together")
    if template is None:
        return
    try:
        fields = json.loads(template)
    except (TypeError, ValueError):
        fields = None
    if not isinstance(fields, dict) or any(value not in ("unset", [], "") for value in fields.values()):
        yield at(secret, "GenerateSecretString.SecretStringTemplate", shown="holds a value")


@rule(
    "HASIVU-SEC-6",
    "PCI DSS 3.5.1.2",
    "PCI DSS 8.3.2",
    remedy="Set KmsKeyId to a key of the estate.",
)
def secrets_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A secret is encrypted with a key of the estate."""
    for secret in estate.of(SECRET):
        if not estate.ours(secret, "KmsKeyId", "AWS::KMS::Key"):
            yield at(secret, "KmsKeyId")


@rule(
    "HASIVU-SEC-8",
    "PCI DSS 8.6.2",
    remedy="Drop the parameter, or read it from Secrets Manager by a dynamic reference.",
)
def templates_take_no_secret_parameters(estate: Estate) -> Iterator[Breach]:
    """A template takes no parameters but CDK's own, none with a secret default; no section holds one."""
    for stack, template in estate.templates.items():
        for name, parameter in (template.get("Parameters") or {}).items():
            if name != "BootstrapVersion" or set(parameter) - {"Type", "Default", "Description"}:
                yield Breach(stack, name, f"Parameters.{name}", "a parameter")
            elif any(kinds_of_secrets_in(str(parameter.get("Default")))) or parameter.get("Type") != (
                "AWS::SSM::Parameter::Value<String>"
            ):
                yield Breach(stack, name, f"Parameters.{name}", "not CDK's own")
        for section in ("Mappings", "Metadata", "Conditions", "Description"):
            for path, text in strings_in(template.get(section) or {}, section):
                for kind in kinds_of_secrets_in(text):
                    yield Breach(stack, stack, path, f"{kind}, {len(text)} characters")


@rule(
    "HASIVU-SEC-9",
    "PCI DSS 8.6.2",
    remedy="Remove the output; a secret is read by its ARN, under a policy.",
)
def outputs_tell_no_secret(estate: Estate) -> Iterator[Breach]:
    """No output tells a secret: no literal of one, no value resolved from one, none in its words."""
    for stack, template in estate.templates.items():
        for name, output in (template.get("Outputs") or {}).items():
            text = f"{estate.text(output.get('Value'), stack)} {output.get('Description', '')}"
            told = (
                "{{resolve:" in text
                or any(kinds_of_secrets_in(text))
                or re.search(r"\.(ClientSecret|SecretAccessKey)>", text) is not None
                or looks_random(re.sub(r"<[^>]*>", " ", text))
            )
            named = _names_a_secret(name) and not name.startswith("PublishOutput")
            if told or named:
                yield Breach(stack, name, f"Outputs.{name}.Value", "tells a secret")


@rule(
    "HASIVU-SEC-10",
    "PCI DSS 8.6.2",
    remedy="Let the function read the secret by its ARN when it runs; a resolved value stands in the open.",
)
def no_secret_is_resolved_into_a_property(estate: Estate) -> Iterator[Breach]:
    """No property is filled from a secret or a secure parameter when the stack is deployed."""
    for resource in estate.resources:
        for path, text in strings_in(resource.properties, ""):
            if re.search(r"\{\{resolve:(secretsmanager|ssm-secure|ssm):", text):
                yield at(resource, path, shown="a dynamic reference")


@rule(
    "HASIVU-SEC-11",
    "PCI DSS 8.6.2",
    "PCI DSS 6.5.3",
    remedy="Name it hasivu/{env}/…; its value stands in the open, so that it may hold nothing secret.",
)
def names_say_whose_they_are(estate: Estate) -> Iterator[Breach]:
    """Secrets and parameters are named after their environment; a parameter's name does not say secret."""
    for secret in estate.of(SECRET):
        if not str(secret.get("Name")).startswith(f"hasivu/{estate.environment}/"):
            yield at(secret, "Name")
    for parameter in estate.of(PARAMETER):
        name = str(parameter.get("Name"))
        if not name.startswith(f"/hasivu/{estate.environment}/"):
            yield at(parameter, "Name")
        if parameter.get("Type") != "String":
            yield at(parameter, "Type")
        if parameter.get("Type") == "String" and NAME_OF_A_SECRET.search(name.rpartition("/")[2]):
            yield at(parameter, "Name", shown="a secret in the open")


@rule(
    "HASIVU-SEC-12",
    "PCI DSS 1.3.2",
    "PCI DSS 6.5.5/6.5.6",
    environments=DEPLOYED,
    remedy="Use the provider's own https address; only the sandbox talks to simulators.",
)
def money_and_messages_go_to_their_providers(estate: Estate) -> Iterator[Breach]:
    """The addresses of the payment gateway and of WhatsApp are the providers' own, by https."""
    for parameter in estate.of(PARAMETER):
        name, value = str(parameter.get("Name")), str(parameter.get("Value"))
        expected = {"razorpay/base-url": RAZORPAY, "whatsapp/base-url": WHATSAPP}
        for end, addresses in expected.items():
            if name.endswith(end) and value.rstrip("/") not in addresses:
                yield at(parameter, "Value")
        if value.startswith("http://"):
            yield at(parameter, "Value")


RAZORPAY = frozenset({"https://api.razorpay.com"})
WHATSAPP = frozenset({"https://graph.facebook.com"})
