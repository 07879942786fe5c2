"""systemd: a service and its timer, the user's own, or the system's for root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from toolkit.app.scheduling.job import Job, identifier, mark
from toolkit.app.scheduling.kind import Made, called, has_mark
from toolkit.errors import InputError, TaskError
from toolkit.planning.recurrence import Recurrence
from toolkit.storage.processes import user_name

BOOTED: Final = Path("/run/systemd/system")
"""Is there exactly where systemd is the init system: sd_booted(3)."""
_WITHOUT_A_BUS: Final = "log in as the user itself, not by su or sudo; or --kind cron"
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Systemd:
    """Timers of systemd."""

    name = "systemd"
    missed = "a run that was missed while the machine slept or was off begins once it is up again (Persistent=true)"

    def __init__(self) -> None:
        self._system = hasattr(os, "geteuid") and os.geteuid() == 0
        own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
        self._folder = Path("/etc/systemd/system") if self._system else own

    @property
    def title(self) -> str:
        """Whose timers they are."""
        return "a systemd timer of the system" if self._system else "a systemd timer of this user"

    def made(self, job: Job) -> tuple[Made, ...]:
        """Give both units."""
        service, timer = self._files(job.name, job.directory)
        return Made(place=str(service), text=service_unit(job)), Made(place=str(timer), text=timer_unit(job))

    def install(self, job: Job) -> None:
        """Write both units and start the timer."""
        files = self._files(job.name, job.directory)
        for file in files:
            if file.exists() and not has_mark(file, job.mark):
                raise TaskError(f"{file} is there and was not made by us", hint="move it away, or choose --name")
        try:
            for made, file in zip(self.made(job), files, strict=True):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(made.text, encoding="utf-8", errors="surrogateescape")
            self._systemctl("daemon-reload")
            self._systemctl("enable", f"{job.id}.timer")
            # restart, not start: a time that has changed counts from now on
            self._systemctl("restart", f"{job.id}.timer")
        except (TaskError, OSError) as error:
            # what does not run must not look as if it did
            for file in files:
                file.unlink(missing_ok=True)
            hint = error.hint if isinstance(error, TaskError) else ""
            raise TaskError(str(getattr(error, "message", error)), hint=hint or _WITHOUT_A_BUS) from error

    def remove(self, name: str, directory: Path) -> bool:
        """Stop the timer and remove both units."""
        files = [file for file in self._files(name, directory) if has_mark(file, mark(name, directory))]
        if files:
            self._systemctl("disable", "--now", f"{identifier(name, directory)}.timer", check=False)
            for file in files:
                file.unlink()
            self._systemctl("daemon-reload", check=False)
        return bool(files)

    def installed(self, name: str, directory: Path) -> bool:
        """Say whether its timer is there and waits."""
        _, timer = self._files(name, directory)
        if not has_mark(timer, mark(name, directory)):
            return False
        try:
            return self._systemctl("is-active", timer.name, check=False) == 0
        except TaskError:
            return False

    def hints(self) -> tuple[str, ...]:
        """Say what makes timers run while nobody is logged in."""
        if self._system:
            return ()
        user = user_name()
        try:
            lingers = called(["loginctl", "show-user", user, "-p", "Linger"], check=False).stdout.strip()
        except TaskError:
            lingers = ""
        if lingers == "Linger=yes":
            return ()
        return (f"it runs only while {user} is logged in, until this was done once: loginctl enable-linger {user}",)

    def _systemctl(self, *words: str, check: bool = True) -> int:
        whose = () if self._system else ("--user",)
        return called(["systemctl", *whose, *words], check=check).returncode

    def _files(self, name: str, directory: Path) -> tuple[Path, Path]:
        unit = identifier(name, directory)
        return self._folder / f"{unit}.service", self._folder / f"{unit}.timer"


def service_unit(job: Job) -> str:
    """Give the unit that runs the playbook once."""
    lines = [
        f"# {_line(job.mark)}",
        "[Unit]",
        f"Description={_value(job.title)}",
        "Wants=network-online.target" if hasattr(os, "geteuid") and os.geteuid() == 0 else "",
        "After=network-online.target postgresql.service" if hasattr(os, "geteuid") and os.geteuid() == 0 else "",
        "",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={_value(str(job.directory))}",
        *(f"Environment={_word(f'{name}={value}')}" for name, value in job.environment.items()),
        # with the colon, $ stands for itself
        f"ExecStart=:{' '.join(_word(word) for word in job.argv())}",
        "Nice=10",
    ]
    return "\n".join(_without_double_gaps(lines)) + "\n"


def timer_unit(job: Job) -> str:
    """Give the unit that says when."""
    lines = [
        f"# {_line(job.mark)}",
        "[Unit]",
        f"Description={_value(job.title)}, {job.when}",
        "",
        "[Timer]",
        *(f"OnCalendar={calendar}" for calendar in calendars(job.when)),
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def calendars(when: Recurrence) -> tuple[str, ...]:
    """Give the times as OnCalendar of systemd.time(7) has them, in local time."""
    days = "" if when.daily else ",".join(_DAYS[day] for day in sorted(when.days)) + " "
    if when.every and when.every % 60 == 0:
        return (f"{days}*-*-* 00/{when.every // 60}:00:00",)
    if when.every:
        return (f"{days}*-*-* *:00/{when.every}:00",)
    return tuple(f"{days}*-*-* {each:%H:%M}:00" for each in when.times)


def _without_double_gaps(lines: list[str]) -> list[str]:
    return [line for index, line in enumerate(lines) if line or lines[index + 1].startswith("[")]


def _word(text: str) -> str:
    """One word of a command line or of Environment, as systemd.syntax(7) unquotes it, specifiers kept from it."""
    escaped = _line(text).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _value(text: str) -> str:
    """A whole value, which is not unquoted."""
    return _line(text).replace("%", "%%")


def _line(text: str) -> str:
    if any(not character.isprintable() and character != "\t" for character in text):
        raise InputError(f"a name with a line end or another control character cannot be scheduled: {text!r}")
    return text
