"""The wheel, installed in a new virtual environment, run outside of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import toolkit
from tests import readme
from tests.product.fifteen import fifteen
from tests.terminal import talk
from toolkit.postgres.servers.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.server, pytest.mark.slow]


def run(*words: str | Path, cwd: Path, fails: bool = False, env: Mapping[str, str] = os.environ) -> str:
    """Run a program outside of the checkout; gives what it printed."""
    environment = {name: value for name, value in env.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env=environment, capture_output=True, check=False, encoding="utf-8"
    )
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of the checkout without a network."""
    directory = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", directory)
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT, cwd=directory)
    return next(directory.glob("playback_toolkit-*.whl"))


@pytest.fixture(scope="module")
def playback(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program `playback` in a virtual environment that has the packages of this one, and the wheel."""
    return installed(wheel, tmp_path_factory.mktemp("environment"))


def installed(wheel: Path, home: Path) -> Path:
    """Make a virtual environment that has the packages of this one, and a wheel; gives the program `playback`."""
    venv.create(home, with_pip=False)
    paths = sysconfig.get_paths(scheme="venv", vars={"base": str(home), "platbase": str(home)})
    (Path(paths["purelib"]) / "packages.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    program = Path(paths["scripts"]) / ("playback.exe" if os.name == "nt" else "playback")
    upgrade(program, wheel)
    return program


def upgrade(playback: Path, wheel: Path) -> None:
    """Install a wheel in the virtual environment of the program, in place of what is there."""
    python = playback.with_name(Path(sys.executable).name)
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=playback.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The README's five commands, as they are typed, and the dialogue of the second as it is shown."""

    commands: tuple[str, ...]
    dialogue: tuple[str, ...]

    @classmethod
    def read(cls) -> Shown:
        """Read them from the README."""
        section = readme.README.read_text(encoding="utf-8").partition("five commands\n")[2].partition("\n## ")[0]
        console, dialogue = re.findall(r"^```(?:console|text)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        typed = tuple(line.removeprefix("$ ") for line in console.splitlines())
        return cls(commands=typed, dialogue=tuple(dialogue.splitlines()))


def newer(wheel: Path, directory: Path) -> Path:
    """The same wheel of a later version, whose nightly keeps more."""
    later = f"{toolkit.__version__}.post1"
    path = directory / wheel.name.replace(toolkit.__version__, later)
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith(("/METADATA", "/RECORD", "toolkit/__init__.py")):
                text = text.replace(toolkit.__version__.encode(), later.encode())
            if name.endswith("playbooks/nightly.yml"):
                text = text.replace(b"keep_daily: 14", b"keep_daily: 30")
            new.writestr(name.replace(f"-{toolkit.__version__}.dist-info", f"-{later}.dist-info"), text)
    return path


def contents(directory: Path) -> dict[str, bytes]:
    """All files of a control directory but those of servers, which change by themselves."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.as_posix(): path.read_bytes() for path in found if "scratch" not in path.parts}


def test_everything_that_is_shipped_is_in_the_wheel(wheel: Path) -> None:
    """Code, schemas, playbooks, the demo's inventory and tables are in the wheel, and no inventory of the builder's."""
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        f"toolkit/data/{path.relative_to(ROOT).as_posix()}"
        for folder in ("schemas", "playbooks")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    files = [path for path in (ROOT / "toolkit").rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    code = {path.relative_to(ROOT).as_posix() for path in files}
    facts = f"playback_toolkit-{toolkit.__version__}.dist-info/"
    assert len(shipped) > 20
    assert {name for name in names if not name.startswith(facts)} == shipped | code


def test_a_directory_without_an_inventory(playback: Path, tmp_path: Path) -> None:
    """Commands are listed anywhere; what needs an inventory says that there is none, and how to try the demo."""
    assert "Run a playbook" in run(playback, "--list", cwd=tmp_path)
    assert run(playback, "--version", cwd=tmp_path) == f"Playback {toolkit.__version__}\n"
    for words in (("lint",), ("backups",), ("run", "playbooks/nightly.yml")):
        said = run(playback, *words, cwd=tmp_path, fails=True)
        assert f"ERROR: there is no inventory in {tmp_path}\n" in said
        assert "playback run playbooks/nightly.yml --inventory demo" in said
    assert list(tmp_path.iterdir()) == []


@contextmanager
def cron_daemon(directory: Path) -> Iterator[None]:
    """A process of a cron daemon's name, which is all that `doctor` looks for; a machine for tests may have none."""
    program = directory / "cron"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as running:
        yield
        running.kill()


@pytest.mark.skipif(os.name == "nt", reason="there is no such terminal, and no crontab")
def test_five_commands(wheel: Path, pg18: EmbeddedServer, tmp_path: Path) -> None:
    """The commands at the top of the README lead from nothing to a nightly that is proven and scheduled.

    A newer wheel then leaves the directory as it was, and says on demand what it has new.
    """
    shown = Shown.read()
    install, begin, enter, nightly, schedule = shown.commands
    assert (install.split()[:2], enter) == (["pip", "install"], "cd backups-of-shop")
    playback = installed(wheel, tmp_path / "environment")
    crontab, timers = tmp_path / "bin" / "crontab", tmp_path / "timers"
    crontab.parent.mkdir()
    crontab.write_text(f'#!/bin/sh\nif [ "$1" = -l ]; then cat {timers} 2>&-; true; else cat > {timers}; fi\n', "utf-8")
    crontab.chmod(0o700)
    path = os.pathsep.join((str(crontab.parent), str(playback.parent), os.environ["PATH"]))
    env = {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "PATH": path}

    with fifteen(pg18) as shop:
        words = [shop.uri if word.startswith("postgresql://") else word for word in begin.split()[1:]]
        answers = [("(it is not shown):", shop.password), *(("Enter for 1]:", typed) for typed in ("", "", "5"))]
        code, screen = talk([playback, *words], answers, cwd=tmp_path, env=env)
        assert code == 0, screen
        directory = tmp_path / enter.removeprefix("cd ")
        said = screen.replace(shop.name, "shop").replace(str(tmp_path), "/srv").splitlines()
        place = 0
        for line in shown.dialogue:
            if line != "…":
                beginning = line.removesuffix("…").rstrip()
                assert any(each.startswith(beginning) for each in said[place:]), f"{line}\n{screen}"
                place += next(at for at, each in enumerate(said[place:]) if each.startswith(beginning)) + 1

        ran = run(playback, *nightly.split()[1:], cwd=directory)
        assert "are equal: 13 of 13 tables exact" in ran
        assert "1254 rows of 13 tables are safe, in one place" in ran
        assert shop.password not in screen + ran
        run(playback, *schedule.split()[1:], "--kind", "cron", cwd=directory, env=env)
        assert "schedule.run playbooks/nightly.yml" in timers.read_text("utf-8")

        before = contents(directory)
        upgrade(playback, newer(wheel, tmp_path))
        assert run(playback, "--version", cwd=directory) == f"Playback {toolkit.__version__}.post1\n"
        with cron_daemon(tmp_path):
            healthy = run(playback, "doctor", cwd=directory, env=env)
        assert "no problems" in healthy
        assert "job nightly in backups was last proven" in healthy
        looked = run(playback, "init", "--update", cwd=directory)
        assert "    -        keep_daily: 14\n    +        keep_daily: 30" in looked
        assert contents(directory) == before


def test_the_demo(playback: Path, tmp_path: Path) -> None:
    """The demo and the playbooks that are shipped print what the README shows; `make readme` writes it anew."""

    def command(line: str) -> str:
        return run(playback, *line.split(), "--inventory", "demo", cwd=tmp_path)

    printed = readme.perform(command, tmp_path)
    shown = list(readme.blocks(readme.README.read_text(encoding="utf-8")))
    assert {each.command for each in shown} == set(readme.SESSION) - {"run playbooks/demo-data.yml"}
    for each in shown:
        assert readme.unlike(each, printed[each.command]) == "", each.command


def test_a_control_directory(playback: Path, tmp_path: Path) -> None:
    """A directory with an inventory is found from below it, and its files are checked by the schemas of the wheel."""
    (tmp_path / "inventory").mkdir()
    hosts = tmp_path / "inventory" / "hosts.yml"
    hosts.write_text("all: {hosts: {till: {database: embedded:till}}}", encoding="utf-8")
    (tmp_path / "inventory" / "repositories.yml").write_text("local: {type: local, path: r}", encoding="utf-8")
    below = tmp_path / "below"
    below.mkdir()
    assert "no problems found" in run(playback, "lint", cwd=below)
    hosts.write_text("all: {hosts: {till: 1}}", encoding="utf-8")
    assert "inventory/hosts.yml:1: all.hosts.till: " in run(playback, "lint", cwd=below, fails=True)
