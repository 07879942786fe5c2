"""A place that had a repository and has none now is not taken for a new one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.control import Control, execute
from tests.product.shop import CATALOG, SCHEMA
from toolkit.errors import RefusedError
from toolkit.model.host import LocalRepository
from toolkit.storage.known import KnownRepositories
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

CHOICE = {"scope": "business", "demo": "include"}


@pytest.fixture
def control(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """A shop that was backed up once."""
    made = Control(tmp_path, CATALOG)
    conninfo = new_database()
    execute(conninfo, SCHEMA)
    made.add_host("shop", conninfo)
    made.run("backup", "shop", CHOICE)
    return made


def unmount(control: Control) -> Path:
    """What an unmounted disk leaves: the empty directory on which it was."""
    directory = control.directory / "repository"
    directory.rename(control.directory / "mounted elsewhere")
    directory.mkdir()
    return directory


@pytest.mark.parametrize("check", [False, True])
def test_an_unmounted_directory_is_no_new_repository(control: Control, check: bool) -> None:
    """A backup is refused before anything is written, and runs as ever once the disk is there again."""
    directory = unmount(control)
    with pytest.raises(RefusedError, match="when local was last used from here, and there is none now") as refused:
        control.run("backup", "shop", CHOICE, check=check)
    assert "mount or restore it" in refused.value.hint
    with pytest.raises(RefusedError, match="there is none now"):
        control.run("prune", "shop", {"keep_last": 1}, check=check)
    assert list(directory.iterdir()) == []
    directory.rmdir()
    (control.directory / "mounted elsewhere").rename(directory)
    assert control.run("backup", "shop", CHOICE, check=check).changed is not None


def test_another_repository_in_its_place_is_not_used(control: Control) -> None:
    """What lies below the mount, or another disk, has another id."""
    directory = unmount(control)
    Repository.open(LocalStore(directory), create=True)
    with pytest.raises(RefusedError, match="there is another one now"):
        control.run("backup", "shop", CHOICE)
    assert control.repository.labels() == []


def test_a_new_beginning_is_said_by_deleting_a_line(control: Control) -> None:
    """With its line deleted, or another place in the inventory, a repository is made as for the first time."""
    shutil.rmtree(control.directory / "repository")
    known = control.directory / ".playback" / "repositories.jsonl"
    lines = known.read_text("utf-8").splitlines()
    known.write_text("".join(f"{line}\n" for line in lines if '"local"' not in line), "utf-8")
    control.run("backup", "shop", CHOICE)
    assert len(control.repository.labels()) == 1
    shutil.rmtree(control.directory / "repository")
    places = control.directory / "inventory" / "repositories.yml"
    places.write_text(places.read_text("utf-8").replace("/repository", "/elsewhere"), "utf-8")
    control.run("backup", "shop", CHOICE)
    assert len(Repository.open(LocalStore(control.directory / "elsewhere"), create=False).labels()) == 1


def test_who_would_make_it_does_not(tmp_path: Path) -> None:
    """Also a run that makes a repository where there is none, such as a copy, makes none where one was."""
    config = LocalRepository(name="copy", path=tmp_path / "copy")
    made = KnownRepositories(tmp_path).open(config, create=True)
    assert KnownRepositories(tmp_path).open(config, create=True).id == made.id
    shutil.rmtree(config.path)
    with pytest.raises(RefusedError, match="there is none now"):
        KnownRepositories(tmp_path).open(config, create=True)
    assert not config.path.exists()
