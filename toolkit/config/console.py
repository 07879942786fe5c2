"""console.yml as data."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from toolkit.config import document as documents
from toolkit.config import masking, validation
from toolkit.config.document import Document
from toolkit.errors import InputError, Problem
from toolkit.model.console import ConsoleConfig, Role, User

FILE: Final = "console.yml"
"""Its name in the inventory directory."""


def load(path: Path, *, control: Path) -> ConsoleConfig:
    """Read the file; what it says is nothing when it does not exist. Paths are absolute.

    Raises:
        InputError: every problem the file has.
    """
    if not path.exists():
        return ConsoleConfig()
    document = documents.read(path, control=control)
    problems = validation.check_document(document, "console") if document.value is not None else []
    problems = problems or list(_addresses(document))
    if problems:
        raise InputError(problems)
    written: dict[str, Any] = document.value or {}
    for user in written.get("users", {}).values():
        masking.remember(user["password"])
    return ConsoleConfig(
        users={
            name: User(name=name, password=user["password"], role=Role(user["role"]))
            for name, user in written.get("users", {}).items()
        },
        names=tuple(name.lower().strip("[]") for name in written.get("names", ())),
        certificate=_file(written.get("certificate"), control),
        key=_file(written.get("key"), control),
        proxies=tuple(written.get("proxies", ())),
    )


def _addresses(document: Document) -> Iterator[Problem]:
    """Every proxy that looks like an address and is none."""
    for position, proxy in enumerate((document.value or {}).get("proxies", ())):
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            yield document.problem(("proxies", position), f"no address or network: {error}")


def _file(written: str | None, control: Path) -> Path | None:
    return control / Path(written).expanduser() if written else None
