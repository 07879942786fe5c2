"""One table read in parts by several sessions, or processes: always the chunks that one session makes of it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

import psycopg
import pytest
from psycopg import sql

from tests.control import execute, rows
from tests.sweeps import EVERYTHING
from toolkit.planning import chunking
from toolkit.planning.chunking import ChunkSizes, RawChunk, cut
from toolkit.planning.copy_text import key_values, values
from toolkit.planning.row_order import stored_key
from toolkit.planning.seams import Key, joined, piece, seams
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.schema.key_ranges import between, key_ranges
from toolkit.postgres.schema.parts import SplitTable, TablePart
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import Connection, session
from toolkit.postgres.session.readers import Readers

KEYS = {
    "number": ("bigint", "i"),
    "sparse": ("numeric", "(hashint4(i) % 100000) / 7.0 + i * 0.0000001"),
    "float": ("double precision", "CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE ln(i) END"),
    "time": ("timestamptz", "timestamptz '2026-01-01' + hashint4(i) * interval '1 millisecond'"),
    "hash": ("text", "md5(i::text)"),
    "cases": ("text", "chr(65 + i % 26) || chr(97 + i % 7) || to_hex(i)"),
    "padded": ("char(12)", "to_hex(i % 777) || lpad('', i % 3, 'é') || i"),
    "uuid": ("uuid", "md5(i::text)::uuid"),
    "bytes": ("bytea", "decode(md5(i::text), 'hex')"),
}
"""Name of a key → its type, and its values by number."""

HEAD = "CREATE TABLE {} (k1 {}, k2 integer, note text, amount numeric, {})"

SIZES = [ChunkSizes(minimum=1, beyond=20, maximum=400), ChunkSizes(minimum=600, beyond=1200, maximum=2500)]


def schema_of(source: random.Random) -> Iterator[str]:
    """Tables with each kind of key, alone, as a part of a key, or with no key at all; some are partitioned."""
    for name, (plain, value) in KEYS.items():
        form = source.choice(["PRIMARY KEY (k1)", "PRIMARY KEY (k2, k1)", "UNIQUE (k1)", "CHECK (true)"])
        kind = f"{plain} NOT NULL" if form.startswith("UNIQUE") else plain
        table = f'"{name}"'
        partitioned = name in ("number", "hash", "time") and source.random() < 0.5
        yield HEAD.format(table, kind, form) + (" PARTITION BY HASH (k1)" if partitioned else "")
        for part in range(3 if partitioned else 0):
            yield f'CREATE TABLE "{name} {part}" PARTITION OF {table} FOR VALUES WITH (MODULUS 3, REMAINDER {part})'
        # without a key there are NULLs, and rows that are equal
        shown = f"CASE WHEN i % 5 > 0 THEN {value} END" if form.startswith("CHECK") else value
        count = source.choice([0, 3, 300, 1500])
        yield (
            f"INSERT INTO {table} SELECT {shown}, i % {source.choice([1, 2, 40])},"
            f" repeat(md5(i::text), i % {source.choice([2, 5])}), i % 9 / 8.0"
            f" FROM generate_series(1, {count}) i ORDER BY {source.choice(['i', 'hashint4(i)'])}"
        )


class Reading:
    """A session with a snapshot of a database, with others beside it."""

    def __init__(self, leader: Connection, conninfo: str) -> None:
        self.leader = leader
        self.conninfo = conninfo
        self.workspace = Workspace(leader, read_schema(leader, ("public",)))
        self.workspace = Workspace(leader, self.workspace.schema, measured=list(self.workspace.schema.tables))

    def whole(self, query: Sql) -> list[RawChunk]:
        """Give the chunks of a query that one session reads."""
        with closing(read_copies(self.leader, [query])) as copies:
            return list(cut(batch for _, batch in copies))

    def query(self, name: str, within: Sql | None = None) -> Sql:
        """Give the query of a table, or of a range of it."""
        table = self.workspace.schema.tables[name]
        return rows_query(table, self.workspace.relations[name], None, within=within)

    def ranges(self, name: str, parts: int) -> list[Sql]:
        """Give ranges of a table."""
        return key_ranges(self.leader, self.workspace.schema.tables[name], self.workspace.relations[name], parts)

    def in_parts(self, queries: Sequence[Sql], sessions: int, *, shuffled: random.Random | None = None) -> Made:
        """Read parts by so many sessions; gives their chunks, each with the thread that made it."""
        table = SplitTable("t", queries, lambda raw: (raw, threading.get_ident()))
        jobs = list(table.parts)
        if shuffled:
            shuffled.shuffle(jobs)
        readers = Readers[TablePart](
            self.leader, self.conninfo, sessions=sessions, look=lambda: None, note=lambda _: None
        )
        begun, together = set[int](), threading.Barrier(min(sessions, len(jobs)))

        def work(connection: Connection, part: TablePart) -> None:
            if threading.get_ident() not in begun:  # or the first would be done before the others are there
                begun.add(threading.get_ident())
                together.wait(120)
            part.table.read(connection, part.place)

        readers.run([], jobs, work)
        return table.made

    def apart(self, name: str, queries: Sequence[Sql]) -> list[bytes]:
        """Read parts one by one, none of which hears of another, and then what lies between; gives the chunks."""
        table = self.workspace.schema.tables[name]
        order = [column.name for column in table.stored_columns]
        positions = tuple(order.index(column.name) for column in stored_key(table))
        pieces = []
        for place, query in enumerate(queries):
            with closing(read_copies(self.leader, [query], partly=True)) as copies:
                batches = (batch for _, batch in copies)
                last = place == len(queries) - 1
                key = partial(key_values, positions=positions)
                pieces.append(piece(batches, first=not place, last=last, key=key, make=lambda raw: raw))
        found = seams(pieces)
        spans = [(bound(seam.after), bound(seam.until)) for seam in found]
        made = self.whole(self.query(name, between(table, spans))) if found else []
        return [raw.data for raw in joined(pieces, found, made, lambda raw: key_values(raw.last_row, positions))]


def bound(key: Key) -> tuple[str, ...]:
    """The values of a key."""
    return tuple(value or "" for text in key for value in values(f"{text}".encode()))


Made = list[tuple[RawChunk, int]]


@contextmanager
def leading(conninfo: str) -> Iterator[Reading]:
    """A leader with a snapshot."""
    with session(conninfo, application="parts") as leader:
        leader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        yield Reading(leader, conninfo)


@pytest.mark.parametrize("seed", range(40) if EVERYTHING else [1])
def test_parts_give_the_chunks_of_the_whole(
    seed: int, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random tables under all kinds of keys, read by one, two and four sessions in up to six parts, in any order, or
    part by part without a word between them."""
    source = random.Random(seed)
    conninfo = new_database()
    execute(conninfo, *schema_of(source), "ANALYZE")
    shared = compared = 0
    with leading(conninfo) as reading:
        for name in [name for name in reading.workspace.schema.tables if " " not in name]:
            monkeypatch.setattr(chunking, "FORMAT_1", source.choice(SIZES))
            whole = reading.whole(reading.query(name))
            for sessions in (1, 2, 4):
                ranges = reading.ranges(name, source.randrange(2, 7))
                if ranges:
                    queries = [reading.query(name, each) for each in ranges]
                    made = reading.in_parts(queries, sessions, shuffled=source)
                    assert [raw for raw, _ in made] == whole, name
                    assert reading.apart(name, queries) == [raw.data for raw in whole], name
                    compared += len(made) > 1
                    shared += len({thread for _, thread in made}) > 1
    assert compared
    assert shared


