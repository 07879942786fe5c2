"""The action `orphans` on real databases: what it finds, what it deletes, what it leaves, and that it proves it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.control import Control, execute, new_role, rows
from tests.restore.proxy import Proxy, Session
from tests.sweeps import covering
from toolkit.errors import DatabaseError, InputError, RefusedError, UndecidedError
from toolkit.model.outcome import Outcome
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.write import recovery

SUPERUSER = "postgres"

TENANTS = (
    "CREATE TABLE tenants (id text PRIMARY KEY, name text, demo boolean)",
    "INSERT INTO tenants VALUES ('a', 'A', false), ('b', 'B', false), ('d', 'D', true)",
)

ORDERS = (
    "CREATE TABLE orders (id integer PRIMARY KEY, tenant text, friend text, vat integer)",
    'CREATE TABLE items (id integer PRIMARY KEY, "order" integer NOT NULL REFERENCES orders, name text)',
)
RULES: dict[str, Any] = {
    "orders": {
        "owned_by": ["tenant", "friend"],
        "references": {"tenant": "tenants.id", "friend": "tenants.id", "vat": "rates.id"},
    },
    "items": {"owned_by": ["order"]},
    "rates": "shared",
}
RATES = "CREATE TABLE rates (id integer PRIMARY KEY)"


@dataclass
class Shop:
    """A database of one application; `owner`, `superuser` and `clerk` are hosts."""

    control: Control
    conninfo: str

    def run(self, *, host: str = "owner", check: bool = False, **arguments: Any) -> Outcome:
        """Run the action."""
        return self.control.run("orphans", host, arguments, check=check)

    def delete(self, **arguments: Any) -> Outcome:
        """Delete, after a check that must promise the same and change nothing."""
        before = self.state()
        planned = self.run(action="delete", **arguments, check=True)
        assert self.state() == before
        done = self.run(action="delete", **arguments)
        assert (planned.facts, planned.changed) == (done.facts, done.changed)
        assert not self.run(action="delete", **arguments).changed
        return done

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row with its place and its version."""
        tables = self.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        return {name: self.rows(f"SELECT ctid, xmin, t::text FROM {name} t ORDER BY ctid") for (name,) in tables}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return rows(self.conninfo, query)

    def ids(self, table: str) -> list[Any]:
        """The ids that a table has left."""
        return [value for (value,) in self.rows(f"SELECT id FROM {table} ORDER BY id")]


Make = Callable[..., Shop]


@pytest.fixture
def make(new_database: Callable[[], str], tmp_path: Path) -> Make:
    """Makes a shop: `make(rules, *ddl, device=…, transient=…)`."""

    def shop(rules: dict[str, Any], *ddl: str, **others: dict[str, Any]) -> Shop:
        catalog = {
            "catalog": "application",
            "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
            "business": {"all": {"tenants": "tenant", **rules}},
            **{category: {"all": tables} for category, tables in others.items()},
        }
        conninfo = new_database()
        execute(conninfo, *TENANTS, *ddl)
        control = Control(tmp_path, catalog=json.dumps(catalog))
        control.add_host("owner", conninfo)
        control.add_host("superuser", psycopg.conninfo.make_conninfo(conninfo, user=SUPERUSER))
        return Shop(control, conninfo)

    return shop


@pytest.fixture
def shop(make: Make) -> Shop:
    """Orders with items. Order 1 is sound; 2 has no vat rate; 3 has no tenant; 4 is the demo's; 5 belongs to two."""
    made = make(RULES, *ORDERS, RATES)
    execute(
        made.conninfo,
        "INSERT INTO rates VALUES (20)",
        "INSERT INTO orders VALUES (1, 'a', NULL, 20), (2, 'a', NULL, 99), (3, 'gone', NULL, NULL),"
        " (4, 'd', NULL, 98), (5, 'a', 'b', 97), (6, 'b', 'lost', 96)",
        "INSERT INTO items SELECT n * 10 + m, n FROM generate_series(1, 6) n, generate_series(1, 2) m",
    )
    return made


