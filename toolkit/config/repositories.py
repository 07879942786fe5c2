"""repositories.yml as data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.config import document as documents
from toolkit.config import secrets, validation
from toolkit.config.document import Document
from toolkit.errors import InputError
from toolkit.model.host import LocalRepository, RepositoryConfig, S3Repository
from toolkit.model.secret import Secret


def load(path: Path, *, control: Path) -> dict[str, RepositoryConfig]:
    """The repositories by name; none when the file does not exist. Paths are absolute afterwards.

    Raises:
        InputError: every problem the file has.
    """
    if not path.exists():
        return {}
    document = documents.read(path, control=control)
    if document.value is None:
        return {}
    problems = validation.check_document(document, "repositories")
    if problems:
        raise InputError(problems)
    return {name: _repository(name, written, document, control) for name, written in document.value.items()}


def _repository(name: str, written: Mapping[str, Any], document: Document, control: Path) -> RepositoryConfig:
    if written["type"] == "local":
        return LocalRepository(name=name, path=control / Path(written["path"]).expanduser())

    def key(which: str) -> Secret | None:
        source = written.get(which)
        return secrets.secret(source, document.place((name, which)), control) if source else None

    bundle = written.get("ca_bundle")
    texts = ("bucket", "prefix", "endpoint", "region", "addressing_style", "storage_class", "sse", "sse_key")
    given = {text: written[text] for text in texts if text in written}
    return S3Repository(
        name=name,
        access_key=key("access_key"),
        secret_key=key("secret_key"),
        ca_bundle=str(control / Path(bundle).expanduser()) if bundle else "",
        **{**given, "prefix": given.get("prefix", "").strip("/")},
    )
