"""A key in AWS KMS that signs as OpenSSH's keys do: ECDSA on P-256 is the same in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from checks.errors import ExitCode, HasivuError
from checks.release.ssh_keys import ECDSA_P256, PublicKey
from checks.release.ssh_wire import mpint, string
from checks.release.sshsig import Namespace, made, signed_bytes

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsKey:
    """A key ``ECC_NIST_P256`` for signing, which never leaves AWS KMS."""

    def __init__(self, client: KMSClient, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def public_key(self) -> PublicKey:
        """Its public half, for the list of allowed signers. Errors: `KMS_REFUSES`, `KMS_KEY_UNFIT`."""
        try:
            answer = self._client.get_public_key(KeyId=self._key_id)
        except (ClientError, BotoCoreError) as error:
            raise _kms_refuses(error) from None
        if answer.get("KeySpec") != "ECC_NIST_P256" or answer.get("KeyUsage") != "SIGN_VERIFY":
            raise HasivuError(
                "KMS_KEY_UNFIT",
                "The key is not ECC_NIST_P256 for SIGN_VERIFY.",
                next_step="make one that is",
                exit_code=ExitCode.USAGE,
            )
        public = serialization.load_der_public_key(answer["PublicKey"])
        line = public.public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        ).decode()
        return PublicKey.of_line(*line.split())

    def sign(self, document: bytes, namespace: Namespace) -> bytes:
        """KMS sees a digest of the document, never the document. Errors: `KMS_REFUSES`, `KMS_KEY_UNFIT`."""
        key = self.public_key()
        try:
            answer = self._client.sign(
                KeyId=self._key_id,
                Message=signed_bytes(document, namespace),
                MessageType="RAW",
                SigningAlgorithm="ECDSA_SHA_256",
            )
        except (ClientError, BotoCoreError) as error:
            raise _kms_refuses(error) from None
        r, s = decode_dss_signature(answer["Signature"])
        return made(key, namespace, string(ECDSA_P256.encode()) + string(mpint(r) + mpint(s)))


def _kms_refuses(error: Exception) -> HasivuError:
    code = (
        error.response.get("Error", {}).get("Code", "unknown")
        if isinstance(error, ClientError)
        else type(error).__name__
    )
    return HasivuError(
        "KMS_REFUSES",
        f"AWS KMS did not sign or show the key ({code}).",
        next_step="see that you are in the right account and may use kms:GetPublicKey and kms:Sign",
        exit_code=ExitCode.CHECK_FAILED,
    )
