"""The action drill: whose turn it is, what is proven and how exactly, what is recorded, and that nothing stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from tests.acting import act, context_of
from tests.conftest import Servers
from tests.control import execute, rows
from tests.product.shop import Shop
from tests.storage.faults import flip_bit
from toolkit.config import inventory
from toolkit.errors import DamageError, InputError, LockedError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.model.proof import Proof, Trial
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.servers.place import alone, place_beside
from toolkit.postgres.session.connection import connect
from toolkit.postgres.verify.alone import rows_alone
from toolkit.storage.chunks import file_of
from toolkit.storage.proofs import proof_of, read_proofs, record_proof
from toolkit.storage.repository import Repository

MORNING = datetime(2026, 11, 20, 2, tzinfo=UTC)
HOLDS = {"name": "both shops are there", "query": "SELECT count(*) FROM shops", "expect": 2}


@pytest.fixture
def shop(tmp_path: Path, servers: Servers, pg18: EmbeddedServer) -> Iterator[Shop]:
    """A shop with backups of two nights, whose scratch databases are made on its own server."""
    name = str(psycopg.conninfo.conninfo_to_dict(servers.database())["dbname"])
    shop = Shop.make(tmp_path, pg18.conninfo(name, user="postgres"), "local")
    for night in range(2):
        shop.change(night)
        shop.run("backup", now=MORNING + timedelta(days=night))
    yield shop
    pg18.drop_database(scratch_of(shop))


def scratch_of(shop: Shop) -> str:
    """The name of the scratch database beside the shop."""
    return f"playback_drill_of_{psycopg.conninfo.conninfo_to_dict(shop.database)['dbname']}"


def there(shop: Shop) -> list[tuple[Any, ...]]:
    """What is there of scratch databases."""
    return rows(shop.database, f"SELECT datname FROM pg_database WHERE starts_with(datname, '{scratch_of(shop)}')")


def drill(shop: Shop, *, hour: int = 80, **arguments: Any) -> Outcome:
    """Drill so many hours after the first backup."""
    return shop.run("drill", now=MORNING + timedelta(hours=hour), on="host", **arguments)


def proofs(shop: Shop) -> list[Proof]:
    """What was tried, by the time."""
    attempts = read_proofs(shop.repository("local")).attempts
    return sorted((each for tried in attempts.values() for each in tried), key=lambda each: each.time)


def proven(shop: Shop) -> tuple[Repository, Manifest]:
    """Record a proof of the latest backup; gives the repository and the backup."""
    repository = shop.repository("local")
    manifest = repository.manifest(max(shop.labels("local")))
    record_proof(repository, proof_of(repository, manifest, Trial(place="here"), now=MORNING))
    return repository, manifest


def test_every_backup_gets_its_turn(shop: Shop) -> None:
    """The oldest that is not proven is restored, compared and recorded; when all are, there is nothing to drill."""
    labels = sorted(shop.labels("local"))
    would = drill(shop, check=True)
    assert would.message == f"would drill {labels[0]}: never tried before, 2 of 2 backups unproven"
    for wrong, message in (
        ({"backups": "newest"}, "say `oldest-unproven`, `random`, `latest` or a label"),
        ({"businesses": "random"}, "say `all`, `random 1`, or a list"),
        ({"businesses": []}, "businesses"),
        ({"businesses": ["a", "c"]}, "has no business c"),
        ({"assertions": [{"name": "x"}]}, "query"),
        ({"backups": "20200101T000000Z-none-business"}, "there is no backup"),
    ):
        with pytest.raises(InputError, match=message):
            drill(shop, **wrong)
    assert (there(shop), proofs(shop)) == ([], [])
    done = [drill(shop, hour=80 + number, assertions=[HOLDS]) for number in range(2)]
    assert [each.facts["label"] for each in done] == labels
    assert not any(each.changed or each.exit_code for each in done)
    assert "402 rows of 2 tables equal, 1 assertion held; 80 h 00 min after it was made" in done[0].message
    assert (done[0].facts["rows"], done[0].facts["rpo"]) == (402, 80 * 3600)
    (first, *_) = recorded = proofs(shop)
    assert [each.label for each in recorded] == labels
    assert (first.whole, first.failure, first.rows, first.age) == (True, "", 402, 80 * 3600)
    assert first.seconds == done[0].facts["rto"] > 0  # type: ignore[operator]
    assert first.assertions[0].holds
    last = drill(shop, hour=90)
    assert (last.message, last.changed, last.exit_code) == (
        "nothing to drill: all 2 backups of shop are proven",
        False,
        0,
    )
    assert drill(shop, job="weekly", check=True).message == "nothing to drill: there is no backup of shop (job weekly)"
    with pytest.raises(InputError, match=r"there is no backup of shop \(job weekly\)"):
        drill(shop, job="weekly")
    # a random one goes on: that which has waited longest
    assert drill(shop, hour=91, backups="random", check=True).facts["label"] == labels[0]
    assert there(shop) == []


def test_backups_that_cannot_be_read_are_not_none(shop: Shop) -> None:
    """Where none of a host's backups can be read, the drill fails as they do: that is not nothing to do."""
    for stored in list(shop.repository("local").store.list("backups/")):
        shop.repository("local").store.put(stored.name, b"{")
    with pytest.raises(DamageError, match="manifest"):
        drill(shop)
    assert proofs(shop) == []


