"""One business, or one table, of the reference application is restored in place while others go on writing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.control import Control, execute, rows
from tests.restore.laboratory import SUPERUSER
from tests.sweeps import EVERYTHING, sampled

ROUNDS = 4 if EVERYTHING else 1
PAUSE = 0.02
"""Seconds between two steps of a writer, as an application has them; without any the test only waits for processors."""

DANGLING = """
SELECT format('SELECT %L, count(*) FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s)', f.conname,
       f.conrelid::regclass, string_agg(format('c.%I IS NOT NULL', a.attname), ' AND '), f.confrelid::regclass,
       string_agg(format('c.%I = p.%I', a.attname, b.attname), ' AND '))
FROM pg_constraint f, unnest(f.conkey, f.confkey) AS k(child, parent)
JOIN pg_attribute a ON true JOIN pg_attribute b ON true
WHERE f.contype = 'f' AND a.attrelid = f.conrelid AND a.attnum = k.child AND b.attrelid = f.confrelid
      AND b.attnum = k.parent
GROUP BY f.oid, f.conname, f.conrelid, f.confrelid
"""


@dataclass
class Writer:
    """A session of the application: in one business it makes orders with items, changes and removes them.

    Attributes:
        orders: what it has committed: order → quantities of its items.
        failures: errors that the application would have seen.
    """

    conninfo: str
    business: str
    number: int
    orders: dict[str, list[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    commits: int = 0

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            step = 0
            while not stop.is_set():
                step += 1
                time.sleep(PAUSE)
                try:
                    self._step(connection, step)
                    self.commits += 1
                except psycopg.Error as error:
                    self.failures.append(repr(error))

    def _step(self, connection: psycopg.Connection[tuple[object, ...]], step: int) -> None:
        order = f"live-{self.number}-{step}"
        with connection.transaction():
            connection.execute(
                'INSERT INTO business_orders ("id", "businessId", "orderNumber", "businessType", "subtotal",'
                ' "taxAmount", "totalAmount", "updatedAt") VALUES (%s, %s, %s, %s, 1, 0, 1, now())',
                [order, self.business, order, "shop"],
            )
            connection.execute(
                'INSERT INTO business_order_items ("id", "orderId", "quantity", "unitPrice", "totalPrice")'
                " SELECT %s || '-' || n, %s, n, 1, n FROM generate_series(1, 3) n",
                [order, order],
            )
        self.orders[order] = [1, 2, 3]
        if step % 3 == 0:
            with connection.transaction():
                connection.execute('UPDATE business_order_items SET "quantity" = 9 WHERE "orderId" = %s', [order])
                connection.execute('UPDATE business_orders SET "totalAmount" = 2 WHERE "id" = %s', [order])
            self.orders[order] = [9, 9, 9]
        if step % 5 == 0:
            gone = next(iter(self.orders))
            with connection.transaction():
                connection.execute('DELETE FROM business_order_items WHERE "orderId" = %s', [gone])
                connection.execute('DELETE FROM business_orders WHERE "id" = %s', [gone])
            del self.orders[gone]


@pytest.mark.parametrize("role", sampled(["owner", "superuser"], 1))
def test_a_business_is_mirrored_while_another_is_in_use(
    control: Control, demo_host: Callable[..., str], role: str
) -> None:
    """The others may wait; none of their writes fails or is lost, no foreign key dangles, and the proof holds."""
    conninfo = demo_host("target")
    control.add_host("superuser", psycopg.conninfo.make_conninfo(conninfo, user=SUPERUSER))
    manifest = control.backup("target", demo="include")
    ours, theirs = (
        str(each)
        for (each,) in rows(
            conninfo, 'SELECT "businessId" FROM business_orders GROUP BY 1 ORDER BY count(*) DESC LIMIT 2'
        )
    )
    host = "target" if role == "owner" else "superuser"
    writers = [Writer(conninfo, theirs, number) for number in range(3)]
    stop = threading.Event()
    threads = [threading.Thread(target=writer.run, args=[stop]) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        while not all(writer.commits for writer in writers):
            time.sleep(PAUSE)
        for _ in range(ROUNDS):
            _disturb(conninfo, ours)
            outcome = control.restore(host, manifest, "mirror", businesses=[ours])
            assert outcome.facts["updates"]
            assert outcome.facts["inserts"]
            assert outcome.facts["deletes"]
            assert outcome.facts["untouched"]
        while not all(writer.commits > 3 for writer in writers):
            time.sleep(PAUSE)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [failure for writer in writers for failure in writer.failures] == []
    found: dict[str, list[int]] = {}
    for order, quantity in rows(
        conninfo,
        """SELECT "orderId", "quantity" FROM business_order_items WHERE "orderId" LIKE 'live-%' ORDER BY "id" """,
    ):
        found.setdefault(order, []).append(quantity)
    assert found == {order: quantities for writer in writers for order, quantities in writer.orders.items()}
    for (query,) in rows(conninfo, DANGLING):
        assert rows(conninfo, query)[0][1] == 0, query
    own = control.backup("target", demo="include", businesses=[ours])
    execute(
        conninfo,
        "DELETE FROM business_order_items WHERE \"orderId\" LIKE 'live-%'",
        "DELETE FROM business_orders WHERE id LIKE 'live-%'",
    )
    assert control.verify("target", manifest).facts["tables"] == {}
    assert own.metadata.stats.total_records


def test_one_table_comes_back_while_others_are_in_use(control: Control, demo_host: Callable[..., str]) -> None:
    """The plan stands beside what happened: the table as it was, missing parents added, every other row as before."""
    conninfo = demo_host("target")
    manifest = control.backup("target", demo="include")
    execute(conninfo, _SPOIL)
    before, wanted = _content(conninfo), ["order_items"]
    planned = control.restore("target", manifest, "mirror", check=True, tables=wanted)
    stop, writer = threading.Event(), Writer(conninfo, str(rows(conninfo, _BUSY)[0][0]), 1)
    thread = threading.Thread(target=writer.run, args=[stop])
    thread.start()
    try:
        done = control.restore("target", manifest, "mirror", tables=wanted)
    finally:
        stop.set()
        thread.join()
    assert (writer.failures, done.facts) == ([], planned.facts)
    assert all(done.facts[what] for what in ("inserts", "updates", "deletes"))
    assert done.facts["along"] == {"menu_items": 3}
    after = _content(conninfo)
    others = before.keys() - {"order_items", "menu_items"}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert (len(after["menu_items"] - before["menu_items"]), before["menu_items"] - after["menu_items"]) == (3, set())
    assert f"{len(others)} other tables are proven to be as before" in "\n".join(done.details)
    after_restore = {"backup": manifest.metadata.label, "after": done.facts}
    assert control.run("verify", "target", after_restore).facts["tables"] == {}


_BUSY = 'SELECT "businessId" FROM business_orders GROUP BY 1 ORDER BY count(*) DESC LIMIT 1'

_SPOIL = """
CREATE TEMPORARY TABLE gone AS SELECT DISTINCT "menuItemId" AS id FROM order_items ORDER BY 1 LIMIT 3;
DELETE FROM order_items WHERE "menuItemId" IN (SELECT id FROM gone);
DELETE FROM menu_items WHERE id IN (SELECT id FROM gone);
UPDATE order_items SET quantity = quantity + 1 WHERE id < (SELECT max(id) FROM order_items);
UPDATE menu_items SET name = name || ', dearer now';
INSERT INTO order_items SELECT (jsonb_populate_record(i, '{"id": "typed in"}')).* FROM order_items i LIMIT 1;
"""
"""Deletes rows with what they point at, changes others and adds one; what they point at has changed since, too."""


def _content(conninfo: str) -> dict[str, set[str]]:
    """Every row of every table, but for what a writer has made."""
    tables = [name for (name,) in rows(conninfo, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    content: dict[str, set[str]] = {name: set() for name in tables}
    each = " UNION ALL ".join(f"SELECT '{name}', t::text FROM {name} t" for name in tables)
    for name, text in rows(conninfo, each):
        if "live-" not in text:
            content[name].add(text)
    return content


def _disturb(conninfo: str, business: str) -> None:
    """Change, remove and add rows of a business."""
    execute(
        conninfo,
        f"""DELETE FROM business_order_items
            WHERE "orderId" IN (SELECT "id" FROM business_orders WHERE "businessId" = '{business}')""",
        f"""UPDATE business_orders SET "totalAmount" = "totalAmount" + 1 WHERE "businessId" = '{business}'""",
        f"""INSERT INTO business_orders ("id", "businessId", "orderNumber", "businessType", "subtotal", "taxAmount",
            "totalAmount", "updatedAt") VALUES ('extra', '{business}', 'extra', 'shop', 1, 0, 1, now())""",
    )
