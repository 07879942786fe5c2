"""What starts scheduled playbooks on a machine: the port that systemd, cron, launchd and Windows implement."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from toolkit.app.scheduling.job import Job
from toolkit.errors import TaskError

_TIMEOUT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file that is installed, or what stands for it.

    Attributes:
        place: where it belongs, for people: a path, or `the crontab of bob`.
        text: what is in it.
    """

    place: str
    text: str


class Kind(Protocol):
    """One way to have playbooks run by themselves."""

    @property
    def name(self) -> str:
        """What `--kind` calls it."""

    @property
    def title(self) -> str:
        """What it is called in sentences."""

    @property
    def missed(self) -> str:
        """What becomes of runs whose time passed while the machine slept or was off, as a sentence."""

    def made(self, job: Job) -> tuple[Made, ...]:
        """Give what is to be installed; InputError where it cannot be written down."""

    def install(self, job: Job) -> None:
        """Install it, in place of what was installed for it before.

        Raises:
            TaskError: a program that does it is missing or refuses.
        """

    def remove(self, name: str, directory: Path) -> bool:
        """Remove what was installed for a scheduled playbook, and nothing else; gives whether there was anything."""

    def installed(self, name: str, directory: Path) -> bool:
        """Say whether it is installed and will run; False also where nobody can tell."""

    def hints(self) -> tuple[str, ...]:
        """Give what else a person has to do on this machine, or know."""


def called(argv: Sequence[str], *, given: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of the system and give what came of it.

    Raises:
        TaskError: it is missing, or ends with another code than 0 while that is checked.
    """
    program = shutil.which(argv[0])
    if program is None:
        raise TaskError(
            f"there is no program {argv[0]} on this machine", hint="without --install the files are printed: see above"
        )
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            input=given,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TaskError(f"{' '.join(argv)} failed: {error}") from error
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise TaskError(f"{' '.join(argv)} ended with exit code {done.returncode}: {said}")
    return done


def has_mark(file: Path, line: str) -> bool:
    """Say whether a file was made by us for a scheduled playbook; False where there is none."""
    try:
        return line in file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