def test_one_business_alone(shop: Shop) -> None:
    """Businesses are taken in turn, each restored alone, with all of its rows and nobody else's."""
    wanted = {"backups": "latest", "businesses": "random 1", "keep": True}
    inside = psycopg.conninfo.make_conninfo(shop.database, dbname=scratch_of(shop))
    turns = []
    for number in range(2):
        done = drill(shop, hour=80 + number, seed=1, **wanted)
        business = str(done.facts["businesses"][0])  # type: ignore[index]
        turns.append(business)
        assert rows(inside, "SELECT id FROM shops") == [(business,)]
        assert rows(inside, 'SELECT DISTINCT "shopId" FROM orders') == [(business,)]
        assert (done.facts["rows"], done.facts["host"]) == (201, f"shop:{scratch_of(shop)}")
    assert sorted(turns) == ["a", "b"]
    assert [(each.businesses, each.rows, each.proves) for each in proofs(shop)] == [
        ((business,), 201, True) for business in turns
    ]
    assert [name for (name,) in there(shop)] == [scratch_of(shop)]
    # who is there beside one business is found without a word of how the rows came there
    catalog = inventory.load(shop.control.directory / "inventory").catalog("application")
    latest = shop.repository("local").manifest(str(done.facts["label"]))
    with connect(shop.database) as connection:
        assert rows_alone(connection, catalog, latest, ["a"]).others == {"orders": 200, "shops": 1}
        assert rows_alone(connection, catalog, latest, ["a", "b"]).others == {}


def test_what_has_to_hold(shop: Shop) -> None:
    """A broken assertion fails the drill, says what it gave, and takes back what was proven before."""
    asked = [
        HOLDS,
        {"name": "by name", "query": "SELECT %(businesses)s::text[] = '{}' AND %(label)s > '2026'", "args": {}},
        {"name": "by place", "query": "SELECT %s::text", "args": ["x"], "expect": "x"},
        {"name": "text of a number", "query": "SELECT 4", "expect": "4"},
        {"name": "one is not true", "query": "SELECT 1"},
        {"name": "null", "query": "SELECT NULL", "expect": None},
        {"name": "two rows", "query": "SELECT id FROM shops"},
        {"name": "writes", "query": "DELETE FROM shops RETURNING true"},
        {"name": "wrong", "query": "SELECT nothing"},
    ]
    repository, latest = proven(shop)
    done = drill(shop, backups="latest", assertions=asked)
    assert (done.exit_code, done.facts["proven"]) == (1, False)
    assert "4 of 9 assertions broken: one is not true; two rows; writes; wrong" in done.message
    found = {each.name: each.found for each in proofs(shop)[-1].assertions if not each.holds}
    assert found["one is not true"] == "it gave 1, not true"
    assert found["two rows"] == "it gave 2 rows of 1 column, not one value"
    assert found["writes"] == "it would write; an assertion only reads"
    assert "nothing" in found["wrong"]
    assert read_proofs(repository).standing(latest).proven is None
    assert there(shop) == []


def test_what_is_not_the_backup(shop: Shop) -> None:
    """Damage is recorded as a failure of the backup; what kept the drill from being carried out is none."""
    repository, manifest = proven(shop)
    execute(shop.database, "ALTER TABLE orders DROP COLUMN notes")
    with pytest.raises(RefusedError, match="notes"):
        drill(shop, hour=81, backups="latest")
    known = read_proofs(repository).standing(manifest)
    assert known.proven is not None
    assert known.hindered is not None
    for businesses in ("all", ["b"]):
        answered = drill(
            shop, hour=82, backups=manifest.metadata.label, businesses=businesses, drop_columns=["orders.notes"]
        )
        assert answered.facts["proven"], answered.message
    execute(shop.database, "ALTER TABLE orders ADD COLUMN notes text")
    chunk = file_of(manifest.tables[0].chunks[0], manifest.packs)
    repository.store.put(chunk, flip_bit(repository.store.get(chunk), 300))
    with pytest.raises(DamageError):
        drill(shop, hour=83, backups="latest")
    known = read_proofs(repository).standing(manifest)
    assert (known.proven, known.hindered, known.failed is not None) == (None, None, True)
    assert there(shop) == []


