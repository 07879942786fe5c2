"""Packs: small chunks of a backup in one file, used on by later backups, and whole wherever they go."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.operations import rows_of
from tests.storage.samples import Rows, some_rows, write_backup
from toolkit.errors import DamageError, InputError, RefusedError, StorageError
from toolkit.model.check import CheckReport, FindingKind, RepairPlan
from toolkit.model.duration import Duration
from toolkit.model.manifest import Manifest, Pack, Place, seal
from toolkit.model.outcome import SilentProgress
from toolkit.planning.chunking import MIB, RawChunk
from toolkit.planning.packs import used_on
from toolkit.storage import backup_reader, pack_writer
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.bundle.contents import contents_of
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.check import check
from toolkit.storage.chunk_writer import ChunkWriter
from toolkit.storage.copying import Copying
from toolkit.storage.layout import CHUNKS, PACKS, manifest_name, pack_name
from toolkit.storage.local import LocalStore
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.prune import prune
from toolkit.storage.repair import bring_back, plan_repair, repair
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

TABLES = {f"t{number:02}": some_rows(1 + number % 9, seed=number) for number in range(40)}
ALL = 1 << 20


def backup(repository: Repository, rows: Rows = TABLES) -> Manifest:
    """A backup all of whose chunks go into packs."""
    return write_backup(repository, rows, packed=ALL)[0]


def changed(*numbers: int) -> dict[str, list[bytes]]:
    """The tables, those of these numbers with other rows."""
    return TABLES | {f"t{number:02}": some_rows(1 + number % 9, seed=1000 + number) for number in numbers}


def files(repository: Repository) -> set[str]:
    """The files with rows."""
    return {file.name for file in repository.store.list() if file.name.startswith((CHUNKS, PACKS))}


def checked(repository: Repository) -> CheckReport:
    """The report of a check nobody watches."""
    return check(repository, progress=SilentProgress())


def rot(store: Store, pack: str, at: int) -> None:
    """Flip a bit of a byte of a pack."""
    store.put(pack_name(pack), flip_bit(store.get(pack_name(pack)), 8 * at + 3))


def test_small_chunks_stand_in_one_file(repository: Repository) -> None:
    """All of them make one pack, come back, and are counted as what they are; the next backup writes none of them."""
    manifest = backup(repository)
    (pack,) = manifest.packs
    assert files(repository) == {pack_name(pack.id)}
    assert repository.store.size(pack_name(pack.id)) == pack.size == manifest.metadata.stats.compressed_size
    assert rows_of(repository, manifest) == {name: b"".join(rows) for name, rows in TABLES.items()}
    again, stored = write_backup(repository, TABLES, packed=ALL)
    assert again.packs == manifest.packs
    assert not any(chunk.new for chunk in stored)
    report = checked(repository)
    assert (report.findings, report.orphans, report.stored) == ((), 0, pack.size)
    assert report.chunks == len({chunk.id for _, chunk in manifest.stored_chunks})


def test_the_same_chunks_make_the_same_pack(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In whatever order and by however many threads they come, its name and every place in it are the same."""
    first = backup(repository)
    other = Repository.open(LocalStore(tmp_path_factory.mktemp("other")), create=True)
    mixed = dict(random.Random(1).sample(list(TABLES.items()), len(TABLES)))
    second = backup(other, mixed)
    assert first.packs == second.packs
    assert {entry.name: entry for entry in first.tables} == {entry.name: entry for entry in second.tables}


