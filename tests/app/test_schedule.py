"""`schedule`: the files it makes, by the programs that read them, and what it installs, lists and removes."""

from __future__ import annotations

import io
import json
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from toolkit.app.commands import schedule
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.app.scheduling import crontab, launchd, systemd, windows
from toolkit.app.scheduling.asked import Asked
from toolkit.app.scheduling.job import Job
from toolkit.errors import InputError
from toolkit.output.streams import Output
from toolkit.planning.recurrence import Recurrence, recurrence

NASTY = ("--extra-vars=text=50% of \"a b\" $HOME `id` 'x' ü \\n \\% \\\\ ;|&<>", "--limit=one,two")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/sh")


def job(directory: Path, *options: str, at: str = "02:00", on: str = "", every: str = "") -> Job:
    """A job in a directory."""
    when = recurrence(at="" if every else at, on=on, every=every)
    environment = {"PATH": "/usr/bin:/bin"}
    return Job(
        name="nightly",
        directory=directory,
        playbook="playbooks/nightly.yml",
        when=when,
        options=options,
        environment=environment,
    )


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    """A control directory whose name has everything that somebody's syntax could trip over."""
    forbidden = "" if sys.platform == "win32" else '"<x>'
    made = tmp_path / f"50% 'of' $HOME ü & {forbidden};"
    made.mkdir()
    return made


def systemd_words(text: str) -> list[str]:
    """A command line as systemd.syntax(7) splits it: quotes, escapes of C, specifiers."""
    assert "%" not in text.replace("%%", "")
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', text.removeprefix(":"))
    assert " ".join(f'"{word}"' for word in words) == text.removeprefix(":")
    return [re.sub(r"\\(.)", r"\1", word).replace("%%", "%") for word in words]


def test_the_command_of_a_service(nasty: Path) -> None:
    """systemd finds every word and the directory as they were, whatever is in them."""
    made = job(nasty, *NASTY)
    lines = dict(line.partition("=")[::2] for line in systemd.service_unit(made).splitlines() if "=" in line)
    assert tuple(systemd_words(lines["ExecStart"])) == made.argv()
    assert lines["WorkingDirectory"] == str(nasty).replace("%", "%%")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze of systemd is not installed")
