"""A scratch restore beside `pg_restore -j2` into a new database: `make benchmark-scratch`.

The rows of `make benchmark`. Each round runs ours twice, on an embedded server of its own, which it starts and stops,
and beside the original, and pg_restore once, one after the other, as whole processes. Ours ends with the proof that
every row is the backup's; what counts is the ratio within a round, and its median.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable

import psycopg

from benchmarks.peers import HOME, playbook, prepare, report
from benchmarks.process import ROOT, Timing, run
from toolkit.postgres.servers import embedded


def main() -> None:
    """Run the comparison and print a row for each place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows in all (default 1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    options = parser.parse_args()
    server = embedded.start(ROOT / ".playback" / "benchmark-server")
    prepare(server, options.rows)
    dump = HOME / "peer.dump"
    dump.unlink(missing_ok=True)
    run([str(server.binaries / "pg_dump"), "-Fc", "-f", str(dump), "--dbname", server.conninfo("source", "postgres")])
    run(playbook("backup", {"backup": {"job": "benchmark"}}))

    def scratch(place: str) -> Callable[[], Timing]:
        made = {"like": "backup", "on": place, "keep": True}
        wanted = {"from": {"job": "benchmark"}, "mode": "mirror", "scratch": made}
        return lambda: settled(lambda: run(playbook("backup", {"restore": wanted})))

    def pg_restore() -> Timing:
        server.drop_database("target")
        server.create_database("target")
        command = ["pg_restore", "-j2", "--no-owner", "--dbname", server.conninfo("target", "postgres"), str(dump)]
        return settled(lambda: run([str(server.binaries / command[0]), *command[1:]]))

    def settled(work: Callable[[], Timing]) -> Timing:
        server.drop_database("playback_scratch_of_source")
        shutil.rmtree(ROOT / ".playback" / "scratch" / "data", ignore_errors=True)
        embedded.start(ROOT / ".playback" / "scratch")
        embedded.stop(ROOT / ".playback" / "scratch")
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        return work()

    print(f"{options.rows:,} rows, {options.rounds} rounds, {os.cpu_count()} processors, PostgreSQL 18", flush=True)
    taken: dict[str, list[Timing]] = {"embedded": [], "host": [], "": []}
    for turn in range(options.rounds):
        for place in sorted(taken, reverse=bool(turn % 2)):
            taken[place].append(scratch(place)() if place else pg_restore())
    for place in ("embedded", "host"):
        report(place, "pg_restore -j2 into a new database", taken[place], taken[""])


if __name__ == "__main__":
    main()
