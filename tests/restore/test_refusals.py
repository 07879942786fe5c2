"""What a restore refuses: everything that stands in the way is named, and nothing is changed."""

from __future__ import annotations

import os

import psycopg
import pytest

from tests.control import execute, new_role
from tests.installed import needs
from tests.restore.conftest import MakePair, Pair
from tests.restore.laboratory import SUPERUSER
from toolkit.errors import InputError, RefusedError, UnreachableError
from toolkit.postgres.servers.embedded import EmbeddedServer

ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size integer)"
NOTES = "CREATE TABLE notes (id integer PRIMARY KEY, item integer NOT NULL REFERENCES items, text text)"
RULES = {"items": {"owned_by": ["tenant"]}}


def refused(pair: Pair, mode: str = "mirror", host: str = "target", **scope: object) -> tuple[str, ...]:
    """The reasons for which a restore is refused; checks that it exits with 4 and changes nothing."""
    state, sequences = pair.state(), pair.rows("SELECT * FROM pg_sequences")
    manifest = pair.backup(**scope)
    with pytest.raises(RefusedError) as refusal:
        pair.control.restore(host, manifest, mode)
    assert refusal.value.exit_code == 4
    assert pair.state() == state
    assert pair.rows("SELECT * FROM pg_sequences") == sequences
    return refusal.value.reasons


def test_a_value_held_by_another_business_is_a_conflict(make_pair: MakePair) -> None:
    """A row whose unique value another row of another business holds cannot be restored; that other is left alone."""
    pair = make_pair(RULES, ITEMS, "ALTER TABLE items ADD UNIQUE (name)")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'ours', 1), (2, 'a', 'other', 1)")
    execute(pair.target, "INSERT INTO items VALUES (3, 'b', 'ours', 1)")
    assert refused(pair, businesses=["a"]) == (
        "items: values of unique key items_name_key (name) are held by other rows (such as 3): 1 row, e.g. 1",
    )


def test_a_database_without_the_applications_tables(make_pair: MakePair) -> None:
    """Nothing of the catalog file is there: not the file is to blame, but the tables have to be made first."""
    pair = make_pair(RULES, ITEMS)
    manifest = pair.backup()
    execute(pair.target, "DROP TABLE items, tenants", "CREATE TABLE others (id integer PRIMARY KEY)")
    with pytest.raises(InputError) as refusal:
        pair.control.restore("target", manifest, "mirror")
    said = "the database has none of the tables that inventory/catalogs/application.yml names; is it the right one?"
    assert [each.message.partition("? ") for each in refusal.value.problems] == [
        (said[:-1], "? ", "A backup holds rows, not the schema: before a restore, let the application make its tables")
    ]
    lost = f"{pair.target} dbname=lost_{os.getpid()}"
    pair.control.add_host("lost", lost)
    with pytest.raises(UnreachableError) as gone:
        pair.control.restore("lost", manifest, "mirror")
    assert "has to be made first, and the application its tables in it" in gone.value.hint


def test_missing_privileges_are_listed_per_table(make_pair: MakePair, clerk: str) -> None:
    """What the plan needs and the role lacks is named: inserts, updates and deletes per table, and sequences."""
    pair = make_pair(
        {**RULES, "notes": {"owned_by": ["tenant"]}},
        ITEMS,
        "CREATE TABLE notes (id serial PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1)", "INSERT INTO notes (tenant) VALUES ('a'), ('a')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'y', 1), (2, 'a', 'z', 1)")
    execute(pair.target, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {clerk}")
    assert refused(pair, host="clerk") == ("no SELECT on sequence public.notes_id_seq",)
    execute(pair.target, f"GRANT SELECT ON notes_id_seq TO {clerk}")
    assert refused(pair, host="clerk") == (
        "no INSERT on table public.notes",
        "no UPDATE on table public.items",
        "no DELETE on table public.items",
        "no UPDATE on sequence public.notes_id_seq",
    )
    execute(pair.target, f"REVOKE SELECT ON items, notes FROM {clerk}")
    assert refused(pair, host="clerk") == ("no SELECT on table public.items", "no SELECT on table public.notes")


def test_what_keeps_a_backup_from_reading_is_told_at_once(make_pair: MakePair, clerk: str) -> None:
    """Tables, sequences and columns that cannot be read are one refusal, in check mode too; its GRANTs are enough."""
    pair = make_pair(
        {**RULES, "notes": {"owned_by": ["tenant"]}},
        ITEMS,
        "CREATE TABLE notes (id serial PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, scan oid)",
        "CREATE SEQUENCE numbers",
    )
    execute(pair.target, f"GRANT SELECT ON tenants, notes TO {clerk}")
    lacking = ("no SELECT on table public.items", *(f"no SELECT on sequence public.{each}" for each in SEQUENCES))
    for check in (True, False):
        with pytest.raises(RefusedError) as refusal:
            pair.control.run("backup", "clerk", {}, check=check)
        assert refusal.value.reasons == ("notes.scan is of type oid", *lacking)
        assert "content as bytea" in refusal.value.hint
    execute(pair.target, "ALTER TABLE notes DROP scan")
    with pytest.raises(RefusedError) as refusal:
        pair.control.backup("clerk")
    assert refusal.value.reasons == lacking
    execute(pair.target, refusal.value.hint.removesuffix("; or run as the owner of the tables"))
    assert [each.name for each in pair.control.backup("clerk").sequences] == list(SEQUENCES)


SEQUENCES = ("notes_id_seq", "numbers")


def test_tables_that_point_at_restored_ones_must_be_readable(make_pair: MakePair, clerk: str) -> None:
    """Whether a row may be deleted depends on who points at it: a table that the role cannot read is named."""
    pair = make_pair(RULES, ITEMS, "CREATE TABLE locks (item integer REFERENCES items)", transient={"locks": {}})
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'y', 1)")
    execute(pair.target, f"GRANT SELECT, INSERT, UPDATE, DELETE ON items, tenants TO {clerk}")
    assert refused(pair, host="clerk") == ("no SELECT on table public.locks",)


