"""A repository: many backups that share their chunks (docs/repository-format.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Self, TypeVar

import msgspec
from msgspec import Struct

from toolkit.errors import DamageError, InputError, MissingError, PlaybackError, StorageError
from toolkit.model.manifest import Manifest
from toolkit.model.published import Published, published_of
from toolkit.planning.clock import compact_stamp
from toolkit.planning.totals import inconsistencies
from toolkit.storage import manifest_file
from toolkit.storage.decoding import decoded, read_small
from toolkit.storage.layout import (
    BACKUPS,
    PUBLISHED,
    check_job,
    chunk_name,
    label_of,
    manifest_name,
    pack_name,
    published_label_of,
    published_name,
)
from toolkit.storage.marker import repository_id
from toolkit.storage.prefetch import prefetch
from toolkit.storage.recorded import Recorded, recorded_chunks
from toolkit.storage.store import Store

_Made = TypeVar("_Made")


_PUBLISHED = msgspec.json.Decoder(Published)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class LabelTakenError(StorageError):
    """A backup was to be published under a label that another backup has."""

    def __init__(self, label: str, place: str) -> None:
        super().__init__(f"there is a backup {label} in {place} already", hint="run again for a new label")


class Backups(Struct, frozen=True, kw_only=True):
    """All backups of a repository.

    Attributes:
        manifests: label → manifest of those that can be read, by label.
        unreadable: label → what is wrong, of those that cannot.
    """

    manifests: Mapping[str, Manifest]
    unreadable: Mapping[str, PlaybackError]


class Repository:
    """An open repository. Its methods may be called from any thread.

    Attributes:
        guard: raises LockedError when the lock that is held on it, if any, has been lost.
    """

    def __init__(self, store: Store, repository_id: str) -> None:
        self.store = store
        self.id = repository_id
        self.guard: Callable[[], None] = lambda: None

    @classmethod
    def open(cls, store: Store, *, create: bool) -> Self:
        """Open the repository in a store, making it first when `create` is given and nothing is there.

        Raises:
            MissingError: there is none.
            StorageError: it cannot be read or made.
            DamageError: what is there is damaged.
            RefusedError: its format is of a later version.
        """
        return cls(store, repository_id(store, create=create))

    @property
    def place(self) -> str:
        """Where it is, as a user would write it."""
        return self.store.place

    def labels(self, begin: str = "") -> list[str]:
        """Give the labels of all backups, sorted, and so by the time at which they began.

        Args:
            begin: only of those that begin with it.
        """
        return sorted(label for stored in self.store.list(f"{BACKUPS}{begin}") if (label := label_of(stored.name)))

    def manifest(self, label: str) -> Manifest:
        """Give the manifest of a backup, checked.

        Raises:
            InputError: there is no such backup, or its manifest breaks the format.
            DamageError: the manifest is not what was written.
            RefusedError: its format is of a later version.
        """
        name = manifest_name(label)
        try:
            data = self.store.get(name, limit=manifest_file.LIMIT)
        except MissingError:
            raise InputError(
                f"there is no backup {label} in {self.place}", hint="`invoke backups` lists the backups there are"
            ) from None
        return manifest_file.decode(data, label=label, file=f"{self.place}/{name}")

    def manifests(self) -> Backups:
        """Give all backups; one that cannot be read, or that has vanished, is reported beside the others."""
        manifests: dict[str, Manifest] = {}
        unreadable: dict[str, PlaybackError] = {}
        for label, found in self.each(self.labels(), lambda manifest: manifest):
            if isinstance(found, PlaybackError):
                unreadable[label] = found
            else:
                manifests[label] = found
        unreadable.update((label, vanished_error(label, self.place)) for label in self.vanished())
        return Backups(manifests=manifests, unreadable=unreadable)

    def each(
        self, labels: Iterable[str], make: Callable[[Manifest], _Made]
    ) -> Iterator[tuple[str, _Made | PlaybackError]]:
        """Read several manifests ahead, with as many readers as the store likes; few of them are in memory at once.

        Args:
            make: what is wanted of a manifest; called in any thread.

        Yields:
            Each label, in order, with what was made of its manifest, or why that could not be.
        """

        def read(label: str) -> tuple[str, _Made | PlaybackError]:
            try:
                return label, make(self.manifest(label))
            except PlaybackError as error:
                return label, error

        return self._ahead(labels, read)

    def _ahead(self, items: Iterable[str], read: Callable[[str], _Made]) -> Iterator[_Made]:
        workers = self.store.parallel
        return prefetch(items, read, size=lambda _: 1, workers=workers, in_flight=2 * workers)

    def new_label(self, now: datetime, job: str, scope: str, *, taken: Iterable[str] = ()) -> str:
        """Give a label no backup has yet: `<UTC>-<job>-<scope>`, with `-2`, `-3` when taken.

        Args:
            now: an aware time.
            scope: `business` or `full-device`.
            taken: labels that it must not be either, such as those of another repository.

        Raises:
            InputError: the job cannot be part of a file name.
        """
        check_job(job)
        stamp = compact_stamp(now)
        stem = f"{stamp}-{job}-{scope}"
        # on many file systems labels that differ in case alone would be the same directory
        used = {label.casefold() for label in chain(self.labels(stamp), taken)}
        label, number = stem, 1
        while label.casefold() in used:
            number += 1
            label = f"{stem}-{number}"
        return label

    def write_manifest(self, manifest: Manifest) -> Manifest:
        """Publish a backup: from now on it exists.

        Returns:
            The manifest with its checksum.

        Raises:
            LabelTakenError: there is a backup of that label.
            StorageError: a chunk it references is not stored.
            ValueError: the manifest contradicts itself.
        """
        problems = inconsistencies(manifest)
        if problems:
            label = manifest.metadata.label
            raise ValueError(f"manifest of {label} does not add up: " + "; ".join(map(str, problems)))
        sealed, data = manifest_file.encode(manifest)
        self._publish(sealed, data, {})
        if self.store.one_file:
            self.store.one_file.settle()
        return sealed

    def adopt_manifest(self, label: str, data: bytes, sizes: Mapping[str, int]) -> None:
        """Publish a backup of another repository, its manifest byte for byte.

        Args:
            data: the manifest's file.
            sizes: chunk id → size in bytes of each chunk whose rows have been checked here, and whose own file is not
                of the size in the manifest: another version of the compressor wrote it.

        Raises:
            InputError, DamageError, RefusedError: it is no manifest of that label, as `manifest` does.
            LabelTakenError: there is a backup of that label.
            StorageError: a chunk it references is not stored.
        """
        name = manifest_name(label)
        self._publish(manifest_file.decode(data, label=label, file=f"{self.place}/{name}"), data, sizes)

    def delete_manifest(self, label: str) -> None:
        """Make a backup cease to exist; its chunks stay."""
        # the record first: interrupted between the two, the backup is there and not taken for a vanished one
        self.store.delete(published_name(label))
        self.store.delete(manifest_name(label))

    def record_published(self, manifest: Manifest) -> None:
        """Note that a backup exists, by which it is missed when its manifest vanishes."""
        self.store.put(published_name(manifest.metadata.label), msgspec.json.encode(published_of(manifest)))

    def published(self, label: str) -> Published | None:
        """Give what was noted of a backup when it was published; None when nothing is known."""
        try:
            return decoded(_PUBLISHED, read_small(self.store, published_name(label)))
        except (MissingError, DamageError, msgspec.DecodeError):
            return None

    def all_published(self, labels: Iterable[str]) -> dict[str, Published | None]:
        """Give what `published` gives of several backups, read at once."""
        return dict(self._ahead(labels, lambda label: (label, self.published(label))))

    def recorded_labels(self) -> frozenset[str]:
        """Give the labels of backups that were published and not removed since, as far as that was noted."""
        return frozenset(label for stored in self.store.list(PUBLISHED) if (label := published_label_of(stored.name)))

    def vanished(self, labels: Iterable[str] = ()) -> list[str]:
        """Find published backups whose manifests are gone though nothing here removed them; gives their labels.

        Args:
            labels: of some backups that were there just now; where these are all that were published, none is missed.
        """
        # the records first: a backup that is published meanwhile has its manifest before its record
        recorded = self.recorded_labels().difference(labels)
        gone = recorded.difference(self.labels()) if recorded else ()
        # and again, for it may be removed meanwhile, of which the record goes first
        return sorted(label for label in gone if self.store.exists(published_name(label)))

    def recorded_chunks(self) -> Recorded:
        """Give which chunks backups reference, and where they are; unreadable backups are passed over."""
        manifests = (stored for stored in self.store.list(BACKUPS) if label_of(stored.name))
        return recorded_chunks(self.store, self.id, manifests, self._ahead)

    def _publish(self, manifest: Manifest, data: bytes, sizes: Mapping[str, int]) -> None:
        name = manifest_name(manifest.metadata.label)
        self._check_stored(manifest, sizes)
        self.guard()
        # the same bytes may be there when the answer to a first attempt was lost and the store tried again
        if not self.store.put_new(name, data) and self.store.get(name) != data:
            raise LabelTakenError(manifest.metadata.label, self.place)
        try:
            # a prune that looked for references before this one was there cannot have begun while the lock still held
            self.guard()
        except PlaybackError:
            with suppress(StorageError):
                self.store.delete(name)
            raise
        # it is a backup now, whatever becomes of the note; a prune makes up for it
        with suppress(StorageError):
            self.record_published(manifest)

    def _check_stored(self, manifest: Manifest, sizes: Mapping[str, int]) -> None:
        expected = {
            chunk_name(chunk.id): sizes.get(chunk.id, chunk.stored)
            for _, chunk in manifest.stored_chunks
            if chunk.pack is None
        }
        expected.update((pack_name(pack.id), pack.size) for pack in manifest.packs)
        found = self.store.sizes(list(expected))
        missing = [name for name, size in expected.items() if found.get(name) != size]
        if missing:
            raise StorageError(
                f"backup {manifest.metadata.label} cannot be published: {len(missing)} of the files of its chunks are"
                f" not stored in {self.place}, the first is {missing[0]}",
                hint="something removed or changed them during the run; run again",
            )


def vanished_error(label: str, place: str) -> DamageError:
    """Give the error about a backup whose manifest is gone."""
    return DamageError(
        f"backup {label} was published in {place}, and its manifest is gone",
        hint="restore it from a copy of the repository; `invoke check --repository R --repair` gives the backup up",
    )
