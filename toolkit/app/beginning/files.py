"""The files of a control directory: new ones are written, whatever a person wrote stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import StorageError
from toolkit.private import files


@dataclass(slots=True, kw_only=True)
class Files:
    """What is to be written into a directory, all of it at the end.

    Attributes:
        kept: the files that are there already, and stay.
        written: the files that were written.
    """

    directory: Path
    kept: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    _new: dict[str, str] = field(default_factory=dict)
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def read(self, name: str) -> str:
        """Give the text of a file; empty where there is none."""
        path = self.directory / name
        return path.read_bytes().decode("utf-8") if path.is_file() else ""

    def add(self, name: str, text: str) -> bool:
        """Have a file written where there is none of that name; gives whether it will be."""
        if (self.directory / name).exists():
            self.kept.append(name)
            return False
        self._new[name] = text
        return True

    def change(self, name: str, text: str) -> None:
        """Have a file written in place of what it says now, of which all is in the text."""
        if text != self.read(name):
            self._new[name] = text

    def secret(self, name: str, text: str) -> None:
        """Have a file written that holds a secret, before all others."""
        self._secrets[name] = text

    def write(self) -> None:
        """Write all of them, in the order in which they were named.

        Raises:
            StorageError: one cannot be written.
        """
        for name, text in {**self._secrets, **self._new}.items():
            path = self.directory / name
            try:
                files.write(path, text.encode("utf-8"))
            except OSError as error:
                raise StorageError(
                    f"{path} cannot be written: {error.strerror}",
                    hint="nothing that was there is lost; run the command again when that is mended",
                ) from error
            self.written.append(name)
