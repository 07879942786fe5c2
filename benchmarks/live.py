"""100,000 records mirrored into a database in use: `make benchmark-live`.

One business of the reference application (`embedded:demo-medium`, with 100,000 further orders of that business) is
restored out of a backup of everything, while another session writes in another business. The whole process is timed:
reading and checking the backup, plan, proof and all.
"""

from __future__ import annotations

import threading
import time

import psycopg

from benchmarks.process import ROOT, run
from benchmarks.scales import play, prepare
from toolkit.model.host import EmbeddedDatabase
from toolkit.postgres.servers import embedded

RECORDS = 100_000
OURS, THEIRS = "biz-umoja-grill", "biz-blaze-hardware"

FILL = """
INSERT INTO orders ("id", "businessId", "orderNumber", "status", "total", "updatedAt")
SELECT 'live-' || n, %s, 'live-' || n, (SELECT "status" FROM orders LIMIT 1), n, now()
FROM generate_series(1, %s) n ON CONFLICT DO NOTHING
"""

DISTURB = """
DELETE FROM orders WHERE "id" LIKE 'live-%' AND length("id") % 2 = 0;
UPDATE orders SET "total" = "total" + 1, "customerNote" = 'changed' WHERE "id" LIKE 'live-%';
"""

WRITE = """
INSERT INTO orders ("id", "businessId", "orderNumber", "status", "total", "updatedAt")
SELECT 'other-' || md5(random()::text), %s, md5(random()::text), "status", 1, now() FROM orders LIMIT 1
"""


def main() -> None:
    """Fill, back up, disturb every record of the business, mirror it back; print times."""
    prepare("medium")
    server = embedded.start(embedded.directory_of(ROOT, EmbeddedDatabase("demo-medium")))
    conninfo = server.conninfo("demo-medium")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(FILL, [OURS, RECORDS])
        run(play("medium", "live-backup", {"backup": {"demo": "include", "job": "live"}}))
        connection.execute(DISTURB)
        connection.execute("ANALYZE orders")
    stop, writes, waits = threading.Event(), [0], [0.0]
    writer = threading.Thread(target=_write, args=(conninfo, stop, writes, waits))
    writer.start()
    restore = {"from": {"job": "live", "host": "medium"}, "businesses": [OURS], "mode": "mirror"}
    try:
        timing = run(play("medium", "live-restore", {"restore": restore}))
    finally:
        stop.set()
        writer.join()
    again = run(play("medium", "live-restore", {"restore": restore}))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DELETE FROM orders WHERE \"id\" LIKE 'live-%' OR \"id\" LIKE 'other-%'")
    print(f"{RECORDS} records mirrored: {timing.seconds:.1f} s, {timing.memory / 2**20:.0f} MiB; 600 s were the target")
    print(f"{writes[0]} writes of another business meanwhile, the longest waited {waits[0]:.1f} s")
    print(f"once more, with nothing to do: {again.seconds:.1f} s")


def _write(conninfo: str, stop: threading.Event, writes: list[int], waits: list[float]) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not stop.is_set():
            begun = time.monotonic()
            connection.execute(WRITE, [THEIRS])
            writes[0] += 1
            waits[0] = max(waits[0], time.monotonic() - begun)
            time.sleep(0.02)


if __name__ == "__main__":
    main()
