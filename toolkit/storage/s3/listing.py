"""Listing objects page by page, by whichever of the two calls the server knows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from toolkit.storage.s3.abilities import Abilities, not_offered
from toolkit.storage.s3.calls import Calls
from toolkit.storage.s3.failures import ServerError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Listing:
    """Lists the objects of one bucket."""

    def __init__(self, calls: Calls, abilities: Abilities, bucket: str) -> None:
        self._calls = calls
        self._abilities = abilities
        self._bucket = bucket

    def entries(self, prefix: str, doing: str) -> Iterator[Any]:
        """List the objects with a prefix, sorted by key, as the server's entries (`Key`, `Size`, …)."""
        after = token = ""
        while True:
            page = self._page(prefix, after, token, doing)
            entries = page.get("Contents", [])
            yield from entries
            if not page.get("IsTruncated"):
                return
            token = page.get("NextContinuationToken", "")
            if not token:
                self._abilities.list_v2 = False
            last = entries[-1]["Key"] if entries else ""
            before, after = after, max(after, last, page.get("NextMarker", ""))
            if after == before and not token:
                raise ServerError(f"cannot {doing}: the server's list does not go on")

    def unfinished(self, prefix: str, doing: str) -> Iterator[Any]:
        """List unfinished uploads in parts, as the server's entries (`Key`, `UploadId`, `Initiated`, …)."""
        after: dict[str, str] = {}
        while True:
            where: Any = {"Bucket": self._bucket, "Prefix": prefix, **after}
            try:
                page = self._calls.run(doing, partial(_unfinished_page, where=where))
            except ServerError as error:
                if not_offered(error):
                    return
                raise
            yield from page.get("Uploads", ())
            if not page.get("IsTruncated"):
                return
            after = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def _page(self, prefix: str, after: str, token: str, doing: str) -> Any:
        where: Any = {"Bucket": self._bucket, "Prefix": prefix}
        if self._abilities.list_v2:
            going_on: Any = {"ContinuationToken": token} if token else {}
            try:
                return self._calls.run(doing, lambda client: client.list_objects_v2(**where, **going_on))
            except ServerError as error:
                if token or not not_offered(error):
                    raise
                self._abilities.list_v2 = False
        marker: Any = {"Marker": after} if after else {}
        return self._calls.run(doing, lambda client: client.list_objects(**where, **marker))


def _unfinished_page(client: S3Client, where: Any) -> Any:
    return client.list_multipart_uploads(**where)
