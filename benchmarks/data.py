"""The databases of the benchmark, as SQL: what they hold, what a catalog file says of it, how copies of them differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """One database.

    Attributes:
        name: how it is called in the table.
        about: what it holds.
        rows: rows at full scale.
        fixed: whether it has these rows at every scale.
        schema: statements that make its tables.
        fill: statements that fill them; `{rows}` and what `counts` gives stand for numbers.
        catalog: the text of its catalog file.
        damage: name of a copy that differs → statements that make it so.
    """

    name: str
    about: str
    rows: int
    fixed: bool = False
    schema: str = ""
    fill: str = ""
    catalog: str = ""
    damage: Mapping[str, str] = field(default_factory=dict)

    def filling(self, rows: int) -> str:
        """Give the statements that fill it with so many rows."""
        orders = max(rows // 4, 20)
        return self.fill.format(rows=rows, orders=orders, items=max(rows - orders - 20, 20))


_SHOP = """
CREATE TABLE shops (id {key} PRIMARY KEY, name text NOT NULL, "isDemo" boolean NOT NULL DEFAULT false);
CREATE TABLE orders (
    id {key} PRIMARY KEY, "shopId" {key} NOT NULL REFERENCES shops, "orderNumber" text NOT NULL,
    status text NOT NULL, total numeric(12,2) NOT NULL, "createdAt" timestamptz NOT NULL, notes text);
CREATE TABLE items (
    id {key} PRIMARY KEY, "orderId" {key} NOT NULL REFERENCES orders, sku text NOT NULL, quantity integer NOT NULL,
    price numeric(12,2) NOT NULL, attributes jsonb NOT NULL);
CREATE INDEX ON orders ("shopId");
CREATE INDEX ON items ("orderId");
"""

_SHOP_ROWS = """
INSERT INTO shops SELECT {shop}, 'Shop ' || i FROM generate_series(1, 20) i;
INSERT INTO orders SELECT {order}, {shop_of_order}, 'ORD-' || i,
    (ARRAY['OPEN', 'PAID', 'CLOSED'])[1 + i % 3], i / 7.0, timestamptz '2026-01-01' + i * interval '1 minute',
    CASE WHEN i % 4 > 0 THEN 'note ' || md5(i::text) END FROM generate_series(1, {{orders}}) i;
INSERT INTO items SELECT {item}, {order_of_item}, 'SKU-' || i % 5000, 1 + i % 9,
    i % 1000 / 9.0, jsonb_build_object('colour', i % 12, 'size', md5((i % 100)::text))
    FROM generate_series(1, {{items}}) i;
"""

_SHOP_CATALOG = """
catalog: {name}
schema: public
tenant: {{table: shops, key: id, label: name, demo: isDemo}}
business:
  sales:
    shops: tenant
    orders: {{owned_by: [shopId]}}
    items: {{owned_by: [orderId]}}
"""

ONE_SHOP = "0b256f56942d6ed3b17c01ea21ecfbda"
"""The id of the fifth shop of A: md5('shop5')."""

_A = Data(
    name="A",
    about="three related tables, text keys that are hashes, jsonb, numeric, indexes",
    rows=2_200_000,
    schema=_SHOP.format(key="text"),
    fill=_SHOP_ROWS.format(
        shop="md5('shop' || i)",
        order="md5('order' || i)",
        shop_of_order="md5('shop' || 1 + i % 20)",
        item="md5('item' || i)",
        order_of_item="md5('order' || 1 + i % {orders})",
    ),
    catalog=_SHOP_CATALOG.format(name="A"),
    damage={
        "range": """
            UPDATE orders SET total = total + 1 WHERE id >= '80' AND id < '828f5c28';
            UPDATE items SET price = price + 1 WHERE id >= '80' AND id < '828f5c28';""",
        "anywhere": """
            UPDATE orders SET total = total + 1 WHERE hashtext(id) % 100 = 0;
            UPDATE items SET price = price + 1 WHERE hashtext(id) % 100 = 0;""",
        "one_shop": """
            UPDATE items SET price = items.price + 1 FROM orders
            WHERE orders.id = items."orderId" AND orders."shopId" = md5('shop5');
            UPDATE orders SET total = total + 1 WHERE "shopId" = md5('shop5');""",
    },
)

_C = Data(
    name="C",
    about="the same with bigint keys in time order",
    rows=2_200_000,
    schema=_SHOP.format(key="bigint"),
    fill=_SHOP_ROWS.format(shop="i", order="i", shop_of_order="1 + i % 20", item="i", order_of_item="1 + i % {orders}"),
    catalog=_SHOP_CATALOG.format(name="C"),
)

_SHOPS = """
CREATE TABLE shops (id text PRIMARY KEY, name text NOT NULL, "isDemo" boolean NOT NULL DEFAULT false);
INSERT INTO shops SELECT md5('shop' || i), 'Shop ' || i FROM generate_series(1, 50) i;
"""

_E = Data(
    name="E",
    about="50,000 rows of 20 kB JSON",
    rows=50_000,
    schema=f"""
        {_SHOPS}
        CREATE TABLE documents (
            id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, body jsonb NOT NULL);
        CREATE INDEX ON documents ("shopId");""",
    fill="""
        INSERT INTO documents SELECT md5('document' || i), md5('shop' || 1 + i % 50), (
            SELECT jsonb_agg(jsonb_build_object('sku', 'SKU-' || (i + n) % 5000, 'quantity', n % 9, 'price',
                i % 1000 / 8.0, 'note', md5(i::text || n), 'tags', jsonb_build_array('new', n % 12, i % 7)))
            FROM generate_series(1, 150) n) FROM generate_series(1, {rows}) i;""",
    catalog="""
catalog: E
schema: public
tenant: {table: shops, key: id, label: name, demo: isDemo}
business:
  documents:
    shops: tenant
    documents: {owned_by: [shopId]}
""",
)

_TABLES = 500

_SMALL = """
CREATE TABLE t[n] (id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, value numeric, at date);
CREATE INDEX ON t[n] ("shopId");
"""

_SMALL_ROWS = """
INSERT INTO t[n] SELECT md5('[n] ' || i), md5('shop' || i), i / 7.0, date '2026-01-01' + i
FROM generate_series(1, 50) i;
"""

_F = Data(
    name="F",
    about="500 tables of 50 rows",
    rows=_TABLES * 50,
    fixed=True,
    schema=_SHOPS + "".join(_SMALL.replace("[n]", str(n)) for n in range(1, _TABLES)),
    fill="".join(_SMALL_ROWS.replace("[n]", str(n)) for n in range(1, _TABLES)),
    catalog=json.dumps(
        {
            "catalog": "F",
            "schema": "public",
            "tenant": {"table": "shops", "key": "id", "label": "name", "demo": "isDemo"},
            "business": {"all": {"shops": "tenant", **{f"t{n}": {"owned_by": ["shopId"]} for n in range(1, _TABLES)}}},
        }
    ),
)

_R = Data(name="R", about="the reference application", rows=2_500_000)
"""Filled by the demo itself, see place.py."""

_HOST = Data(
    name="H",
    about="the small database of one of many hosts",
    rows=500,
    fixed=True,
    schema=_SHOP.format(key="bigint"),
    fill=_C.fill,
    catalog=_SHOP_CATALOG.format(name="H"),
)

DATA = {each.name: each for each in (_A, _C, _E, _F, _R, _HOST)}
