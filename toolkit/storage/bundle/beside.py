"""The directory beside a bundle, `.NAME.writing`: the new file and the locks of those who write are in it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from toolkit.errors import StorageError
from toolkit.storage.failures import storage_error
from toolkit.storage.folder import entered
from toolkit.storage.layout import LOCKS
from toolkit.storage.local import LocalStore


class Beside:
    """The directory beside one bundle, which is there only while somebody writes.

    Attributes:
        path: the directory.
    """

    def __init__(self, bundle: Path) -> None:
        self.path = bundle.with_name(f".{bundle.name}.writing")
        self._bundle = bundle

    @property
    def locks(self) -> LocalStore:
        """A store in it, which goes when the last of its locks does.

        Raises:
            StorageError: as `check` does.
        """
        self.check()
        return _Locks(self)

    def check(self) -> None:
        """See that the bundle has a directory to be in, and that no link leads away from where it is written.

        Raises:
            StorageError: it has not, or one does.
        """
        if not self._bundle.parent.is_dir():
            raise StorageError(
                f"there is no directory {self._bundle.parent} for {self._bundle.name}",
                hint="plug in or mount what it is on, or make the directory",
            )
        try:
            with suppress(FileNotFoundError), entered(self.path.parent, (self.path.name,)):
                pass
        except OSError as error:
            raise storage_error("write", self.path, error) from error

    def sweep(self) -> None:
        """Remove what changes left behind that were killed."""
        for within in ((), (LOCKS.rstrip("/"),)):
            with suppress(OSError), entered(self.path.parent, (self.path.name, *within)) as folder:
                for each in folder.entries():
                    if each.name.endswith(".tmp") and not each.is_folder:
                        folder.remove(each.name)

    def tidy(self) -> None:
        """Remove it, unless somebody who writes has something there."""
        with suppress(OSError):
            self.path.rmdir()


class _Locks(LocalStore):
    def __init__(self, beside: Beside) -> None:
        super().__init__(beside.path)
        self._beside = beside

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files, and the directories when they are empty then."""
        super().delete_many(names)
        with suppress(OSError):
            (self._beside.path / LOCKS).rmdir()
        self._beside.tidy()
