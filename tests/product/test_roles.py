"""What each kind of role can do, as docs/guide/connections.md has it in its table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.control import ROOT, Control, execute, new_role, rows
from tests.installed import VERSION
from toolkit.errors import PlaybackError
from toolkit.model.manifest import Manifest
from toolkit.postgres.servers.embedded import OWNER, EmbeddedServer

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text);
CREATE TABLE orders (id serial PRIMARY KEY, shop text REFERENCES shops);
CREATE TABLE items (id integer PRIMARY KEY, "order" integer);
CREATE TABLE notes (id integer PRIMARY KEY);
CREATE TABLE outbox (id integer);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN INSERT INTO public.outbox VALUES (1); RETURN NEW; END';
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION tell();
INSERT INTO shops VALUES ('a', 'A');
INSERT INTO orders (shop) SELECT 'a' FROM generate_series(1, 3);
INSERT INTO items VALUES (1, 1);
INSERT INTO notes VALUES (1);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id}
business:
  all: {shops: tenant, orders: {owned_by: [shop]}, items: {owned_by: [order], references: {order: orders.id}}}
device: {own: {notes: {}}}
transient: {own: {outbox: {}}}
"""

READ = "GRANT USAGE ON SCHEMA public TO {}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}"
READ += "; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {}"
WRITE = READ + "; GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}"
WRITE += "; GRANT UPDATE ON ALL SEQUENCES IN SCHEMA public TO {}"
REPLICA = "GRANT SET ON PARAMETER session_replication_role TO {}"

ROLES = {
    "superuser": "ALTER ROLE {} SUPERUSER",
    "owner of the tables": "",
    "member of the owner's role": f"GRANT {OWNER} TO {{}}",
    "`SELECT` granted": READ,
    "`pg_read_all_data`": "GRANT pg_read_all_data TO {}",
    "`pg_read_all_data`, with `BYPASSRLS`": "GRANT pg_read_all_data TO {}; ALTER ROLE {} BYPASSRLS",
    "`SELECT`, `INSERT`, `UPDATE`, `DELETE` granted": WRITE,
    "`pg_read_all_data` and `pg_write_all_data`": "GRANT pg_read_all_data, pg_write_all_data TO {}",
    "the same, and `SET` on `session_replication_role`": f"GRANT pg_write_all_data, pg_read_all_data TO {{}}; "
    f"{REPLICA}",
    "administrator of a managed service": f"ALTER ROLE {{}} CREATEDB CREATEROLE; GRANT pg_monitor, {OWNER} TO {{}}",
    "the same, no member of the owner's role": "ALTER ROLE {} CREATEDB CREATEROLE; GRANT pg_monitor TO {}",
}
"""By its name in the table: what makes it."""

TASKS = ("backup", "hidden", "silent", "fire", "orphans", "scratch")
"""The columns of the table."""


_LOST = "DELETE FROM orders WHERE id = 2; SELECT setval('orders_id_seq', 1)"
_CHANGES = {
    "silent": _LOST,
    "fire": _LOST,
    "orphans": "INSERT INTO items VALUES (99, 99)",
}
_BACK = "INSERT INTO orders VALUES (2, 'a') ON CONFLICT DO NOTHING; DELETE FROM items WHERE id = 99"
_BACK += "; SELECT setval('orders_id_seq', 3)"


@dataclass(frozen=True, slots=True)
class Shop:
    """A database with its backup, and the superuser's way to it."""

    control: Control
    superuser: str
    manifest: Manifest

    def can(self, task: str) -> bool:
        """Whether host `role` can do something; what it cannot is refused before anything changed."""
        change = _CHANGES.get(task, "SELECT 1")
        execute(self.superuser, f"SET session_replication_role = replica; TRUNCATE outbox; {change}")
        try:
            self._do(task)
        except PlaybackError as error:
            refused: PlaybackError | None = error
        else:
            refused = None
        told = rows(self.superuser, "SELECT count(*) FROM outbox") != [(0,)]
        execute(self.superuser, f"SET session_replication_role = replica; {_BACK}")
        assert refused is None or (refused.exit_code == 4 and refused.hint), refused
        assert told == (task == "fire" and refused is None)
        return refused is None

    def _do(self, task: str) -> None:
        match task:
            case "backup":
                assert self.control.backup("role").tables == self.manifest.tables
            case "hidden":
                self.control.backup("role", scope="full-device")
            case "silent" | "fire":
                triggers = "fire" if task == "fire" else "silent"
                assert self.control.restore("role", self.manifest, "mirror", triggers=triggers).changed
                assert rows(self.superuser, "SELECT last_value FROM orders_id_seq") == [(3,)]
            case "scratch":
                scratch = {"like": "role", "on": "host", "name": "scratch"}
                assert self.control.restore("role", self.manifest, "mirror", scratch=scratch).changed
            case _:
                assert self.control.run("orphans", "role", {"action": "delete"}).changed


@pytest.fixture(scope="module")
def shop(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The database of the application's owner."""
    name = f"roles_{os.getpid()}"
    conninfo = pg18.create_database(name)
    execute(conninfo, SCHEMA)
    control = Control(tmp_path_factory.mktemp("control"), CATALOG)
    control.add_host("owner", conninfo)
    yield Shop(control, make_conninfo(pg18.superuser, dbname=name), control.backup("owner"))
    pg18.drop_database(name)


def table() -> dict[str, list[bool]]:
    """What the guide says: by role, yes or no per task."""
    text = (ROOT / "docs" / "guide" / "connections.md").read_text("utf-8")
    lines = re.findall(r"^\| (.+?) \| ((?:(?:yes|no)\b[^|]*\| ?){6})", text, re.MULTILINE)
    return {name: [cell.strip().startswith("yes") for cell in cells.split("|")[:6]] for name, cells in lines}


@pytest.mark.parametrize("name", ROLES)
def test_what_a_role_can_do_is_what_the_guide_says(shop: Shop, name: str) -> None:
    """Each cell of the table is what happens; a no is a refusal with a remedy, before anything was changed."""
    role = OWNER if name.startswith("owner") else f"role_{os.getpid()}"
    if REPLICA in ROLES[name] and VERSION < 15:
        pytest.skip("this cannot be granted before PostgreSQL 15")
    if role != OWNER:
        new_role(shop.superuser, role)
    try:
        if role != OWNER:
            execute(shop.superuser, *(each.replace("{}", role) for each in ROLES[name].split("; ")))
        shop.control.add_host("role", make_conninfo(shop.control.hosts["owner"]["database"], user=role))
        can = {task: shop.can(task) for task in TASKS}
    finally:
        name_of = conninfo_to_dict(shop.superuser)["dbname"]
        execute(shop.superuser, f"DROP DATABASE IF EXISTS playback_scratch_of_{name_of} WITH (FORCE)")
        if role != OWNER:
            execute(shop.superuser, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert set(table()) == set(ROLES)
    assert can == dict(zip(TASKS, table().get(name, []), strict=False)), can
