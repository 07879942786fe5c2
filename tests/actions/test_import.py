"""The action `import` on real databases: what it takes, refuses and puts aside, and what a restore makes of that."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from tests.control import Control, execute, rows
from tests.old_backups import Columns, OldBackup, columns_of, connected, dumped, read_table, varied, write
from tests.sweeps import SEED, slow_only
from toolkit.app.commands import backups, show
from toolkit.app.control import Control as Directory
from toolkit.app.performing import perform
from toolkit.errors import ExitCode, PlaybackError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.storage.quarantine import quarantines, read_rows

SCHEMA = (
    "CREATE TYPE kind AS ENUM ('NEW', 'USED')",
    "CREATE DOMAIN money_amount AS numeric(8,2) CHECK (VALUE >= 0)",
    "CREATE TABLE tenants (id text PRIMARY KEY, name text NOT NULL, demo boolean)",
    'CREATE TABLE shop_products (id text PRIMARY KEY, "tenantId" text NOT NULL REFERENCES tenants, name varchar(20),'
    " price numeric(10,2) NOT NULL, kind kind NOT NULL DEFAULT 'NEW', created_at timestamp(3) NOT NULL DEFAULT now(),"
    ' "documentBody" jsonb, amount money_amount, code text UNIQUE, CHECK (price >= 0))',
    'CREATE TABLE order_lines (id bigint PRIMARY KEY, "productId" text REFERENCES shop_products,'
    " number integer NOT NULL)",
    'CREATE TABLE shop_files (id text PRIMARY KEY, "tenantId" text NOT NULL REFERENCES tenants, content bytea,'
    " ratio real, weight double precision, amount numeric, opens time(3), day date, waits interval, tags text[],"
    " sizes integer[], big bigint, document json, reference uuid, code char(4), zoned timestamptz(3), flag boolean,"
    " doubled bigint GENERATED ALWAYS AS (big / 2) STORED)",
    "CREATE TABLE notes (id integer PRIMARY KEY DEFERRABLE, body text)",
    "CREATE TABLE registers (id text PRIMARY KEY, place text)",
    "CREATE TABLE sessions (id text PRIMARY KEY)",
)
CATALOG = json.dumps(
    {
        "catalog": "application",
        "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
        "business": {
            "all": {
                "tenants": "tenant",
                "shop_products": {"owned_by": ["tenantId"]},
                "order_lines": {"owned_by": ["productId"]},
                "shop_files": {"owned_by": ["tenantId"]},
                "notes": "shared",
            }
        },
        "device": {"all": {"registers": {}}},
        "transient": {"all": {"sessions": {}}},
        "models": {"Memo": "notes"},
    }
)
TENANTS = [{"id": "t1", "name": "One", "demo": False}, {"id": "t2", "name": "Two", "demo": True}]
PRODUCT = {"id": "p1", "tenantId": "t1", "name": "Tea", "price": "1.50", "kind": "USED"}


@dataclass
class Shop:
    """A control directory with the host `model`, whose database has the schema; others are made when asked for."""

    control: Control
    new_database: Callable[[], str]

    def empty(self, name: str) -> str:
        """Add a host with the schema and no rows; gives its conninfo."""
        conninfo = psycopg.conninfo.make_conninfo(self.new_database(), user="postgres")
        execute(conninfo, *SCHEMA)
        self.control.add_host(name, conninfo)
        return conninfo

    def take(self, text: str, *, file: str = "old.json", check: bool = False, **arguments: Any) -> Outcome:
        """Import a text."""
        write(self.control.directory / file, text)
        return self.control.run("import", "model", {"file": file, "on": "host", **arguments}, check=check)

    def refusal(self, text: str, **arguments: Any) -> str:
        """Import a text that is refused; gives why, as one text."""
        with pytest.raises(PlaybackError) as caught:
            self.take(text, **arguments)
        assert not self.control.repository_exists
        return str(caught.value)


@pytest.fixture
def shop(tmp_path: Path, new_database: Callable[[], str]) -> Shop:
    made = Shop(Control(tmp_path, catalog=CATALOG), new_database)
    made.empty("model")
    return made


def second(business: dict[str, Any], *, device: dict[str, Any] | None = None, **metadata: Any) -> str:
    """Give a backup in format 2.0, with checksums."""
    parts = {"businessData": business, **({"deviceData": device} if device is not None else {})}
    said = {
        "version": "2.0",
        "sourceNodeId": "node-1",
        "timestamp": "2024-05-01T18:00:00.000Z",
        "backupType": "business" if device is None else "full-device",
        "checksums": {name: hashlib.sha256(dumped(part).encode()).hexdigest() for name, part in parts.items()},
        **metadata,
    }
    return dumped({"metadata": said, **parts})


def truth(shop: Shop, seed: int) -> OldBackup:
    """Give a backup with values of every kind."""
    random = Random(seed)
    with connected(str(shop.control.hosts["model"]["database"])) as connection:
        names = ("tenants", "shop_products", "order_lines", "shop_files", "notes")
        columns = {name: columns_of(connection, name) for name in names}
    columns["shop_files"] = Columns(
        {name: kind for name, kind in columns["shop_files"].types.items() if name != "doubled"},
        columns["shop_files"].key,
        columns["shop_files"].bound,
    )
    blank = {name: dict.fromkeys(columns[name].types) for name in names}
    tables: dict[str, list[dict[str, Any]]] = {
        "tenants": [dict(tenant) for tenant in TENANTS],
        "shop_products": [
            {
                **blank["shop_products"],
                **PRODUCT,
                "id": f"p{number:02}",
                "price": 0,
                "created_at": "2024-01-01 00:00:00",
            }
            for number in range(20)
        ],
        "order_lines": [{"id": 2**62 + number, "productId": f"p{number:02}", "number": number} for number in range(20)],
        "shop_files": [{**blank["shop_files"], "id": f"f{number:02}", "tenantId": "t1"} for number in range(60)],
        "notes": [],
    }
    for name in ("order_lines", "shop_files"):
        tables[name] = varied(tables[name], columns[name], random, one_in=2)
    return OldBackup(tables=tables, columns=columns, random=random, models={"notes": "Memo"})


def comes_back(shop: Shop, first: Manifest) -> None:
    """See that a backup that is exported as json-2.0 and imported again has the same tables, and that checksums fit."""
    exported = {"format": "json-2.0", "backup": first.metadata.label, "file": "out.json.gz"}
    done = shop.control.run("export", "model", exported)
    assert not [line for line in done.warnings if "NULL" in line]
    text = gzip.decompress((shop.control.directory / "out.json.gz").read_bytes()).decode()
    document = json.loads(text)
    assert list(document["businessData"]) == ["Memo", "orderLines", "shopFiles", "shopProducts", "tenants"]
    business = text[text.index('"businessData":') + 15 : text.index(',"metadata":')]
    assert document["metadata"]["checksums"]["businessData"] == hashlib.sha256(business.encode()).hexdigest()
    again = shop.control.run("import", "model", {"file": "out.json.gz", "on": "host", "job": "again"})
    second = shop.control.repository.manifest(str(again.facts["label"]))
    assert {entry.name: entry.digest for entry in second.tables} == {entry.name: entry.digest for entry in first.tables}
    assert second.metadata.checksums == first.metadata.checksums
    assert second.metadata.source_node_id == first.metadata.source_node_id


def test_every_value_is_what_it_was(shop: Shop) -> None:
    """Values of all types, imported and restored, are those of the file, also by way of an export as json-2.0."""
    backup = truth(shop, 1)
    outcome = shop.take(backup.second(), file="old.json.gz", tags=["old"])
    assert outcome.facts["label"] == "20240501T180000Z-test-business"
    manifest = shop.control.repository.manifest(str(outcome.facts["label"]))
    metadata = manifest.metadata
    assert (metadata.source_node_id, metadata.source_device_name, metadata.schema_version, metadata.created_by) == (
        "node-old", "The old till", "20240501", "somebody",
    )  # fmt: skip
    assert manifest.selection.tables["shop_products"].owned == 20
    assert {left.table: left.reason for left in manifest.left_out} == {"registers": "device", "sessions": "transient"}
    target = shop.empty("target")
    shop.control.restore("target", manifest, "merge")
    with connected(target) as connection:
        for table in ("tenants", "order_lines", "shop_files", "notes"):
            found = [
                {name: value for name, value in row.items() if name != "doubled"}
                for row in read_table(connection, table)
            ]
            assert found == backup.tables[table], table
    assert rows(target, "SELECT count(*) FROM shop_products WHERE price = 0 AND kind = 'USED' AND name = 'Tea'") == [
        (20,)
    ]
    assert shop.control.verify("target", manifest).exit_code == 0
    comes_back(shop, manifest)
    # nothing is left of the databases that were made for it
    assert rows(target, "SELECT datname FROM pg_database WHERE datname LIKE '%playback_import%'") == []


def test_a_mirror_leaves_alone_what_the_file_does_not_speak_of(shop: Shop) -> None:
    """Rows of a table whose model is missing stay; those of a model without records go, and the plan says both."""
    target = shop.empty("target")
    execute(
        target,
        "INSERT INTO tenants VALUES ('t1', 'One', false)",
        "INSERT INTO shop_products (id, \"tenantId\", price) VALUES ('p1', 't1', 1), ('p2', 't1', 2)",
        "INSERT INTO shop_files (id, \"tenantId\") VALUES ('f1', 't1')",
        "INSERT INTO notes VALUES (1, 'stays')",
        "INSERT INTO order_lines VALUES (1, 'p1', 1)",
        "INSERT INTO registers VALUES ('r1', 'stays')",
    )
    outcome = shop.take(dumped({"tenants": TENANTS[:1], "shopProducts": [PRODUCT], "shopFiles": []}))
    manifest = shop.control.repository.manifest(str(outcome.facts["label"]))
    assert {left.table for left in manifest.left_out if left.reason == "file"} == {"order_lines", "notes"}
    assert (manifest.metadata.source_node_id, manifest.metadata.backup_type) == ("migrated-v1-unknown", "business")
    planned = shop.control.restore("target", manifest, "mirror", check=True)
    assert "2 tables are not in the imported file and not touched: notes, order_lines" in planned.warnings
    with pytest.raises(PlaybackError, match=r"has left notes \(not in the imported file\) out"):
        shop.control.restore("target", manifest, "mirror", check=True, tables=["notes"])
    shop.control.restore("target", manifest, "mirror")
    assert rows(target, "SELECT id FROM shop_products") == [("p1",)]
    assert rows(target, "SELECT price FROM shop_products") == [(Decimal("1.50"),)]
    left = {
        name: rows(target, f"SELECT id FROM {name}") for name in ("shop_files", "notes", "order_lines", "registers")
    }
    assert left == {"shop_files": [], "notes": [(1,)], "order_lines": [(1,)], "registers": [("r1",)]}


def test_no_mirror_deletes_rows_whose_records_were_put_aside(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """What the file had and the backup could not take stays, with what hangs on it, and everything says so."""
    target = shop.empty("target")
    there = (
        "INSERT INTO tenants VALUES ('t1', 'One', false)",
        "INSERT INTO shop_products (id, \"tenantId\", price) VALUES ('p1', 't1', 1), ('p2', 't1', 2), ('p3', 't1', 3)",
        "INSERT INTO shop_files (id, \"tenantId\") VALUES ('f1', 't1')",
        "INSERT INTO order_lines VALUES (1, 'p1', 1), (2, 'p2', 2)",
    )
    execute(target, *there)
    text = dumped(
        {
            "tenants": TENANTS[:1],
            "shopProducts": [PRODUCT, {**PRODUCT, "id": "p2", "price": "1.505"}],
            "orderLines": [{"id": number, "productId": f"p{number}", "number": 1} for number in (1, 2)],
            "shopFiles": [],
        }
    )
    outcome = shop.take(text, on_error="quarantine", check=True)
    assert outcome.exit_code == ExitCode.PARTIAL
    # however many columns the file does not give, it is one sentence
    (told,) = (line for line in outcome.warnings if "default" in line)
    assert told.startswith("4 columns are (shop_products.amount (1 row), ")
    outcome = shop.take(text, on_error="quarantine")
    assert outcome.exit_code == ExitCode.PARTIAL
    aside = "2 records (order_lines 1, shop_products 1)"
    manifest = shop.control.repository.manifest(str(outcome.facts["label"]))
    runs: tuple[tuple[bool, dict[str, Any]], ...] = ((True, {}), (False, {}), (False, {"businesses": ["t1"]}))
    for check, wanted in runs:
        execute(target, "TRUNCATE tenants CASCADE", *there)
        done = shop.control.restore("target", manifest, "mirror", check=check, **wanted)
        said = "\n".join((*done.details, *done.warnings))
        why = "records of shop_products were put aside when the file was imported"
        assert f"kept shop_products: 2 rows: {why}, e.g. p2, p3" in said
        assert "kept order_lines: 1 row: records of order_lines were put aside" in said
        assert f"put aside when the file was imported: {aside}; rows of these tables" in said
        assert rows(target, "SELECT id FROM shop_products ORDER BY id") == [("p1",), ("p2",), ("p3",)]
        assert rows(target, "SELECT id FROM order_lines ORDER BY id") == [(1,), (2,)]
    # a table that lost no record to the import is mirrored as ever
    assert rows(target, "SELECT id FROM shop_files") == []
    drilled = shop.control.run("drill", "model", {"on": "host"})
    assert f"; not in it: {aside} put aside when its file was imported" in drilled.message
    exported = shop.control.run(
        "export", "model", {"format": "json-2.0", "backup": manifest.metadata.label, "file": "x"}
    )
    assert f"{aside} of the imported file that were put aside" in "\n".join((*exported.details, *exported.warnings))
    directory = Directory(directory=shop.control.directory)
    assert perform(show.COMMAND, show.Options(label=(manifest.metadata.label,)), directory) == 0
    shown = capsys.readouterr().out
    assert f"{aside} of the file, which are not in the backup" in shown
    assert "left out: not in the imported file: notes" in " ".join(shown.split())
    assert perform(backups.COMMAND, backups.Options(), directory) == 0
    assert "business, demo included, 2 records put aside" in capsys.readouterr().out


def test_nothing_is_lost_that_belongs_through_what_is_missing(shop: Shop) -> None:
    """Where the file lacks the table through which rows have their owners, no mirror deletes them for it."""
    target = shop.empty("target")
    execute(
        target,
        "INSERT INTO tenants VALUES ('t1', 'One', false)",
        "INSERT INTO shop_products (id, \"tenantId\", price) VALUES ('p1', 't1', 1)",
        "INSERT INTO order_lines VALUES (1, 'p1', 1), (2, 'p1', 2)",
    )
    outcome = shop.take(dumped({"tenants": TENANTS[:1], "orderLines": [{"id": 1, "productId": "p1", "number": 9}]}))
    assert any("which the file has no rows of: 1 row of the file lead nowhere" in line for line in outcome.warnings)
    manifest = shop.control.repository.manifest(str(outcome.facts["label"]))
    with pytest.raises(RefusedError, match="rows of order_lines belong to businesses through shop_products"):
        shop.control.restore("target", manifest, "mirror", businesses=["t1"])
    done = shop.control.restore("target", manifest, "mirror")
    assert "ownership of order_lines passes through such tables: rows that the backup lacks stay" in done.warnings
    assert rows(target, "SELECT id, number FROM order_lines ORDER BY id") == [(1, 9), (2, 2)]


FAULTY: dict[str, Any] = {
    "Tenants": TENANTS,
    "shopProducts": [
        PRODUCT,
        {**PRODUCT, "id": "p2", "price": "abc"},
        {**PRODUCT, "id": "p3", "price": 1.234},
        {**PRODUCT, "id": "p4", "kind": "OLD"},
        {**PRODUCT, "id": "p5", "colour": "red"},
        {**PRODUCT, "id": "p6", "orders": [{"id": 1}]},
        {**PRODUCT, "id": "p7", "name": 7},
        {**PRODUCT, "id": "p8", "name": "longer than twenty characters"},
        {"id": "p9", "tenantId": "t1"},
        {**PRODUCT, "id": "p10", "price": -1, "created_at": "2024-01-01T00:00:00.000Z"},
        PRODUCT,
        {**PRODUCT, "id": "p11", "createdAt": "2024-02-30T00:00:00.000Z"},
        {**PRODUCT, "id": "p12", "createdAt": "now"},
        {**PRODUCT, "id": "p13", "name": "a\0b"},
        {**PRODUCT, "id": "p14", "amount": -5},
        {**PRODUCT, "id": "p15", "tenantId": "nobody"},
        {**PRODUCT, "id": "p16", "price": None},
        {**PRODUCT, "id": "p17", "created_at": "2024-01-01T00:00:00Z", "createdAt": "2024-01-01T00:00:00Z"},
        17,
    ],
    "orderLines": [
        {"id": 1, "productId": "p1", "number": 1},
        {"id": 2, "productId": "p15", "number": 1},
        {"id": 3, "productId": "p1", "number": 1.5},
        {"id": "9223372036854775808", "productId": "p1", "number": 1},
    ],
    "shopFiles": [
        {"id": "f1", "tenantId": "t1", "content": {"type": "Buffer", "data": [256]}},
        {"id": "f2", "tenantId": "t1", "content": "aGVsbG8="},
        {"id": "f3", "tenantId": "t1", "day": "2024-01-01T12:00:00Z"},
        {"id": "f4", "tenantId": "t1", "tags": "red"},
        {"id": "f5", "tenantId": "t1", "flag": "true"},
        {"id": "f6", "tenantId": "t1", "ratio": 0.123456789},
    ],
    "widgets": [{"id": 1}],
    "sessions": [{"id": "s1"}],
}
REASONS = (
    'shopProducts.price: a number is needed, not "abc" (record 2, key p2, byte ',
    "widgets: no table is called so; name its table under `models` of the catalog file (byte ",
    "shopProducts.colour: table shop_products has no such column (record 5, key p5, byte ",
    "shopProducts.orders: a list is nested here, as in the oldest backups, and table shop_products has no such column",
    "shopProducts.name: a text is needed, not a number (record 7, key p7, byte ",
    "shopProducts.price: the field is missing, and column price has to have a value (record 9, key p9, byte ",
    "shopProducts: an object is needed for each record (record 19, byte ",
    "shopProducts.createdAt: both created_at and createdAt mean column created_at",
    "shopProducts.kind: invalid input value for enum kind",
    'shopProducts: duplicate key value violates unique constraint "shop_products_pkey" (Key (id)=(p1) already',
    'shopProducts: new row for relation "shop_products" violates check constraint "shop_products_price_check"',
    "shopProducts.amount: value for domain money_amount violates check constraint",
    "shopFiles.content: bytes are",
    "shopFiles.day: a day is needed, and this is a time of a day",
    "shopFiles.tags: malformed array literal",
    'shopFiles.flag: true or false is needed, not "true"',
    "shopFiles.ratio: it has more digits than the column holds",
    "orderLines.number: a whole number is needed, not 1.5",
    'orderLines.id: value "9223372036854775808" is out of range for type bigint',
)


def test_everything_that_is_wrong_is_listed_at_once(shop: Shop) -> None:
    """Every fault is named by model, field, record, key and byte; check mode says the same; nothing is written."""
    notes = [{"id": 1, "body": "a"}, {"id": 1, "body": "b"}]
    wrong: dict[str, Any] = {"stats": {"totalRecords": 3, "deviceRecords": 0}, "checksums": {"businessData": "0" * 64}}
    text = second({**FAULTY, "Memo": notes}, **wrong)
    said = shop.refusal(text)
    for reason in REASONS:
        assert reason in said
    assert "metadata.stats.totalRecords: it says 3, and the file has 35" in said
    assert "Memo.id: several records have it, and notes_pkey lets only one (key 1)" in said
    assert "metadata.checksums.businessData: businessData is not what was written: its SHA-256 is another one" in said
    assert "metadata.stats.deviceRecords" not in said
    assert shop.refusal(text, check=True) == said


def test_what_cannot_be_taken_is_put_aside(shop: Shop) -> None:
    """With `on_error: quarantine` the sound records are a backup, and every other one is kept with its reason."""
    text = second(FAULTY)
    outcome = shop.take(text, on_error="quarantine")
    assert outcome.exit_code == ExitCode.PARTIAL
    manifest = shop.control.repository.manifest(str(outcome.facts["label"]))
    kept = {entry.name: entry.rows for entry in manifest.tables}
    assert kept == {"tenants": 2, "shop_products": 1, "order_lines": 1, "shop_files": 0}
    assert outcome.facts["quarantined"] == {"shop_products": 18, "order_lines": 3, "shop_files": 6, "widgets": 1}
    (found,) = quarantines(shop.control.repository)
    aside = list(read_rows(shop.control.repository, found))
    assert len(aside) == 28
    assert {"colour": "red", "price": "1.50"}.items() <= next(row for row in aside if row.key == "p5").columns.items()
    waiting = next(row for row in aside if row.table == "order_lines" and row.key == "2")
    assert (waiting.waits_for, waiting.sqlstate) == ("shop_products p15", "23503")
    assert any("1 record of sessions not taken: table sessions is transient" in line for line in manifest.warnings)


def test_the_scope_is_the_files_own(shop: Shop) -> None:
    """Rows that the file's own scope does not take are a fault, and the tenants must be in the file."""
    business = {"tenants": TENANTS, "shopProducts": [PRODUCT, {**PRODUCT, "id": "p2", "tenantId": "t2"}]}
    said = shop.refusal(second(business, businessFilter={"includeDemoData": False}))
    assert "shopProducts: the scope that the file says it has does not take it (key p2)" in said
    assert "tenants: the file has no model of the tenant table" in shop.refusal(dumped({"shopProducts": []}))
    outcome = shop.take(
        second({"tenants": TENANTS, "shopProducts": [PRODUCT]}, device={"registers": [{"id": "r", "place": "x"}]})
    )
    assert outcome.facts["businesses"] == ["t1", "t2"]
    assert shop.control.repository.manifest(str(outcome.facts["label"])).metadata.stats.device_records == 1


