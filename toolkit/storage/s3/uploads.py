"""Writing objects: every upload carries its MD5, and what the server says it stored is compared with it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from toolkit.model.host import S3Repository
from toolkit.storage.s3.calls import Calls
from toolkit.storage.s3.client import Limits
from toolkit.storage.s3.failures import PassingError, ServerError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_MOST_PARTS = 10_000
_MISMATCH = "Mismatch"


class Uploads:
    """Writes objects of one bucket."""

    def __init__(self, calls: Calls, config: S3Repository, limits: Limits) -> None:
        self._calls = calls
        self._bucket = config.bucket
        self._limits = limits
        self._settings = _settings(config)

    def in_parts(self, data: bytes) -> bool:
        """Say whether a file is too large to go in one piece."""
        return len(data) > 2 * self._limits.part

    def put(self, key: str, data: bytes, doing: str) -> str:
        """Store an object; gives its version, empty where the bucket has no versions.

        Raises:
            ServerError: it is not stored. What was begun is removed.
        """
        if self.in_parts(data):
            return self._put_parts(key, data, doing)
        try:
            return self._calls.run(doing, lambda client: self._put(client, key, data, doing))
        except ServerError as error:
            if error.code == _MISMATCH:
                # nothing is better than something else under this name
                with suppress(ServerError):
                    self._calls.run(doing, lambda client: client.delete_object(Bucket=self._bucket, Key=key))
            raise

    def put_new(self, key: str, data: bytes, doing: str) -> str:
        """Store an object by a conditional request, in one piece; gives its version as `put` does.

        Raises:
            ServerError: it is not stored; with status 412 because there is one.
        """
        tries = 0

        def once(client: S3Client) -> str:
            nonlocal tries
            tries += 1
            try:
                return self._put(client, key, data, doing, IfNoneMatch="*")
            except PassingError as error:
                if error.code == _MISMATCH:
                    # what is there is ours, since nothing was; it would be in the way of the next try
                    with suppress(ClientError):
                        client.delete_object(Bucket=self._bucket, Key=key)
                raise
            except ClientError as error:
                # the answer to an earlier try may have been lost, and what is there be ours
                exists = error.response["ResponseMetadata"]["HTTPStatusCode"] == 412
                if not (exists and tries > 1 and self._holds(client, key, data)):
                    raise
                return ""

        return self._calls.run(doing, once)

    def abort(self, key: str, upload: str, doing: str) -> None:
        """Abort an upload in parts; nothing happens when it has ended."""
        where: Any = {"Bucket": self._bucket, "Key": key, "UploadId": upload}
        try:
            self._calls.run(doing, lambda client: client.abort_multipart_upload(**where))
        except ServerError as error:
            if error.code != "NoSuchUpload":
                raise

    def _put(self, client: S3Client, key: str, data: bytes, doing: str, **condition: Any) -> str:
        digest = hashlib.md5(data, usedforsecurity=False)
        checksum = b64encode(digest.digest()).decode("ascii")
        given: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "Body": data, "ContentMD5": checksum}
        answer = client.put_object(**given, **self._settings, **condition)
        if answer["ETag"].strip('"') != digest.hexdigest():
            # the ETag of an object encrypted with KMS is no MD5; then the server's own check of Content-MD5 has to do
            if answer.get("ServerSideEncryption", "").startswith("aws:kms"):
                self._check_size(client, key, len(data), doing)
            elif not self._holds(client, key, data):
                raise PassingError(f"cannot {doing}: the server stored something else", code=_MISMATCH)
        return _version(answer)

    def _holds(self, client: S3Client, key: str, data: bytes) -> bool:
        return client.get_object(Bucket=self._bucket, Key=key)["Body"].read() == data

    def _put_parts(self, key: str, data: bytes, doing: str) -> str:
        begun = self._calls.run(
            doing, lambda client: client.create_multipart_upload(Bucket=self._bucket, Key=key, **self._settings)
        )
        upload: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "UploadId": begun["UploadId"]}
        try:
            step = max(self._limits.part, -(-len(data) // _MOST_PARTS))
            parts = [
                self._part(upload, number, data[start : start + step], doing)
                for number, start in enumerate(range(0, len(data), step), start=1)
            ]
            return self._complete(upload, parts, len(data), doing)
        except BaseException:
            # the first error is what matters; what stays behind is removed by `sweep`
            with suppress(ServerError):
                self.abort(key, begun["UploadId"], doing)
            raise

    def _part(self, upload: dict[str, Any], number: int, data: bytes, doing: str) -> Any:
        checksum = b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
        answer = self._calls.run(
            doing,
            lambda client: client.upload_part(**upload, PartNumber=number, Body=data, ContentMD5=checksum),
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _complete(self, upload: dict[str, Any], parts: list[Any], size: int, doing: str) -> str:
        whole: Any = {"Parts": parts}
        version = ""
        try:
            version = self._calls.run(
                doing,
                lambda client: _version(client.complete_multipart_upload(**upload, MultipartUpload=whole)),
            )
        except ServerError as error:
            # an answer that was lost on the way: the upload is no more, because it is complete
            if error.code != "NoSuchUpload":
                raise
        self._calls.run(doing, lambda client: self._check_size(client, upload["Key"], size, doing))
        return version

    def _check_size(self, client: S3Client, key: str, size: int, doing: str) -> None:
        found = client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        if found != size:
            raise PassingError(f"cannot {doing}: the server stored {found} bytes instead of {size}")


def _version(answer: Any) -> str:
    version: str = answer.get("VersionId", "null")
    return "" if version == "null" else version


def _settings(config: S3Repository) -> dict[str, Any]:
    """What every new object is given besides its content."""
    given = {
        "StorageClass": config.storage_class,
        "ServerSideEncryption": config.sse,
        "SSEKMSKeyId": config.sse_key,
    }
    return {name: value for name, value in given.items() if value}
