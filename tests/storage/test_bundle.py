"""A repository in one file: any program lists it, readers leave it as it is, and damage is said with its place."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import msgspec
import pytest
from msgspec import structs

from tests.storage.hostile import OPERATIONS, fingerprint
from tests.storage.operations import copy_between, now, rows_of
from tests.storage.samples import sample_rows, some_rows, write_backup
from tests.sweeps import EVERYTHING, slow_only
from toolkit.errors import DamageError, LockedError, PlaybackError, StorageError
from toolkit.model.duration import Duration
from toolkit.model.host import S3Repository
from toolkit.model.outcome import SilentProgress
from toolkit.storage.bundle import contents, room
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.check import check
from toolkit.storage.copying import Copying
from toolkit.storage.layout import MARKER, chunk_name
from toolkit.storage.local import LocalStore
from toolkit.storage.lock_files import LockContent, list_locks, lock_name, new_lock_id
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.processes import Process
from toolkit.storage.prune import prune
from toolkit.storage.repair import plan_repair, repair
from toolkit.storage.repository import Repository
from toolkit.storage.s3.store import S3Store

ROOT = Path(__file__).parents[2]
ROWS = sample_rows()
OLD = "2020-11-20T02:00:00.000000Z"


@pytest.fixture
def directory(tmp_path: Path) -> Repository:
    """A repository in a directory, with one backup."""
    repository = Repository.open(LocalStore(tmp_path / "near"), create=True)
    write_backup(repository, ROWS)
    return repository


@pytest.fixture
def bundle(directory: Repository, tmp_path: Path) -> Path:
    """A copy of it in a bundle, alone in its directory."""
    (tmp_path / "stick").mkdir()
    path = tmp_path / "stick" / "shop.playback"
    copy_between(directory.store, BundleStore(path))
    return path


def opened(path: Path) -> Repository:
    """The repository in a bundle."""
    return Repository.open(BundleStore(path), create=False)


def expect_whole(path: Path, rows: Mapping[str, list[bytes]] = ROWS) -> None:
    """The bundle is alone in its directory, sound, and its first backup has these rows."""
    assert list(path.parent.iterdir()) == [path]
    repository = opened(path)
    assert check(repository, progress=SilentProgress()).findings == ()
    manifest = repository.manifest(repository.labels()[0])
    assert rows_of(repository, manifest) == {name: b"".join(each) for name, each in rows.items()}


def test_any_program_lists_it_and_what_it_unpacks_is_a_repository(bundle: Path, tmp_path: Path) -> None:
    """A bundle is a plain zip with the names of a directory; the directory that it is unpacked to works as one."""
    expect_whole(bundle)
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        chunks = [info for info in archive.infolist() if info.filename.startswith("chunks/")]
        assert {info.compress_type for info in chunks} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        archive.extractall(tmp_path / "unpacked")
    unpacked = Repository.open(LocalStore(tmp_path / "unpacked"), create=False)
    assert unpacked.id == opened(bundle).id
    assert check(unpacked, progress=SilentProgress()).findings == ()
    assert {stored.name: stored.size for stored in unpacked.store.list()} == {
        stored.name: stored.size for stored in opened(bundle).store.list()
    }
    assert os.name == "nt" or stat.S_IMODE(bundle.stat().st_mode) == 0o600


@pytest.mark.skipif(not shutil.which("unzip"), reason="there is no unzip")
def test_unzip_finds_it_sound(bundle: Path) -> None:
    """The program that everybody has tests a bundle without a word of complaint."""
    done = subprocess.run(["unzip", "-tq", str(bundle)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_headers_that_mislead_other_programs_are_found(bundle: Path) -> None:
    """A bit that is another one in any header of a file is damage with its place, though all rows can be read."""
    whole = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        members = archive.infolist()
    for number, info in enumerate(members):
        # flags, method, time, date, CRC-32, sizes and the first letters of the name, in their turn
        for place in range(6 + number % 5, 36, 5):
            data = bytearray(whole)
            data[info.header_offset + place] ^= 1 << (number + place) % 8
            if place in range(26, 30):
                continue  # how long name and extra are: the content stands elsewhere then
            bundle.write_bytes(data)
            report = check(opened(bundle), progress=SilentProgress())
            assert [each.kind.value for each in report.findings] == ["header"], place
            assert f"damaged at byte {info.header_offset}, {info.filename}: its header" in report.findings[0].message
            assert report.damaged


def test_what_another_program_packed_again_can_be_read(bundle: Path, tmp_path: Path) -> None:
    """Deflated, with directories and other files among them, and with a comment: it is the same bundle."""
    again = tmp_path / "again" / "shop.playback"
    again.parent.mkdir()
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        new.mkdir("backups")
        new.writestr("__MACOSX/._playback.json", b"x" * 1000)
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
        new.comment = b"packed by hand"
    repository = opened(again)
    manifest = repository.manifest(repository.labels()[0])
    assert rows_of(repository, manifest) == {name: b"".join(each) for name, each in ROWS.items()}
    with locked(repository, LockKind.SHARED, purpose="copy", now=now):
        repository.store.put("checks/20261128T020000Z-00000000.json", b"{}")
    (finding,) = check(opened(again), progress=SilentProgress()).findings
    assert "__MACOSX/._playback.json is no part of the repository" in finding.message


def test_readers_leave_it_and_its_directory_as_they_are(bundle: Path) -> None:
    """On a read-only medium, too, a bundle is listed, checked and read, without a lock or a note beside or in it."""
    before, seen = bundle.read_bytes(), [path.stat().st_mtime_ns for path in (bundle, bundle.parent)]
    bundle.chmod(0o400)
    bundle.parent.chmod(0o500)
    try:
        repository = opened(bundle)
        with locked(repository, LockKind.SHARED, purpose="restore", now=now, reading=True) as lock:
            assert lock.warnings == ()
            assert check(repository, progress=SilentProgress()).findings == ()
            assert list(bundle.parent.iterdir()) == [bundle]
    finally:
        bundle.parent.chmod(0o700)
    assert bundle.read_bytes() == before
    assert [path.stat().st_mtime_ns for path in (bundle, bundle.parent)] == seen


def test_a_second_backup_is_added_and_an_old_one_removed(bundle: Path, directory: Repository) -> None:
    """A bundle is written anew with what it had; chunks that it has are not sent; prune removes at once what is
    needed no more."""
    other = {"orders": [*ROWS["orders"], *some_rows(20, seed=9)]}
    new, _ = write_backup(directory, other)
    first = opened(bundle).labels()
    repository = opened(bundle)
    with locked(repository, LockKind.SHARED, purpose="copy", now=now):
        copying = Copying(directory, repository)
        (planned,) = copying.plan([new.metadata.label])
        sent = copying.send(new.metadata.label, SilentProgress())
    assert 0 < sent.chunks == planned.chunks < sum(1 for _ in new.stored_chunks)
    assert opened(bundle).labels() == sorted([*first, new.metadata.label])
    expect_whole(bundle)
    size = bundle.stat().st_size
    with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=now) as lock:
        prune(repository, first, grace=Duration(days=7), lock=lock, progress=SilentProgress())
    assert not check(opened(bundle), progress=SilentProgress()).orphans
    assert bundle.stat().st_size < size
    expect_whole(bundle, other)


def test_a_backup_goes_straight_into_it(tmp_path: Path) -> None:
    """A backup into a new bundle exists when it is published, and an interrupted one leaves no file at all."""
    path = tmp_path / "shop.playback"
    repository = Repository.open(BundleStore(path), create=True)
    assert not path.exists()

    def interrupted() -> None:
        with locked(repository, LockKind.SHARED, purpose="backup", now=now):
            repository.store.put(chunk_name("ab" * 32), b"rows")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())
    with locked(repository, LockKind.SHARED, purpose="backup", now=now):
        write_backup(repository, ROWS)
        assert opened(path).labels() == repository.labels() != []
    expect_whole(path)
    assert opened(path).id == repository.id


def test_of_two_that_write_one_waits_or_is_refused(bundle: Path) -> None:
    """Who writes holds the bundle alone, and is named; who reads neither waits nor sees half a change."""
    first, second = opened(bundle), opened(bundle)
    before = bundle.read_bytes()
    with locked(first, LockKind.SHARED, purpose="copy of till-1", now=now):
        first.store.put("pins/20261120T020000Z-nightly-business.json", b"{}")
        assert [lock.kind for lock in list_locks(BundleStore(bundle).locks)] == [LockKind.EXCLUSIVE]
        assert bundle.read_bytes() == before
        with locked(second, LockKind.SHARED, purpose="check", now=now, reading=True):
            assert not second.store.exists("pins/20261120T020000Z-nightly-business.json")
    assert second.store.exists("pins/20261120T020000Z-nightly-business.json")
    elsewhere = Process(host="till-2", user="anna", process=1, space="")
    content = LockContent(holder=elsewhere, purpose="copy of till-2", since=OLD, refreshed=OLD)
    BundleStore(bundle).locks.put(lock_name(LockKind.EXCLUSIVE, new_lock_id()), msgspec.json.encode(content))
    with (
        pytest.raises(LockedError, match=r"shop\.playback is locked: copy of till-2 by anna on till-2"),
        locked(first, LockKind.SHARED, purpose="copy", now=now),
    ):
        pass
    with locked(first, LockKind.SHARED, purpose="check", now=now, reading=True):
        assert first.labels()


def test_a_change_beneath_is_not_overwritten(bundle: Path) -> None:
    """Where somebody put another file in its place meanwhile, that stays, and the error says so."""
    repository = opened(bundle)
    other = bundle.with_name("other")

    def change() -> None:
        with locked(repository, LockKind.SHARED, purpose="copy", now=now):
            repository.store.put("checks/20261128T020000Z-00000000.json", b"{}")
            shutil.copy(bundle, other)
            other.replace(bundle)

    with pytest.raises(StorageError, match="was changed by another program meanwhile"):
        change()
    expect_whole(bundle)


def test_it_is_not_made_where_its_directory_is_missing(directory: Repository, tmp_path: Path) -> None:
    """A stick that is not plugged in is said to be, and nothing is made in its place."""
    with pytest.raises(StorageError, match=r"there is no directory .*usb for shop\.playback") as caught:
        copy_between(directory.store, BundleStore(tmp_path / "usb" / "shop.playback"))
    assert "plug in" in caught.value.hint
    assert not (tmp_path / "usb").exists()


def test_a_full_disk_is_said_before(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the bundle and what is added do not fit beside the old one, nothing is written."""
    before = bundle.read_bytes()
    monkeypatch.setattr(room, "free_bytes", lambda folder: 5000)
    with pytest.raises(StorageError, match=r"cannot be written: it takes .* and 4\.88 KiB are free beside it"):
        BundleStore(bundle).expect(6000)
    assert bundle.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="there are no limits of files")
