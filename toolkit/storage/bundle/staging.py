"""A bundle that is being written: a new file, which takes the place of the old one when all is in it.

The new file lies in a directory beside the bundle, `.NAME.writing`, where the locks of those who write are, too. What
is put goes there at once; what stays of the old file is copied when the change takes effect.
"""

from __future__ import annotations

import os
import time
import uuid
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from toolkit.errors import DamageError, StorageError
from toolkit.private import files
from toolkit.storage.bundle.contents import Contents, Member, content, identity, pieces
from toolkit.storage.failures import storage_error
from toolkit.storage.folder import entered
from toolkit.storage.layout import OF_ROWS

_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of every member: nothing asks for it, and where nobody says when, nobody reads it wrong."""

_RIVALS = 20
"""How often the new file is given its name on Windows, where somebody who reads the old one is in the way."""


class Staging:
    """The files that are new in a bundle, and the names that are gone from it.

    Args:
        folder: where the new file is written.
        path: the bundle.
        old: what is in it; None where there is none yet.
    """

    def __init__(self, folder: Path, path: Path, old: Contents | None) -> None:
        self.old = old
        self.gone = set[str]()
        self.new: dict[str, Member] = {}
        self._path = path
        self._file = folder / f".{uuid.uuid4().hex}.tmp"
        self._spoilt = False
        try:
            files.make_directory(folder)
            self._output: BinaryIO = files.created(self._file)
        except OSError as error:
            raise storage_error("write", self._file, error) from error
        self._archive = zipfile.ZipFile(self._output, "w")

    def kept(self) -> list[Member]:
        """Give the members of the old file that stay, in the order in which they stand there."""
        old = self.old.members.values() if self.old else ()
        return sorted((each for each in old if each.name not in self.gone), key=lambda each: each.at)

    def put(self, name: str, data: bytes) -> None:
        """Add a file, or replace one. Raises OSError as the system says; nothing more can be put then."""
        self.remove(name)
        self._add(name, len(data), (data,))

    def remove(self, name: str) -> None:
        """Take a file away."""
        if self.old and name in self.old.members:
            self.gone.add(name)
        if self.new.pop(name, None):
            # its bytes stay in the new file, which is written once more without them
            self._spoilt = True

    def get(self, member: Member, limit: int | None, part: tuple[int, int] | None = None) -> bytes:
        """Give the content of a new file, or a part of it."""
        self._output.flush()
        with self._file.open("rb") as file:
            return content(file, member, self._file, limit=limit, part=part)

    def publish(self) -> None:
        """Let the new file take the place of the old one.

        Raises:
            DamageError: a file that was to stay is damaged.
            StorageError: the bundle is another one by now.
            OSError: as the system says.
        """
        if self._spoilt:
            self._write_again()
        if kept := self.kept():
            with self._path.open("rb") as file:
                for member in kept:
                    self._add(member.name, member.size, pieces(file, member, self._path))
        self._archive.close()
        self._output.flush()
        os.fsync(self._output.fileno())
        self._output.close()
        self._check_unchanged()
        self._replace()
        with entered(self._path.parent, ()) as folder:
            folder.flush()

    def discard(self) -> None:
        """Remove the new file, unless it has taken the place of the old one."""
        with suppress(OSError, ValueError):
            self._output.close()
        # without its table of contents, which would be written to a file that is closed
        self._archive.fp = None
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _add(self, name: str, size: int, data: Iterable[bytes]) -> None:
        info = zipfile.ZipInfo(name, _TIME)
        # as on Linux everywhere, so that the same files make the same bundle
        info.create_system = 3
        info.external_attr = 0o600 << 16
        # chunks are compressed already; a manifest is a tenth of its size, which counts where a bundle is mailed
        info.compress_type = zipfile.ZIP_STORED if name.startswith(OF_ROWS) else zipfile.ZIP_DEFLATED
        info.file_size = size
        with self._archive.open(info, "w") as output:
            for piece in data:
                output.write(piece)
        self.new[name] = Member.of(info)

    def _write_again(self) -> None:
        """Write what is new once more, without what was new for a while only."""
        again = Staging(self._file.parent, self._path, self.old)
        again.gone = self.gone
        try:
            for member in self.new.values():
                again._add(member.name, member.size, (self.get(member, None),))
        except BaseException:
            again.discard()
            raise
        self.discard()
        self._file, self._output, self._archive, self.new = again._file, again._output, again._archive, again.new

    def _check_unchanged(self) -> None:
        try:
            now = identity(self._path.stat())
        except FileNotFoundError:
            now = None
        if now != (self.old.identity if self.old else None):
            raise StorageError(f"{self._path} was changed by another program meanwhile", hint="run again")

    def _replace(self) -> None:
        for attempt in range(_RIVALS):
            try:
                self._file.replace(self._path)
            except PermissionError:
                if os.name != "nt" or attempt == _RIVALS - 1:
                    raise
                time.sleep(0.1)
            else:
                return


def refuse_damaged(error: DamageError) -> DamageError:
    """Give the error of who wanted to add to a bundle that is damaged."""
    return DamageError(
        f"{error.message}; nothing was changed",
        hint="`invoke check --repository R --repair` takes away what is hurt, and `copy` brings what is whole into"
        " another bundle",
    )
