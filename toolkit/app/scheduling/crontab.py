"""cron: lines in the user's crontab, between two marks."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from toolkit.app.scheduling.job import Job, mark
from toolkit.app.scheduling.kind import Made, called
from toolkit.errors import InputError, TaskError
from toolkit.planning.recurrence import DAYS, Recurrence
from toolkit.storage.processes import user_name

_MOST: Final = 990
"""Characters of a command: cron cuts it off at a thousand."""
_LATER: Final = 17
"""The minute of each hour at which it is asked whether a run was missed."""

_DAEMONS: Final = frozenset({"cron", "crond", "fcron", "bcron-start", "cronie"})
_GENERATOR: Final = "systemd/system-generators/systemd-crontab-generator"
"""What systemd-cron has in place of a daemon, below the directory of libraries."""
NOTHING_READS: Final = (
    "no cron daemon runs here, and until one does no run is started: install and start one (systemctl enable --now"
    " cron, or crond; without systemd: service cron start), or choose another --kind"
)


def no_daemon(root: Path = Path("/")) -> bool:
    """Say whether it is certain that no cron daemon runs; False wherever nobody can tell, as on other systems.

    Args:
        root: the root directory of a Linux, whose `proc` shows its processes.
    """
    processes = root / "proc"
    try:
        # where only one's own processes are shown, the first one is not
        (processes / "1" / "comm").read_bytes()
    except OSError:
        return False
    if any((root / libraries / _GENERATOR).exists() for libraries in ("usr/lib", "lib")):
        return False
    return not any(_named(each) in _DAEMONS for each in processes.iterdir() if each.name.isdecimal())


def _named(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has ended
        return ""


class Cron:
    """Lines of a crontab."""

    name = "cron"
    missed = (
        "cron itself forgets what it missed while the machine slept or was off: its second line asks every hour whether"
        " a run was missed, and runs it then"
    )

    @property
    def title(self) -> str:
        """Whose lines they are."""
        return f"lines in the crontab of {user_name()}"

    def made(self, job: Job) -> tuple[Made, ...]:
        """Give the lines."""
        return (Made(place=f"the crontab of {user_name()}", text=block(job)),)

    def install(self, job: Job) -> None:
        """Put the lines into the crontab, in place of those that were there for it."""
        rest, _ = _without(self._read(), job.mark)
        self._write(f"{rest}{block(job)}")

    def remove(self, name: str, directory: Path) -> bool:
        """Take the lines out of the crontab."""
        rest, found = _without(self._read(), mark(name, directory))
        if found:
            self._write(rest)
        return found

    def installed(self, name: str, directory: Path) -> bool:
        """Say whether the lines are there."""
        try:
            return _without(self._read(), mark(name, directory))[1]
        except TaskError:
            return False

    def hints(self) -> tuple[str, ...]:
        """Say that nothing reads the crontab, where that is known."""
        return (NOTHING_READS,) if no_daemon() else ()

    @staticmethod
    def _read() -> str:
        done = called(["crontab", "-l"], check=False)
        if done.returncode and "no crontab for" not in done.stderr:
            raise TaskError(f"crontab -l ended with exit code {done.returncode}: {done.stderr.strip()}")
        text = "" if done.returncode else done.stdout
        return text if not text or text.endswith("\n") else f"{text}\n"

    @staticmethod
    def _write(text: str) -> None:
        called(["crontab", "-"], given=text)


def block(job: Job) -> str:
    """Give the lines of a scheduled playbook: its times, and once an hour the question whether one was missed."""
    lines = [
        f"# begin {job.mark}",
        *(f"{times} {command(job)}" for times in fields(job.when)),
        f"{_LATER} * * * * {command(job, *job.if_due())}",
        f"# end {job.mark}",
    ]
    if any("\n" in line or "\r" in line for line in lines):
        raise InputError("a name with a line end cannot stand in a crontab", hint="rename it, or choose another --kind")
    return "".join(f"{line}\n" for line in lines)


def command(job: Job, *more: str) -> str:
    """Give the command as /bin/sh runs it, in the way in which a crontab has it."""
    path = {name: value for name, value in job.environment.items() if name == "PATH"}
    rest = {name: value for name, value in job.environment.items() if name != "PATH"}
    for environment in ({**path, **rest}, rest):
        words = [f"{name}={_quoted(value)}" for name, value in environment.items()]
        words += [_quoted(word) for word in job.argv(*more)]
        text = f"cd {_quoted(str(job.directory))} && {' '.join(words)}"
        if len(text.encode("utf-8", "surrogateescape")) <= _MOST:
            return text
    raise InputError(
        "the command is longer than the 990 bytes that cron can take",
        hint="put variables into a file, --extra-vars @FILE.yml, or choose a shorter path",
    )


def _quoted(word: str) -> str:
    """A word as /bin/sh unquotes it, behind cron, which looks into quotes as well.

    Some crons take away a backslash before a backslash, and all of them one before a %, which ends the command
    otherwise: an end and a begin of quotes stand between what is not to meet.
    """
    return shlex.quote(word).replace("\\", "\\''").replace("%", "\\%")


def fields(when: Recurrence) -> tuple[str, ...]:
    """Give the times as the five fields of crontab(5)."""
    days = "*" if when.daily else ",".join(DAYS[day] for day in sorted(when.days))
    if when.every and when.every % 60 == 0:
        return (f"0 {'*' if when.every == 60 else f'*/{when.every // 60}'} * * {days}",)
    if when.every:
        return (f"*/{when.every} * * * {days}",)
    return tuple(f"{each.minute} {each.hour} * * {days}" for each in when.times)


def _without(text: str, marked: str) -> tuple[str, bool]:
    """A crontab without the lines between our marks, and whether there were any."""
    kept: list[str] = []
    inside = found = False
    for line in text.splitlines(keepends=True):
        if line.rstrip("\n") == f"# begin {marked}":
            inside = found = True
        elif line.rstrip("\n") == f"# end {marked}" and inside:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise TaskError(
            f"the crontab has a line `# begin {marked}` without its `# end`", hint="correct it by hand: crontab -e"
        )
    return "".join(kept), found
