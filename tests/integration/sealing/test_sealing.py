"""The audit trail is sealed as it is written, and whatever is done to it afterwards is named."""

import base64
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from checks.audit_trail import fetch as fetching
from checks.audit_trail.verify import PUBLIC_KEY, Verified, verify
from runtime.functions import audit_sealer
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.clock import FixedClock
from runtime.platform.dynamodb import to_item
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.telemetry import new_logger
from runtime.sealing.merkle import Frontier
from runtime.sealing.model import Checkpoint, Seal, seal_key
from runtime.sealing.service import SealedMeanwhile, Sealer, last_checkpoint
from tests.integration.tables import NOON_IN_INDIA, Tables


class Trail:
    """An audit table, a bucket and a key of their own, and a clock that moves when told to."""

    def __init__(self, session: boto3.Session, tables: Tables) -> None:
        self.session = session
        self.table = tables["audit"]
        self.clock = FixedClock(NOON_IN_INDIA)
        self.dynamodb, self.s3 = session.client("dynamodb"), session.client("s3")
        self.kms = session.client("kms")
        self.bucket = f"audit-{uuid4().hex[:12]}"
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "ap-south-1"}
        )
        key = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.key_id = key["KeyMetadata"]["Arn"]

    def write(self, count: int = 1) -> None:
        ids = UlidIds(self.clock)
        trail = AuditTrail(self.dynamodb, self.table, self.clock, ids)
        for number in range(count):
            trail.append(
                AuditLine(
                    actor_id="usr_parent",
                    action="payments.create",
                    subject=f"pmt_{number}",
                    outcome=Outcome.DONE,
                    request_id="req",
                )
            )
            self.clock.advance(seconds=0.01)

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.dynamodb, self.s3, self.kms, self.table, self.bucket, self.key_id, self.clock)

    def settle(self) -> Checkpoint:
        self.clock.advance(seconds=360)
        return self.sealer.seal()

    def fetch(self, into: Path) -> Path:
        """The bucket and the key as files."""
        for each in self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]:
            target = into / each["Key"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read())
        public = load_der_public_key(self.kms.get_public_key(KeyId=self.key_id)["PublicKey"])
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (into / PUBLIC_KEY).write_bytes(pem)
        return into


@pytest.fixture
def trail(aws_environment: dict[str, str], tables: Tables, in_aws: dict[str, str]) -> Trail:
    return Trail(boto3.Session(region_name="ap-south-1"), tables)


def test_what_has_settled_is_sealed_once_and_in_order(trail: Trail, tmp_path: Path) -> None:
    trail.write(5)
    first = trail.settle()
    trail.write(2)
    young = trail.sealer.seal()
    last = trail.settle()
    assert [each.size for each in (first, young, last)] == [5, 5, 7]
    found = verify(trail.fetch(tmp_path), log=trail.table)
    assert (found.whole, found.checkpoints, found.lines, found.faults) == (True, 3, 7, ())
    assert found.digests == (first.digest, young.digest, last.digest)


def test_a_day_in_india_ends_and_nothing_is_forgotten(trail: Trail) -> None:
    trail.clock.advance(seconds=12 * 3600 - 2)  # two seconds before midnight
    trail.write(3)
    trail.clock.advance(seconds=2)
    trail.write(4)
    assert trail.settle().size == 7


def test_the_first_seal_of_an_empty_trail_says_so(trail: Trail, tmp_path: Path) -> None:
    empty = trail.settle()
    assert (empty.size, empty.root, empty.lines) == (0, Frontier().root.hex(), None)
    assert verify(trail.fetch(tmp_path), log=trail.table).whole