def test_a_report_names_references_counts_and_keys(shop: Shop) -> None:
    """Every reference with orphans is reported with its rows, the first keys and the values that lead nowhere."""
    state = shop.state()
    outcome = shop.run()
    assert not outcome.changed
    assert outcome.message == "4 orphans in 1 table"
    assert outcome.details == (
        "orders (friend) → tenants (id): 1 row, e.g. 6 → lost",
        "orders (tenant) → tenants (id): 1 row, e.g. 3 → gone",
        "orders (vat) → rates (id): 3 rows, e.g. 2 → 99; 5 → 97; 6 → 96",
    )
    assert outcome.facts["tables"] == {"orders": 4}
    assert outcome.facts["references"][2]["samples"][0] == {"key": ["2"], "values": ["99"]}  # type: ignore[index]
    assert shop.state() == state


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({}, [2, 3, 5, 6]),
        ({"demo": "include"}, [2, 3, 4, 5, 6]),
        ({"demo": "only"}, [3, 4]),
        ({"businesses": ["a"]}, [2, 5]),
        ({"businesses": ["b"]}, [5, 6]),
        ({"businesses": ["a", "b"]}, [2, 5, 6]),
    ],
)
def test_the_scope_says_where_to_look(shop: Shop, scope: dict[str, Any], found: list[int]) -> None:
    """Only rows that a backup of the same scope takes for their own sake are looked at."""
    assert shop.run(**scope).facts["rows"] == len(found)
    gone = set(shop.ids("orders"))
    shop.delete(**scope)
    gone -= set(shop.ids("orders"))
    assert gone <= set(found)


@pytest.mark.parametrize("host", ["owner", "superuser"])
def test_what_belongs_to_an_orphan_goes_with_it(shop: Shop, host: str) -> None:
    """Items go before their order; the counts say how many are orphans and how many go with them."""
    outcome = shop.delete(host=host)
    assert outcome.facts["deletes"] == {"items": 8, "orders": 4}
    assert outcome.facts["kept"] == {}
    assert outcome.message == "deleted 4 orphans and 8 rows that go with them of 2 tables, 0 kept"
    assert shop.ids("orders") == [1, 4]
    assert shop.ids("items") == [11, 12, 41, 42]


def test_rows_of_two_businesses_are_left_to_both(shop: Shop) -> None:
    """Deleting one business's orphans keeps those that another owns too."""
    outcome = shop.delete(businesses=["a"])
    assert outcome.facts["deletes"] == {"items": 2, "orders": 1}
    assert outcome.facts["kept"] == {"orders": {"owned by another business too": 1}}
    assert "kept orders: 1 row: owned by another business too" in outcome.details
    assert shop.ids("orders") == [1, 3, 4, 5, 6]


def test_shared_rows_are_kept_while_businesses_are_named(make: Make) -> None:
    """A shared row is nobody's alone: only a whole scope deletes it."""
    made = make(
        {"settings": {"rule": "shared", "references": {"tenant": "tenants.id"}}},
        "CREATE TABLE settings (id integer PRIMARY KEY, tenant text)",
        "INSERT INTO settings VALUES (1, 'a'), (2, 'gone')",
    )
    kept = made.delete(businesses=["a"])
    assert kept.facts["kept"] == {"settings": {"of no business, and single ones are named": 1}}
    assert not kept.changed
    assert made.delete().facts["deletes"] == {"settings": 1}


