"""repositories.yml as data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.config import document as documents
from toolkit.config import plain_secrets, secrets, validation
from toolkit.config.document import Document
from toolkit.errors import InputError, Problem, UnsetError
from toolkit.model.host import BundleRepository, LocalRepository, RepositoryConfig, S3Repository
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

_KEYS = ("access_key", "secret_key")
_TEXTS = ("bucket", "prefix", "endpoint", "region", "addressing_style", "storage_class", "sse", "sse_key")


class Repositories(Mapping[str, RepositoryConfig]):
    """The repositories by name. What stands in environment variables is read when a repository is asked for.

    Asking for one raises UnsetError when a variable is not set, with every variable of it that is not.
    """

    def __init__(self, document: Document | None, control: Path) -> None:
        self._document = document
        self._control = control
        self._written: Mapping[str, Mapping[str, Any]] = document.value if document and document.value else {}

    def __getitem__(self, name: str) -> RepositoryConfig:
        written = self._written[name]
        if written["type"] == "local":
            return LocalRepository(name=name, path=self._control / Path(written["path"]).expanduser())
        if written["type"] == "bundle":
            return BundleRepository(name=name, path=self._control / Path(written["path"]).expanduser())
        unset = self._unset(name)
        # keys are read on first use, as every secret; but where other things are missing they are named with them
        if any(key in _TEXTS for key in unset):
            problems = [self._problem(name, key, variable) for key, variable in unset.items()]
            hint = f"set what repository {name} needs, or use another repository"
            raise UnsetError(problems, unset.values(), hint=hint)
        bundle = written.get("ca_bundle")
        return S3Repository(
            name=name,
            access_key=self._key(name, "access_key"),
            secret_key=self._key(name, "secret_key"),
            ca_bundle=str(self._control / Path(bundle).expanduser()) if bundle else "",
            **{text: _value(written[text]) for text in _TEXTS if text in written},
        )

    def __contains__(self, name: object) -> bool:
        return name in self._written

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)

    def _unset(self, name: str) -> dict[str, str]:
        """Key → environment variable, where the repository needs it and it is not set."""
        return {
            key: value["env"]
            for key, value in self._written[name].items()
            if isinstance(value, Mapping) and "env" in value and not os.environ.get(value["env"])
        }

    def _problem(self, name: str, key: str, variable: str) -> Problem:
        place = self._document.place((name, key)) if self._document else Place()
        message = f"the environment variable {variable} is not set; it holds the {key} of {name}"
        return Problem(file=place.file, line=place.line, path=place.path, message=message)

    def _key(self, name: str, which: str) -> Secret | None:
        source = self._written[name].get(which)
        if not source or self._document is None:
            return None
        return secrets.secret(source, self._document.place((name, which)), self._control)


def load(path: Path, *, control: Path) -> Repositories:
    """Give the repositories by name; none when the file does not exist. Paths are absolute.

    Raises:
        InputError: every problem the file has.
    """
    if not path.exists():
        return Repositories(None, control)
    document = documents.read(path, control=control)
    problems = validation.check_document(document, "repositories") if document.value is not None else []
    for name, written in (document.value or {}).items() if not problems else ():
        for key, value in written.items():
            problems += plain_secrets.problems(key, value, document.place((name, key)))
            if key in _KEYS:
                # made once for nothing, so that its value is hidden from the first line on
                secrets.secret(value, document.place((name, key)), control)
    if problems:
        raise InputError(problems)
    return Repositories(document, control)


def _value(written: str | Mapping[str, str]) -> str:
    """A text as it is, or from its environment variable."""
    return written if isinstance(written, str) else os.environ[written["env"]]