def numbers(reading: Reading, bounds: Sequence[int]) -> list[Sql]:
    """Ranges of the key of table t between numbers."""
    limits = zip((-1, *bounds), (*bounds, 10**6), strict=True)
    condition = sql.SQL("t.n >= {} AND t.n < {}")
    return [reading.query("t", condition.format(sql.Literal(low), sql.Literal(high))) for low, high in limits]


NUMBERS = (
    "CREATE TABLE t (n bigint PRIMARY KEY, note text)",
    "INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 20000) i",
)


def test_ranges_need_not_be_alike(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts without rows, of a few rows without a border, and of nearly all rows make up the same chunks."""
    monkeypatch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=1000, beyond=3000, maximum=16000))
    conninfo = new_database()
    execute(conninfo, *NUMBERS)
    with leading(conninfo) as reading:
        whole = reading.whole(reading.query("t"))
        many = sorted(random.Random(1).sample(range(20000), 20))
        for bounds in ([0, 0, 10**5], [1, 2, 3, 15000, 15001, 19999], many):
            for sessions in (1, 3):
                assert [raw for raw, _ in reading.in_parts(numbers(reading, bounds), sessions)] == whole
            assert reading.apart("t", numbers(reading, bounds)) == [raw.data for raw in whole]


def test_a_part_without_a_border_is_read_on(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more is read than may be held, whoever reads the part before reads the part as well."""
    monkeypatch.setattr("toolkit.postgres.schema.parts.OPENING_BYTES", 20_000)
    monkeypatch.setattr("toolkit.planning.seams.OPENING_BYTES", 20_000)
    monkeypatch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=1000, beyond=10**9, maximum=16000))
    conninfo = new_database()
    execute(conninfo, *NUMBERS)
    with leading(conninfo) as reading:
        made = reading.in_parts(numbers(reading, [5000, 12000]), 3)
        assert [raw for raw, _ in made] == reading.whole(reading.query("t"))
        assert len({thread for _, thread in made}) == 1
        whole = [raw.data for raw in reading.whole(reading.query("t"))]
        assert reading.apart("t", numbers(reading, [5000, 12000])) == whole
        for seed in range(5):  # one session, which has to go on after a part that it left
            alone = reading.in_parts(numbers(reading, [5000, 12000]), 1, shuffled=random.Random(seed))
            assert [raw.data for raw, _ in alone] == whole


def test_parts_that_are_kept_from_a_lock_are_read_by_the_leader(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody waits for an exclusive lock: readers give their parts back, and the leader makes the same chunks."""
    monkeypatch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=1000, beyond=3000, maximum=16000))
    conninfo = new_database()
    execute(conninfo, *NUMBERS)
    with leading(conninfo) as reading, psycopg.connect(conninfo) as other:
        whole = reading.whole(reading.query("t"))
        waiting = threading.Thread(target=lambda: other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE"))
        waiting.start()
        while not rows(conninfo, "SELECT FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"):
            time.sleep(0.01)
        made = reading.in_parts(numbers(reading, [5000, 12000]), 3)
        assert [raw for raw, _ in made] == whole
        assert {thread for _, thread in made} == {threading.get_ident()}
        reading.leader.execute("ROLLBACK")
        waiting.join()