def test_orphans_of_orphans_to_the_last(make: Make) -> None:
    """A chain of declared references is followed to its end, through a table that points at itself."""
    made = make(
        {
            "nodes": {"owned_by": ["tenant"], "references": {"tenant": "tenants.id", "above": "nodes.id"}},
            "notes": {"owned_by": ["node"], "references": {"node": "nodes.id", "answer_to": "notes.id"}},
        },
        "CREATE TABLE nodes (id integer PRIMARY KEY, tenant text NOT NULL, above integer)",
        "CREATE TABLE notes (id integer PRIMARY KEY, node integer NOT NULL, answer_to integer)",
        "INSERT INTO nodes VALUES (1, 'a', NULL), (2, 'a', 1), (10, 'a', 99), (11, 'a', 10), (12, 'a', 11)",
        "INSERT INTO notes VALUES (1, 1, NULL), (2, 12, NULL), (3, 1, 2), (4, 2, 1)",
    )
    outcome = made.delete()
    assert outcome.facts["tables"] == {"nodes": 1}
    assert outcome.facts["deletes"] == {"nodes": 3, "notes": 2}
    assert (made.ids("nodes"), made.ids("notes")) == ([1, 2], [1, 4])


@pytest.mark.parametrize(
    ("host", "action"), covering(["owner", "superuser"], ["NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT"])
)
def test_rows_that_others_still_point_at_are_kept(make: Make, host: str, action: str) -> None:
    """An orphan that a row points at which does not belong to it stays, and all that belongs to the orphan."""
    made = make(
        {**RULES, "bills": {"owned_by": ["tenant"]}},
        *ORDERS,
        RATES,
        "CREATE TABLE bills (id integer PRIMARY KEY, tenant text REFERENCES tenants,"
        f" item integer REFERENCES items ON DELETE {action})",
        "INSERT INTO orders VALUES (1, 'a', NULL, 99), (2, 'a', NULL, 99)",
        "INSERT INTO items VALUES (11, 1), (12, 1), (21, 2)",
        "INSERT INTO bills VALUES (1, 'a', 12)",
    )
    outcome = made.delete(host=host)
    assert outcome.facts["deletes"] == {"items": 1, "orders": 1}
    assert outcome.facts["kept"] == {"orders": {"rows of items still point at them": 1}}
    assert (made.ids("orders"), made.ids("items")) == ([1], [11, 12])
    assert made.rows("SELECT * FROM bills") == [(1, "a", 12)]


@pytest.mark.parametrize("host", ["owner", "superuser"])
def test_cascades_go_no_further_than_the_scope(make: Make, host: str) -> None:
    """A cascade takes rows of the scope and of transient tables that allow it, and never those of anyone else."""
    item = "item integer REFERENCES items ON DELETE"
    made = make(
        {**RULES, "parts": {"owned_by": ["tenant"]}},
        *ORDERS,
        RATES,
        f"CREATE TABLE parts (id integer PRIMARY KEY, tenant text REFERENCES tenants, {item} CASCADE)",
        f"CREATE TABLE views (id integer PRIMARY KEY, {item} CASCADE)",
        f"CREATE TABLE locks (id integer PRIMARY KEY, {item} CASCADE)",
        f"CREATE TABLE shelves (id integer PRIMARY KEY, {item} SET NULL)",
        "INSERT INTO orders VALUES (1, 'a', NULL, 99), (2, 'a', NULL, 99), (3, 'a', NULL, 99)",
        "INSERT INTO items VALUES (11, 1), (21, 2), (31, 3)",
        "INSERT INTO parts VALUES (1, 'a', 11), (2, 'b', 21)",
        "INSERT INTO views VALUES (1, 11)",
        "INSERT INTO locks VALUES (3, 31)",
        "INSERT INTO shelves VALUES (1, 11), (2, 21)",
        device={"shelves": {}},
        transient={"views": {"cascade": True}, "locks": {}},
    )
    outcome = made.delete(host=host, businesses=["a"])
    assert outcome.facts["deletes"] == {"items": 1, "orders": 1, "parts": 1, "views": 1}
    assert outcome.facts["set_null"] == {"shelves": 1}
    assert outcome.facts["kept"] == {"orders": {"rows of items still point at them": 2}}
    assert made.ids("orders") == [2, 3]
    assert (made.ids("parts"), made.ids("views"), made.ids("locks")) == ([2], [], [3])
    assert made.rows("SELECT * FROM shelves ORDER BY id") == [(1, None), (2, 21)]