def test_packs_are_bounded(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack takes no further chunk that would make it larger than packs are."""
    monkeypatch.setattr(pack_writer, "PACK_SIZE", 1000)
    manifest = backup(repository)
    assert len(manifest.packs) > 3
    assert all(pack.size <= 1000 for pack in manifest.packs)
    assert sum(pack.size for pack in manifest.packs) == manifest.metadata.stats.compressed_size
    assert rows_of(repository, manifest) == {name: b"".join(rows) for name, rows in TABLES.items()}
    assert checked(repository).findings == ()


def test_what_changes_is_stored_and_the_rest_used_on(repository: Repository) -> None:
    """Only changed chunks are new, in a pack of their own, as long as at least half of the old one is needed."""
    first = backup(repository)
    second, stored = write_backup(repository, changed(8, 17), packed=ALL)
    assert sum(chunk.new for chunk in stored) == 2
    assert set(first.packs) < set(second.packs)
    third, stored = write_backup(repository, changed(*range(32)), packed=ALL)
    assert sum(chunk.new for chunk in stored) > 32  # supporting rows of some tables too
    assert not set(third.packs) & set(first.packs)
    for manifest, rows in ((first, TABLES), (second, changed(8, 17)), (third, changed(*range(32)))):
        assert rows_of(repository, manifest) == {name: b"".join(each) for name, each in rows.items()}
    assert checked(repository).findings == ()


def test_waste_is_bounded(repository: Repository) -> None:
    """However backups follow each other, none needs packs of more than twice the size of its chunks."""
    numbers = random.Random(7)
    rows = dict(TABLES)
    for night in range(6):
        for name in numbers.sample(sorted(rows), 13):
            rows[name] = some_rows(5, seed=100 * night + int(name[1:]))
        manifest = backup(repository, rows)
        assert sum(pack.size for pack in manifest.packs) <= 2 * manifest.metadata.stats.compressed_size
    assert checked(repository).findings == ()


def test_which_packs_are_used_on() -> None:
    """One of which half is needed is, one of which less is not; a chunk in two stands in the one that is needed more;
    many little ones are put together."""

    def place(pack: str, at: int, size: int = 100) -> Place:
        return Place(pack=pack, size=size, at=at, stored=10)

    half = {f"a{number}": [place("half", 10 * number)] for number in range(5)}
    less = {f"b{number}": [place("less", 10 * number)] for number in range(4)}
    both = {"c": [place("less", 90), place("half", 90)]}
    assert used_on(half | less) == {identity: places[0] for identity, places in half.items()}
    assert used_on(half | both)["c"].pack == "half"
    assert used_on(less | both).keys() == {*less, "c"}
    many = {f"d{number}": [place(f"little{number:02}", 0, 10)] for number in range(17)}
    large = {"e": [Place(pack="large", size=MIB, at=0, stored=MIB - 1)]}
    assert used_on(many | large).keys() == {"e"}
    del many["d0"]
    assert used_on(many | large).keys() == {*many, "e"}


def test_what_another_process_stored_is_one_backup_with_the_rest(repository: Repository) -> None:
    """The one that leads decides over all chunks which packs are used on, and names one place for a chunk of both."""
    rows = [b"%d\tvalue\n" % number for number in range(20)]
    raws = [RawChunk(data=row, rows=1, first_row=row, last_row=row) for row in rows]
    whole = backup(repository, {f"t{number:02}": [row] for number, row in enumerate(rows)})
    # each has less than half of the pack
    with ChunkWriter(repository, leads=False, packed=ALL) as helping:
        helped = [helping.submit(raw) for raw in raws[:8]]
    with ChunkWriter(repository, packed=ALL) as leading:
        done = [leading.adopt(each.result()) for each in helped] + [leading.submit(raw) for raw in raws[7:15]]
    assert leading.packs == whole.packs
    assert {each.result().place.pack for each in done if (each.result().place)} == {whole.packs[0].id}  # type: ignore[union-attr]
    new = RawChunk(data=b"new\tvalue\n", rows=1, first_row=b"new\tvalue\n", last_row=b"new\tvalue\n")
    with ChunkWriter(repository, leads=False, packed=ALL) as helping:
        helped = [helping.submit(new)]
    with ChunkWriter(repository, packed=ALL) as leading:
        one, other = leading.adopt(helped[0].result()), leading.submit(new)
        last = leading.submit(raws[0])
    assert one.result().place == other.result().place
    assert (one.result().new, other.result().new, last.result().new) == (True, False, True)
    assert len(leading.packs) == 2


class Counting(FaultyStore):
    """A store that counts what is read of it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.whole: list[str] = []
        self.parts: list[str] = []

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Count, then get."""
        self.whole += [name] if name.startswith(PACKS) else []
        return super().get(name, limit=limit)

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Count, then get a part."""
        self.parts.append(name)
        return super().get_part(name, at, size, limit=limit)


@pytest.mark.parametrize("order", ["as listed", "mixed"])
def test_a_pack_is_read_by_one_request(repository: Repository, order: str) -> None:
    """Whatever the order in which tables are asked for, and when all is checked; a second time it is read again."""
    manifest = backup(repository)
    entries = list(manifest.tables)
    if order == "mixed":
        random.Random(1).shuffle(entries)
    store = Counting(repository.store)
    with BackupReader(Repository(store, repository.id), manifest) as reader:
        for number in (1, 2):
            for entry in entries:
                assert b"".join(reader.rows_of(entry)) == b"".join(TABLES[entry.name])
            assert (len(store.whole), store.parts) == (number, [])
        reader.check(SilentProgress())
        assert (len(store.whole), store.parts) == (3, [])


def test_what_is_held_of_packs_is_bounded(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where packs find no room beside those that wait for their last chunk, chunks are read one by one."""
    monkeypatch.setattr(pack_writer, "PACK_SIZE", 1000)
    monkeypatch.setattr(backup_reader, "IN_FLIGHT", 2500)
    manifest = backup(repository)
    store = Counting(repository.store)
    entries = random.Random(3).sample(list(manifest.tables), len(TABLES))
    with BackupReader(Repository(store, repository.id), manifest) as reader:
        for entry in entries:
            assert b"".join(reader.rows_of(entry)) == b"".join(TABLES[entry.name])
            assert sum(each.load.size for each in reader._fetched.values()) <= 2500
    assert len(store.whole) == len(set(store.whole))
    assert store.parts


def test_of_a_pack_that_is_hardly_needed_parts_are_read(repository: Repository) -> None:
    """Who wants one chunk of many does not read the others."""
    manifest = backup(repository)
    alone = msgspec.structs.replace(manifest, tables=manifest.tables[8:9])
    store = Counting(repository.store)
    with BackupReader(Repository(store, repository.id), alone) as reader:
        assert b"".join(reader.rows_of(manifest.tables[8])) == b"".join(TABLES["t08"])
    assert (store.whole, len(store.parts)) == ([], 1)


@pytest.mark.parametrize("damage", ["cut", "flip", "swap", "missing", "longer"])
def test_damage_is_found_by_every_reader(repository: Repository, damage: str) -> None:
    """A damaged pack is never given back: reading, checking and copying name the tables that are hurt."""
    manifest = backup(repository)
    (pack,), store = manifest.packs, repository.store
    name, hurt = pack_name(pack.id), manifest.tables[8]
    chunk = hurt.chunks[0]
    good = store.get(name)
    if damage == "missing":
        store.delete(name)
    else:
        end = chunk.at + chunk.stored
        store.put(
            name,
            {
                "cut": good[: end - 1],
                "flip": flip_bit(good, 8 * (chunk.at + 20)),
                "swap": good[: chunk.at] + good[: chunk.stored] + good[end:],
                "longer": good + bytes(17 * MIB),
            }[damage],
        )
    with BackupReader(repository, manifest) as reader:
        with pytest.raises(
            DamageError, match=f"table {hurt.name} of backup {manifest.metadata.label}: chunk {chunk.id}"
        ):
            list(reader.rows_of(hurt))
        with pytest.raises(DamageError, match="table t"):
            reader.check(SilentProgress())
    found = {table: finding for finding in checked(repository).findings for table in finding.tables}
    kind = {"cut": "truncated", "missing": "missing"}.get(damage, "altered")
    assert (str(found[hurt.name].kind), found[hurt.name].pack) == (kind, pack.id)
    assert (len(found) == len(TABLES)) == (damage in {"missing", "longer"})


def test_a_pack_that_is_spoilt_where_nobody_needs_it_is_said(repository: Repository) -> None:
    """It is a finding and no damage: no backup is taken away for it."""
    backup(repository)
    second = backup(repository, changed(8))
    (gone,) = [label for label in repository.labels() if label != second.metadata.label]
    first = repository.manifest(gone)
    repository.delete_manifest(gone)
    chunk = first.tables[8].chunks[0]
    rot(repository.store, first.packs[chunk.pack or 0].id, chunk.at + 20)
    report = checked(repository)
    assert [finding.kind for finding in report.findings] == [FindingKind.SPOILT]
    assert not report.damaged
    assert not plan_repair(report.findings)


def repaired(repository: Repository) -> RepairPlan:
    """Check and repair as the command does."""
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: datetime.now(UTC)) as lock:
        plan = plan_repair(checked(repository).findings)
        repair(repository, plan, lock=lock)
    return plan


@pytest.mark.parametrize("missing", [False, True])
def test_a_repair_takes_hurt_backups_alone_and_brings_them_back(repository: Repository, missing: bool) -> None:
    """Backups that need what is whole in a pack stay; the next backup stores anew what was lost, and mends the pack."""
    hurt = backup(repository)
    good = backup(repository, changed(8))
    chunk = hurt.tables[8].chunks[0]
    pack = hurt.packs[0].id
    if missing:
        repository.store.delete(pack_name(pack))
    else:
        rot(repository.store, pack, chunk.at + 20)
    plan = repaired(repository)
    both = [hurt.metadata.label, good.metadata.label]
    assert list(plan.backups) == (both if missing else both[:1])
    assert (plan.chunks, plan.packs) == ((), () if missing else (pack,))
    assert not checked(repository).damaged
    # where the whole pack was lost, only a backup of all of it brings it back
    for rows, back in ((changed(17), [] if missing else both[:1]), (TABLES, both if missing else [])):
        after, _ = write_backup(repository, rows, job="later", packed=ALL)
        assert rows_of(repository, after) == {name: b"".join(each) for name, each in rows.items()}
        with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: datetime.now(UTC)) as lock:
            assert sorted(bring_back(repository, lock=lock)) == back
    assert rows_of(repository, hurt) == {name: b"".join(rows) for name, rows in TABLES.items()}
    assert checked(repository).findings == ()


@pytest.mark.parametrize("lost", [(), (20,)])
def test_a_pack_is_mended_for_all_backups_that_were_hurt(repository: Repository, lost: tuple[int, ...]) -> None:
    """What is damaged in a pack is needed by different backups: each comes back whose chunks stand elsewhere."""
    gone = backup(repository)
    second, third = backup(repository, changed(8, 20)), backup(repository, changed(17))
    good = backup(repository, changed(8, 17, 20))
    repository.delete_manifest(gone.metadata.label)
    pack = gone.packs[0].id
    before = repository.store.get(pack_name(pack))
    for number in (8, 17, 20):
        rot(repository.store, pack, gone.tables[number].chunks[0].at + 20)
    assert set(repaired(repository).backups) == {second.metadata.label, third.metadata.label}
    write_backup(repository, changed(*lost), job="later", packed=ALL)
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: datetime.now(UTC)) as lock:
        back = bring_back(repository, lock=lock)
    whole = [second] if lost else [second, third]
    assert sorted(back) == [each.metadata.label for each in whole]
    assert (repository.store.get(pack_name(pack)) == before) is (not lost)
    for each in (*whole, good):
        assert set(rows_of(repository, each)) == set(TABLES)
    assert not checked(repository).damaged


def test_a_damaged_pack_in_a_bundle_goes(repository: Repository, tmp_path: Path) -> None:
    """A bundle is written anew whenever it is changed, and takes no damaged pack along; the hurt backups alone go."""
    backup(repository)
    path = tmp_path / "carried.playback"
    bundle = Repository.open(BundleStore(path), create=True)
    with locked(bundle, LockKind.EXCLUSIVE, purpose="copy", now=lambda: datetime.now(UTC)):
        copied(repository, bundle)
        good = backup(bundle, {"notes": some_rows(30, 77)})
    (hurt,) = set(bundle.labels()) - {good.metadata.label}
    assert checked(bundle).findings == ()
    member = contents_of(path).members[pack_name(bundle.manifest(hurt).packs[0].id)]
    content = bytearray(path.read_bytes())
    content[member.at + 30 + len(member.name) + member.stored // 2] ^= 8
    path.write_bytes(content)
    assert list(repaired(bundle).backups) == [hurt]
    assert bundle.labels() == [good.metadata.label]
    assert checked(bundle).findings == ()
    assert files(bundle) == {pack_name(pack.id) for pack in good.packs}


def test_prune_removes_packs_that_no_backup_names(repository: Repository) -> None:
    """A pack stays as long as a backup needs a chunk of it, then it goes; a young one is spared."""
    first = backup(repository)
    second = backup(repository, changed(8))
    third = backup(repository, changed(*range(40)))

    def pruned(label: str, grace: Duration) -> int:
        with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=lambda: datetime.now(UTC)) as lock:
            return prune(repository, [label], grace=grace, lock=lock, progress=SilentProgress()).chunks

    assert pruned(first.metadata.label, Duration()) == 0
    assert pruned(second.metadata.label, Duration(hours=1)) == 0
    backup(repository, changed(*range(40)))
    assert pruned(third.metadata.label, Duration()) == 1
    assert files(repository) == {pack_name(pack.id) for pack in third.packs}
    assert checked(repository).findings == ()


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Another repository."""
    return Repository.open(LocalStore(tmp_path_factory.mktemp("elsewhere")), create=True)


def copied(source: Repository, target: Repository) -> list[int]:
    """Copy all; gives how many bytes were sent for each, which is what was planned."""
    copying = Copying(source, target)
    planned = copying.plan(source.labels())
    sent = [copying.send(each.label, SilentProgress()) for each in planned if not each.there]
    assert [each.bytes for each in planned if not each.there] == [each.bytes for each in sent]
    return [each.bytes for each in sent]


def test_packs_are_copied_once(repository: Repository, elsewhere: Repository) -> None:
    """A copy takes whole packs, each once, and is the same backup to the byte; a second copy sends nothing of it."""
    first, second = backup(repository), backup(repository, changed(8))
    sizes = {pack.id: pack.size for pack in second.packs}
    assert copied(repository, elsewhere) == [first.packs[0].size, sum(sizes.values()) - first.packs[0].size]
    third = backup(repository, changed(8, 17))
    assert copied(repository, elsewhere) == [sum(pack.size for pack in set(third.packs) - set(second.packs))]
    for label in repository.labels():
        name = manifest_name(label)
        assert elsewhere.store.get(name) == repository.store.get(name)
    assert files(elsewhere) == files(repository)
    assert checked(elsewhere).findings == ()


def test_a_copy_trusts_no_damaged_pack(repository: Repository, elsewhere: Repository) -> None:
    """One that is hurt where the backup needs it is not sent; one in the target that is hurt there is sent again."""
    first, second = backup(repository), backup(repository, changed(8))
    copying = Copying(repository, elsewhere)
    copying.plan([second.metadata.label])
    copying.send(second.metadata.label, SilentProgress())
    chunk, pack = first.tables[8].chunks[0], first.packs[0].id
    # only the first backup needs it, which is not there yet
    rot(elsewhere.store, pack, chunk.at + 20)
    assert [finding.kind for finding in checked(elsewhere).findings] == [FindingKind.SPOILT]
    good = repository.store.get(pack_name(pack))
    other = second.tables[9].chunks[0]
    rot(repository.store, pack, other.at + 10)
    with pytest.raises(DamageError, match="damaged in both"):
        copied(repository, elsewhere)
    elsewhere.store.delete(pack_name(pack))
    with pytest.raises(DamageError, match=f"table {second.tables[9].name}"):
        copied(repository, elsewhere)
    repository.store.put(pack_name(pack), good)
    copied(repository, elsewhere)
    assert checked(elsewhere).findings == ()


def test_a_pack_that_was_left_behind_is_used_when_it_is_the_same(repository: Repository) -> None:
    """The rerun of a backup that did not come to be writes no second file; one that rotted is written anew."""
    manifest = backup(repository)
    repository.delete_manifest(manifest.metadata.label)
    _, stored = write_backup(repository, TABLES, packed=ALL)
    assert not any(chunk.new for chunk in stored)
    repository.delete_manifest(repository.labels()[0])
    rot(repository.store, manifest.packs[0].id, 30)
    _, stored = write_backup(repository, TABLES, packed=ALL)
    assert sum(chunk.new for chunk in stored) == len({chunk.id for chunk in stored})
    assert files(repository) == {pack_name(manifest.packs[0].id)}
    assert checked(repository).findings == ()


def test_a_backup_is_not_published_without_its_packs(repository: Repository) -> None:
    """A pack that is gone, or has another size, is said before the manifest is there."""
    manifest = backup(repository)
    repository.delete_manifest(manifest.metadata.label)
    name = pack_name(manifest.packs[0].id)
    repository.store.put(name, repository.store.get(name)[:-1])
    with pytest.raises(StorageError, match=name):
        repository.write_manifest(manifest)
    assert repository.labels() == []


def test_what_is_stored_again_is_read_and_checked(repository: Repository) -> None:
    """Where a backup would take chunks over from a pack that rotted, it is not made, and says which chunk."""
    manifest = backup(repository)
    kept = manifest.tables[8].chunks[0]
    rot(repository.store, manifest.packs[0].id, kept.at + 20)
    with pytest.raises(DamageError, match=kept.id):
        backup(repository, {"t08": TABLES["t08"]})
    assert repository.labels() == [manifest.metadata.label]


def test_a_forged_manifest_misleads_nobody(repository: Repository) -> None:
    """Places outside of a pack, and packs that cannot be, are refused; what a damaged manifest says is passed over."""
    manifest = backup(repository)
    (pack,), table = manifest.packs, manifest.tables[8]
    chunk = table.chunks[0]
    replace = msgspec.structs.replace

    def forged(*, packs: tuple[Pack, ...] = manifest.packs, **fields: object) -> Manifest:
        tables = (*manifest.tables[:8], replace(table, chunks=(replace(chunk, **fields),)), *manifest.tables[9:])
        return seal(replace(manifest, tables=tables, packs=packs))

    for wrong in (
        forged(at=pack.size - 1),
        forged(at=-1),
        forged(pack=1),
        forged(pack=-1),
        forged(packs=(pack, pack)),
        forged(packs=(replace(pack, size=17 * MIB),)),
        forged(packs=(replace(pack, id="../playback.json"),)),
    ):
        repository.store.put(manifest_name(manifest.metadata.label), msgspec.json.encode(wrong, order="sorted"))
        with pytest.raises((InputError, RefusedError, DamageError)):
            repository.manifest(manifest.metadata.label)
    unsealed = replace(forged(at=chunk.at - 1 if chunk.at else 1), checksum="0" * 64)
    repository.store.put(manifest_name(manifest.metadata.label), msgspec.json.encode(unsealed, order="sorted"))
    after, _ = write_backup(repository, TABLES, packed=ALL)
    assert rows_of(repository, after) == {name: b"".join(rows) for name, rows in TABLES.items()}
