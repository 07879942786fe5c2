"""One business out of a wider backup is what its own backup would have been, or is refused before a change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.app.invoking import invoke
from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import DatabaseError, RefusedError

USERS = "CREATE TABLE users (id text PRIMARY KEY, name text)"
MEMBERS = (
    "CREATE TABLE members (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants,"
    " person text NOT NULL REFERENCES users, status text, day date)"
)
NOTES = "CREATE TABLE notes (id integer PRIMARY KEY, person text NOT NULL REFERENCES users, txt text)"
PEOPLE = (
    "INSERT INTO users VALUES ('ann', 'Ann'), ('bob', 'Bob'), ('cy', 'Cy')",
    "INSERT INTO members VALUES (1, 'a', 'ann', 'here', '2026-01-01'), (2, 'a', 'bob', 'left', '2026-01-02'),"
    " (3, 'b', 'cy', 'here', '2026-01-03')",
    "INSERT INTO notes VALUES (1, 'ann', 'n1'), (2, 'bob', 'a note of bob'), (3, 'cy', 'n3')",
)
RULES: dict[str, Any] = {
    "users": {"owned_by": ["members.person"]},
    "members": {"owned_by": ["tenant"]},
    "notes": {"owned_by": ["person"]},
}


def check_own(pair: Pair, business: str = "a", **arguments: Any) -> None:
    """A mirror of a business out of the wider backup into an empty target has the rows of its own backup."""
    wider = pair.backup(**arguments)
    own = pair.backup(**{**arguments, "demo": "include", "businesses": [business]})
    tables = pair.rows(
        "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    execute(pair.target, f"TRUNCATE {', '.join(name for (name,) in tables)}")
    outcome = pair.control.restore("target", wider, "mirror", businesses=[business])
    assert outcome.facts["inserts"] == own.metadata.stats.total_records
    again = pair.control.restore("target", own, "mirror")
    assert not again.changed
    again = pair.control.restore("target", wider, "mirror", businesses=[business])
    assert not again.changed


@pytest.mark.parametrize(
    "members",
    [
        {"where": "status <> 'left'"},
        {"where": "tenant IN (SELECT id FROM public.tenants WHERE status <> 'left')"},
        {"where": "day < now() - interval '1 day' AND status <> 'left'"},
        {"optional": True},
    ],
)
def test_ownership_passes_through_rows_that_are_not_there(make_pair: MakePair, members: dict[str, Any]) -> None:
    """Whatever kind of condition cut them, or when nobody asked for their optional table: all notes are there."""
    pair = make_pair(RULES | {"members": RULES["members"] | members}, USERS, MEMBERS, NOTES)
    pair.fill(*PEOPLE)
    outcome = pair.restore("mirror", businesses=["a"])
    assert not outcome.changed
    check_own(pair)


def test_the_backup_grows_only_where_it_has_to(make_pair: MakePair) -> None:
    """Supporting rows are stored only for what the backup's own rows do not show, are no rows of it, and are shown."""
    pair = make_pair(RULES | {"members": RULES["members"] | {"where": "status <> 'left'"}}, USERS, MEMBERS, NOTES)
    pair.fill(*PEOPLE)
    manifest = pair.backup()
    supports = {table.name: table.support for table in manifest.tables if table.support}
    assert list(supports) == ["users"]
    assert [(each.what, each.columns, each.rows) for each in supports["users"]] == [("owners", ("id",), 1)]
    assert manifest.metadata.stats.total_records == 2 + 3 + 2 + 3
    shown = invoke(
        "show", manifest.metadata.label, "--inventory", str(pair.control.directory / "inventory")
    ).out.splitlines()
    assert any(
        line.split() == "supporting: 1 row for users, to tell businesses apart; never restored".split()
        for line in shown
    )
    pair.control.catalog = pair.control.catalog.replace("status <> 'left'", "status <> 'gone'")
    pair.control.add_host("source", pair.source)
    assert not any(table.support for table in pair.backup().tables)