def test_foreign_keys_that_are_not_validated_are_looked_at(make: Make) -> None:
    """A foreign key added NOT VALID may have orphans, of composite keys too; one that is validated has none."""
    made = make(
        {"cars": {"owned_by": ["tenant"]}, "trips": {"owned_by": [["tenant", "car"]]}},
        "CREATE TABLE cars (tenant text REFERENCES tenants, id integer, PRIMARY KEY (tenant, id))",
        "CREATE TABLE trips (id integer PRIMARY KEY, tenant text, car integer)",
        "INSERT INTO cars VALUES ('a', 1)",
        "INSERT INTO trips VALUES (1, 'a', 1), (2, 'a', 2), (3, 'a', NULL), (4, NULL, 7)",
        "ALTER TABLE trips ADD FOREIGN KEY (tenant, car) REFERENCES cars NOT VALID",
    )
    outcome = made.delete()
    assert outcome.details[0] == "trips (tenant, car) → cars (tenant, id): 1 row, e.g. 2 → a, 2"
    assert made.ids("trips") == [1, 3, 4]
    execute(made.conninfo, "ALTER TABLE trips VALIDATE CONSTRAINT trips_tenant_car_fkey")


def test_rows_on_a_cycle_go_together(make: Make) -> None:
    """Two tables whose foreign keys point at each other are deleted from in one statement."""
    made = make(
        {
            "drivers": {"owned_by": ["tenant"], "references": {"tenant": "tenants.id"}},
            "cars": {"owned_by": ["driver"]},
        },
        "CREATE TABLE drivers (id integer PRIMARY KEY, tenant text NOT NULL, car integer NOT NULL)",
        "CREATE TABLE cars (id integer PRIMARY KEY, driver integer NOT NULL REFERENCES drivers)",
        "ALTER TABLE drivers ADD FOREIGN KEY (car) REFERENCES cars ON DELETE CASCADE",
        "WITH d AS (INSERT INTO drivers VALUES (1, 'a', 1), (2, 'gone', 2)) INSERT INTO cars VALUES (1, 1), (2, 2)",
    )
    assert made.delete().facts["deletes"] == {"cars": 1, "drivers": 1}
    assert (made.ids("drivers"), made.ids("cars")) == ([1], [1])


def test_tables_without_keys_and_partitions(make: Make) -> None:
    """Equal rows without a key count one by one, and rows are found in whatever partition they lie."""
    made = make(
        {"logs": {"owned_by": ["tenant"], "references": {"tenant": "tenants.id"}}},
        "CREATE TABLE logs (tenant text, n integer) PARTITION BY LIST (n)",
        "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1)",
        "CREATE TABLE logs_2 PARTITION OF logs DEFAULT",
        "INSERT INTO logs VALUES ('a', 1), ('gone', 1), ('gone', 1), ('a', 2), ('gone', 2), (NULL, 2)",
    )
    assert made.delete().facts["deletes"] == {"logs": 3}
    assert made.rows("SELECT tenant, n FROM logs ORDER BY n, tenant") == [("a", 1), ("a", 2), (None, 2)]


def test_nobodys_rows_that_others_point_at_are_a_whole_scopes(make: Make) -> None:
    """In a table of `referenced` rows an orphan counts whether it is pointed at or not; named scopes leave it."""
    made = make(
        {
            "persons": {"rule": "referenced", "references": {"home": "rates.id"}},
            "rates": "shared",
            "letters": {"owned_by": ["tenant"], "references": {"person": "persons.id"}},
        },
        RATES,
        "CREATE TABLE persons (id integer PRIMARY KEY, home integer)",
        "CREATE TABLE letters (id integer PRIMARY KEY, tenant text REFERENCES tenants, person integer)",
        "INSERT INTO persons VALUES (1, 99), (2, 99), (3, NULL)",
        "INSERT INTO letters VALUES (1, 'a', 1), (2, 'd', 3)",
    )
    assert made.run(businesses=["a"]).facts["rows"] == 0
    assert made.delete().facts["deletes"] == {"letters": 1, "persons": 2}