def test_a_label_is_not_a_key(make_pair: MakePair) -> None:
    """A business that is named by its label is refused with its key, by a backup and by a restore."""
    pair = make_pair({})
    execute(pair.source, "UPDATE tenants SET name = 'Corner Shop' WHERE id = 'b'")
    with pytest.raises(InputError) as refusal:
        pair.backup(businesses=["corner shop"])
    assert refusal.value.hint == "corner shop is the name of b: name businesses by tenants.id; there are a, b"
    with pytest.raises(InputError) as refused_one:
        pair.restore(businesses=["Corner Shop"])
    assert refused_one.value.hint == "Corner Shop is the name of b: it has a, b"


@needs(15)
def test_who_suspends_foreign_keys_must_be_able_to_lock(make_pair: MakePair, pg18: EmbeddedServer) -> None:
    """A role that was granted the replica role must keep others from writing: tables that it cannot lock are named."""
    role = f"playback_test_replica_{os.getpid()}"
    pair = make_pair(RULES, ITEMS, "CREATE TABLE runs (id integer PRIMARY KEY)", transient={"runs": {}})
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1)")
    new_role(pg18.superuser, role)
    execute(pg18.superuser, f"GRANT SET ON PARAMETER session_replication_role TO {role}")
    execute(pair.target, f"GRANT USAGE ON SCHEMA public TO {role}")
    execute(pair.target, f"GRANT SELECT, INSERT, UPDATE ON items, tenants TO {role}")
    pair.control.add_host("replica", psycopg.conninfo.make_conninfo(pair.target, user=role))
    try:
        reason = "none of UPDATE, DELETE and TRUNCATE on table public.runs"
        assert refused(pair, host="replica") == (reason,)
        execute(pair.target, f"GRANT UPDATE ON runs TO {role}")
        assert pair.restore(host="replica").facts["inserts"] == 1
    finally:
        with psycopg.connect(pair.target, user=SUPERUSER, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())


def test_a_role_with_just_the_privileges_restores(make_pair: MakePair, clerk: str) -> None:
    """A role that owns nothing restores tables without triggers, given the privileges that the plan needs."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1)")
    execute(pair.target, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {clerk}; GRANT INSERT ON items TO {clerk}")
    assert pair.restore(host="clerk").facts["inserts"] == 1


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_a_reference_to_nothing_leaves_the_target_unchanged(make_pair: MakePair, host: str) -> None:
    """A row that points at a row which is in no backup ends the restore in the middle, with everything as before."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TABLE runs (id integer PRIMARY KEY)",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, run integer REFERENCES runs)",
        transient={"runs": {}},
    )
    execute(pair.source, "INSERT INTO runs VALUES (1)", "INSERT INTO items VALUES (1, 'a', 1), (2, 'b', NULL)")
    execute(pair.source, "UPDATE tenants SET name = 'changed'")
    assert "runs" in str(refused(pair, host=host))


def test_steps_refuse_before_the_first_of_them(make_pair: MakePair) -> None:
    """A constraint that only the target has refuses a restore in steps before anything is committed."""
    pair = make_pair(RULES | {"notes": {"owned_by": ["item"]}}, ITEMS, NOTES)
    execute(pair.target, "ALTER TABLE notes ALTER text SET NOT NULL")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1)", "INSERT INTO notes VALUES (1, 1, NULL)")
    state, manifest = pair.state(), pair.backup()
    with pytest.raises(RefusedError) as refusal:
        pair.control.restore("target", manifest, "mirror", atomic=False)
    assert any("notes: column text is NOT NULL" in reason for reason in refusal.value.reasons)
    assert pair.state() == state
