"""Verifying after a restore: the rows that it kept may differ, and nothing else may."""

from __future__ import annotations

import pytest

from tests.app.invoking import Invoked, invoke
from tests.control import ROOT, execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import InputError

DDL = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
    "CREATE TABLE loans (id integer PRIMARY KEY, lender text REFERENCES tenants, borrower text REFERENCES tenants,"
    " amount integer)",
    "CREATE TABLE locks (item integer REFERENCES items)",
)
RULES = {"items": {"owned_by": ["tenant"]}, "loans": {"owned_by": ["lender", "borrower"]}}


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """Business a's rows: one that differs, one that is another's too and differs, and one that is in use."""
    made = make_pair(RULES, *DDL, transient={"locks": {}})
    made.fill("INSERT INTO items VALUES (1, 'a', 'x')", "INSERT INTO loans VALUES (1, 'a', 'b', 10), (2, 'a', 'b', 20)")
    execute(
        made.target,
        "INSERT INTO items VALUES (7, 'a', 'in use')",
        "INSERT INTO locks VALUES (7)",
        "UPDATE items SET name = 'y' WHERE id = 1",
        "UPDATE loans SET amount = 11 WHERE id = 1",
    )
    return made


def run_shipped(
    pair: Pair, label: str, mode: str, *options: str, name: str = "restore", what: str = "into=host"
) -> Invoked:
    """Run a shipped playbook over the target."""
    inventory = str(pair.control.directory / "inventory")
    given = [f"backup={label}", f"mode={mode}", what]
    extra = [word for each in given for word in ("--extra-vars", each)]
    playbook = str(ROOT / "playbooks" / f"{name}.yml")
    return invoke("run", playbook, "--inventory", inventory, "--limit", "target", *extra, *options)


@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_the_shipped_playbook_ends_well_when_all_is_well(pair: Pair, mode: str) -> None:
    """Restoring with rows that are kept, and looking first, both end with 0; the rows are named."""
    label = pair.backup(businesses=["a"]).metadata.label
    looked = run_shipped(pair, label, mode, "--check")
    assert looked.code == 0, looked.text
    assert "nothing is restored in check mode" in looked.out
    ran = run_shipped(pair, label, mode)
    assert ran.code == 0, ran.text
    assert "kept loans: 1 row: belong to another business too (b), e.g. 1" in ran.out
    assert "are equal but for the 2 rows that the restore has kept" in ran.out


@pytest.mark.parametrize(
    ("name", "what", "said"),
    [
        ("restore-business", "business=a", "business a is as in {label}, but for 2 rows that are kept: "),
        ("restore-tables", "tables=items", " deleted, 1 kept"),
    ],
)
def test_what_is_restored_in_part_is_verified_and_claims_no_more(pair: Pair, name: str, what: str, said: str) -> None:
    """Of a backup of all, one business or some tables: compared afterwards, and what is kept is said."""
    label = pair.backup().metadata.label
    ran = run_shipped(pair, label, "mirror", name=name, what=what)
    assert ran.code == 0, ran.text
    assert "rows that the restore has kept" in ran.out
    assert said.format(label=label) in ran.out


@pytest.mark.parametrize(
    ("name", "what"),
    [("restore", "into=host"), ("restore-business", "business=a"), ("restore-tables", "tables=items")],
)
def test_the_shipped_playbooks_put_rows_aside_when_told_so(pair: Pair, name: str, what: str) -> None:
    """What the refusal advises can be said on the command line; nothing claims then that all is there."""
    pair.fill("CREATE UNIQUE INDEX ON items (name)")
    execute(pair.target, "INSERT INTO items VALUES (9, 'b', 'x')")
    label = pair.backup().metadata.label
    refused = run_shipped(pair, label, "merge", name=name, what=what)
    assert (refused.code, "--extra-vars on_error=quarantine" in refused.text) == (4, True), refused.text
    ran = run_shipped(pair, label, "merge", "--extra-vars", "on_error=quarantine", name=name, what=what)
    assert ran.code == 3, ran.text
    assert "is as in" not in ran.out
    assert pair.rows("SELECT name FROM items WHERE id = 1") == [("y",)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE items SET name = 'z' WHERE id = 1", "items: 1 row differs that the restore has not kept"),
        ("DELETE FROM items WHERE id = 1", "items: 1 row differs that the restore has not kept"),
        ("INSERT INTO items VALUES (8, 'a', 'new')", "items: 1 row differs that the restore has not kept"),
        ("UPDATE loans SET amount = 0 WHERE id = 2", "loans: the restore kept 1 row, and 2 differ now"),
        (
            "UPDATE loans SET amount = 0 WHERE id = 2; UPDATE loans SET amount = 10 WHERE id = 1",
            "loans: the restore kept 1 row, and 1 differ now, which are not the same ones",
        ),
        (
            "INSERT INTO items VALUES (9, 'a', 'n'); INSERT INTO locks VALUES (9)",
            "items: the restore kept 1 row",
        ),
        ("UPDATE loans SET amount = 12 WHERE id = 1", ""),
    ],
)
def test_nothing_but_the_kept_rows_may_differ(pair: Pair, statement: str, said: str) -> None:
    """Any other difference is found and told, also of a row that a restore would have kept as well."""
    manifest = pair.backup(businesses=["a"])
    done = pair.control.restore("target", manifest, "mirror")
    execute(pair.target, *statement.split("; "))
    arguments = {"backup": manifest.metadata.label, "after": dict(done.facts)}
    found = pair.control.run("verify", "target", arguments)
    assert found.exit_code == (6 if said else 0)
    assert not said or any(line.startswith(said) for line in found.details), found.details


def test_one_business_out_of_a_wider_backup_is_verified_as_it_was_restored(pair: Pair) -> None:
    """The rest of the backup is not compared, because it was not restored."""
    manifest = pair.backup()
    execute(pair.target, "INSERT INTO items VALUES (20, 'b', 'later')")
    done = pair.control.restore("target", manifest, "mirror", businesses=["a"])
    arguments = {"backup": manifest.metadata.label, "after": dict(done.facts)}
    assert pair.control.run("verify", "target", arguments).exit_code == 0
    assert pair.control.verify("target", manifest).exit_code == 6


def test_facts_of_another_restore_are_refused(pair: Pair) -> None:
    """What was kept of another backup excuses nothing."""
    first = pair.control.restore("target", pair.backup(businesses=["a"]), "mirror")
    other = pair.backup(businesses=["a"])
    with pytest.raises(InputError):
        pair.control.run("verify", "target", {"backup": other.metadata.label, "after": dict(first.facts)})
