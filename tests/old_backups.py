"""Backups as the application that came before wrote them: JSON, made of rows whose every value is known.

What is written shares no code with what reads it: the text of a value is made here from a Python value, in one of the
ways that such files have it, and after an import and a restore the server has to give that Python value back.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.adapt import Loader
from psycopg.types.datetime import TimestampLoader, TimestamptzLoader

Row = dict[str, Any]
TEXTS = (
    "plain",
    "",
    " blanks around ",
    'quotes " and \\ backslashes \\n',
    "lines\nand\ttabs\r\n",
    "ünïcödé 名前 🗝",
    "\x01\x1f\x7f\u2028",
    "null",
    "\\N",
    "\\.",
    "{braces} [brackets], and: colons",
    "</script> \\u0041 /slashes/",
)
DOCUMENTS: tuple[Any, ...] = (
    {},
    [],
    {"a": [1, 2.5, {"b": None}], "ü": 'x"y\\z', "": False},
    "a text",
    17,
    True,
    [[], {"deep": {"er": ["🗝", "{", "]"]}}],
)
LEGACY = """
CREATE TABLE legacy_files (
    "id" text PRIMARY KEY, "businessId" text NOT NULL REFERENCES businesses, "content" bytea, "ratio" real,
    "weight" double precision, "amount" numeric, "price" numeric(10,2), "opens" time(3), "day" date, "waits" interval,
    "tags" text[], "sizes" integer[], "big" bigint, "document" json, "reference" uuid, "code" char(4),
    "label" varchar(12), "zoned" timestamptz(3), "created_at" timestamp(3), "flag" boolean
)
"""
"""A table with what the reference application has none of."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of a table: column → type, its primary key, and the columns that mean something to others."""

    types: Mapping[str, str]
    key: tuple[str, ...]
    bound: frozenset[str]


def columns_of(connection: psycopg.Connection, table: str) -> Columns:
    """Ask the server for the columns of a table; bound are those of keys, foreign keys and conditions."""
    types: dict[str, str] = dict(
        connection.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f'"{table}"'],
        ).fetchall()
    )
    keys = connection.execute(
        "SELECT contype::text, a.attname::text FROM pg_constraint k, unnest(k.conkey) WITH ORDINALITY AS u(n, place)"
        " JOIN pg_attribute a ON a.attnum = u.n AND a.attrelid = %s::regclass"
        " WHERE k.conrelid = %s::regclass ORDER BY k.oid, u.place",
        [f'"{table}"', f'"{table}"'],
    ).fetchall()
    indexed = connection.execute(
        "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
        " AND a.attnum = ANY (i.indkey) WHERE i.indrelid = %s::regclass AND i.indisunique",
        [f'"{table}"'],
    ).fetchall()
    bound = {name for kind, name in keys if kind != "n"} | {name for (name,) in indexed}
    return Columns(types, tuple(name for kind, name in keys if kind == "p"), frozenset(bound))


class _Timestamps(TimestampLoader):
    """Reads times; what Python has no time for stays a text."""

    def load(self, data: Any) -> Any:
        """Read one."""
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _ZonedTimestamps(TimestamptzLoader):
    """The same for times with a zone."""

    def load(self, data: Any) -> Any:
        """Read one."""
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _Real(Loader):
    """Reads a number as the double that a real is."""

    def load(self, data: Any) -> float:
        """Read one."""
        number: float = struct.unpack("f", struct.pack("f", float(bytes(data))))[0]
        return number


def connected(conninfo: str) -> psycopg.Connection:
    """Connect for reading rows as Python values."""
    connection = psycopg.connect(conninfo)
    connection.execute("SET TimeZone = 'UTC'")
    connection.adapters.register_loader("timestamp", _Timestamps)
    connection.adapters.register_loader("float4", _Real)
    connection.adapters.register_loader("timestamptz", _ZonedTimestamps)
    return connection


def read_table(connection: psycopg.Connection, table: str) -> list[Row]:
    """Give all rows of a table as Python values, in the order of their keys as texts."""
    key = columns_of(connection, table).key
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
    return sorted(rows, key=lambda row: [str(row[name]) for name in key])


def varied(rows: Sequence[Row], columns: Columns, random: Random, *, one_in: int) -> list[Row]:
    """Give rows with other values in columns that nothing depends on."""
    made = []
    for row in rows:
        new = dict(row)
        for name, kind in columns.types.items():
            # what other columns of rules, and of references that no key declares, look at stays
            if name in columns.bound or name.endswith(("Id", "By", "Type")) or random.randrange(one_in):
                continue
            value = another(kind, random)
            if value is not None:
                new[name] = value
        made.append(new)
    return made


def another(kind: str, random: Random) -> Any:
    """Give a value of a type; None for types that have no others here."""
    base = kind.partition("(")[0]
    size = [int(number) for number in re.findall(r"\d+", kind)]
    makers: dict[str, Callable[[], Any]] = {
        "text": lambda: random.choice(TEXTS),
        "character varying": lambda: random.choice(TEXTS)[: size[0] if size else None],
        "character": lambda: random.choice(("ab  ", "wxyz", "ü🗝  ")),
        "numeric": lambda: _scaled(random, *size) if size else _decimal(random),
        "timestamp": lambda: _instant(random),
        "timestamp with time zone": lambda: _instant(random).replace(tzinfo=UTC),
        "json": lambda: random.choice(DOCUMENTS),
        "jsonb": lambda: random.choice(DOCUMENTS),
        "integer": lambda: random.randrange(-(2**31), 2**31),
        "smallint": lambda: random.randrange(0, 100),
        "bigint": lambda: random.choice((2**63 - 1, -(2**63), 2**53 + 1, 0, random.randrange(10**12))),
        "text[]": lambda: [random.choice((*TEXTS, None)) for _ in range(random.randrange(4))],
        "integer[]": lambda: [random.choice((1, -5, None)) for _ in range(random.randrange(4))],
        "bytea": lambda: random.randbytes(random.randrange(40)),
        "real": lambda: random.choice((0.5, -2.0, 1.100000023841858)),
        "double precision": lambda: random.choice((random.random() * 1e9, 0.1, 1e300, -5e-324)),
        "date": lambda: _instant(random).date(),
        "time": lambda: _instant(random).time(),
        "interval": lambda: timedelta(seconds=random.randrange(10**6)),
        "uuid": lambda: UUID(int=random.getrandbits(128)),
    }
    if base == "timestamp" and "with time zone" in kind:
        base = "timestamp with time zone"
    maker = makers.get(base)
    return maker() if maker else None