MUTATIONS: dict[str, Callable[[dict[str, Any], Random], None]] = {
    "a number where a text is": lambda row, random: row.update(name=random.randrange(9)),
    "a text where a number is": lambda row, random: row.update(price=random.choice(("", "1,5", "x", "1 000", "0x10"))),
    "an object where a text is": lambda row, random: row.update(name={"first": "a"}),
    "a list where a number is": lambda row, random: row.update(price=[1]),
    "true where a text is": lambda row, random: row.update(name=True),
    "a field that is no column": lambda row, random: row.update({random.choice(("colour", "Name", "tenantid")): 1}),
    "nested records": lambda row, random: row.update(lines=[{"id": 1}]),
    "a nested record": lambda row, random: row.update(tenant={"id": "t1"}),
    "no value where one is needed": lambda row, random: row.update(price=None),
    "a required field is missing": lambda row, random: row.pop(random.choice(("price", "tenantId", "id"))),
    "a label that is none": lambda row, random: row.update(kind=random.choice(("new", "", "NEWER", None))),
    "a text that is too long": lambda row, random: row.update(name="x" * random.randrange(21, 99)),
    "a number with too many places": lambda row, random: row.update(price=f"1.{random.randrange(1, 9):03}"),
    "a number that is too large": lambda row, random: row.update(price=10 ** random.randrange(8, 20)),
    "a number that a check refuses": lambda row, random: row.update(price=-random.randrange(1, 9)),
    "a day that is none": lambda row, random: row.update(created_at=f"2024-02-{random.randrange(30, 99)}T00:00:00Z"),
    "a word for a time": lambda row, random: row.update(created_at=random.choice(("now", "today", "epoch", ""))),
    "a finer time": lambda row, random: row.update(created_at="2024-01-01T00:00:00.0001Z"),
    "a number for a time": lambda row, random: row.update(created_at=random.randrange(2**40)),
    "a key that leads nowhere": lambda row, random: row.update(tenantId=random.choice(("t9", "", "T1", "t1 "))),
    "a key that is there twice": lambda row, random: row.update(id=f"p{random.randrange(5)}"),
    "a unique value that is there twice": lambda row, random: row.update(code="same"),
    "a text with the character 0": lambda row, random: row.update(name="a\0"),
    "a column twice": lambda row, random: row.update(createdAt="2024-01-01T00:00:00Z"),
}