def test_rows_come_back_whose_owner_is_not_in_the_backup(make_pair: MakePair) -> None:
    """What is nobody's by now comes back although the row that made it the business's is cut from every backup."""
    pair = make_pair(RULES | {"members": RULES["members"] | {"where": "status <> 'left'"}}, USERS, MEMBERS, NOTES)
    pair.fill(*PEOPLE)
    for arguments in ({"businesses": ["a"]}, {}):
        execute(pair.target, "DELETE FROM members WHERE id = 2", "UPDATE users SET name = 'Rob' WHERE id = 'bob'")
        pair.control.restore("target", pair.backup(**arguments), "merge", businesses=["a"])
        assert pair.rows("SELECT name FROM users WHERE id = 'bob'") == [("Bob",)]


def test_rows_come_back_whose_owner_only_another_business_brought(make_pair: MakePair) -> None:
    """The row that made it the business's is in the wider backup for the other's sake, and goes when it is narrowed."""
    invites = "CREATE TABLE invites (id integer PRIMARY KEY, tenant text REFERENCES tenants, member integer)"
    rules = {
        "members": RULES["members"] | {"where": "status <> 'left'"},
        "invites": {"owned_by": ["tenant"], "references": {"member": "members.id"}},
    }
    pair = make_pair(RULES | rules, USERS, MEMBERS, NOTES, invites)
    pair.fill(*PEOPLE, "INSERT INTO invites VALUES (1, 'b', 2)")
    for arguments in ({"businesses": ["a"]}, {}):
        execute(pair.target, "DELETE FROM members WHERE id = 2", "UPDATE users SET name = 'Rob' WHERE id = 'bob'")
        pair.control.restore("target", pair.backup(**arguments), "merge", businesses=["a"])
        assert pair.rows("SELECT name FROM users WHERE id = 'bob'") == [("Bob",)]


def test_a_condition_says_nothing_of_rows_that_others_brought(make_pair: MakePair) -> None:
    """A cut row that comes back because another points at it comes along with that one only."""
    jobs = "CREATE TABLE jobs (id integer PRIMARY KEY, tenant text REFERENCES tenants, after integer, status text)"
    rules = {"jobs": {"owned_by": ["tenant"], "references": {"after": "jobs.id"}, "where": "status = 'done'"}}
    pair = make_pair(rules, jobs)
    pair.fill(
        "INSERT INTO jobs VALUES (1, 'a', 2, 'done'), (2, 'b', NULL, 'open'), (3, 'b', 4, 'done'), (4, 'b', 4, 'open')"
    )
    check_own(pair, "a")
    check_own(pair, "b")
    assert pair.rows("SELECT id FROM jobs ORDER BY id") == [(3,), (4,)]


def test_rows_of_nobody_are_told_from_rows_of_others(make_pair: MakePair) -> None:
    """`unowned: always` gives each business what nobody owns, not what a business owns that the backup lacks."""
    things = "CREATE TABLE things (id integer PRIMARY KEY, tenant text REFERENCES tenants, next integer)"
    rules = {"things": {"owned_by": ["tenant"], "unowned": "always", "references": {"next": "things.id"}}}
    pair = make_pair(rules, things)
    pair.fill("INSERT INTO tenants VALUES ('demo', 'D', true)")
    pair.fill("INSERT INTO things VALUES (1, 'a', NULL), (2, NULL, NULL), (3, 'b', 4), (4, 'demo', NULL)")
    check_own(pair, "a", demo="exclude")
    assert pair.rows("SELECT id FROM things ORDER BY id") == [(1,), (2,)]
    check_own(pair, "b", demo="exclude")


LOGS = "CREATE TABLE logs (id integer PRIMARY KEY, tenant text REFERENCES tenants, at integer)"


@pytest.mark.parametrize(
    ("limit", "business", "lost"),
    [(2, "a", ""), (4, "a", ""), (4, "b", "logs: of its newest 4 rows 1 are theirs"), (5, "b", ""), (1, "b", "logs:")],
)
def test_a_limit_is_each_business_own(make_pair: MakePair, limit: int, business: str, lost: str) -> None:
    """What the limit of the wider backup left of a business is its own newest rows, or the restore is refused."""
    pair = make_pair({"logs": {"owned_by": ["tenant"], "optional": True, "newest_by": "at"}}, LOGS)
    pair.fill("INSERT INTO logs VALUES (1, 'b', 1), (2, 'b', 2), (3, 'a', 3), (4, 'a', 4), (5, 'a', 5)")
    arguments = {"optional": {"logs": {"limit": limit}}}
    if not lost:
        check_own(pair, business, **arguments)
        return
    state = pair.state()
    with pytest.raises(RefusedError, match=f"lacks rows that a backup of {business} alone would have") as refusal:
        pair.control.restore("target", pair.backup(**arguments), "mirror", businesses=[business])
    assert refusal.value.reasons[0].startswith(lost)
    assert pair.state() == state


