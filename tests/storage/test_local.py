"""What the local store does beside the promises of every store: interrupted writes, and the system's refusals."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from toolkit.errors import StorageError
from toolkit.model.host import LocalRepository, S3Repository
from toolkit.storage.failures import storage_error
from toolkit.storage.local import LocalStore
from toolkit.storage.open import open_store

LEFT_OVER = "." + "0" * 32 + ".tmp"


def test_left_over_files_are_ignored_and_swept(tmp_path: Path) -> None:
    """What an interrupted write left is no file of the store, and goes once it is old enough."""
    store = LocalStore(tmp_path)
    store.put("a/b", b"1")
    (tmp_path / "a" / LEFT_OVER).write_bytes(b"half")
    assert [stored.name for stored in store.list()] == ["a/b"]
    now = datetime.now(UTC)
    assert store.sweep(now - timedelta(hours=1)) == 0
    assert store.sweep(now + timedelta(hours=1)) == 1
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows flushes no directories")
def test_files_are_flushed_before_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash leaves whole files only, and loses none once they are made durable; every directory is flushed once."""
    flushed, dirty = list[int](), set[int]()
    make, link, sync = os.mkdir, os.link, os.fsync

    def making(path: str, mode: int, *, dir_fd: int) -> None:
        make(path, mode, dir_fd=dir_fd)
        dirty.add(os.fstat(dir_fd).st_ino)

    def linking(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        assert os.stat(old, dir_fd=src_dir_fd).st_ino in flushed
        link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        dirty.add(os.fstat(dst_dir_fd).st_ino)

    def syncing(descriptor: int) -> None:
        sync(descriptor)
        flushed.append(os.fstat(descriptor).st_ino)
        dirty.discard(flushed[-1])

    monkeypatch.setattr(os, "mkdir", making)
    monkeypatch.setattr(os, "link", linking)
    monkeypatch.setattr(os, "fsync", syncing)
    files = {f"a/{number % 70}/{number}": b"1" for number in range(140)}
    store = LocalStore(tmp_path)
    assert all(store.put_new(name, data, durable=False) for name, data in files.items())
    assert dirty
    store.make_durable(files)
    assert not dirty
    assert len(flushed) == len(set(flushed)) == 140 + 70 + 2


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """When the last step of a write fails, no temporary file stays and the error names the target."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "inside").touch()
    with pytest.raises(StorageError, match=r"cannot write .*b"):
        LocalStore(tmp_path).put("a/b", b"1")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_without_hard_links_new_files_are_whole_but_not_atomic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links a new file is still made only where there is none, and the store says how."""
    assert LocalStore(tmp_path).conditional

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    store = LocalStore(tmp_path)
    assert not store.conditional
    assert store.put_new("a/b", b"first")
    assert not store.put_new("a/b", b"second")
    assert store.get("a/b") == b"first"
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]


def test_what_cannot_be_removed_is_named_and_the_rest_removed(tmp_path: Path) -> None:
    """Of several files to remove, one that cannot be is named, and all others go."""
    store = LocalStore(tmp_path)
    for name in ("a/1", "a/3"):
        store.put(name, b"1")
    (tmp_path / "a" / "2" / "inside").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"cannot remove .*2: "):
        store.delete_many(["a/1", "a/2", "a/3"])
    assert list(store.list("a/")) == []


def test_a_file_in_the_place_of_a_directory_is_named(tmp_path: Path) -> None:
    """A repository path that is a file gives one clear error with a remedy."""
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StorageError) as caught:
        LocalStore(path).put("a/b", b"1")
    assert str(path) in caught.value.message
    assert caught.value.hint


@contextmanager
def without_privileges() -> Iterator[None]:
    """Whoever runs the tests, as an ordinary user."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits on directories")
def test_a_directory_without_permission_is_named() -> None:
    """A read-only and an unreadable directory give one clear error each, with a remedy, and change nothing."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        store = LocalStore(directory / "repository")
        store.put("a/b", b"1")
        for mode, call in ((0o555, "write"), (0o000, "read"), (0o000, "list"), (0o555, "remove")):
            (directory / "repository" / "a").chmod(mode)
            calls: dict[str, Callable[[], object]] = {
                "write": lambda: store.put("a/c", b"2"),
                "read": lambda: store.get("a/b"),
                "list": lambda: list(store.list()),
                "remove": lambda: store.delete("a/b"),
            }
            with without_privileges(), pytest.raises(StorageError, match=f"cannot {call} .*permission") as caught:
                calls[call]()
            assert "access" in caught.value.hint
        (directory / "repository" / "a").chmod(stat.S_IRWXU)
        assert [stored.name for stored in store.list()] == ["a/b"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_every_common_refusal_has_a_remedy(code: int) -> None:
    """A full disk, a read-only mount and the like say what to do."""
    error = storage_error("write", Path("repository", "file"), OSError(code, os.strerror(code)))
    assert str(Path("repository", "file")) in error.message
    assert error.hint


def test_a_repository_opens_by_its_type(tmp_path: Path) -> None:
    """A local repository is its directory, one of type s3 its bucket and prefix; nothing is asked of either yet."""
    assert open_store(LocalRepository(name="here", path=tmp_path)).place == str(tmp_path)
    assert open_store(S3Repository(name="cloud", bucket="b", prefix="p/q")).place == "s3://b/p/q"
    assert open_store(S3Repository(name="cloud", bucket="b")).place == "s3://b"
