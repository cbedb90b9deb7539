"""The four steps of a rotation, as Secrets Manager calls them.

Source: AWS Secrets Manager User Guide, "Rotation by Lambda function" and the rotation function templates.
A rotation is known by its token, which is also the id of the version that it makes. Every step may come
again; a step that raises leaves the current value as it is, and Secrets Manager tries the rotation anew.

An operator's value waits under a label of its own, STAGED, until a rotation takes it: a version that is
AWSPENDING before a rotation began would count as a rotation in progress, and no other could begin.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from runtime.rotation.refusals import (
    DUE,
    PENDING_MISSING,
    ROTATION_NOT_ENABLED,
    SECRET_UNKNOWN,
    STEP_UNKNOWN,
    TOKEN_NOT_STAGED,
    VALUE_MALFORMED,
    VALUE_NOT_NEW,
    RotationRefused,
)

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
STAGED = "HASIVU_STAGED"
"""The label of the value that an operator has put in and no rotation has taken yet."""

Document = dict[str, Any]


class Step(StrEnum):
    """What Secrets Manager asks for, in this order."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class Done(StrEnum):
    """What a step came to."""

    STEP = "step done"
    NOTHING_TO_TEST = "configuration tested"
    """Secrets Manager tries the function when a schedule is made, on a version that holds nothing new."""
    ROTATED = "rotated"
    ROTATED_BEFORE = "rotated before"


@dataclass(frozen=True, slots=True)
class RotatedSecret:
    """How one secret, ``name``, gets its next value.

    ``next`` makes it of the current document and of what an operator has staged, if anything. ``hold``
    refuses what may not follow the current document; ``take`` asks whoever has to take the new one. All
    raise RotationRefused.
    """

    name: str
    next: Callable[[Document, Document | None], Document]
    hold: Callable[[Document, Document], None]
    take: Callable[[Document], None]


def staged_value(current: Document, staged: Document | None) -> Document:
    """The ``next`` of a secret that a person renews. Raises RotationRefused, ``secret-due`` where nobody has
    staged a value."""
    if staged is None:
        raise RotationRefused(DUE, "It is to be renewed, and no new value is staged.")
    if is_within(staged, current):
        raise RotationRefused(VALUE_NOT_NEW, "What is staged is the current value.")
    return staged


def is_within(part: Document, whole: Document) -> bool:
    """Whether every member of ``part`` is in ``whole``, which may have more."""
    return all(name in whole and whole[name] == value for name, value in part.items())


class Rotation:
    """Rotates ``secrets``, by ARN."""

    def __init__(self, client: "SecretsManagerClient", secrets: Mapping[str, RotatedSecret]) -> None:
        self._client = client
        self._secrets = secrets

    def secret(self, arn: str) -> RotatedSecret:
        """The secret of ``arn``. Raises RotationRefused for one that is not ours to rotate."""
        found = self._secrets.get(arn)
        if found is None:
            raise RotationRefused(SECRET_UNKNOWN, "The secret is none of those that this function rotates.")
        return found

    def run(self, step: str, arn: str, token: str) -> Done:
        """Do ``step`` of the rotation ``token`` of the secret ``arn``. Raises RotationRefused."""
        secret = self.secret(arn)
        versions = self._versions(arn)
        if CURRENT in versions.get(token, ()):
            self._clear_staged(arn, token, versions)
            return Done.ROTATED_BEFORE
        if PENDING not in versions.get(token, ()):
            raise RotationRefused(TOKEN_NOT_STAGED, "The version of this rotation is not AWSPENDING.")
        match step:
            case Step.CREATE:
                self._create(secret, arn, token)
            case Step.SET:
                pass  # nobody has to be told: providers' values come from the provider, the pepper is ours
            case Step.TEST:
                return self._test(secret, arn, token)
            case Step.FINISH:
                return self._finish(arn, token, versions)
            case _:
                raise RotationRefused(STEP_UNKNOWN, "There are four steps, and this is none of them.")
        return Done.STEP

    def _versions(self, arn: str) -> Mapping[str, list[str]]:
        described = self._client.describe_secret(SecretId=arn)
        if not described.get("RotationEnabled"):
            raise RotationRefused(ROTATION_NOT_ENABLED, "Nobody has scheduled the rotation of this secret.")
        return described.get("VersionIdsToStages", {})

    def _create(self, secret: RotatedSecret, arn: str, token: str) -> None:
        if self._read(arn, PENDING, token) is not None:
            return
        current = self._current(arn)
        document = secret.next(current, self._read(arn, STAGED))
        secret.hold(current, document)
        try:
            self._client.put_secret_value(
                SecretId=arn,
                ClientRequestToken=token,
                SecretString=json.dumps(document),
                VersionStages=[PENDING],
            )
        except self._client.exceptions.ResourceExistsException:
            return  # the same step, at the same time, was first; its value is the one that counts

    def _test(self, secret: RotatedSecret, arn: str, token: str) -> Done:
        pending, current = self._read(arn, PENDING, token), self._current(arn)
        if pending is None or pending == current:
            return Done.NOTHING_TO_TEST
        secret.hold(current, pending)
        secret.take(pending)
        return Done.STEP

    def _finish(self, arn: str, token: str, versions: Mapping[str, list[str]]) -> Done:
        pending = self._read(arn, PENDING, token)
        if pending is None or pending == self._current(arn):
            raise RotationRefused(PENDING_MISSING, "The version of this rotation holds no new value.")
        current = next((version for version, stages in versions.items() if CURRENT in stages), None)
        if current is None:
            raise RotationRefused(TOKEN_NOT_STAGED, "No version of the secret is current.")
        self._client.update_secret_version_stage(
            SecretId=arn, VersionStage=CURRENT, MoveToVersionId=token, RemoveFromVersionId=current
        )
        self._clear_staged(arn, token, versions)
        return Done.ROTATED

    def _clear_staged(self, arn: str, token: str, versions: Mapping[str, list[str]]) -> None:
        """Take the label off what this rotation has made current; a newer value stays staged."""
        labelled = next((version for version, stages in versions.items() if STAGED in stages), None)
        staged, taken = self._read(arn, STAGED), self._read(arn, None, token)
        if labelled is not None and staged is not None and taken is not None and is_within(staged, taken):
            self._client.update_secret_version_stage(
                SecretId=arn, VersionStage=STAGED, RemoveFromVersionId=labelled
            )

    def _current(self, arn: str) -> Document:
        current = self._read(arn, CURRENT)
        if current is None:
            raise RotationRefused(VALUE_MALFORMED, "The current version holds no value.")
        return current

    def _read(self, arn: str, stage: str | None, version: str | None = None) -> Document | None:
        """The document under a label, of a version, or both; None where there is no value.

        Raises RotationRefused for a value that is no JSON object.
        """
        asked: Any = {"VersionStage": stage, "VersionId": version}
        answer: Any  # a version of a rotation that has just begun has no SecretString, whatever the types say
        try:
            answer = self._client.get_secret_value(
                SecretId=arn, **{name: value for name, value in asked.items() if value is not None}
            )
        except self._client.exceptions.ResourceNotFoundException:
            return None
        if "SecretString" not in answer:
            return None
        try:
            document = json.loads(answer["SecretString"])
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise RotationRefused(VALUE_MALFORMED, "The value is not a JSON object.")
        return document
