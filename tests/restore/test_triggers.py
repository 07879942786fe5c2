"""User triggers stay silent during a restore, and their states are as before afterwards."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import DatabaseError, RefusedError
from toolkit.postgres.restore import transaction

ITEMS = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
    "CREATE TABLE heard (what text)",
    """
    CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.heard VALUES (TG_NAME); RETURN coalesce(NEW, OLD); END $$
    """,
    *(
        f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION loud()"
        for name in ("origin", "always", "replica", "disabled")
    ),
    "CREATE TRIGGER at_last AFTER INSERT OR DELETE ON items EXECUTE FUNCTION loud()",
    "ALTER TABLE items ENABLE ALWAYS TRIGGER always",
    "ALTER TABLE items ENABLE REPLICA TRIGGER replica",
    "ALTER TABLE items DISABLE TRIGGER disabled",
)

STATES = "SELECT tgname, tgenabled, tgisinternal FROM pg_trigger ORDER BY tgrelid, tgname"


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """A table with triggers in every state, and differences of every kind."""
    made = make_pair({"items": {"owned_by": ["tenant"]}}, *ITEMS, transient={"heard": {}})
    execute(made.source, "INSERT INTO items VALUES (1, 'a', 'new'), (2, 'a', 'changed')")
    execute(made.target, "INSERT INTO items VALUES (2, 'a', 'old'), (3, 'a', 'extra')", "DELETE FROM heard")
    return made


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_no_trigger_fires_and_all_states_stay(pair: Pair, host: str) -> None:
    """Inserts, updates and deletes fire nothing; ordinary, always, replica and disabled triggers stay what they are."""
    before = pair.rows(STATES)
    outcome = pair.restore(host=host)
    assert (outcome.facts["inserts"], outcome.facts["updates"], outcome.facts["deletes"]) == (1, 1, 1)
    assert pair.rows("SELECT * FROM heard") == []
    assert pair.rows(STATES) == before
    execute(pair.target, "UPDATE items SET name = 'x' WHERE id = 1")
    assert sorted(pair.rows("SELECT what FROM heard")) == [("always",), ("origin",)]


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_a_failed_restore_leaves_the_triggers_as_they_were(pair: Pair, host: str) -> None:
    """When the server refuses a row in the middle, every trigger and every row is as before."""
    execute(pair.target, "CREATE UNIQUE INDEX ON items (lower(name))", "UPDATE items SET name = 'NEW' WHERE id = 3")
    execute(pair.target, "DELETE FROM heard")
    states, state = pair.rows(STATES), pair.state()
    with pytest.raises(RefusedError, match=r"items: .*items_lower_idx"):
        pair.restore("merge", host=host)
    assert pair.rows(STATES) == states
    assert pair.state() == state


@pytest.mark.parametrize("check", [False, True])
def test_a_role_that_cannot_silence_triggers_is_refused(pair: Pair, clerk: str, check: bool) -> None:
    """Neither owner nor superuser: refused with every trigger that would fire, already in check mode."""
    execute(pair.target, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {clerk}")
    state = pair.state()
    with pytest.raises(RefusedError) as refusal:
        pair.restore(host="clerk", check=check)
    named = {reason.split()[1] for reason in refusal.value.reasons}
    assert named == {"always", "at_last", "origin"}
    assert "`triggers: fire`" in refusal.value.hint
    # which would not silence the one that always fires
    assert "GRANT SET" not in refusal.value.hint
    assert pair.state() == state


def test_triggers_fire_for_those_who_ask(pair: Pair, clerk: str) -> None:
    """With `triggers: fire` a role that owns nothing restores, and the triggers fire."""
    execute(pair.target, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {clerk}")
    assert pair.restore(host="clerk", triggers="fire").facts["inserts"] == 1
    assert ("origin",) in pair.rows("SELECT what FROM heard")


def test_triggers_that_fire_may_write_elsewhere(pair: Pair) -> None:
    """What they wrote outside single businesses is said, and does not count as untouched; what else changes fails."""
    done = pair.restore("mirror", businesses=["a"], triggers="fire")
    said = "rows outside the restore changed (0 before, 8 after), by triggers or rules that were to be heard"
    assert f"heard: {said}" in done.warnings
    assert len(pair.rows("SELECT FROM heard")) == 8
    assert done.facts["untouched"] == 2


TREE = (
    "CREATE TABLE items (id integer, tenant text NOT NULL REFERENCES tenants, name text, PRIMARY KEY (id))"
    " PARTITION BY RANGE (id)",
    "CREATE TABLE few PARTITION OF items FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE many PARTITION OF items FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (id)",
    "CREATE TABLE several PARTITION OF many FOR VALUES FROM (10) TO (50)",
    "CREATE SCHEMA elsewhere",
    "CREATE TABLE elsewhere.more PARTITION OF many FOR VALUES FROM (50) TO (100)",
    *ITEMS[1:3],
    *(
        f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION loud()"
        for name, table in {
            "all_rows": "items",
            "of_few": "few",
            "of_many": "many",
            "of_more": "elsewhere.more",
        }.items()
    ),
    "CREATE TRIGGER always BEFORE UPDATE ON several FOR EACH ROW EXECUTE FUNCTION loud()",
    "ALTER TABLE several ENABLE ALWAYS TRIGGER always",
    "ALTER TABLE few DISABLE TRIGGER all_rows",
    "ALTER TABLE elsewhere.more ENABLE ALWAYS TRIGGER all_rows",
    "ALTER TABLE several ENABLE REPLICA TRIGGER of_many",
)


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_triggers_of_partitions_are_silent_at_every_level(make_pair: MakePair, host: str) -> None:
    """Those of a leaf, of a partition in another schema and clones in a state of their own: none fires, all stay."""
    made = make_pair({"items": {"owned_by": ["tenant"]}}, *TREE, transient={"heard": {}})
    try:
        execute(made.source, "INSERT INTO items SELECT i, 'a', 'new' FROM generate_series(1, 90, 10) i")
        execute(made.target, "INSERT INTO items SELECT i, 'a', 'old' FROM generate_series(2, 90, 3) i")
        execute(made.target, "DELETE FROM heard")
        before = made.rows(STATES)
        outcome = made.restore(host=host)
        assert all(outcome.facts[each] for each in ("inserts", "updates", "deletes"))
        assert made.rows("SELECT * FROM heard") == []
        assert made.rows(STATES) == before
        assert not made.restore(host=host).changed
    finally:
        made.fill("DROP SCHEMA elsewhere CASCADE")


RULED = (
    ITEMS[0],
    ITEMS[1],
    *(
        f"CREATE RULE {name} AS ON {event} TO items DO ALSO INSERT INTO heard VALUES ('{name}')"
        for name, event in (
            ("adding", "INSERT"),
            ("changing", "UPDATE"),
            ("taking", "DELETE"),
            ("always", "INSERT"),
            ("replica", "UPDATE"),
            ("off", "DELETE"),
        )
    ),
    "CREATE RULE nobody AS ON DELETE TO items WHERE OLD.name = 'extra' DO INSTEAD NOTHING",
    "ALTER TABLE items ENABLE ALWAYS RULE always",
    "ALTER TABLE items ENABLE REPLICA RULE replica",
    "ALTER TABLE items DISABLE RULE off",
)
RULE_STATES = "SELECT rulename, ev_enabled FROM pg_rewrite WHERE rulename <> '_RETURN' ORDER BY ev_class, rulename"


@pytest.fixture
def ruled(make_pair: MakePair) -> Pair:
    """A table with rules in every state, and differences of every kind."""
    made = make_pair({"items": {"owned_by": ["tenant"]}}, *RULED, transient={"heard": {}})
    execute(made.source, "INSERT INTO items VALUES (1, 'a', 'new'), (2, 'a', 'changed')")
    execute(made.target, "INSERT INTO items VALUES (2, 'a', 'old'), (3, 'a', 'extra')", "DELETE FROM heard")
    return made


@pytest.mark.parametrize(("host", "arguments"), [("target", {}), ("target", {"atomic": False}), ("superuser", {})])
def test_no_rule_applies_and_all_states_stay(ruled: Pair, host: str, arguments: dict[str, Any]) -> None:
    """Rules that would write elsewhere, or keep a row from being deleted, are silent and then what they were."""
    before = ruled.rows(RULE_STATES)
    done = ruled.restore(host=host, **arguments)
    assert (done.facts["inserts"], done.facts["updates"], done.facts["deletes"]) == (1, 1, 1)
    assert ruled.rows("SELECT * FROM heard") == []
    assert ruled.rows("SELECT id, name FROM items ORDER BY id") == [(1, "new"), (2, "changed")]
    assert ruled.rows(RULE_STATES) == before
    assert any("rules are disabled, and other sessions wait to read items" in line for line in done.details)
    assert not ruled.restore(host=host, **arguments).changed


def test_a_role_that_cannot_silence_rules_is_refused(ruled: Pair, clerk: str) -> None:
    """Who does not own the table is refused with every rule that would apply."""
    execute(ruled.target, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {clerk}")
    with pytest.raises(RefusedError) as refusal:
        ruled.restore(host="clerk", check=True)
    assert refusal.value.reasons == tuple(
        f"rule {name} of table public.items can be kept from applying by the table's owner only"
        for name in ("adding", "always", "changing", "nobody", "taking")
    )


def test_triggers_that_foreign_keys_would_fire_are_silent(make_pair: MakePair, clerk: str) -> None:
    """Those FOR EACH STATEMENT of tables into which deletes and updates would cascade, even where no row is."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}, "parts": {"owned_by": ["item"]}},
        ITEMS[0],
        "CREATE TABLE parts (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE CASCADE)",
        *ITEMS[1:3],
        "CREATE TRIGGER whole AFTER INSERT OR DELETE ON parts EXECUTE FUNCTION loud()",
        transient={"heard": {}},
    )
    execute(pair.target, "INSERT INTO items VALUES (3, 'a', 'extra')")
    execute(pair.target, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {clerk}")
    with pytest.raises(RefusedError) as refusal:
        pair.restore(host="clerk")
    assert refusal.value.reasons == (
        "trigger whole of table public.parts can be kept from firing by the table's owner only",
    )
    granted = "GRANT SET ON PARAMETER session_replication_role TO"
    assert (granted in refusal.value.hint) == (pair.rows("SHOW server_version_num") >= [("150000",)])
    before = pair.rows(STATES)
    assert pair.restore().facts["deletes"] == 1
    assert (pair.rows("SELECT * FROM heard"), pair.rows(STATES)) == ([], before)


@pytest.mark.parametrize("when", ["BEFORE", "AFTER"])
def test_a_row_that_is_written_otherwise_fails_the_proof(
    make_pair: MakePair, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Should a trigger be heard after all, what it makes of a row is seen, be it before or after it was written."""
    pair = make_pair({"items": {"owned_by": ["tenant"]}}, ITEMS[0])
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'as backed up')")
    execute(
        pair.target,
        "INSERT INTO items VALUES (1, 'a', 'old')",
        "CREATE FUNCTION otherwise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'otherwise';"
        " IF TG_WHEN = 'AFTER' AND pg_trigger_depth() = 1 THEN UPDATE public.items SET name = NEW.name; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER heard {when} UPDATE ON items FOR EACH ROW EXECUTE FUNCTION otherwise()",
    )
    monkeypatch.setattr(transaction, "silent_triggers", lambda *_, **__: nullcontext())
    with pytest.raises(DatabaseError, match="items: 1 rows are not what the backup has"):
        pair.restore()
    assert pair.rows("SELECT name FROM items") == [("old",)]