def test_a_file_system_with_small_files_is_named(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What FAT32 says of a file above 4 GiB is said with the remedy, before anything is written where the size is
    known, and while it is written otherwise; the bundle stays."""
    resource = pytest.importorskip("resource")
    before, (soft, hard) = bundle.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    repository = opened(bundle)

    def put() -> None:
        with locked(repository, LockKind.SHARED, purpose="copy", now=now):
            repository.store.put(chunk_name("ab" * 32), bytes(2_000_000))

    monkeypatch.setattr(room, "_LARGE", 100_000)
    acts: tuple[Callable[[], None], ...] = (lambda: BundleStore(bundle).expect(2_000_000), put)
    for act in acts:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        try:
            with pytest.raises(StorageError, match="no files as large as that; FAT32 ends at 4 GiB") as caught:
                act()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "exFAT" in caught.value.hint
    assert bundle.read_bytes() == before
    expect_whole(bundle)


def cut(path: Path) -> None:
    """Half of the file is missing."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def add(name: str, content: bytes = b"x", *, mode: int = 0o600) -> Callable[[Path], None]:
    """Another program has put a file in."""

    def change(path: Path) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(info, content)

    return change


def rewrite_entry(name: str, offset: int, data: bytes) -> Callable[[Path], None]:
    """Something else stands in the table of contents."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        at = content.rindex(name.encode()) - 46
        content[at + offset : at + offset + len(data)] = data
        path.write_bytes(content)

    return change


def in_folder(path: Path) -> None:
    """Somebody packed the folder instead of what is in it."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"shop/{name}", content)


def end_claims(table: int) -> Callable[[Path], None]:
    """The table of contents claims a size."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[-22 + 12 : -22 + 16] = struct.pack("<I", table)
        path.write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut, r"ends at byte \d+, without its table of contents: it was not copied whole"),
        (lambda path: path.write_bytes(b""), "is no bundle: it is empty"),
        (lambda path: path.write_bytes(b"%PDF-1.7" * 100), "is no bundle: it is no zip file"),
        (lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)), "there is no repository"),
        (end_claims(0x7FFFFFFF), "the table of contents of .* cannot be read: bad"),
        (end_claims(100_000), "the table of contents of .* cannot be read: bad"),
        (add("../../etc/passwd"), r"'\.\./\.\./etc/passwd' leads out of it"),
        (add("/etc/passwd"), "'/etc/passwd' leads out of it"),
        (add("C:/autoexec.bat"), "'C:/autoexec.bat' leads out of it"),
        (add("link", b"/etc", mode=stat.S_IFLNK | 0o777), "'link' is a link or another special file"),
        (rewrite_entry(MARKER, 8, b"\x01"), "'playback.json' is encrypted by another program"),
        (rewrite_entry(MARKER, 10, b"\x0e"), r"'playback.json' is compressed in a way .* \(method 14\)"),
        (rewrite_entry(MARKER, 24, b"\xff\xff\xff\x7f"), "has 2147483647 bytes; such a file has 1048576 at most"),
        (rewrite_entry("chunks/", 24, b"\xff\xff\xff\x7f"), r"'chunks/\S+' claims two sizes, \d+ and 2147483647"),
        (rewrite_entry(MARKER, 42, b"\xff\xff\xff\x7f"), "'playback.json' stands outside of the file"),
        (rewrite_entry(MARKER, 16, b"abcd"), r"is damaged at byte \d+, playback.json: its CRC-32 is another one"),
        (in_folder, "is a zip file, but no bundle: it has no playback.json"),
    ],
)
def test_what_is_no_bundle_is_said_to_be_none(bundle: Path, change: Callable[[Path], object], message: str) -> None:
    """A file that is damaged, was made by others or is to do harm gives one error, and nothing is written over it."""
    change(bundle)
    before = bundle.read_bytes()
    with pytest.raises(StorageError, match=message):
        opened(bundle)
    if "no repository" not in message:
        with pytest.raises(StorageError, match=message):
            Repository.open(BundleStore(bundle), create=True)
    assert bundle.read_bytes() == before
    assert list(bundle.parent.iterdir()) == [bundle]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(bundle: Path) -> None:
    """Of two programs each could read another one."""
    add("checks/20261128T020000Z-00000000.json")(bundle)
    add("checks/20261128T020000Z-00000000.json")(bundle)
    with pytest.raises(DamageError, match=r"'checks/20261128T020000Z-00000000\.json' is there twice"):
        opened(bundle)


def test_what_claims_to_be_huge_takes_no_memory(bundle: Path) -> None:
    """A table of contents that claims 4 GiB, a short file that takes a lot, a long one that stays when it changes."""
    whole = bundle.read_bytes()
    with bundle.open("r+b") as file:
        file.truncate(table := 4 * 1024**3)
        file.seek(table)
        file.write(struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, table, 0))
        file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, table, 1))
        file.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, 100, 0, 0))
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match="claims 4294967296 bytes; such a table has 67108864 at most"):
            opened(bundle)
        bundle.write_bytes(whole)
        add("pins/x.json", b"{}")(bundle)
        rewrite_entry("pins/x.json", 10, struct.pack("<H", zipfile.ZIP_DEFLATED))(bundle)
        rewrite_entry("pins/x.json", 20, struct.pack("<I", 2_000))(bundle)
        with pytest.raises(DamageError, match=r"'pins/x\.json' claims 2000 bytes in it for 2 bytes"):
            opened(bundle)
        bundle.write_bytes(whole)
        with zipfile.ZipFile(bundle, "a") as archive, archive.open("photos", "w", force_zip64=True) as file:
            for _ in range(24):
                file.write(bytes(1024**2))
        with locked(repository := opened(bundle), LockKind.SHARED, purpose="copy", now=now):
            repository.store.put(chunk_name("ab" * 32), b"1")
        assert repository.store.size("photos") == 24 * 1024**2
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_nothing_beside_a_bundle_leads_away(bundle: Path, tmp_path: Path) -> None:
    """A link in the place of the directory in which it is written is named, and what it leads to is left alone."""
    outside = tmp_path / "outside"
    (outside / "locks").mkdir(parents=True)
    for name in ("mine.tmp", f".{'0' * 32}.tmp", "locks/mine.tmp"):
        (outside / name).write_bytes(b"mine")
    beside, before = bundle.with_name(f".{bundle.name}.writing"), fingerprint(outside)
    beside.symlink_to(outside)
    for name, operation in OPERATIONS.items():
        if name in ("write", "prune", "repair"):
            with pytest.raises(DamageError, match=r"\.writing is a symbolic link"):
                operation(opened(bundle))
        else:
            operation(opened(bundle))
    with pytest.raises(DamageError, match=r"\.writing is a symbolic link"):
        BundleStore(bundle).put("x", b"1")
    beside.unlink()
    beside.mkdir()
    (beside / "locks").symlink_to(outside / "locks")
    with pytest.raises(DamageError, match="locks is a symbolic link"):
        OPERATIONS["prune"](opened(bundle))
    assert fingerprint(outside) == before


def test_a_directory_is_no_bundle(tmp_path: Path) -> None:
    """The kind of repository that it is gets named."""
    with pytest.raises(DamageError, match="is a directory") as caught:
        Repository.open(BundleStore(tmp_path), create=True)
    assert "type: local" in caught.value.hint


def test_a_bomb_is_not_inflated(bundle: Path) -> None:
    """A small member that would become far larger than such a file can be is refused before it is read, and one that
    lies about its size takes no more memory than it claims."""
    name = "backups/20261120T020000Z-other-business/manifest.json"
    with zipfile.ZipFile(bundle, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(20_000_000))
    store = BundleStore(bundle)
    with pytest.raises(DamageError, match="has 20000000 bytes; such a file has 20000 at most"):
        store.get(name, limit=20_000)
    rewrite_entry(name, 24, struct.pack("<I", 15_000))(bundle)
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match="does not inflate to 15000 bytes"):
            store.get(name, limit=20_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_every_flipped_byte_of_a_chunk_is_found(bundle: Path) -> None:
    """Damage is named by chunk, backup and table; no change is built on it; a repair takes away what is hurt."""
    repository = opened(bundle)
    manifest = repository.manifest(repository.labels()[0])
    table, chunk = next(iter(manifest.stored_chunks))
    member = contents.contents_of(bundle).members[chunk_name(chunk.id)]
    content = bytearray(bundle.read_bytes())
    content[member.at + 30 + len(member.name) + member.stored // 2] ^= 8
    bundle.write_bytes(content)
    report = check(opened(bundle), progress=SilentProgress())
    (finding,) = report.findings
    assert chunk.id in finding.message
    assert f"at byte {member.at}" in finding.message
    assert manifest.metadata.label in finding.labels
    assert table in finding.tables
    repository = opened(bundle)
    with (
        pytest.raises(DamageError, match="nothing was changed") as caught,
        locked(repository, LockKind.SHARED, purpose="copy", now=now),
    ):
        repository.store.put("checks/20261128T020000Z-00000000.json", b"{}")
    assert "--repair" in caught.value.hint
    assert bundle.read_bytes() == content
    repository = opened(bundle)
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=now) as lock:
        found = check(repository, progress=SilentProgress()).findings
        repair(repository, plan_repair(found), lock=lock)
    assert check(opened(bundle), progress=SilentProgress()).findings == ()


@pytest.mark.parametrize("seed", range(40 if EVERYTHING else 6))
def test_no_byte_can_be_changed_unseen(bundle: Path, seed: int) -> None:
    """A bundle of which bytes are changed, left out or added gives its true rows or an error, never anything else."""
    source, before = Random(seed), bundle.read_bytes()
    for _ in range(40):
        content = bytearray(before)
        at = source.randrange(len(content))
        match source.randrange(3):
            case 0:
                content[at] ^= 1 << source.randrange(8)
            case 1:
                del content[at : at + source.randrange(1, 200)]
            case _:
                content[at:at] = source.randbytes(source.randrange(1, 200))
        bundle.write_bytes(content)
        try:
            repository = opened(bundle)
            (label,) = repository.labels()
            rows = rows_of(repository, repository.manifest(label))
        except (PlaybackError, ValueError):
            continue
        assert rows == {name: b"".join(each) for name, each in ROWS.items()}


KILLED = """
import io, os, pathlib, random, shutil, sys
from tests.storage.hostile import OPERATIONS, fingerprint
from tests.storage.operations import copy_between
from toolkit.private import files
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.local import LocalStore

base, tries, parent = pathlib.Path(sys.argv[1]), int(sys.argv[2]), os.getpid()
left, make = [10**9], files.created

def step():
    left[0] -= 1
    if left[0] < 0 and os.getpid() != parent:
        os._exit(9)

class Dying(io.FileIO):
    def write(self, data):
        if left[0] == 0:
            super().write(bytes(data)[: len(data) // 2])
        step()
        return super().write(data)

def created(path, folder=None):
    raw = make(path, folder).detach()
    descriptor = os.dup(raw.fileno())
    raw.close()
    return io.BufferedWriter(Dying(descriptor, "wb"))

def watch(event, args):
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        step()

def copy(kind, at):
    place = base / f"{kind}-{at}"
    shutil.copytree(base / kind, place)
    if (child := os.fork()) == 0:
        left[0] = at
        copy_between(LocalStore(base / "near"), BundleStore(place / "shop.playback"))
        (base / "steps").write_text(str(at - left[0]))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

files.created = created
sys.addaudithook(watch)
for kind in ("new", "there"):
    assert copy(kind, 10**6) == 0
    steps = range(int((base / "steps").read_text()))
    for at in random.Random(kind).sample(steps, min(tries, len(steps))):
        print(kind, at, copy(kind, at))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed at once as a copy of another one only")
def test_killed_at_every_write(directory: Repository, bundle: Path, tmp_path: Path) -> None:
    """Whatever write, rename or removal a copy dies at, in the middle of it, too: the bundle is the old one or the new
    one, and the next copy makes it complete and leaves nothing else behind."""
    for kind in ("new", "there"):
        (tmp_path / kind).mkdir()
    shutil.copy(bundle, tmp_path / "there")
    before = {"new": None, "there": bundle.read_bytes()}
    write_backup(directory, {"orders": some_rows(300, seed=7)})
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(10_000 if EVERYTHING else 4)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert len(done.stdout.splitlines()) >= 8
    for line in done.stdout.splitlines():
        kind, at, status = line.split()
        path = tmp_path / f"{kind}-{at}" / "shop.playback"
        assert status == "9", f"step {at} did not kill it"
        if (path.read_bytes() if path.exists() else None) != before[kind]:
            assert len(opened(path).labels()) == 2
        copy_between(directory.store, BundleStore(path))
        assert opened(path).labels() == directory.labels()
        expect_whole(path)


@slow_only
def test_between_a_bundle_and_a_bucket(directory: Repository, moto_repository: S3Repository, tmp_path: Path) -> None:
    """What goes from a bucket into a bundle and from there into another repository is the same backup."""
    bucket, path = S3Store(moto_repository), tmp_path / "shop.playback"
    copy_between(directory.store, bucket)
    copy_between(bucket, BundleStore(path))
    back = S3Store(structs.replace(moto_repository, prefix="back"))
    copy_between(BundleStore(path), back)
    manifests = [Repository.open(store, create=False).manifests().manifests for store in (bucket, back)]
    assert manifests == [directory.manifests().manifests] * 2