def test_keys_of_every_kind_lead_to_owners(make_pair: MakePair) -> None:
    """Composite keys, tables without a key, values that text has to quote, and owners on a circle."""
    pair = make_pair(
        {
            "posts": {"owned_by": ["tenant"], "where": "kept"},
            "parts": {"owned_by": [["a b", "c"]]},
            "lines": {"owned_by": ["part"], "references": {"part": "parts.code"}, "unowned": "always"},
            "links": {"owned_by": ["tenant", "parent"], "where": "id > 2"},
        },
        "CREATE TABLE posts"
        ' ("a b" text, c numeric, tenant text REFERENCES tenants, kept boolean, PRIMARY KEY ("a b", c))',
        'CREATE TABLE parts ("a b" text, c numeric, code text, FOREIGN KEY ("a b", c) REFERENCES posts)',
        "CREATE TABLE lines (part text, name text)",
        "CREATE TABLE links (id integer PRIMARY KEY, tenant text REFERENCES tenants, parent integer REFERENCES links)",
    )
    pair.fill(
        "INSERT INTO posts VALUES (E'x\"\\t\\\\,(', 1.50, 'a', false), ('', 2, 'b', false), ('y', 3, 'a', true)",
        "INSERT INTO parts VALUES (E'x\"\\t\\\\,(', 1.5, 'p1'), ('', 2.0, 'p2'), ('y', 3, 'p3'), (NULL, 3, 'p4')",
        "INSERT INTO lines VALUES ('p1', 'a'), ('p1', 'a'), ('p2', 'b'), ('p3', NULL), (NULL, NULL), ('p4', 'x')",
        "INSERT INTO links VALUES (1, 'a', NULL), (2, NULL, 1), (3, NULL, 2), (4, 'b', 3), (5, NULL, 4), (6, NULL, 6)",
    )
    check_own(pair, "a")
    assert pair.rows("SELECT name FROM lines ORDER BY name") == [("a",), ("a",), ("x",), (None,), (None,)]
    check_own(pair, "b")


def test_todays_rules_do_not_matter(make_pair: MakePair) -> None:
    """Whose the rows of a backup are was settled when it was made, by the catalog file of that day."""
    pair = make_pair(RULES | {"members": RULES["members"] | {"where": "status <> 'left'"}}, USERS, MEMBERS, NOTES)
    pair.fill(*PEOPLE)
    manifest = pair.backup()
    catalog = json.loads(pair.control.catalog)
    catalog["business"]["all"]["notes"] = {"rule": "referenced"}
    del catalog["business"]["all"]["members"]["where"]
    pair.control.catalog = json.dumps(catalog)
    pair.control.add_host("target", pair.target)
    execute(pair.target, "TRUNCATE tenants, users, members, notes")
    pair.control.restore("target", manifest, "merge", businesses=["a"])
    assert pair.rows("SELECT id FROM notes ORDER BY id") == [(1,), (2,)]


