"""A shop of fifteen tables that is not the demo, as the README's first commands meet it: a role with a password."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.control import execute
from toolkit.postgres.servers.embedded import EmbeddedServer

TABLES = """
CREATE TABLE shops (id int PRIMARY KEY, name text NOT NULL, city text);
CREATE TABLE staff (id int PRIMARY KEY, shop_id int NOT NULL REFERENCES shops ON DELETE CASCADE, name text);
CREATE TABLE categories (id int PRIMARY KEY, shop_id int NOT NULL REFERENCES shops, name text);
CREATE TABLE suppliers (id int PRIMARY KEY, shop_id int NOT NULL REFERENCES shops, name text);
CREATE TABLE products (id int PRIMARY KEY, shop_id int NOT NULL REFERENCES shops, category_id int REFERENCES categories,
    supplier_id int REFERENCES suppliers, name text, price numeric(10, 2));
CREATE TABLE stock (product_id int PRIMARY KEY REFERENCES products ON DELETE CASCADE, quantity int);
CREATE TABLE customers (id int PRIMARY KEY, shop_id int NOT NULL REFERENCES shops, name text, phone text);
CREATE TABLE addresses (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers ON DELETE CASCADE, line text);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, placed timestamptz);
CREATE TABLE order_items (order_id int REFERENCES orders ON DELETE CASCADE, line int,
    product_id int NOT NULL REFERENCES products, quantity int, PRIMARY KEY (order_id, line));
CREATE TABLE payments (id serial PRIMARY KEY, order_id int NOT NULL REFERENCES orders, amount numeric(10, 2));
CREATE TABLE currencies (code char(3) PRIMARY KEY, name text UNIQUE);
CREATE TABLE user_sessions (token text PRIMARY KEY, staff_id int REFERENCES staff, expires timestamptz);
CREATE TABLE audit_log (id bigserial PRIMARY KEY, entry text, at timestamptz);
CREATE TABLE schema_migrations (version text PRIMARY KEY);
"""
ROWS = """
INSERT INTO shops SELECT n, 'Shop ' || n FROM generate_series(1, 3) n;
INSERT INTO staff SELECT n, 1 + n % 3, 'Staff ' || n FROM generate_series(1, 9) n;
INSERT INTO categories SELECT n, 1 + n % 3, 'Category ' || n FROM generate_series(1, 9) n;
INSERT INTO suppliers SELECT n, 1 + n % 3, 'Supplier ' || n FROM generate_series(1, 6) n;
INSERT INTO products SELECT n, 1 + n % 3, 1 + (n - 1) % 9, 1 + (n - 1) % 6, 'P' || n, n FROM generate_series(1, 60) n;
INSERT INTO stock SELECT id, 2 * id FROM products;
INSERT INTO customers SELECT n, 1 + n % 3, 'Customer ' || n FROM generate_series(1, 40) n;
INSERT INTO addresses SELECT n, n, n || ' Long Street' FROM generate_series(1, 40) n;
INSERT INTO orders SELECT n, 1 + n % 40, '2026-11-01' FROM generate_series(1, 200) n;
INSERT INTO order_items SELECT 1 + n % 200, n, 1 + n % 60, 2 FROM generate_series(1, 600) n;
INSERT INTO payments (order_id, amount) SELECT n, n FROM generate_series(1, 200) n;
INSERT INTO currencies VALUES ('EUR', 'Euro'), ('USD', 'Dollar');
INSERT INTO user_sessions VALUES ('token', 1, '2026-12-01');
INSERT INTO audit_log (entry) SELECT 'entry ' || n FROM generate_series(1, 25) n;
INSERT INTO schema_migrations VALUES ('20260101');
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fifteen:
    """The shop's database.

    Attributes:
        name: of the database, and of the role that owns it.
        uri: without the password.
        superuser: conninfo of the server's superuser, in this database.
    """

    name: str
    password: str
    uri: str
    superuser: str

    @property
    def with_password(self) -> str:
        """The URI with the password in it."""
        return self.uri.replace("@", f":{self.password}@", 1)


@contextmanager
def fifteen(server: EmbeddedServer, statements: str = TABLES + ROWS) -> Iterator[Fifteen]:
    """The shop on a server that wants passwords; database and role are gone afterwards."""
    name, password = f"shop_{secrets.token_hex(4)}", f"Zebra-{secrets.token_hex(8)}"
    place = conninfo_to_dict(server.superuser)
    execute(server.superuser, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    execute(server.superuser, f"CREATE DATABASE {name} OWNER {name}")
    superuser = psycopg.conninfo.make_conninfo(server.superuser, dbname=name)
    uri = f"postgresql://{name}@/{name}?host={place['host']}&port={place['port']}"
    try:
        execute(superuser, f"SET ROLE {name}; {statements}")
        yield Fifteen(name=name, password=password, uri=uri, superuser=superuser)
    finally:
        execute(server.superuser, f"DROP DATABASE {name} WITH (FORCE)")
        execute(server.superuser, f"DROP ROLE {name}")
