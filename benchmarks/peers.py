"""Backup and restore beside pg_dump and pg_restore: `make benchmark`.

1,000,000 rows in three related tables with hash-like text keys, on one embedded server. Each round runs ours and the
peer's, one after the other, as whole processes; what counts is the ratio of the two within a round, and its median.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable

import psycopg

from benchmarks.process import ROOT, Timing, run
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import EmbeddedServer

HOME = ROOT / ".playback" / "benchmark"

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text NOT NULL, "isDemo" boolean NOT NULL DEFAULT false);
CREATE TABLE orders (
    id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, "orderNumber" text NOT NULL,
    status text NOT NULL, total numeric(12,2) NOT NULL, "createdAt" timestamptz NOT NULL, notes text);
CREATE TABLE items (
    id text PRIMARY KEY, "orderId" text NOT NULL REFERENCES orders, sku text NOT NULL, quantity integer NOT NULL,
    price numeric(12,2) NOT NULL, attributes jsonb NOT NULL);
CREATE INDEX ON orders ("shopId");
CREATE INDEX ON items ("orderId");
"""

ROWS = """
INSERT INTO shops SELECT md5('shop' || i), 'Shop ' || i FROM generate_series(1, 20) i;
INSERT INTO orders SELECT md5('order' || i), md5('shop' || 1 + i % 20), 'ORD-' || i,
    (ARRAY['OPEN', 'PAID', 'CLOSED'])[1 + i % 3], i / 7.0, timestamptz '2026-01-01' + i * interval '1 minute',
    CASE WHEN i % 4 > 0 THEN 'note ' || md5(i::text) END FROM generate_series(1, {orders}) i;
INSERT INTO items SELECT md5('item' || i), md5('order' || 1 + i % {orders}), 'SKU-' || i % 5000, 1 + i % 9,
    i % 1000 / 9.0, jsonb_build_object('colour', i % 12, 'size', md5((i % 100)::text))
    FROM generate_series(1, {items}) i;
"""

CATALOG = """
catalog: benchmark
schema: public
tenant: {table: shops, key: id, label: name, demo: isDemo}
business:
  sales:
    shops: tenant
    orders: {owned_by: [shopId]}
    items: {owned_by: [orderId]}
"""


def playbook(name: str, action: dict[str, object]) -> list[str]:
    """The command that runs one action on the benchmark's hosts."""
    file = HOME / f"{name}.yml"
    file.write_text(json.dumps([{"name": name, "hosts": name, "tasks": [{"name": name, **action}]}]), encoding="utf-8")
    return [sys.executable, "-m", "invoke", "run", str(file), "--inventory", str(HOME / "inventory")]


def prepare(server: EmbeddedServer, rows: int) -> None:
    """Make the source, the empty schema and the control directory."""
    folder = HOME / "inventory" / "catalogs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.yml").write_text(CATALOG, encoding="utf-8")
    databases = {"backup": "source", "restore": "target"}
    hosts = {
        name: {"database": server.conninfo(database, "postgres"), "catalog": "benchmark", "repository": "local"}
        for name, database in databases.items()
    }
    (HOME / "inventory" / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    stores = {"local": {"type": "local", "path": str(HOME / "repository")}}
    (HOME / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    for name in ("source", "empty", "target"):
        server.drop_database(name)
    with psycopg.connect(server.create_database("empty")) as connection:
        connection.execute(SCHEMA)
    orders = rows // 4
    with psycopg.connect(server.create_database("source", template="empty"), autocommit=True) as connection:
        connection.execute(ROWS.format(orders=orders, items=rows - orders - 20).encode())
        connection.execute("VACUUM (ANALYZE, FREEZE)")


def rounds(number: int, ours: Callable[[], Timing], peer: Callable[[], Timing]) -> tuple[list[Timing], list[Timing]]:
    """Ours and the peer's in turn, beginning with another one each round."""
    mine: list[Timing] = []
    theirs: list[Timing] = []
    for turn in range(number):
        for side in (0, 1) if turn % 2 else (1, 0):
            (mine if side else theirs).append(ours() if side else peer())
    return mine, theirs


def report(name: str, peer: str, mine: list[Timing], theirs: list[Timing]) -> None:
    """One row of the result."""
    ratios = sorted(a.seconds / b.seconds for a, b in zip(mine, theirs, strict=True))
    print(
        f"{name:8} {statistics.median(t.seconds for t in mine):7.2f} s   "
        f"{peer:44} {statistics.median(t.seconds for t in theirs):7.2f} s   "
        f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})   "
        f"peak memory {max(t.memory for t in mine) / 2**20:.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Run the comparison and print a row for backup and one for restore."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows in all (default 1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    options = parser.parse_args()
    server = embedded.start(ROOT / ".playback" / "benchmark-server")
    prepare(server, options.rows)
    source, target = server.conninfo("source", "postgres"), server.conninfo("target", "postgres")
    dump = HOME / "peer.dump"

    def backup() -> Timing:
        shutil.rmtree(HOME / "repository", ignore_errors=True)
        return run(playbook("backup", {"backup": {"job": "benchmark"}}))

    def pg_dump() -> Timing:
        dump.unlink(missing_ok=True)
        return run([str(server.binaries / "pg_dump"), "-Fc", "-f", str(dump), "--dbname", source])

    def empty_target() -> None:
        server.drop_database("target")
        server.create_database("target", template="empty")
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def restore() -> Timing:
        empty_target()
        wanted = {"from": {"job": "benchmark", "host": "backup"}, "mode": "merge"}
        return run(playbook("restore", {"restore": wanted}))

    def pg_restore() -> Timing:
        empty_target()
        command = ["pg_restore", "--data-only", "--disable-triggers", "--dbname", target, str(dump)]
        return run([str(server.binaries / command[0]), *command[1:]])

    print(f"{options.rows:,} rows, {options.rounds} rounds, {os.cpu_count()} processors, PostgreSQL 18", flush=True)
    report("backup", "pg_dump -Fc", *rounds(options.rounds, backup, pg_dump))
    report("restore", "pg_restore --data-only --disable-triggers", *rounds(options.rounds, restore, pg_restore))


if __name__ == "__main__":
    main()