def test_renamed_columns_lead_to_owners_as_before(make_pair: MakePair) -> None:
    """A business is found again under the target's names and types; without the columns that tell it is refused."""
    pair = make_pair(RULES | {"members": RULES["members"] | {"where": "status <> 'left'"}}, USERS, MEMBERS, NOTES)
    pair.fill(*PEOPLE)
    manifest = pair.backup()
    execute(
        pair.target,
        "TRUNCATE tenants, users, members, notes",
        "ALTER TABLE notes RENAME person TO author",
        "ALTER TABLE users RENAME id TO login",
        "ALTER TABLE users ALTER login TYPE varchar(40)",
        "ALTER TABLE notes RENAME TO remarks",
    )
    catalog = json.loads(pair.control.catalog)
    rules = catalog["business"]["all"]
    del rules["notes"]
    rules["remarks"] = {"owned_by": ["author"]}
    pair.control.catalog = json.dumps(catalog)
    pair.control.add_host("target", pair.target)
    answers: dict[str, Any] = {"rename": {"notes": "remarks", "notes.person": "author", "users.id": "login"}}
    pair.control.restore("target", manifest, "merge", businesses=["a"], **answers)
    assert pair.rows("SELECT id, author FROM remarks ORDER BY id") == [(1, "ann"), (2, "bob")]
    execute(pair.target, "TRUNCATE tenants, users, members, remarks", "ALTER TABLE members DROP person")
    rules["users"] = "shared"
    pair.control.catalog = json.dumps(catalog)
    pair.control.add_host("target", pair.target)
    answers["drop_columns"] = ["members.person"]
    with pytest.raises(RefusedError, match="cannot be picked out") as refusal:
        pair.control.restore("target", manifest, "merge", businesses=["a"], **answers)
    assert "column members.person," in refusal.value.reasons[0]
    assert pair.rows("SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize(("how", "said"), [("terminate", "terminating connection"), ("cancel", "canceling statement")])
def test_a_lost_connection_is_no_fault_of_a_condition(make_pair: MakePair, how: str, said: str) -> None:
    """What ends the session while a condition is tried is told as that, not as a problem of the catalog file."""
    pair = make_pair(
        {"logs": {"owned_by": ["tenant"], "where": "public.tried()"}},
        LOGS,
        "CREATE FUNCTION tried() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
        f" PERFORM pg_{how}_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN true; END $$",
    )
    with pytest.raises(DatabaseError, match=said):
        pair.backup()


def test_rows_on_circles_are_nobodys(make_pair: MakePair) -> None:
    """Rows of `referenced` tables that only point at themselves or each other are in every whole backup."""
    pair = make_pair(
        {"persons": "referenced", "cards": "referenced", "jobs": {"owned_by": ["tenant"]}},
        "CREATE TABLE persons (id integer PRIMARY KEY, spouse integer REFERENCES persons, card integer)",
        "CREATE TABLE cards (id integer PRIMARY KEY, holder integer REFERENCES persons)",
        "ALTER TABLE persons ADD FOREIGN KEY (card) REFERENCES cards",
        "CREATE TABLE jobs (id integer PRIMARY KEY, tenant text REFERENCES tenants, worker integer REFERENCES persons)",
    )
    pair.fill(
        "INSERT INTO tenants VALUES ('demo', 'D', true)",
        "INSERT INTO persons VALUES (1, 1), (2, 3), (3, 2), (4, NULL), (5, 4), (6, 7), (7, 6), (8, 8), (9, NULL)",
        "INSERT INTO cards VALUES (1, 9), (2, 8)",
        "UPDATE persons SET card = 1 WHERE id = 9",
        "UPDATE persons SET card = 2 WHERE id = 1",
        "INSERT INTO jobs VALUES (1, 'demo', 6), (2, 'a', 2)",
    )
    taken = {entry.name: entry.rows for entry in pair.backup(demo="exclude").tables}
    assert taken == {"tenants": 2, "persons": 7, "cards": 2, "jobs": 1}  # 6 and 7 are the demo business's
    counted = pair.backup(demo="exclude").selection.tables
    assert (counted["persons"].unowned, counted["persons"].referenced) == (4, 3)
    assert counted["cards"].unowned == 2
    words = ("--inventory", str(pair.control.directory / "inventory"), "--host", "source")
    said = invoke("explain", *words, "persons", "1").out
    assert "only rows that point at each other lead to it, and the scope is whole" in said
    assert "taken:  no" in invoke("explain", *words, "persons", "6").out


def test_a_limit_on_a_table_that_no_table_leads_to(make_pair: MakePair) -> None:
    """A limit on rows that nobody owns, since the table through which they are owned is absent, has cut nobody's."""
    rules = {
        "jobs": {"owned_by": ["tenant_id"], "references": {"tenant_id": "tenants.id", "log_id": "logs.id"}},
        "logs": {"owned_by": ["jobs.log_id"], "optional": True, "newest_by": "at", "unowned": "always"},
    }
    pair = make_pair(rules, "CREATE TABLE logs (id integer PRIMARY KEY, at integer)")
    pair.fill("INSERT INTO logs SELECT g, g FROM generate_series(1, 5) g")
    (entry,) = (each for each in pair.backup(optional={"logs": {"limit": 2}}).tables if each.name == "logs")
    assert (entry.rows, entry.cut) == (2, (None,))
