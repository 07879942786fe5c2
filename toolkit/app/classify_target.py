"""Where `classify` writes: what it must not overwrite, and writing in one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toolkit.config.catalog_draft import Draft
from toolkit.errors import InputError, Problem, StorageError
from toolkit.private import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file to be written.

    Attributes:
        file: its name as the user typed it.
        path: where it is, symbolic links followed.
        before: what it says now; None where there is no such file.
        is_draft: it is the host's catalog file, whose text the new one is made from.
    """

    file: str
    path: Path
    before: bytes | None
    is_draft: bool

    def write(self, text: str) -> None:
        """Put the text into the file in one step: it has the old text or the new one, never a part.

        Raises:
            InputError: somebody else has written the file since it was read.
            StorageError: it cannot be written.
        """
        data = text.encode("utf-8")
        if data == self.before:
            return
        if _read(self.path) != self.before:
            message = "somebody else wrote the file while the database was read; nothing was written"
            raise InputError([Problem(file=self.file, message=message)], hint="run the command again")
        try:
            # a directory that is misspelt is not to be made
            mode = (self.path if self.before is not None else self.path.parent).stat().st_mode
            files.write(self.path, data)
            if self.before is not None:
                self.path.chmod(mode)
        except OSError as error:
            raise StorageError(
                f"{self.file} cannot be written: {error.strerror}", hint="is there such a directory?"
            ) from error


def target_of(file: str, own: Path, draft: Draft, *, host: str, update: bool) -> Target:
    """Give the file to write, if nothing that somebody wrote is in the way.

    Args:
        own: the host's catalog file.

    Raises:
        InputError: the file says something, and is not to be added to.
        StorageError: it cannot be read.
    """
    path = Path(file).expanduser().resolve()
    try:
        before = _read(path)
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}", hint="is it a file?") from error
    is_draft = path == own.resolve()
    if not is_draft and before is not None and before.strip():
        raise InputError(
            [Problem(file=file, message="the file exists, and is not overwritten; nothing was written")],
            hint=f"name a new file, or {draft.file} with --update, which adds to it",
        )
    if is_draft and draft.is_begun and not update:
        raise InputError(
            [Problem(file=file, message="the catalog file classifies tables already; nothing was written")],
            hint=f"invoke classify --host {host} --update --output {file} keeps what it says and adds what is new",
        )
    return Target(file=file, path=path, before=before, is_draft=is_draft and bool(draft.written))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
