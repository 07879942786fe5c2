"""Removing objects: many in one call where the server can, else one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from toolkit.errors import StorageError
from toolkit.storage.s3.abilities import Abilities, not_offered
from toolkit.storage.s3.calls import Calls
from toolkit.storage.s3.failures import ServerError

_AT_ONCE = 1000
"""The most keys that S3 takes in one call."""

_THREADS = 8


class Removal:
    """Removes objects of one bucket."""

    def __init__(self, calls: Calls, abilities: Abilities, bucket: str, place: str) -> None:
        self._calls = calls
        self._abilities = abilities
        self._bucket = bucket
        self._place = place

    def one(self, key: str, version: str = "") -> None:
        """Remove an object, or one version of it for good; nothing happens when there is none."""
        doing = f"remove {self._place}/{key}"
        which: Any = {"Bucket": self._bucket, "Key": key, **({"VersionId": version} if version else {})}
        try:
            answer = self._calls.run(doing, lambda client: client.delete_object(**which))
        except ServerError as error:
            if error.code == "NoSuchKey":
                return
            raise
        if answer.get("DeleteMarker") and not version:
            self._abilities.keeps_deleted = True

    def many(self, keys: Iterable[str]) -> None:
        """Remove objects, those that are not there passed over.

        Raises:
            StorageError: some could not be removed; all others have been.
        """
        failures: list[ServerError] = []
        for batch in _batches(keys):
            failures += self._batch(batch)
        if failures:
            first, others = failures[0], len(failures) - 1
            more = f"; {others} more could not be removed either" if others else ""
            raise StorageError(f"{first.message}{more}", hint=first.hint) from first

    def _batch(self, keys: Sequence[str]) -> list[ServerError]:
        """Remove at most a thousand objects; gives a failure for each that could not be."""
        left = keys
        if self._abilities.bulk_delete and len(keys) > 1:
            try:
                left = self._in_bulk(keys)
            except ServerError as error:
                if not not_offered(error):
                    raise
                self._abilities.bulk_delete = False
        with ThreadPoolExecutor(_THREADS) as pool:
            return [failure for failure in pool.map(self._failure, left) if failure]

    def _in_bulk(self, keys: Sequence[str]) -> list[str]:
        """Remove objects in one call; gives those that the server did not remove, for whatever reason."""
        wanted: Any = {"Objects": [{"Key": key} for key in keys], "Quiet": False}
        doing = f"remove {len(keys)} files of {self._place}"
        answer = self._calls.run(doing, lambda client: client.delete_objects(Bucket=self._bucket, Delete=wanted))
        if any(removed.get("DeleteMarker") for removed in answer.get("Deleted", ())):
            self._abilities.keeps_deleted = True
        return [error["Key"] for error in answer.get("Errors", ()) if error.get("Code") != "NoSuchKey"]

    def _failure(self, key: str) -> ServerError | None:
        try:
            self.one(key)
        except ServerError as error:
            return error
        return None


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    left = iter(keys)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch
