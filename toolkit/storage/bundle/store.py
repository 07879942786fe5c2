"""A store in one file, a zip that any program lists. Its members are a repository's files under their own names.

A zip cannot be changed in its middle, so a bundle is written anew as a whole: what was put within `changing` takes
effect at once, by one rename, or not at all (docs/adr/0046-a-bundle-is-written-anew.md).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock

from toolkit.errors import DamageError, MissingError, StorageError
from toolkit.storage.bundle.beside import Beside
from toolkit.storage.bundle.contents import Contents, content, contents_of, identity, misleading
from toolkit.storage.bundle.room import check_room, failed
from toolkit.storage.bundle.staging import Staging, refuse_damaged
from toolkit.storage.disk import free_bytes
from toolkit.storage.failures import storage_error
from toolkit.storage.layout import MARKER, OF_ROWS
from toolkit.storage.local import LocalStore
from toolkit.storage.store import Ability, StoredFile, check_name
from toolkit.wording import counted, size

_ENTRY = 512
"""More bytes than a file takes beside its content: its header, and its line in the table of contents."""


class BundleStore:
    """A bundle; it is made when something is put into it.

    Outside of `changing` each put and each deletion is a change by itself. The file that makes a bundle a repository
    waits for what comes with it: there is no bundle without backups.
    """

    def __init__(self, path: Path) -> None:
        # where it is a link, what it leads to is replaced
        self._path = Path(os.path.realpath(path)) if path.is_symlink() else path.absolute()
        self._beside = Beside(self._path)
        self._lock = RLock()
        self._read: Contents | None = None
        self._marker: bytes | None = None
        self._changing = False
        self._staging: Staging | None = None
        self._failure: StorageError | None = None
        self._lost = False

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    @property
    def parallel(self) -> int:
        """Two: one reads while the other decompresses."""
        return 2

    @property
    def conditional(self) -> bool:
        """Always: those who write exclude each other."""
        return True

    @property
    def keeps_deleted(self) -> bool:
        """Never: a bundle is written anew without what was deleted."""
        return False

    @property
    def one_file(self) -> BundleStore:
        """This very store."""
        return self

    @property
    def locks(self) -> LocalStore:
        """In a directory beside the bundle, which is there while somebody writes.

        Raises:
            StorageError: the directory that the bundle is to be in is not there.
        """
        return self._beside.locks

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Take all that is written within as one change; what changes left behind that were killed is removed."""
        self._beside.sweep()
        with self._whole():
            yield

    def settle(self) -> None:
        """Let what was written so far take effect now."""
        with self._lock:
            if self._failure:
                raise self._failure
            staging = self._staging
            if staging is None or not (staging.new or staging.gone):
                return
            try:
                check_room(self._beside.path, self._path, sum(each.stored + _ENTRY for each in staging.kept()))
                staging.publish()
            except DamageError as error:
                raise self._fail(refuse_damaged(error)) from error
            except StorageError as error:
                raise self._fail(error) from error
            except OSError as error:
                raise self._fail(failed(self._path, error)) from error
            finally:
                self._discard()

    def expect(self, size: int) -> None:
        """Raise StorageError where files of so many bytes in all cannot be added."""
        contents = self._contents()
        kept = sum(each.stored + _ENTRY for each in contents.members.values()) if contents else 0
        try:
            check_room(self._beside.path, self._path, kept + size + size // 1000)
        finally:
            self._beside.tidy()

    def misleading(self) -> Iterator[str]:
        """Give what of the file would mislead other programs, though what is in it can be read."""
        contents = self._contents()
        try:
            yield from misleading(contents, self._path) if contents else ()
        except OSError as error:
            raise storage_error("read", self._path, error) from error

    def put(self, name: str, data: bytes) -> None:
        """Store a file; durable once the change takes effect."""
        check_name(name)
        with self._lock:
            if name == MARKER and not self._changing and self._contents() is None:
                self._beside.check()
                self._marker = data
                return
            with self._change() as staging:
                staging.put(name, data)

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Store a file unless there is one of that name."""
        with self._lock:
            if self.exists(name):
                return False
            self.put(name, data)
        return True

    def make_durable(self, names: Iterable[str]) -> None:
        """Nothing: what can be seen of another's changes has taken effect."""

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Give a file's content; MissingError when there is none."""
        return self._content(name, limit, None)

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Give some bytes of a file; MissingError when there is none."""
        return self._content(name, limit, (at, size))

    def _content(self, name: str, limit: int | None, part: tuple[int, int] | None) -> bytes:
        check_name(name)
        with self._lock:
            if self._staging and name in self._staging.new:
                return self._staging.get(self._staging.new[name], limit, part)
            gone = self._staging is not None and name in self._staging.gone
        contents = None if gone else self._contents()
        if contents is None and name == MARKER and self._marker is not None:
            return self._marker
        while contents is not None and name in contents.members:
            try:
                with self._path.open("rb") as file:
                    if identity(os.fstat(file.fileno())) == contents.identity:
                        return content(file, contents.members[name], self._path, limit=limit, part=part)
            except OSError as error:
                raise storage_error("read", self._path, error) from error
            contents = self._contents()  # it was replaced just now
        if name == MARKER and contents and contents.members:
            raise _no_repository(self._path, contents)
        raise MissingError(f"{self.place} has no {name}")

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, or None."""
        return self.sizes((name,)).get(name)

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Give the sizes of those files that there are."""
        for name in names:
            check_name(name)
        contents, found = self._contents(), dict[str, int]()
        members = contents.members if contents else {}
        with self._lock:
            staging = self._staging
            for name in names:
                if staging and name in staging.new:
                    found[name] = staging.new[name].size
                elif name in members and not (staging and name in staging.gone):
                    found[name] = members[name].size
                elif name == MARKER and contents is None and self._marker is not None:
                    found[name] = len(self._marker)
        return found

    def exists(self, name: str) -> bool:
        """Say whether there is a file of that name."""
        return self.size(name) is not None

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Give the files whose names begin with `prefix`, sorted by name; all as old as the bundle."""
        contents = self._contents()
        now = datetime.now(UTC)
        found = {each.name: each for each in contents.beginning(prefix)} if contents else {}
        with self._lock:
            new = dict(self._staging.new) if self._staging else {}
            gone = set(self._staging.gone) if self._staging else set[str]()
        old = {name: each for name, each in found.items() if name not in gone}
        both = {**old, **{name: each for name, each in new.items() if name.startswith(prefix)}}
        for name in sorted(both):
            modified = contents.modified if contents and name not in new else now
            yield StoredFile(name=name, size=both[name].size, modified=modified)

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens when there is none."""
        self.delete_many((name,))

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files, those that are not there passed over."""
        with self._lock:
            there = self.sizes(list(names))
            if there:
                with self._change() as staging:
                    for name in there:
                        staging.remove(name)

    def sweep(self, before: datetime) -> int:
        """Nothing: what an interrupted change left behind is removed when the next one begins."""
        del before
        return 0

    def probe(self, prefix: str) -> Iterator[Ability]:
        """What is in it, and free space; nothing is written."""
        del prefix
        contents = self._contents()
        members = contents.members.values() if contents else ()
        taken = sum(each.stored for each in members)
        yield Ability(what="one file", found=f"{counted(len(members), 'file')} in it, {size(taken)}")
        if deflated := sum(each.deflated and each.name.startswith(OF_ROWS) for each in members):
            found = f"{counted(deflated, 'file')} of chunks deflated, by another program"
            yield Ability(what="compression", found=found, meaning="it can be read; the next change undoes it")
        free = free_bytes(self._path.parent)
        short = "" if free > taken else "a change writes it anew beside the old one: make room there"
        yield Ability(what="free space", found=size(free), meaning=short)

    def _contents(self) -> Contents | None:
        """What is in the file; read anew when it is another one by now. None where there is none."""
        with self._lock:
            try:
                if self._read is None or identity(self._path.stat()) != self._read.identity:
                    self._read = contents_of(self._path)
            except FileNotFoundError:
                self._read = None
            except OSError as error:
                raise storage_error("read", self._path, error) from error
            return self._read

    @contextmanager
    def _whole(self) -> Iterator[None]:
        with self._lock:
            if self._changing:
                raise RuntimeError(f"{self.place} is changed already")
            self._changing = True
        try:
            yield
            if self._lost or not self._failure:
                self.settle()
        finally:
            with self._lock:
                self._changing, self._failure, self._lost = False, None, False
                self._discard()

    @contextmanager
    def _change(self) -> Iterator[Staging]:
        """Change something: within `changing`, or by itself."""
        if not self._changing:
            with self._whole(), self._change() as staging:
                yield staging
            return
        if self._failure:
            raise self._failure
        staging = self._staging or self._begin()
        try:
            yield staging
        except OSError as error:
            # what is half written makes all of it worthless; where a backup is among it, somebody takes it for made
            self._lost = any(name != MARKER and not name.startswith(OF_ROWS) for name in (*staging.new, *staging.gone))
            self._discard()
            raise self._fail(failed(self._path, error)) from error

    def _fail(self, error: StorageError) -> StorageError:
        """Have everything fail from now on that belongs to the same change."""
        self._failure = error
        return error

    def _begin(self) -> Staging:
        self._beside.check()
        contents = self._contents()
        self._staging = Staging(self._beside.path, self._path, contents)
        if contents is None and self._marker is not None:
            self._staging.put(MARKER, self._marker)
        return self._staging

    def _discard(self) -> None:
        """Take back what was not settled."""
        if self._staging is not None:
            self._staging.discard()
            self._staging = None
        self._beside.tidy()


def _no_repository(path: Path, contents: Contents) -> DamageError:
    inside = next((name for name in contents.members if name.endswith(f"/{MARKER}")), "")
    hint = "a bundle is made by `copy: {from: …, to: {bundle: FILE}}`; name one, or another file"
    if inside:
        hint = f"its files are in {inside.removesuffix(MARKER)}: pack what is in that folder, not the folder itself"
    return DamageError(f"{path} is a zip file, but no bundle: it has no {MARKER}", hint=hint)
