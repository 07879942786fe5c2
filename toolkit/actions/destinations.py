"""The repositories that one backup is written to: each on its own, so that one that fails costs the others nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime

from msgspec import Struct, field

from toolkit.actions.context import Context
from toolkit.actions.locking import shared_lock
from toolkit.actions.targets import known_repositories, repository_config
from toolkit.errors import InputError, PlaybackError, StorageError, TaskError
from toolkit.model.host import RepositoryConfig
from toolkit.model.manifest import Manifest, Pack
from toolkit.planning.chunking import RawChunk
from toolkit.planning.clock import compact_stamp
from toolkit.storage.chunk_writer import ChunkWriter, StoredChunk
from toolkit.storage.open import open_store
from toolkit.storage.repository import LabelTakenError, Repository

_LABELS = 100
"""Most labels that are tried when other backups take them in the same second."""


class Destination(Struct, kw_only=True, eq=False):
    """One repository.

    Attributes:
        repository: None until it is open.
        error: what ended its part in the backup; None as long as all is well.
        new: the ids of the chunks that were newly stored there.
        new_bytes: their size as they are stored.
        positions: of packs, by id.
    """

    name: str
    config: RepositoryConfig
    repository: Repository | None = None
    writer: ChunkWriter | None = None
    error: PlaybackError | None = None
    new: set[str] = field(default_factory=set)
    new_bytes: int = 0
    positions: dict[str, int] = field(default_factory=dict)

    def opened(self) -> Repository:
        """Give the repository, which must be open."""
        if self.repository is None:
            raise RuntimeError(f"repository {self.name} is not open")
        return self.repository

    def pack_of(self, stored: StoredChunk) -> int | None:
        """Give which of its packs a chunk stands in; None where it is a file of its own."""
        if stored.place is None:
            return None
        self.positions = self.positions or {pack.id: number for number, pack in enumerate(self.packs)}
        return self.positions[stored.place.pack]

    @property
    def packs(self) -> tuple[Pack, ...]:
        """The packs that the backup needs there, once all is stored."""
        return self.writer.packs if self.writer else ()

    def count(self, stored: StoredChunk) -> None:
        """Count a chunk that is stored there."""
        if stored.new and stored.id not in self.new:
            self.new.add(stored.id)
            self.new_bytes += stored.stored


Placed = dict[Destination, Future[StoredChunk]]
"""What becomes of one chunk in each destination that took it."""

Around = Callable[[Destination, str], AbstractContextManager[None]]
"""Within what a manifest is written, given the destination and the label of the backup."""


@contextmanager
def destinations(context: Context, repositories: Sequence[str], *, lock_wait: float) -> Iterator[Destinations]:
    """Give the destinations of a backup, none of them open yet; their locks are given back at the end of the block.

    Args:
        repositories: their names; an empty name is the host's own repository.
        lock_wait: seconds to wait for a prune or repair.

    Raises:
        InputError: there is no such repository.
    """
    configs = [repository_config(context, name) for name in repositories]
    named = {config.name: Destination(name=config.name, config=config) for config in configs}
    with ExitStack() as stack:
        yield Destinations(context, list(named.values()), lock_wait, stack)


class Destinations:
    """All destinations of one backup.

    Each method goes on with those that are left when one fails, and raises when none is left: the error itself where
    there is only one, a TaskError that names all of them otherwise.
    """

    def __init__(self, context: Context, all_: Sequence[Destination], lock_wait: float, stack: ExitStack) -> None:
        self.all = tuple(all_)
        self._context = context
        self._lock_wait = lock_wait
        self._stack = stack

    @property
    def left(self) -> list[Destination]:
        """Those that have not failed."""
        return [each for each in self.all if each.error is None]

    @property
    def failed(self) -> dict[str, PlaybackError]:
        """Name → error of the others."""
        return {each.name: each.error for each in self.all if each.error is not None}

    def open(self, *, create: bool) -> None:
        """Open those that are not open yet and hold a shared lock on each; those that do not exist only to create."""

        def opening(each: Destination) -> None:
            if each.repository is not None:
                return
            store = open_store(each.config)
            if any(other.repository and other.repository.place == store.place for other in self.all):
                raise InputError(f"{store.place} is named twice", hint="name each repository once")
            known = known_repositories(self._context)
            repository = known.open(each.config, create=True) if create else known.open_if_there(each.config)
            if repository is not None:
                lock = shared_lock(self._context, repository, "backup", wait=self._lock_wait)
                self._stack.enter_context(lock)
                each.repository = repository

        self._each(opening)

    def look(self) -> None:
        """See that those that exist can be opened; nothing is written."""
        self._each(lambda each: known_repositories(self._context).open_if_there(each.config))

    def new_label(self, now: datetime, job: str, scope: str) -> str:
        """Give a label that no backup of any of them has."""
        taken: list[str] = []
        self._each(lambda each: taken.extend(each.opened().labels(compact_stamp(now))))
        return self.left[0].opened().new_label(now, job, scope, taken=taken)

    @contextmanager
    def writing(self, *, leads: bool = True) -> Iterator[None]:
        """Chunks can be submitted in this block; at its end all of them are stored.

        Args:
            leads: False where another process makes the backup of them.
        """

        def begin(each: Destination) -> None:
            each.writer = ChunkWriter(each.opened(), leads=leads)

        self._each(begin)
        writers = [(each, each.writer) for each in self.all if each.writer is not None]
        try:
            yield
        except BaseException as error:
            for _, writer in writers:
                writer.finish(error)
            raise
        for each, writer in writers:
            try:
                writer.finish(each.error)
            except PlaybackError as error:
                each.error = error
        self._raise_when_none_is_left()

    def submit(self, raw: RawChunk) -> Placed:
        """Hand a chunk to each; waits while one of them has too much in hand."""
        placed: Placed = {}

        def hand_over(each: Destination) -> None:
            if each.writer is not None:
                placed[each] = each.writer.submit(raw)

        self._each(hand_over)
        return placed

    def fail(self, errors: Mapping[str, PlaybackError]) -> None:
        """Note what another process could not write, by the names of the destinations."""
        for each in self.left:
            each.error = errors.get(each.name)
        self._raise_when_none_is_left()

    def publish(
        self,
        label: Callable[[], str],
        compose: Callable[[Destination, str], Manifest],
        *,
        around: Around | None = None,
    ) -> Manifest:
        """Publish the backup in each, everywhere under one label; gives the manifest of the first.

        Args:
            label: gives a label that is free; asked again when another backup takes it in the meantime.
            compose: gives the manifest for a destination.
            around: within what it is written.
        """
        for _ in range(_LABELS):
            published = self._publish(label(), compose, around or (lambda *_: nullcontext()))
            self._raise_when_none_is_left()
            if published is not None:
                return published
        raise StorageError("other backups take every label", hint="run again")

    def _publish(self, label: str, compose: Callable[[Destination, str], Manifest], around: Around) -> Manifest | None:
        """Publish under that label; None when it was taken before any destination had the backup."""
        published = None
        for each in self.left:
            try:
                with around(each, label):
                    manifest = each.opened().write_manifest(compose(each, label))
            except PlaybackError as error:
                if isinstance(error, LabelTakenError) and published is None:
                    return None
                each.error = error
            else:
                published = published or manifest
        return published

    def _each(self, work: Callable[[Destination], object]) -> None:
        for each in self.left:
            try:
                work(each)
            except PlaybackError as error:
                each.error = error
        self._raise_when_none_is_left()

    def _raise_when_none_is_left(self) -> None:
        if self.left:
            return
        if len(self.all) == 1 and self.all[0].error is not None:
            raise self.all[0].error
        reasons = "".join(f"\n  - {name}: {error.message}; {error.hint}" for name, error in self.failed.items())
        raise TaskError(f"none of {len(self.all)} repositories took the backup:{reasons}")