def test_only_what_a_backup_would_hold_is_deleted(make: Make) -> None:
    """Rows that a condition leaves out, and optional tables that are not named, are left alone."""
    made = make(
        {
            "jobs": {"owned_by": ["tenant"], "references": {"vat": "rates.id"}, "where": "done"},
            "audits": {
                "owned_by": ["tenant"],
                "references": {"vat": "rates.id"},
                "optional": True,
                "newest_by": "vat",
            },
            "rates": "shared",
        },
        RATES,
        "CREATE TABLE jobs (id integer PRIMARY KEY, tenant text REFERENCES tenants, vat integer, done boolean)",
        "CREATE TABLE audits (id integer PRIMARY KEY, tenant text REFERENCES tenants, vat integer)",
        "INSERT INTO jobs VALUES (1, 'a', 99, true), (2, 'a', 99, false)",
        "INSERT INTO audits VALUES (1, 'a', 99), (2, 'a', NULL)",
    )
    assert made.delete().facts["deletes"] == {"jobs": 1}
    assert made.delete(optional=["audits"]).facts["deletes"] == {"audits": 1}
    assert (made.ids("jobs"), made.ids("audits")) == ([2], [2])
    execute(made.conninfo, "INSERT INTO jobs VALUES (3, 'a', 99, true)")
    execute(made.conninfo, "ALTER TABLE jobs ADD above integer REFERENCES jobs ON DELETE CASCADE")
    execute(made.conninfo, "UPDATE jobs SET above = 3 WHERE id = 2")
    assert made.delete().facts["kept"] == {"jobs": {"rows of jobs still point at them": 1}}
    with pytest.raises(InputError, match=r"optional\.jobs: not an optional table"):
        made.run(optional=["jobs"])