def _scaled(random: Random, precision: int, scale: int) -> Decimal:
    return Decimal(random.randrange(-(10**precision) + 1, 10**precision)).scaleb(-scale)


def _decimal(random: Random) -> Decimal:
    return Decimal(random.getrandbits(120)).scaleb(-random.randrange(30))


def _instant(random: Random) -> datetime:
    begun = datetime(1999, 1, 1)  # noqa: DTZ001  # a column without a zone
    return begun + timedelta(milliseconds=random.randrange(10**12))


def text_of(value: Any, kind: str, random: Random) -> str:
    """Give a value as JSON text, in one of the ways that old files have it."""
    if value is None or kind in ("json", "jsonb") or isinstance(value, bool):
        return dumped(value)
    if isinstance(value, int | float | Decimal):
        return _number(value, kind, random)
    if isinstance(value, list):
        return f"[{','.join(text_of(each, kind.removesuffix('[]'), random) for each in value)}]"
    if isinstance(value, bytes):
        buffer = f'{{"type":"Buffer","data":[{",".join(map(str, value))}]}}'
        return buffer if random.randrange(4) else dumped(f"\\x{value.hex()}")
    return dumped(_written(value, random))


def _number(value: int | float | Decimal, kind: str, random: Random) -> str:
    if isinstance(value, float):
        return repr(value)
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    as_text = kind.startswith(("bigint", "numeric")) and random.randrange(2)
    return dumped(text) if as_text else text


def _written(value: Any, random: Random) -> str:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC)
        naive, zone = moment.replace(tzinfo=None), timezone(timedelta(minutes=random.choice((120, -330, 345))))
        digits = "microseconds" if value.microsecond % 1000 else "milliseconds"
        ways = (
            naive.isoformat(timespec=digits),
            naive.isoformat(sep=" ", timespec=digits),
            moment.astimezone(zone).isoformat(timespec=digits),
            moment.isoformat(timespec=digits).replace("+00:00", "Z"),
        )
        return random.choice((*ways, ways[-1]))
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.000Z" if random.randrange(2) else value.isoformat()
    if isinstance(value, time):
        text = value.isoformat(timespec="milliseconds")
        return f"1970-01-01T{text}Z" if random.randrange(2) else text
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.0f} seconds"
    return str(value)


def dumped(value: Any) -> str:
    """Give JSON as JavaScript writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def camel_case(table: str) -> str:
    """`business_products` as `businessProducts`."""
    first, *others = table.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


@dataclass(slots=True)
class OldBackup:
    """A backup to be: the truth of it, and how it is written.

    Attributes:
        tables: table → rows; tables without rows are models without records, those that are not there are no models.
        columns: of each of them.
        device: those that belong to the device.
        models: table → what its model is called, where not in camelCase.
    """

    tables: dict[str, list[Row]]
    columns: Mapping[str, Columns]
    random: Random
    device: frozenset[str] = frozenset()
    models: Mapping[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def model(self, table: str) -> str:
        """What the model of a table is called."""
        return self.models.get(table) or camel_case(table)

    def section(self, *, device: bool) -> str:
        """Give one section as JSON text."""
        models = (
            f"{dumped(self.model(table))}:[{','.join(self._records(table))}]"
            for table in self.tables
            if (table in self.device) == device
        )
        return f"{{{','.join(models)}}}"

    def _records(self, table: str) -> Iterator[str]:
        types = self.columns[table].types
        for row in self.tables[table]:
            values = ",".join(f"{dumped(name)}:{text_of(row[name], types[name], self.random)}" for name in row)
            yield f"{{{values}}}"

    def first(self) -> str:
        """Give it in format 1, business data alone."""
        return self.section(device=False)

    def second(self) -> str:
        """Give it in format 2.0."""
        business, device = self.section(device=False), self.section(device=True)
        counts = {table in self.device: 0 for table in self.tables}
        for table, rows in self.tables.items():
            counts[table in self.device] += len(rows)
        metadata = {
            "version": "2.0",
            "sourceNodeId": "node-old",
            "sourceDeviceId": "device-old",
            "sourceDeviceName": "The old till",
            "timestamp": "2024-05-01T18:00:00.000Z",
            "createdBy": "somebody",
            "backupType": "full-device" if self.device else "business",
            "businessFilter": {"includeDemoData": True},
            "stats": {
                "totalRecords": sum(counts.values()),
                "totalTables": len(self.tables),
                "businessRecords": counts.get(False, 0),
                "deviceRecords": counts.get(True, 0),
            },
            "schemaVersion": "20240501",
            "checksums": {
                "businessData": _sha256(business),
                **({"deviceData": _sha256(device)} if self.device else {}),
            },
            **self.metadata,
        }
        rest = f',"deviceData":{device}' if self.device else ""
        return f'{{"metadata":{dumped(metadata)},"businessData":{business}{rest}}}'


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write(path: Path, text: str) -> Path:
    """Write a file, compressed where its name says so."""
    data = text.encode()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path