EACH = 11
"""How many records, or files, of each kind of mutation there are."""


def mutated(kind: str, number: int, random: Random) -> dict[str, Any]:
    """A record with something done to it."""
    row = {**PRODUCT, "id": f"m{number}", "created_at": "2024-01-01T00:00:00.000Z", "code": None}
    MUTATIONS[kind](row, random)
    return row


def sound() -> list[dict[str, Any]]:
    """Records that are as they should be."""
    return [{**PRODUCT, "id": f"p{number}", "code": None if number else "same"} for number in range(5)]


def test_no_mutated_record_is_taken_silently(shop: Shop) -> None:
    """Of hundreds of records to which something was done every one is put aside, and none of the others."""
    random = Random(SEED)
    kinds = [kind for kind in MUTATIONS for _ in range(EACH)]
    wrong = [mutated(kind, number, random) for number, kind in enumerate(kinds)]
    text = second({"tenants": TENANTS, "shopProducts": [*sound(), *wrong]})
    outcome = shop.take(text, on_error="quarantine")
    (found,) = quarantines(shop.control.repository)
    aside = [row.key for row in read_rows(shop.control.repository, found)]
    left = [kind for kind, row in zip(kinds, wrong, strict=True) if "id" in row and str(row["id"]) not in aside]
    assert not left
    assert (outcome.facts["rows"], outcome.facts["quarantined"]) == (7, {"shop_products": len(wrong)})


@slow_only
@pytest.mark.parametrize("kind", MUTATIONS)
def test_no_mutated_file_is_taken_silently(shop: Shop, kind: str) -> None:
    """A file with a single record to which something was done is refused, and the record is named."""
    random = Random(SEED)
    for number in range(EACH):
        products = [*sound(), mutated(kind, number, random)]
        said = shop.refusal(second({"tenants": TENANTS, "shopProducts": products}), check=True)
        assert "shopProducts" in said
        assert "record 6" in said or f"key m{number}" in said, (products[5], said)
