"""The wheel, installed in a new virtual environment, run outside of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import toolkit
from tests import readme

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.server, pytest.mark.slow]


def run(*words: str | Path, cwd: Path, fails: bool = False) -> str:
    """Run a program outside of the checkout; gives what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
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
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    paths = sysconfig.get_paths(scheme="venv", vars={"base": str(home), "platbase": str(home)})
    (Path(paths["purelib"]) / "packages.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    python = Path(paths["scripts"]) / Path(sys.executable).name
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=home)
    return Path(paths["scripts"]) / ("playback.exe" if os.name == "nt" else "playback")


def test_everything_that_is_shipped_is_in_the_wheel(wheel: Path) -> None:
    """Code, schemas, playbooks, the demo's inventory and tables are in the wheel, and no inventory of the builder's."""
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        f"toolkit/data/{path.relative_to(ROOT).as_posix()}"
        for folder in ("schemas", "playbooks")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    files = [path for ending in ("py", "sql", "yml") for path in (ROOT / "toolkit").rglob(f"*.{ending}")]
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
