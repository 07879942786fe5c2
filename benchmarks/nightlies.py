"""What ten nightly backups cost in space: `make benchmark-nightlies`.

Backs up the demo at scale `medium` ten times into one repository, with 1 % of all rows changed in between, and sets
what the repository holds in the end beside the sum of ten full backups. Which rows change could decide the result, so
it is done twice: once as a business changes its data, mostly what is new; once with rows drawn evenly from all there
is.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from benchmarks.process import ROOT, run
from benchmarks.scales import HOME, play
from toolkit import demo
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

Draw = Callable[[random.Random, int], int]
"""Gives the position of a row that changes, 0 being the newest of so many."""


def recent(source: random.Random, rows: int) -> int:
    """Four of five changes hit the newest tenth, one hits any row."""
    return source.randrange(max(1, rows // 10)) if source.random() < 0.8 else source.randrange(rows)


def even(source: random.Random, rows: int) -> int:
    """Any row."""
    return source.randrange(rows)


TABLES = """
SELECT c.relname, coalesce(
    max(a.attname) FILTER (WHERE a.attname = 'updatedAt'),
    min(a.attname) FILTER (WHERE a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype)))
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey))
GROUP BY c.relname ORDER BY c.relname
"""
"""Every table, and a time in it that is part of no key; NULL where there is none."""


def change(conninfo: str, share: float, draw: Draw, source: random.Random) -> int:
    """Change a day's rows, that share of all: a time in each moves by a second; gives how many."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        columns = {table: column for table, column in connection.execute(TABLES).fetchall() if column}
        rows: list[tuple[str, str, str]] = []
        for table, column in columns.items():
            query = sql.SQL("SELECT {}::text, {}, ctid::text FROM {}")
            names = sql.Identifier(column), sql.Literal(table), sql.Identifier(table)
            rows += [(time_ or "", name, place) for time_, name, place in connection.execute(query.format(*names))]
        rows.sort(reverse=True)
        drawn = set[int]()
        while len(drawn) < len(rows) * share:
            drawn.add(draw(source, len(rows)))
        for table, column in columns.items():
            places = [rows[position][2] for position in sorted(drawn) if rows[position][1] == table]
            statement = sql.SQL("UPDATE {0} SET {1} = {1} + interval '1 second' WHERE ctid = ANY (%s::tid[])")
            connection.execute(statement.format(sql.Identifier(table), sql.Identifier(column)), [places])
    return len(drawn)


def prepare(server: EmbeddedServer) -> None:
    """Make the inventory and, once, the database that every run begins with."""
    (HOME / "inventory" / "catalogs").mkdir(parents=True, exist_ok=True)
    catalog = ROOT / "inventory" / "catalogs" / "multi-business.yml"
    shutil.copy(catalog, HOME / "inventory" / "catalogs")
    hosts = {
        name: {"database": server.conninfo(name, "postgres"), "catalog": "multi-business", "repository": name}
        for name in ("recent", "even")
    }
    (HOME / "inventory" / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    stores = {name: {"type": "local", "path": str(HOME / "nightlies" / name)} for name in hosts}
    (HOME / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    if not server.has_database("base"):
        demo.load(server.create_database("draft"), scale="medium")
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("ALTER DATABASE draft RENAME TO base")


def nightlies(server: EmbeddedServer, draw: Draw, nights: int, share: float) -> None:
    """Run the nights of one kind and print what they cost."""
    name = draw.__name__
    shutil.rmtree(HOME / "nightlies" / name, ignore_errors=True)
    server.drop_database(name)
    server.create_database(name, template="base")
    source, seconds, changed = random.Random(1), 0.0, 0
    for night in range(nights):
        changed += change(server.conninfo(name, "postgres"), share, draw, source) if night else 0
        began = time.monotonic()
        run(play(name, f"nightly-{name}", {"backup": {"demo": "include", "job": "nightly"}}))
        seconds += time.monotonic() - began
    repository = Repository.open(LocalStore(HOME / "nightlies" / name), create=False)
    files = {file.name: file.size for file in repository.store.list()}
    described = sum(size for file, size in files.items() if file.startswith("backups/"))
    full = sum(m.metadata.stats.compressed_size for m in repository.manifests().manifests.values()) + described
    total = sum(files.values())
    print(
        f"{name:8} {nights} backups, {changed / max(1, nights - 1):,.0f} rows changed in between: "
        f"{total / 2**20:.2f} MiB stored ({described / 2**20:.2f} MiB of it manifests), "
        f"{nights} full ones {full / 2**20:.2f} MiB, {total / full:.0%}; {seconds / nights:.1f} s a night",
        flush=True,
    )


def main() -> None:
    """Run both kinds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=10, help="backups (default 10)")
    parser.add_argument("--percent", type=float, default=1, help="of all rows, how many change in between (default 1)")
    options = parser.parse_args()
    server = embedded.start(ROOT / ".playback" / "nightlies-server")
    prepare(server)
    for draw in (recent, even):
        nightlies(server, draw, options.nights, options.percent / 100)


if __name__ == "__main__":
    main()