def test_a_backup_that_asks_for_answers_gives_its_turn_to_the_next(shop: Shop) -> None:
    """Backups from before a migration are told and not proven; the others are drilled, and answers prove old ones."""
    old = sorted(shop.labels("local"))
    execute(shop.database, "ALTER TABLE orders DROP COLUMN notes")
    with pytest.raises(RefusedError, match=f"does not fit backup {old[0]}") as told:
        drill(shop, hour=70)  # there is no other
    assert f"--extra-vars backup={old[0]}" in told.value.hint
    with pytest.raises(RefusedError):
        drill(shop, hour=71)  # both were hindered before: one is tried again, the other waits for its own turn
    assert [(each.label, each.conclusive) for each in proofs(shop)] == [(label, False) for label in (*old, old[0])]
    shop.run("backup", now=MORNING + timedelta(hours=72))
    new = max(shop.labels("local"))
    # a proven one that is passed over costs nothing, one that is not is part of what was to be done
    assert drill(shop, hour=77, backups=old[1], drop_columns=["orders.notes"]).facts["proven"]
    turns = [drill(shop, hour=80 + number, backups="random") for number in range(3)]
    assert [(each.facts["label"], each.facts["proven"], each.exit_code) for each in turns] == [
        (new, True, 0),  # never tried before
        (new, True, 3),
        (new, True, 0),
    ]
    for passed, turn in zip(old, turns[1:], strict=True):
        assert f"{passed} could not be drilled" in "".join(turn.warnings)
    assert there(shop) == []


def test_what_a_drill_would_ask_is_written(shop: Shop) -> None:
    """In check mode a drill writes its questions into the file; filled in, it proves the backup."""
    label, file = min(shop.labels("local")), shop.control.directory / "answers.yml"
    loaded = inventory.load(shop.control.directory / "inventory")
    context = replace(context_of(loaded, "shop", check=True), write_answers=str(file))
    act("drill", {"backups": label}, context)
    assert not file.exists()
    execute(shop.database, "ALTER TABLE orders DROP COLUMN notes")
    act("drill", {"backups": label}, context)
    text = file.read_text(encoding="utf-8")
    assert "# - orders.notes" in text
    file.write_text(text.replace("# - orders.notes", "- orders.notes"), encoding="utf-8")
    assert drill(shop, backups=label, answers="answers.yml").facts["proven"]
    assert there(shop) == []


def test_a_scratch_database_that_somebody_has_changed(shop: Shop) -> None:
    """What was dropped or converted there after the restore proves nothing, whatever answers `verify` has for it."""
    loaded = inventory.load(shop.control.directory / "inventory")
    context = replace(context_of(loaded, "shop"), at_end=lambda name, work: None)
    label = max(shop.labels("local"))
    scratch = {"like": "shop", "on": "host", "name": "drill", "keep": True}
    inside = psycopg.conninfo.make_conninfo(shop.database, dbname=scratch_of(shop))
    verify = {"backup": label, "host": f"shop:{scratch_of(shop)}"}
    restored = act("restore", {"from": label, "mode": "mirror", "scratch": scratch}, context).facts
    execute(inside, "UPDATE orders SET notes = 'lost'")
    assert act("verify", verify | {"convert": {"orders.notes": {"sql": "'lost'"}}}, context).exit_code == 0
    execute(inside, "DROP TABLE orders")
    for after in ({}, {"after": restored}):
        assert act("verify", verify | after | {"drop_tables": ["orders"]}, context).exit_code == 0
    assert proofs(shop) == []


class Interrupting(SilentProgress):
    """Progress during which somebody presses Ctrl-C, when the comparison begins."""

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Interrupt it."""
        if what == "verify":
            raise KeyboardInterrupt


def test_nothing_stays_of_an_interrupted_drill(shop: Shop) -> None:
    """Ctrl-C leaves neither a scratch database nor a record; one that another drill uses is left alone."""
    loaded = inventory.load(shop.control.directory / "inventory")
    context = replace(context_of(loaded, "shop"), progress=Interrupting())
    with pytest.raises(KeyboardInterrupt):
        act("drill", {"on": "host"}, context)
    assert (there(shop), proofs(shop)) == ([], [])
    place = place_beside(shop.database, "shop", like=shop.database)
    with (
        alone(place, scratch_of(shop), doing="using"),
        pytest.raises(LockedError, match="another run is using") as told,
    ):
        drill(shop)
    assert "another name, `name: NAME` in `drill`" in told.value.hint
    assert proofs(shop) == []