def test_more_than_fits_waits_for_the_next(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.sealing.service.LINES_MAX", 3)
    trail.write(7)
    assert [trail.settle().size for _ in range(4)] == [3, 6, 7, 7]


def test_of_two_sealers_one_wins(trail: Trail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trail.write(2)
    before = trail.settle()
    slow = trail.sealer
    trail.write(1)
    trail.clock.advance(seconds=360)
    trail.sealer.seal()
    monkeypatch.setattr("runtime.sealing.service.last_checkpoint", lambda *_: before)
    with pytest.raises(SealedMeanwhile):
        slow.seal()
    assert verify(trail.fetch(tmp_path), log=trail.table).checkpoints == 2


def test_another_refusal_of_the_bucket_is_no_lost_race(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    trail.write(1)
    sealer = trail.sealer
    trail.s3.delete_bucket(Bucket=trail.bucket)
    monkeypatch.setattr("runtime.sealing.service.last_checkpoint", lambda *_: None)
    trail.clock.advance(seconds=360)
    with pytest.raises(ClientError):
        sealer.seal()


def test_a_crash_before_the_seal_loses_and_repeats_nothing(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trail.write(3)
    monkeypatch.setattr(Sealer, "_signature", lambda *_: (_ for _ in ()).throw(RuntimeError("crash")))
    with pytest.raises(RuntimeError):
        trail.settle()
    monkeypatch.undo()
    trail.write(1)
    assert trail.settle().size == 4
    assert verify(trail.fetch(tmp_path), log=trail.table).whole


def test_the_function_tells_of_each_seal(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    logger = new_logger("audit-sealer-of-a-test")
    metrics = Metrics("sandbox", trail.clock, said.append)
    audit_sealer.seal(sealer=trail.sealer, logger=logger, metrics=metrics)
    assert json.loads(said[0])["AuditSealed"] == 1
    monkeypatch.setattr(Sealer, "seal", lambda self: (_ for _ in ()).throw(SealedMeanwhile("seals/1")))
    audit_sealer.seal(sealer=trail.sealer, logger=logger, metrics=metrics)
    assert len(said) == 1


def test_the_function_is_wired_from_its_settings(trail: Trail) -> None:
    handler = audit_sealer.wire(
        {
            "HASIVU_ENV": "sandbox",
            "POWERTOOLS_SERVICE_NAME": "audit-sealer",
            "AUDIT_TABLE": trail.table,
            "AUDIT_BUCKET": trail.bucket,
            "AUDIT_SEAL_KEY_ARN": trail.key_id,
        }
    )
    handler({}, None)  # type: ignore[arg-type]  # it looks at neither
    assert last_checkpoint(trail.s3, trail.bucket, trail.table) is not None


def test_a_last_seal_of_another_log_stops_the_sealing(trail: Trail) -> None:
    trail.settle()
    body = trail.s3.get_object(Bucket=trail.bucket, Key=seal_key(0))["Body"].read()
    trail.s3.put_object(Bucket=trail.bucket, Key=seal_key(1), Body=body)
    with pytest.raises(ValueError, match="not where it belongs"):
        last_checkpoint(trail.s3, trail.bucket, trail.table)


class TestAttacks:
    """Each on three checkpoints over nine lines."""

    @pytest.fixture
    def kept(self, trail: Trail, tmp_path: Path) -> Path:
        for _ in range(3):
            trail.write(3)
            trail.settle()
        return trail.fetch(tmp_path / "trail")

    def found(self, trail: Trail, kept: Path, *anchors: str) -> Verified:
        return verify(kept, log=trail.table, anchors=anchors)

    def test_the_untouched_trail_is_whole(self, trail: Trail, kept: Path) -> None:
        assert self.found(trail, kept).whole

    @pytest.mark.parametrize("sequence", [0, 1])
    def test_a_seal_is_taken_away(self, trail: Trail, kept: Path, sequence: int) -> None:
        (kept / seal_key(sequence)).unlink()
        codes = [fault.code for fault in self.found(trail, kept).faults]
        assert codes == ["trail-empty" if sequence == 0 else "seal-missing"]

    def test_the_newest_seal_is_taken_away(self, trail: Trail, kept: Path) -> None:
        anchor = self.found(trail, kept).digests[-1]
        (kept / seal_key(2)).unlink()
        assert self.found(trail, kept).whole, "nobody can see this without a digest from elsewhere"
        assert [fault.code for fault in self.found(trail, kept, anchor).faults] == ["anchor-missing"]

    @pytest.mark.parametrize(
        ("attack", "code"),
        [
            (lambda text: text.replace("usr_parent", "usr_nobody", 1), "lines-altered"),
            (lambda text: "\n".join(text.split("\n")[1:]), "lines-altered"),
            (lambda text: "\n".join(reversed(text.strip().split("\n"))) + "\n", "lines-altered"),
            (lambda text: text + text.split("\n")[0] + "\n", "lines-altered"),
            (lambda text: text.replace(":", ": ", 1), "lines-altered"),
        ],
        ids=["rewritten", "dropped", "reordered", "duplicated", "reformatted"],
    )
    def test_a_line_is(self, trail: Trail, kept: Path, attack: Callable[[str], str], code: str) -> None:
        for path in (kept / "lines").iterdir():
            path.write_text(attack(path.read_text()))
        assert [fault.code for fault in self.found(trail, kept).faults] == [code]

    def test_lines_are_taken_away(self, trail: Trail, kept: Path) -> None:
        shutil.rmtree(kept / "lines")
        assert [fault.code for fault in self.found(trail, kept).faults] == ["file-missing"]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"size": 4}, "signature-wrong"),
            ({"sealed_at": "2020-01-01T00:00:00.000Z"}, "signature-wrong"),
            ({"log": "another"}, "signature-wrong"),
            ({"root": "zz"}, "seal-malformed"),
        ],
    )
    def test_a_seal_is_rewritten(self, trail: Trail, kept: Path, changes: dict[str, Any], code: str) -> None:
        path = kept / seal_key(1)
        document = json.loads(path.read_bytes())
        document["checkpoint"] |= changes
        text = json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
        path.write_text(text)
        assert [fault.code for fault in self.found(trail, kept).faults] == [code]

    def test_a_seal_is_reformatted(self, trail: Trail, kept: Path) -> None:
        path = kept / seal_key(1)
        path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))
        assert [fault.code for fault in self.found(trail, kept).faults] == ["seal-altered"]

    def test_seals_change_places(self, trail: Trail, kept: Path) -> None:
        one, two = kept / seal_key(1), kept / seal_key(2)
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)
        assert [fault.code for fault in self.found(trail, kept).faults] == ["seal-misplaced"]

    def test_everything_is_signed_again_by_another_key(self, trail: Trail, kept: Path) -> None:
        other = ec.generate_private_key(ec.SECP256R1())
        for sequence in range(3):
            path = kept / seal_key(sequence)
            seal = Seal.model_validate_json(path.read_bytes())
            signature = other.sign(seal.checkpoint.canonical(), ec.ECDSA(SHA256()))
            forged = seal.model_copy(update={"signature": base64.b64encode(signature).decode()})
            path.write_bytes(forged.document())
        assert [fault.code for fault in self.found(trail, kept).faults] == ["signature-wrong"]

    def test_a_stolen_key_cannot_fit_a_shorter_history_to_a_digest_that_is_known(
        self, trail: Trail, kept: Path, tmp_path: Path
    ) -> None:
        anchor = self.found(trail, kept).digests[-1]
        for key in trail.s3.list_objects_v2(Bucket=trail.bucket)["Contents"]:
            trail.s3.delete_object(Bucket=trail.bucket, Key=key["Key"])
        trail.settle()
        rewritten = trail.fetch(tmp_path / "rewritten")
        assert self.found(trail, rewritten).whole
        assert [fault.code for fault in self.found(trail, rewritten, anchor).faults] == ["anchor-missing"]

    def test_a_file_leads_elsewhere(self, trail: Trail, kept: Path, tmp_path: Path) -> None:
        path = kept / seal_key(1)
        elsewhere = tmp_path / "elsewhere"
        path.rename(elsewhere)
        path.symlink_to(elsewhere)
        assert [fault.code for fault in self.found(trail, kept).faults] == ["file-missing"]

    @pytest.mark.parametrize("pem", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
    def test_the_key_is_nonsense(self, trail: Trail, kept: Path, pem: bytes) -> None:
        (kept / PUBLIC_KEY).write_bytes(pem)
        assert [fault.code for fault in self.found(trail, kept).faults] == ["key-malformed"]


class TestAgainstTheTable:
    """What was done to the table after it was sealed."""

    @pytest.fixture
    def sealed(self, trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(fetching, "bucket_of", lambda environment: trail.bucket)
        monkeypatch.setattr(fetching, "table_of", lambda environment: trail.table)
        trail.kms.create_alias(AliasName=f"alias/hasivu/{trail.bucket}/audit-seal", TargetKeyId=trail.key_id)
        trail.write(4)
        trail.settle()
        fetching.fetch(trail.session, trail.bucket, tmp_path)
        return tmp_path

    def faults(self, trail: Trail, sealed: Path) -> list[str]:
        last = verify(sealed, log=trail.table).last
        assert last is not None
        assert fetching.latest_digest(trail.session, trail.bucket) == last.digest
        now = trail.clock.now() + timedelta(minutes=20)
        found = fetching.against_the_table(trail.session, trail.bucket, sealed, last, now=now)
        return [fault.code for fault in found]

    def lines(self, trail: Trail) -> list[dict[str, Any]]:
        return list(fetching._lines(trail.session, trail.table, "2026-04-01"))

    def test_the_same_lines_are_there(self, trail: Trail, sealed: Path) -> None:
        assert self.faults(trail, sealed) == []

    def test_a_line_is_changed(self, trail: Trail, sealed: Path) -> None:
        changed = self.lines(trail)[1] | {"actor_id": "usr_nobody"}
        trail.dynamodb.put_item(TableName=trail.table, Item=to_item(changed))
        assert self.faults(trail, sealed) == ["line-changed"]

    def test_a_line_is_gone(self, trail: Trail, sealed: Path) -> None:
        line = self.lines(trail)[2]
        key = to_item({"day": line["day"], "audit_id": line["audit_id"]})
        trail.dynamodb.delete_item(TableName=trail.table, Key=key)
        assert self.faults(trail, sealed) == ["line-missing"]

    def test_a_line_is_slipped_in(self, trail: Trail, sealed: Path) -> None:
        line = self.lines(trail)[0]
        known = str(line["audit_id"])
        slipped = line | {"audit_id": known[:-1] + ("Y" if known.endswith("Z") else "Z")}
        trail.dynamodb.put_item(TableName=trail.table, Item=to_item(slipped))
        assert self.faults(trail, sealed) == ["line-unsealed"]
