"""What every store promises, whatever is behind it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from toolkit.errors import DamageError, MissingError
from toolkit.storage.store import Store, check_name

STORES = ("local", "bundle", "moto", "old", "ceph")


def names(store: Store, prefix: str = "") -> list[str]:
    """The names a store lists."""
    return [stored.name for stored in store.list(prefix)]


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 5000])
def test_what_is_put_is_got(store: Store, data: bytes) -> None:
    """A file comes back as it was put, with its size."""
    store.put("chunks/ab/file", data)
    assert store.get("chunks/ab/file") == data
    for part in (slice(0, 2), slice(2, 3), slice(1, len(data) + 9), slice(len(data), len(data) + 1)):
        limit = len(data)
        assert store.get_part("chunks/ab/file", part.start, part.stop - part.start, limit=limit) == data[part]
    assert store.size("chunks/ab/file") == len(data)
    assert store.exists("chunks/ab/file")


def test_sizes_of_many(store: Store) -> None:
    """The sizes of many files are asked for together; those that are not there have none."""
    for number in range(50):
        store.put(f"a/{number:02}", b"1" * number)
    for wanted in (range(40, 60), range(3), range(45, 200), ()):
        expected = {f"a/{number:02}": number for number in wanted if number < 50}
        assert store.sizes([f"a/{number:02}" for number in wanted]) == expected
    assert store.sizes(["a/10", "b/none"]) == {"a/10": 10}


def test_put_replaces(store: Store) -> None:
    """A second file of the same name takes the first one's place."""
    store.put("a/b", b"first, and longer")
    store.put("a/b", b"second")
    assert store.get("a/b") == b"second"
    assert names(store) == ["a/b"]


def test_a_missing_file_is_told_apart(store: Store) -> None:
    """What is not there has no size, is not listed, cannot be read, and can be deleted."""
    assert store.size("a/b") is None
    assert not store.exists("a/b")
    assert names(store) == []
    store.delete("a/b")
    with pytest.raises(MissingError, match=r"a.b"):
        store.get("a/b")


def test_delete_removes_one_file(store: Store) -> None:
    """Deleting a file leaves its neighbours."""
    store.put("a/b", b"1")
    store.put("a/c", b"2")
    store.delete("a/b")
    assert names(store) == ["a/c"]


def test_files_can_be_made_durable_together(store: Store) -> None:
    """New files that are made durable later are there at once; what is there already stays as it is."""
    store.put("a/00/there", b"first")
    files = {f"a/{number % 5:02}/{number}": b"%d" % number for number in range(9)}
    assert all(store.put_new(name, data, durable=False) for name, data in files.items())
    assert not store.put_new("a/00/there", b"second", durable=False)
    store.make_durable([*files, "a/00/there"])
    assert names(store) == sorted([*files, "a/00/there"])
    assert store.get("a/00/there") == b"first"
    assert all(store.get(name) == data for name, data in files.items())


def test_put_new_never_replaces(store: Store) -> None:
    """A file that is only to be made stays as it is when it is there already."""
    assert store.put_new("a/b", b"first")
    assert not store.put_new("a/b", b"second")
    assert store.get("a/b") == b"first"
    store.delete("a/b")
    assert store.put_new("a/b", b"third")
    assert names(store) == ["a/b"]


def test_of_many_new_files_one_is_stored(store: Store) -> None:
    """Where a store says that making a file is atomic, one of many threads makes it, and its content is what stays."""
    if not store.conditional:
        pytest.skip("this store has no atomic put_new, and says so")
    for number in range(5):
        contents = [bytes([each]) * 1000 for each in range(12)]
        with ThreadPoolExecutor(12) as pool:
            stored = list(pool.map(lambda data, name=f"a/{number}": store.put_new(name, data), contents))
        assert stored.count(True) == 1
        assert store.get(f"a/{number}") == contents[stored.index(True)]
    assert names(store) == [f"a/{number}" for number in range(5)]


def test_many_are_deleted_at_once(store: Store) -> None:
    """Deleting several files removes them, passes over those that are not there, and leaves the others."""
    for number in range(12):
        store.put(f"a/{number:02}", b"1")
        store.put(f"b/{number:02}", b"1")
    store.delete_many(["a/none", *(f"a/{number:02}" for number in range(12)), "b/00"])
    assert names(store) == [f"b/{number:02}" for number in range(1, 12)]
    store.delete_many([])
    with pytest.raises(ValueError, match="no portable file name"):
        store.delete_many(["../b/01"])


def test_list_gives_names_by_prefix_in_order(store: Store) -> None:
    """A prefix need not end at a slash, and names come sorted as whole texts."""
    for name in ("b/z", "a/b/c", "a/b-c", "a/bc", "top", "a/b/a"):
        store.put(name, b"")
    assert names(store) == sorted(["b/z", "a/b/c", "a/b-c", "a/bc", "top", "a/b/a"])
    assert names(store, "a/b") == ["a/b-c", "a/b/a", "a/b/c", "a/bc"]
    assert names(store, "a/b/") == ["a/b/a", "a/b/c"]
    assert names(store, "none/") == []


def test_list_gives_size_and_time(store: Store) -> None:
    """A listed file has its size and the time at which it was written."""
    store.put("a/b", b"12345")
    (stored,) = store.list()
    assert stored.size == 5
    assert abs(datetime.now(UTC) - stored.modified) < timedelta(minutes=1)


def test_threads_may_share_a_store(store: Store) -> None:
    """Many threads that write the same and other names at once leave every file whole."""
    contents = [bytes([number]) * 10_000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for number, data in enumerate(contents):
            pool.submit(store.put, f"own/{number}", data)
            pool.submit(store.put, "shared", data)
    assert [store.get(f"own/{number}") for number in range(40)] == contents
    assert store.get("shared") in contents
    assert len(names(store)) == 41


def test_unportable_names_are_refused(store: Store) -> None:
    """A name that would leave the store, hide, or not work on some system is refused by every method."""
    methods = (store.get, store.size, store.exists, store.delete, lambda name: store.put(name, b""))
    for name in (
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        ".hidden",
        "a\\b",
        "a b",
        "é",
        "a.",
        "CON",
        "a/nul.txt",
        "a:b",
    ):
        for method in methods:
            with pytest.raises(ValueError, match="no portable file name"):
                method(name)


def test_names_of_the_format_are_portable() -> None:
    """The names that the repository format uses pass."""
    check_name("playback.json")
    check_name("backups/20261120T020000Z-nightly_1.x-business-2/manifest.json")
    check_name("chunks/ab/" + "ab" * 32)


def test_a_file_that_is_too_large_is_not_read(store: Store) -> None:
    """Whoever says how large such a file can be gets an error with both numbers instead of a larger one."""
    store.put("a/b", b"12345")
    assert store.get("a/b", limit=5) == b"12345"
    with pytest.raises(DamageError, match=r"a/b has 5 bytes; such a file has 4 at most"):
        store.get("a/b", limit=4)
    with pytest.raises(MissingError):
        store.get_part("a/c", 0, 1, limit=1)
