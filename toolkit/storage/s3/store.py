"""A store under a prefix of an S3 bucket."""

from __future__ import annotations

import re
import uuid
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from os.path import commonprefix
from threading import Lock
from typing import TYPE_CHECKING, Any

from toolkit.errors import MissingError
from toolkit.model.host import S3Repository
from toolkit.storage.folder import too_large
from toolkit.storage.s3.abilities import Abilities, not_offered
from toolkit.storage.s3.calls import Calls
from toolkit.storage.s3.client import Limits
from toolkit.storage.s3.failures import ServerError
from toolkit.storage.s3.listing import Listing
from toolkit.storage.s3.probing import probe_server
from toolkit.storage.s3.removal import Removal
from toolkit.storage.s3.uploads import Uploads
from toolkit.storage.store import Ability, StoredFile, check_name

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")
"""Objects that ask the server what it can do: no files of the store, and gone in a moment."""

_THREADS = 8
"""Simultaneous questions: they cost a round trip each, and next to nothing besides."""

_PAGE = 1000
"""Files in one page of a list."""

_QUESTIONS_PER_PAGE = 20
"""So many questions for one file cost about as much as a page of the list."""


class S3Store:
    """Objects of a bucket whose keys begin with a prefix. What the server cannot do is found out once and remembered.

    Objects become visible whole or not at all, so nothing is renamed; a file is stored once the server has said so
    and what it says fits what was sent.
    """

    def __init__(self, config: S3Repository, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._config = config
        self._bucket = config.bucket
        self._prefix = f"{config.prefix}/" if config.prefix else ""
        self._calls = Calls(config, limits)
        self._asking = Lock()
        self.abilities = Abilities()
        self._uploads = Uploads(self._calls, config, limits)
        self._listing = Listing(self._calls, self.abilities, config.bucket)
        self._removal = Removal(self._calls, self.abilities, config.bucket, f"s3://{config.bucket}")

    @property
    def place(self) -> str:
        """The bucket and the prefix as a URL: `s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def parallel(self) -> int:
        """Eight: a call waits for the network most of its time."""
        return _THREADS

    @property
    def conditional(self) -> bool:
        """Whether the server honours `If-None-Match`, which is tried once with an object of no content."""
        with self._asking:
            if self.abilities.conditional is None:
                self.abilities.conditional = self._is_conditional()
            return self.abilities.conditional

    @property
    def keeps_deleted(self) -> bool:
        """Whether the bucket has versions, or had: what is deleted is only hidden then, and still paid for."""
        if self.abilities.keeps_deleted is None:
            self.abilities.keeps_deleted = self._has_versions()
        return self.abilities.keeps_deleted

    @property
    def one_file(self) -> None:
        """None: each object is one of its own."""

    def put(self, name: str, data: bytes) -> None:
        """Store a file by a verified upload."""
        self._note(self._uploads.put(self._key(name), data, f"write {self._at(name)}"))

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Store a file unless there is one of that name; atomic where `conditional` is true and it goes in one piece.

        A file with the very same content that appears while a call is made again counts as this one.
        """
        key = self._key(name)
        if self._uploads.in_parts(data) or not self.conditional:
            if self.exists(name):
                return False
            self.put(name, data)
            return True
        try:
            self._note(self._uploads.put_new(key, data, f"write {self._at(name)}"))
        except ServerError as error:
            if error.status == 412:
                return False
            raise
        return True

    def make_durable(self, names: Iterable[str]) -> None:
        """Do nothing: what can be seen is stored."""

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Give a file's content; MissingError when there is none."""
        key = self._key(name)
        doing = f"read {self._at(name)}"

        def read(client: S3Client) -> bytes:
            found = client.get_object(Bucket=self._bucket, Key=key)
            if limit is not None and found["ContentLength"] > limit:
                found["Body"].close()
                raise too_large(self._at(name), found["ContentLength"], limit)
            return found["Body"].read()

        try:
            return self._calls.run(doing, read)
        except ServerError as error:
            if error.status == 404 and error.code != "NoSuchBucket":
                raise MissingError(f"{self._at(name)} does not exist") from error
            raise

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Give some bytes of a file; MissingError when there is none."""
        key = self._key(name)
        doing = f"read {self._at(name)}"

        def read(client: S3Client) -> bytes:
            found = client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={at}-{at + size - 1}")
            # a server that knows no ranges gives all of it
            begin = 0 if "ContentRange" in found else at
            if found["ContentLength"] > max(size, limit):
                found["Body"].close()
                raise too_large(self._at(name), found["ContentLength"], limit)
            return found["Body"].read()[begin : begin + size]

        try:
            return self._calls.run(doing, read)
        except ServerError as error:
            if error.status == 404 and error.code != "NoSuchBucket":
                raise MissingError(f"{self._at(name)} does not exist") from error
            if error.status == 416:  # it ends before
                return b""
            raise

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, or None."""
        key = self._key(name)
        doing = f"read {self._at(name)}"
        try:
            return self._calls.run(
                doing, lambda client: client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
            )
        except ServerError as error:
            if error.status == 404:
                return None
            # the answer to HEAD has no body that says why; the same question with one has
            return self._size_by_range(key, doing)

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Give the sizes of those files that there are: from a list as far as that is cheaper, else one by one."""
        found, left = self._listed_sizes(sorted(names))
        with ThreadPoolExecutor(_THREADS) as pool:
            found.update(
                (name, size) for name, size in zip(left, pool.map(self.size, left), strict=True) if size is not None
            )
        return found

    def exists(self, name: str) -> bool:
        """Say whether there is a file of that name."""
        return self.size(name) is not None

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Give the files whose names begin with `prefix`, sorted by name."""
        for entry in self._entries(prefix):
            name = entry["Key"][len(self._prefix) :]
            # consoles mark folders by empty objects whose names end with a slash
            if name and not name.endswith("/") and not _is_question(entry):
                yield StoredFile(
                    name=name, size=entry["Size"], modified=entry["LastModified"], version=entry.get("ETag", "")
                )

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens when there is none."""
        self._removal.one(self._key(name))

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files, in bulk where the server can."""
        self._removal.many([self._key(name) for name in names])

    def sweep(self, before: datetime) -> int:
        """Abort uploads in parts that began before that time, and remove questions left behind; gives how many."""
        old = [entry["Key"] for entry in self._entries("") if _is_question(entry) and entry["LastModified"] < before]
        self._removal.many(old)
        doing = f"abort old uploads to {self.place}"
        begun = [each for each in self._listing.unfinished(self._prefix, doing) if each["Initiated"] < before]
        for upload in begun:
            self._uploads.abort(upload["Key"], upload["UploadId"], doing)
        return len(old) + len(begun)

    def probe(self, prefix: str) -> Iterator[Ability]:
        """Give what the server can do."""
        return probe_server(self._config, prefix)

    def _key(self, name: str) -> str:
        check_name(name)
        return self._prefix + name

    def _at(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def _note(self, version: str) -> None:
        if version:
            self.abilities.keeps_deleted = True

    def _entries(self, prefix: str) -> Iterator[Any]:
        doing = f"list {self._at(prefix)}"
        return self._listing.entries(self._prefix + prefix, doing)

    def _listed_sizes(self, names: Sequence[str]) -> tuple[dict[str, int], Sequence[str]]:
        """Sizes out of the list of files, and the names it was not worth to read on for."""
        found: dict[str, int] = {}
        wanted = frozenset(names)
        worth = len(names) // _QUESTIONS_PER_PAGE * _PAGE
        common = commonprefix(names)  # noqa: RUF071 - as texts, which is how a store lists
        for number, stored in enumerate(self.list(common) if worth else ()):
            if number == worth:
                return found, names[bisect_left(names, stored.name) :]
            if stored.name in wanted:
                found[stored.name] = stored.size
        return found, () if worth else names

    def _size_by_range(self, key: str, doing: str) -> int | None:
        try:
            found = self._calls.run(
                doing, lambda client: client.get_object(Bucket=self._bucket, Key=key, Range="bytes=0-0")
            )
        except ServerError as error:
            if error.status == 404 and error.code != "NoSuchBucket":
                return None
            if error.status == 416:  # an empty file has no first byte
                return 0
            raise
        found["Body"].close()
        return int(found["ContentRange"].rpartition("/")[2])

    def _is_conditional(self) -> bool:
        key = f"{self._prefix}.{uuid.uuid4().hex}.tmp"
        doing = f"write s3://{self._bucket}/{key}"
        versions: list[str] = []
        try:
            for _ in range(2):
                versions.append(self._uploads.put_new(key, b"", doing))
        except ServerError as error:
            if error.status != 412 and not not_offered(error):
                raise
            return error.status == 412
        finally:
            for version in versions:
                self._remove_question(key, version)
        return False

    def _remove_question(self, key: str, version: str) -> None:
        """Remove a version, which a bucket with versions would keep; where a lock or missing rights forbid it, hide it,
        and where they forbid that too, leave it to `sweep`."""
        for which in dict.fromkeys((version, "")):
            try:
                self._removal.one(key, which)
            except ServerError as error:
                if error.status != 403:
                    raise
            else:
                return

    def _has_versions(self) -> bool:
        doing = f"ask for the versioning of bucket {self._bucket}"
        try:
            answer = self._calls.run(doing, lambda client: client.get_bucket_versioning(Bucket=self._bucket))
        except ServerError as error:
            # without the right to ask, or where nobody can, what deletions say decides
            if error.status == 403 or not_offered(error):
                return False
            raise
        return "Status" in answer


def _is_question(entry: Any) -> bool:
    return _TEMPORARY.fullmatch(entry["Key"].rpartition("/")[2]) is not None