@pytest.mark.parametrize("host", ["owner", "superuser"])
def test_user_triggers_stay_silent_and_as_they_were(shop: Shop, host: str) -> None:
    """No trigger fires for what is deleted, and each is enabled or not exactly as before."""
    execute(
        shop.conninfo,
        "CREATE TABLE fired (name text)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.fired VALUES (tg_name); RETURN old; END $$",
        "CREATE TRIGGER usual BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note()",
        "CREATE TRIGGER always AFTER DELETE ON items FOR EACH ROW EXECUTE FUNCTION note()",
        "ALTER TABLE items ENABLE ALWAYS TRIGGER always",
    )
    states = shop.rows("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
    assert shop.run(host=host, action="delete").changed
    assert shop.rows("SELECT * FROM fired") == []
    assert shop.rows("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1") == states


@pytest.mark.parametrize(
    ("meanwhile", "failure"),
    [
        ("DELETE FROM public.items WHERE id = 21", "table items: 7 rows were deleted where 8 were planned"),
        ("DELETE FROM public.rates", r"orders \(vat\) → rates leaves 2 orphans, planned were 1"),
        ("DELETE FROM public.items WHERE id = 11", "table items lost 9 rows where 8 were planned"),
    ],
)
def test_what_is_not_as_planned_is_rolled_back(shop: Shop, meanwhile: str, failure: str) -> None:
    """What user code does beside the plan does not pass for success: the proof names it, and all is as before."""
    with psycopg.connect(shop.conninfo, user=SUPERUSER, autocommit=True) as connection:
        for statement in (
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END'",
            "CREATE TRIGGER usual BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note()",
            f"CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN {meanwhile}; END'",
            "CREATE EVENT TRIGGER meddling ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION meddle()",
        ):
            connection.execute(statement.encode())
    state = shop.state()
    with pytest.raises(DatabaseError, match=failure):
        shop.run(action="delete")
    assert shop.state() == state


def test_missing_privileges_are_listed(shop: Shop, new_database: Callable[[], str]) -> None:
    """What the role may not do is named before anything is changed, and a report needs to read only."""
    role = shop.conninfo.rsplit("dbname=", maxsplit=1)[-1].split()[0].replace("t_", "clerk_", 1)
    new_role(psycopg.conninfo.make_conninfo(shop.conninfo, user=SUPERUSER), role)
    with psycopg.connect(shop.conninfo, user=SUPERUSER, autocommit=True) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}".encode())
        connection.execute(f"GRANT SELECT ON tenants, orders, items TO {role}".encode())
    try:
        shop.control.add_host("clerk", psycopg.conninfo.make_conninfo(shop.conninfo, user=role))
        with pytest.raises(RefusedError, match=r"no SELECT on table public\.rates"):
            shop.run(host="clerk")
        execute(shop.conninfo, f"GRANT SELECT ON rates TO {role}")
        assert shop.run(host="clerk").facts["rows"] == 4
        with pytest.raises(RefusedError) as refusal:
            shop.run(host="clerk", action="delete", check=True)
        assert refusal.value.reasons == ("no DELETE on table public.items", "no DELETE on table public.orders")
    finally:
        with psycopg.connect(shop.conninfo, user=SUPERUSER, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_references_to_absent_tables_are_told(make: Make) -> None:
    """A declared table that the database lacks makes no orphans, but a warning."""
    made = make(
        {"rates": {"rule": "shared", "references": {"id": "laws.id"}}, "laws": "shared"},
        RATES,
        "INSERT INTO rates VALUES (1)",
        "CREATE TABLE stray (id integer)",
    )
    outcome = made.run()
    assert outcome.facts["rows"] == 0
    assert outcome.message == "no orphans: every reference leads to a row"
    assert len(outcome.warnings) == 2
    assert "table stray is not classified" in outcome.warnings[0]
    assert "table laws of" in outcome.warnings[1]


def test_an_unknown_business_is_refused(shop: Shop) -> None:
    """A business that does not exist is an error, not an empty report."""
    with pytest.raises(InputError, match="no such business in table tenants: x"):
        shop.run(businesses=["x"])


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    shop: Shop, pg18: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    """What the server has committed is reported as deleted, once; where the commit never came, it is done again."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    commits = list[str]()

    def lose(session: Session, statement: str) -> None:
        if statement == "COMMIT":
            commits.append(statement)
            if len(commits) == 1:
                if committed:
                    session.send(statement)
                    session.answer()
                session.cut()

    with Proxy(pg18.superuser) as proxy:
        proxy.on_statement = lose
        shop.control.add_host("behind", proxy.conninfo(shop.conninfo))
        planned = shop.run(action="delete", check=True)
        done = shop.run(host="behind", action="delete")
    assert done.changed
    assert done.facts == planned.facts
    assert len(commits) == (1 if committed else 2)
    assert not shop.run(action="delete").changed


def test_a_commit_that_nobody_can_look_up_is_called_undecided(
    shop: Shop, pg18: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server cannot be asked how the commit ended, that is said, with exit code 8."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(recovery, "UNDECIDED_SECONDS", 0.2)
    lost = list[str]()

    def lose(session: Session, statement: str) -> None:
        if statement == "COMMIT" or lost:
            lost.append(statement)
            session.cut()

    with Proxy(pg18.superuser) as proxy:
        proxy.on_statement = lose
        shop.control.add_host("behind", proxy.conninfo(shop.conninfo))
        with pytest.raises(UndecidedError, match="the server does not say") as raised:
            shop.run(host="behind", action="delete")
    assert raised.value.exit_code == 8
