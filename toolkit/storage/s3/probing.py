"""What an S3 server can do, by trying it under a temporary prefix of the repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from toolkit.errors import PlaybackError
from toolkit.model.host import S3Repository
from toolkit.storage.s3.abilities import not_offered
from toolkit.storage.s3.calls import Calls
from toolkit.storage.s3.client import Limits
from toolkit.storage.s3.failures import ServerError
from toolkit.storage.store import Ability

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ONCE = Limits(connect=5, read=20, attempts=2, seconds=20)
_PART = 5 * 1024 * 1024


def probe_server(config: S3Repository, prefix: str) -> Iterator[Ability]:
    """Give what the server can do, one finding after the other; whatever is made is removed.

    Args:
        prefix: what the names of files that are made begin with.
    """
    asked = _Server(config, prefix)
    try:
        yield asked.clock()
        yield asked.addressing()
        yield asked.checksums()
        yield asked.listing()
        yield asked.bulk_delete()
        yield asked.multipart()
        yield asked.versioning()
        yield asked.object_lock()
    finally:
        asked.clean_up()


class _Server:
    def __init__(self, config: S3Repository, prefix: str) -> None:
        self._config = config
        self._calls = Calls(config, _ONCE)
        self._bucket = config.bucket
        self._prefix = f"{config.prefix}/{prefix}" if config.prefix else prefix

    def clock(self) -> Ability:
        answer = self._run(lambda client: client.list_objects(Bucket=self._bucket, MaxKeys=1, Prefix=self._prefix))
        written = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        if not written:
            return Ability(what="server's clock", found="not told")
        apart = (datetime.now(UTC) - parsedate_to_datetime(written)).total_seconds()
        return Ability(
            what="server's clock",
            found=f"this machine is {abs(apart):.0f} s {'ahead' if apart > 0 else 'behind'}"
            if abs(apart) > 2
            else "the same",
            meaning="set this machine's clock; signatures more than 15 minutes off are refused"
            if abs(apart) > 60
            else "",
        )

    def addressing(self) -> Ability:
        works = {style: self._answers(style) for style in ("path", "virtual")}
        used = self._config.addressing_style
        if used == "auto":
            used = "path" if self._config.endpoint else "virtual"
        known = " and ".join(style for style, answers in works.items() if answers) or "neither"
        hint = f"{self._config.addressing_style} uses {used} here"
        return Ability(what="addressing", found=known, meaning=hint, bad=not works[used])

    def checksums(self) -> Ability:
        key = f"{self._prefix}checksum"
        newer = self._tries(
            lambda client: client.put_object(Bucket=self._bucket, Key=key, Body=b"1", ChecksumAlgorithm="SHA256")
        )
        return Ability(
            what="checksums",
            found="Content-MD5 and SHA-256" if newer else "Content-MD5",
            meaning="uploads are verified by Content-MD5 and the ETag",
        )

    def listing(self) -> Ability:
        answer = self._or_none(lambda client: client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix))
        second = answer is not None and "KeyCount" in answer
        meaning = "" if second else "the first version is used"
        return Ability(what="list", found="ListObjectsV2" if second else "ListObjects", meaning=meaning)

    def bulk_delete(self) -> Ability:
        wanted: Any = {"Objects": [{"Key": f"{self._prefix}checksum"}, {"Key": f"{self._prefix}none"}]}
        works = self._tries(lambda client: client.delete_objects(Bucket=self._bucket, Delete=wanted))
        meaning = "" if works else "prune removes files one by one, eight at a time"
        return Ability(what="bulk delete", found="works" if works else "not offered", meaning=meaning)

    def multipart(self) -> Ability:
        key = f"{self._prefix}parts"
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        upload = ""
        try:
            upload = self._run(lambda client: client.create_multipart_upload(**where))["UploadId"]
            parts = []
            for number, body in enumerate((b"1" * _PART, b"2"), start=1):
                answer = self._part({**where, "UploadId": upload, "PartNumber": number, "Body": body})
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            done: Any = {"Parts": parts}
            self._run(lambda client: client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=done))
        except ServerError as error:
            if upload:
                self._tries(lambda client: client.abort_multipart_upload(**where, UploadId=upload))
            meaning = f"chunks of more than 32 MiB, single rows that large, cannot be stored: {error.message}"
            return Ability(what="upload in parts", found="does not work", meaning=meaning)
        return Ability(what="upload in parts", found="works")

    def versioning(self) -> Ability:
        answer = self._or_none(lambda client: client.get_bucket_versioning(Bucket=self._bucket))
        if answer is None:
            return Ability(what="versioning", found="not offered, or the key may not ask")
        status = answer.get("Status", "off").lower()
        meaning = "" if status == "off" else "prune hides files; lifecycle rules have to expire what it hid"
        return Ability(what="versioning", found=status, meaning=meaning)

    def object_lock(self) -> Ability:
        answer = self._or_none(lambda client: client.get_object_lock_configuration(Bucket=self._bucket))
        rule = (answer or {}).get("ObjectLockConfiguration", {})
        if rule.get("ObjectLockEnabled") != "Enabled":
            return Ability(what="Object Lock", found="off")
        default = rule.get("Rule", {}).get("DefaultRetention")
        if not default:
            return Ability(what="Object Lock", found="on, without a default retention")
        period = f"{default['Days']} days" if "Days" in default else f"{default.get('Years', '?')} years"
        meaning = "nobody can destroy a backup before that, and prune frees nothing before that either"
        return Ability(what="Object Lock", found=f"{default.get('Mode', '')} for {period}", meaning=meaning)

    def clean_up(self) -> None:
        """Remove every version of what was made; what Object Lock holds stays until its retention has ended."""
        answer = self._or_none(lambda client: client.list_object_versions(Bucket=self._bucket, Prefix=self._prefix))
        for entry in [*(answer or {}).get("Versions", ()), *(answer or {}).get("DeleteMarkers", ())]:
            self._remove({"Bucket": self._bucket, "Key": entry["Key"], "VersionId": entry["VersionId"]})

    def _part(self, part: dict[str, Any]) -> Any:
        return self._run(lambda client: client.upload_part(**part))

    def _remove(self, version: dict[str, Any]) -> None:
        self._tries(lambda client: client.delete_object(**version))

    def _answers(self, style: str) -> bool:
        calls = Calls(replace(self._config, addressing_style=style), _ONCE)
        try:
            calls.run("ask", lambda client: client.list_objects(Bucket=self._bucket, MaxKeys=1, Prefix=self._prefix))
        except PlaybackError:
            return False
        return True

    def _tries(self, call: Callable[[S3Client], object]) -> bool:
        return self._or_none(call) is not None

    def _or_none(self, call: Callable[[S3Client], Any]) -> Any:
        """What a call gives, None where the server does not offer it or the key has no right to it."""
        try:
            return self._run(call)
        except ServerError as error:
            if not_offered(error) or 400 <= error.status < 500:
                return None
            raise

    def _run(self, call: Callable[[S3Client], Any]) -> Any:
        return self._calls.run(f"probe s3://{self._bucket}/{self._prefix}", call)