def test_systemd_takes_the_units(nasty: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing wrong with the units, and reads the times as they were meant."""
    for number, made in enumerate((job(nasty, *NASTY), job(nasty, every="15m", on="mon-fri"))):
        folder = tmp_path / f"units{number}"
        folder.mkdir()
        (folder / f"{made.id}.service").write_text(systemd.service_unit(made), encoding="utf-8")
        (folder / f"{made.id}.timer").write_text(systemd.timer_unit(made), encoding="utf-8")
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", folder / f"{made.id}.timer", folder / f"{made.id}.service"],
            capture_output=True,
            check=False,
            text=True,
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"},
        )
        assert [line for line in verified.stderr.splitlines() if made.id in line] == []
    calendars = [each for when in TIMES for each in systemd.calendars(when)]
    read = subprocess.run(["systemd-analyze", "calendar", *calendars], capture_output=True, check=True, text=True)
    assert re.findall(r"Normalized form: (.*)", read.stdout) == [
        "*-*-* 02:00:00",
        "*-*-* 14:30:00",
        "Mon..Fri *-*-* 02:00:00",
        "*-*-* 00/2:00:00",
        "Sat,Sun *-*-* *:00/15:00",
    ]


TIMES: tuple[Recurrence, ...] = (
    recurrence(at="02:00,14:30", on="", every=""),
    recurrence(at="02:00", on="mon-fri", every=""),
    recurrence(at="", on="", every="2h"),
    recurrence(at="", on="sat,sun", every="15m"),
)


def test_the_times_of_all_others() -> None:
    """Crontabs, property lists and tasks have the same times."""
    assert [crontab.fields(when) for when in TIMES] == [
        ("0 2 * * *", "30 14 * * *"),
        ("0 2 * * mon,tue,wed,thu,fri",),
        ("0 */2 * * *",),
        ("*/15 * * * sat,sun",),
    ]
    assert list(launchd.intervals(TIMES[0])) == [{"Hour": 2, "Minute": 0}, {"Hour": 14, "Minute": 30}]
    assert [each["Weekday"] for each in launchd.intervals(TIMES[1])] == [1, 2, 3, 4, 5]
    assert [each["Hour"] for each in launchd.intervals(TIMES[2])] == list(range(0, 24, 2))
    assert list(launchd.intervals(TIMES[3]))[-1] == {"Minute": 45, "Weekday": 0}


@posix
def test_the_command_of_a_crontab(nasty: Path) -> None:
    """The shell finds every word as it was after cron has taken its backslashes away, as old or as new crons do."""
    made = job(nasty, *NASTY)
    block = crontab.block(made)
    [line] = [line for line in block.splitlines() if line.startswith("0 2 * * * ")]
    command = line.removeprefix("0 2 * * * ")
    assert not re.search(r"(?<!\\)%", command)
    assert "\\\\" not in command
    seen = command.replace("\\%", "%")
    printing = seen.replace(f"&& PATH=/usr/bin:/bin {shlex.quote(made.argv()[0])}", "&& pwd && printf '%s\\n'")
    done = subprocess.run(["/bin/sh", "-c", printing], capture_output=True, check=True, text=True, env={})
    assert done.stdout.splitlines() == [str(nasty), *made.argv()[1:]]


def cron_check() -> list[str]:
    """The command by which cron's parser looks at a file; empty where this machine's has none."""
    if not shutil.which("crontab"):
        return []
    told = subprocess.run(["crontab", "-h"], capture_output=True, check=False, text=True).stderr
    # -n is another thing where -T checks
    return ["crontab", "-T"] if re.search(r"^\s*-T\b", told, re.M) else ["crontab", "-n"] if "dry run" in told else []


CRON_CHECK = cron_check()


@pytest.mark.skipif(not CRON_CHECK, reason="a crontab that can check a file is not installed")
def test_cron_takes_the_lines(nasty: Path, tmp_path: Path) -> None:
    """cron's own parser finds nothing wrong with them."""
    file = tmp_path / "crontab"
    file.write_text("".join(crontab.block(replace(job(nasty, *NASTY), when=when)) for when in TIMES), encoding="utf-8")
    checked = subprocess.run([*CRON_CHECK, file], capture_output=True, check=False, text=True)
    assert checked.returncode == 0, checked.stderr
    file.write_text("0 25 * * * true\n", encoding="utf-8")
    assert subprocess.run([*CRON_CHECK, file], capture_output=True, check=False).returncode != 0


def test_the_property_list(nasty: Path) -> None:
    """plistlib reads back every word, and the run looks whether it is due."""
    made = job(nasty, *NASTY, on="mon-fri")
    read = plistlib.loads(launchd.property_list(made).encode())
    assert read["ProgramArguments"] == list(made.argv("--at", "02:00", "--on", "mon-fri"))
    assert (read["WorkingDirectory"], read["Label"], read["RunAtLoad"]) == (str(nasty), made.id, True)
    assert len(read["StartCalendarInterval"]) == 5


def test_the_task_of_windows(tmp_path: Path) -> None:
    """It has the elements of Microsoft's schema in their order; what Windows would replace is refused."""
    made = job(tmp_path, '--extra-vars=text=a "b" ü & <c>', on="mon,sun")
    root = ElementTree.fromstring(windows.task(made, elevated=False).partition("\n")[2])
    space = f"{{{windows.NAMESPACE}}}"
    assert [each.tag.removeprefix(space) for each in root] == [
        "RegistrationInfo",
        "Triggers",
        "Principals",
        "Settings",
        "Actions",
    ]
    found = {each.tag.removeprefix(space): each for each in root.iter()}
    assert found["Arguments"].text == subprocess.list2cmdline(made.argv()[1:])
    assert (found["Command"].text, found["WorkingDirectory"].text) == (made.argv()[0], str(tmp_path))
    assert [each.tag.removeprefix(space) for each in found["DaysOfWeek"]] == ["Monday", "Sunday"]
    assert (found["StartWhenAvailable"].text, found["LogonType"].text) == ("true", "InteractiveToken")
    assert found["StartBoundary"].text == "2026-01-05T02:00:00"
    repeated = ElementTree.fromstring(windows.task(job(tmp_path, every="15m"), elevated=True).partition("\n")[2])
    assert [each.text for each in repeated.iter(f"{space}Interval")] == ["PT15M"]
    with pytest.raises(InputError, match="would replace '%TEMP%'"):
        windows.task(job(tmp_path, "--extra-vars=folder=%TEMP%"), elevated=False)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A line end, and a command longer than cron takes, are refused with what to do."""
    for text in (systemd.service_unit, crontab.block, launchd.property_list):
        with pytest.raises(InputError):
            text(job(tmp_path, "--extra-vars=a=1\n2"))
    with pytest.raises(InputError, match="990 bytes"):
        crontab.block(job(tmp_path, f"--extra-vars=a={'x' * 1000}"))


# -- the command --


@dataclass
class Machine:
    """A control directory, and a machine whose crontab and units are files of the test."""

    control: Control
    crontab: Path
    calls: Path

    def schedule(self, *playbook: str, code: int = 0, **options: Any) -> str:
        """Run `invoke schedule`; gives what it printed."""
        out = io.StringIO()
        shared = {"json": options.pop("json", False)}
        given = Asked(playbook=playbook, **options)
        assert perform(schedule.COMMAND, given, self.control, output=Output(out, out), **shared) == code, out.getvalue()
        return out.getvalue()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A user of a Unix machine: what is installed is written down by stand-ins of crontab, systemctl and loginctl."""
    directory = tmp_path / "shop"
    (directory / "inventory").mkdir(parents=True)
    (directory / "playbooks").mkdir()
    (directory / "inventory" / "hosts.yml").write_text(
        "all: {hosts: {one: {database: {env: SHOP_DATABASE}}}}", encoding="utf-8"
    )
    (directory / "playbooks" / "nightly.yml").write_text(
        "- hosts: all\n  tasks: [{debug: {msg: '{{ text | default(1) }}'}}]\n", encoding="utf-8"
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    table, calls = tmp_path / "crontab", tmp_path / "calls"
    stand_ins = {
        "crontab": f'if [ "$1" = -l ]; then cat {table} 2>/dev/null || {{ echo no crontab for me >&2; exit 1; }};'
        f" else cat > {table}; fi",
        "systemctl": f'echo "$@" >> {calls}',
        "loginctl": "echo Linger=no",
    }
    for name, script in stand_ins.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin:/bin")
    monkeypatch.chdir(directory)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.startswith(("PG", "AWS_"))]:
        monkeypatch.delenv(name)
    if hasattr(os, "geteuid"):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return Machine(control=Control(directory=directory), crontab=table, calls=calls)


NIGHTLY = "playbooks/nightly.yml"


def test_a_crontab_that_nothing_reads_is_told(tmp_path: Path) -> None:
    """It is said only where all processes can be seen, none of them is a cron and systemd does not read crontabs."""
    assert not crontab.no_daemon(tmp_path)
    for number, name in ((1, "systemd"), (7, "cronometer")):
        (tmp_path / "proc" / str(number)).mkdir(parents=True)
        (tmp_path / "proc" / str(number) / "comm").write_text(f"{name}\n", encoding="utf-8")
    (tmp_path / "proc" / "8").mkdir()  # it has ended
    assert crontab.no_daemon(tmp_path)
    for name in ("cron", "crond"):
        (tmp_path / "proc" / "7" / "comm").write_text(f"{name}\n", encoding="utf-8")
        assert not crontab.no_daemon(tmp_path)
    (tmp_path / "proc" / "7" / "comm").write_text("other\n", encoding="utf-8")
    generators = tmp_path / "usr" / "lib" / "systemd" / "system-generators"
    generators.mkdir(parents=True)
    (generators / "systemd-crontab-generator").touch()
    assert not crontab.no_daemon(tmp_path)


@posix
def test_cron_from_nothing_to_nothing(machine: Machine) -> None:
    """Printed first, then installed, replaced, listed and removed; lines of others stay as they are."""
    machine.crontab.write_text("MAILTO=me\n5 4 * * * true\n", encoding="utf-8")
    printed = machine.schedule(NIGHTLY, at="02:00", kind="cron")
    assert "nothing was installed" in printed
    assert machine.crontab.read_text("utf-8") == "MAILTO=me\n5 4 * * * true\n"
    told = machine.schedule(NIGHTLY, at="02:00", kind="cron", install=True)
    assert ("no cron daemon runs here" in told) == crontab.no_daemon()
    machine.schedule(NIGHTLY, at="03:30", kind="cron", install=True, overlap="wait")
    installed = machine.crontab.read_text("utf-8")
    assert installed.startswith("MAILTO=me\n5 4 * * * true\n# begin nightly of ")
    assert (installed.count("schedule.run"), installed.count("30 3 * * * cd ")) == (2, 1)
    assert "--overlap=wait" in installed
    [entry] = json.loads(machine.schedule(list=True, json=True))["schedules"]
    assert (entry["installed"], entry["kind"], entry["when"], entry["last"]) == (True, "cron", "03:30, every day", None)
    machine.crontab.write_text("", encoding="utf-8")
    assert "its timer is not there any more" in machine.schedule(list=True)
    machine.crontab.write_text(f"1 1 * * * true\n{installed}", encoding="utf-8")
    machine.schedule(NIGHTLY, remove=True)
    assert machine.crontab.read_text("utf-8") == "1 1 * * * true\nMAILTO=me\n5 4 * * * true\n"
    assert "nothing is scheduled" in machine.schedule(list=True)
    assert "nothing called nightly is scheduled" in machine.schedule(NIGHTLY, remove=True, code=2)


@posix
def test_systemd_from_nothing_to_nothing(machine: Machine, tmp_path: Path) -> None:
    """Units of the user, started and stopped; a file that somebody else wrote is neither replaced nor removed."""
    units = tmp_path / "config" / "systemd" / "user"
    told = machine.schedule(NIGHTLY, at="02:00", kind="systemd", install=True)
    assert "loginctl enable-linger" in told
    [service, timer] = sorted(units.iterdir())
    assert (service.suffix, timer.suffix) == (".service", ".timer")
    calls = machine.calls.read_text("utf-8").splitlines()
    assert calls == ["--user daemon-reload", f"--user enable {timer.name}", f"--user restart {timer.name}"]
    assert "nightly  playbooks/nightly.yml  systemd  02:00, every day" in machine.schedule(list=True)
    machine.schedule(NIGHTLY, remove=True)
    assert list(units.iterdir()) == []
    service.write_text("[Service]\nExecStart=true\n", encoding="utf-8")
    refused = machine.schedule(NIGHTLY, at="02:00", kind="systemd", install=True, code=1)
    assert "was not made by us" in refused
    machine.schedule(NIGHTLY, remove=True, kind="systemd", code=2)
    assert service.exists()


@posix
def test_a_timer_that_does_not_start(machine: Machine, tmp_path: Path) -> None:
    """Where systemd refuses, nothing is left of it; the files are printed, and what to do."""
    systemctl = tmp_path / "programs" / "systemctl"
    systemctl.write_text("#!/bin/sh\necho Failed to connect to bus >&2\nexit 1\n", encoding="utf-8")
    said = machine.schedule(NIGHTLY, at="02:00", kind="systemd", install=True, code=1)
    assert "Failed to connect to bus" in said
    assert "not by su or sudo; or --kind cron" in said
    assert "[Timer]" in said
    assert list((tmp_path / "config" / "systemd" / "user").iterdir()) == []
    assert "nothing is scheduled" in machine.schedule(list=True)


@posix
def test_another_kind_takes_the_place_of_the_first(machine: Machine) -> None:
    """Two timers never run the same schedule."""
    machine.schedule(NIGHTLY, at="02:00", kind="cron", install=True)
    machine.schedule(NIGHTLY, at="02:00", kind="systemd", install=True)
    assert machine.crontab.read_text("utf-8") == ""
    [entry] = json.loads(machine.schedule(list=True, json=True))["schedules"]
    assert (entry["kind"], entry["installed"]) == ("systemd", True)


@posix
def test_a_machine_without_the_program(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the program is missing the files are printed, and nothing counts as installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    said = machine.schedule(NIGHTLY, at="02:00", kind="cron", install=True, code=1)
    assert "there is no program crontab on this machine" in said
    assert "# begin nightly of " in said
    assert "nothing is scheduled" in machine.schedule(list=True)


@posix
def test_several_schedules_of_one_playbook(machine: Machine) -> None:
    """Each has its name; a name that another playbook has is refused."""
    machine.schedule(NIGHTLY, at="02:00", kind="cron", install=True)
    machine.schedule(NIGHTLY, every="2h", kind="cron", install=True, name="often", limit="one")
    listed = json.loads(machine.schedule(list=True, json=True))["schedules"]
    assert [each["name"] for each in listed] == ["nightly", "often"]
    other = machine.control.directory / "nightly.yml"
    shutil.copy(machine.control.directory / NIGHTLY, other)
    assert "scheduled already, for playbooks/nightly.yml" in machine.schedule(
        str(other), at="1:00", kind="cron", code=2
    )


def test_what_would_fail_at_night_is_refused_now(machine: Machine) -> None:
    """A playbook with an error, an unknown host, a misspelt variable and a secret are refused, all with exit code 2."""
    refusals: list[tuple[str, dict[str, Any]]] = [
        ("unknown host", {"limit": "tvo"}),
        ("did you mean text?", {"extra_vars": ("txt=1",)}),
        ("this looks like a secret", {"extra_vars": ("password=hunter2",)}),
        ("this looks like a secret", {"extra_vars": ('{"smtp": {"password": "hunter2"}, "text": "x"}',)}),
        ("this looks like a secret", {"extra_vars": (' {"text": "https://u:hunter2@h/"}',)}),
        ("no task has the tag quik", {"tags": "quik"}),
        ("--tags: ',' names nothing", {"tags": ","}),
        ("leaves none of the", {"skip_tags": "all"}),
        ("--overlap: expected wait or skip", {"overlap": "kill"}),
        ("--name: expected", {"name": "a b"}),
        ("--env-file", {"env_file": "nowhere.env"}),
        ("--kind: there is no sistemd; did you mean systemd?", {"kind": "sistemd"}),
    ]
    for said, options in refusals:
        printed = machine.schedule(NIGHTLY, at="02:00", code=2, **{"kind": "systemd", **options})
        assert said in printed, printed
        assert "hunter2" not in printed
    (machine.control.directory / NIGHTLY).write_text("- hosts: all\n  tasks: [{debg: {}}]\n", encoding="utf-8")
    assert "nightly.yml:2" in machine.schedule(NIGHTLY, at="02:00", code=2, kind="systemd")
    assert "no playbook is named" in machine.schedule(at="02:00", code=2)
    assert "give one of them" in machine.schedule(NIGHTLY, at="02:00", install=True, remove=True, code=2)


def test_variables_that_a_timer_has_not(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is used is named, set here or not, until a file has it; its value never is."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/bundle.pem")
    said = machine.schedule(NIGHTLY, at="02:00", kind="systemd")
    assert "named by the inventory or the playbook, and set nowhere: SHOP_DATABASE. Write" in said
    assert "AWS_CA_BUNDLE" not in said, "there is no bucket"
    monkeypatch.setenv("SHOP_DATABASE", "host=db password=Zx-secret-9")
    monkeypatch.setenv("PGSSLMODE", "require")
    said = machine.schedule(NIGHTLY, at="02:00", kind="systemd")
    assert "set here, but not where a timer runs: PGSSLMODE, SHOP_DATABASE." in said
    assert "secret" not in said.replace("secrets", "")
    file = machine.control.directory / "night.env"
    file.write_text("# for the night\nPGSSLMODE=require\nSHOP_DATABASE='host=db'\n", encoding="utf-8")
    said = machine.schedule(NIGHTLY, at="02:00", kind="systemd", env_file=str(file))
    assert "set here" not in said
    assert '"--env-file=night.env"' in said
    store = "cloud: {type: s3, bucket: b, access_key: {env: CLOUD_KEY}, secret_key: {env: CLOUD_SECRET}}"
    (machine.control.directory / "inventory" / "repositories.yml").write_text(store, encoding="utf-8")
    said = machine.schedule(NIGHTLY, at="02:00", kind="systemd", env_file=str(file))
    assert "set here, but not where a timer runs: AWS_CA_BUNDLE; named by the inventory or the playbook, and" in said
    assert "set nowhere: CLOUD_KEY, CLOUD_SECRET." in said


def test_the_kind_of_a_machine() -> None:
    """It is the one that the machine has, and another one on demand."""
    from toolkit.app.scheduling.kinds import KINDS, kind_named, of_machine  # noqa: PLC0415

    assert kind_named("").name == of_machine()
    made: list[Callable[[], Any]] = list(KINDS.values())
    assert [each().name for each in made] == list(KINDS)
