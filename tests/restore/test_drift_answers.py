"""Answers to drift: expressions, maps of values, files; what a refusal offers works, and verify understands it."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from tests.acting import act, context_of
from tests.app.invoking import invoke, playbook
from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.actions.quarantine import ACTION as RETRY
from toolkit.config import inventory
from toolkit.errors import InputError, RefusedError
from toolkit.model.outcome import Outcome

OLD = (
    "CREATE TYPE state AS ENUM ('ACTIVE', 'GONE', 'new')",
    "CREATE TABLE people (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, first text, last text,"
    " state state, code text, size integer, note text)",
    "CREATE TABLE old_reports (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
    "CREATE TABLE visits (id integer PRIMARY KEY, person integer NOT NULL REFERENCES people, place text)",
)
RULES: dict[str, Any] = {
    "people": {"owned_by": ["tenant"]},
    "old_reports": {"owned_by": ["tenant"]},
    "visits": {"owned_by": ["person"]},
}
ROWS = (
    "INSERT INTO people VALUES (1, 'a', 'Ann', 'Bell', 'ACTIVE', 'x', 1, 'n'), (2, 'a', 'Cy', 'Dee', 'GONE', 'y',"
    " 70000, NULL), (3, 'b', 'Eve', 'Fox', 'new', 'z', NULL, 'm'), (4, 'b', 'Gus', 'Hart', NULL, 'w', 2, NULL)",
    "INSERT INTO old_reports VALUES (1, 'a')",
    "INSERT INTO visits VALUES (1, 1, 'home'), (2, 4, 'town')",
)
MIGRATION = (
    "DROP TABLE old_reports",
    "ALTER TABLE people DROP state",
    "DROP TYPE state",
    "CREATE TYPE state AS ENUM ('active', 'gone', 'new')",
    "ALTER TABLE people ADD state state, ALTER size TYPE smallint, DROP first, DROP last, DROP code",
    "ALTER TABLE people ADD name text NOT NULL, ADD token uuid NOT NULL, ADD code varchar(1), ALTER note SET NOT NULL",
    "CREATE FUNCTION shout(v text) RETURNS text LANGUAGE sql AS 'SELECT upper(v)'",
    "ALTER TABLE visits RENAME TO calls",
    "ALTER TABLE calls RENAME place TO spot",
)
ANSWERS: dict[str, Any] = {
    "rename": {"visits": "calls", "visits.place": "spot"},
    "drop_tables": ["old_reports"],
    "drop_columns": ["people.first", "people.last"],
    "defaults": {
        "people.name": {"sql": "people.first || ' ' || \"last\""},
        "people.token": {"sql": "gen_random_uuid()"},
        "people.note": {"sql": "'size ' || coalesce(size, 0) + 1"},
    },
    "convert": {
        "people.state": {"map": {"ACTIVE": "active", "GONE": "gone"}, "else": "error"},
        "people.size": {"else": -1},
        "people.code": {"sql": "shout(code)"},
    },
}


@pytest.fixture
def migrated(make_pair: MakePair) -> Pair:
    """A source with rows, and a target whose application has moved on, with today's catalog file."""
    pair = make_pair(RULES, *OLD)
    execute(pair.source, *ROWS)
    execute(pair.target, *MIGRATION)
    catalog = pair.control.directory / "inventory" / "catalogs" / "application.yml"
    pair.control.backup("source", demo="include")
    text = catalog.read_text(encoding="utf-8")
    catalog.write_text(text.replace('"visits"', '"calls"'), encoding="utf-8")
    return pair


def backup(pair: Pair) -> Any:
    """The backup that was made under the old catalog file."""
    repository = pair.control.repository
    (label,) = repository.labels()
    return repository.manifest(label)


def verified(pair: Pair, **answers: Any) -> Outcome:
    """A verification of the target under answers."""
    return pair.control.run("verify", "target", {"backup": backup(pair).metadata.label, **answers})


def test_a_whole_migration_is_answered(migrated: Pair) -> None:
    """Expressions see the row and the application's functions; restored again nothing changes; verify agrees."""
    pair, manifest = migrated, backup(migrated)
    done = pair.control.restore("target", manifest, "mirror", **ANSWERS)
    assert "table old_reports is no more: its 1 rows in the backup stay there" in done.warnings
    assert pair.rows("SELECT id, name, state::text, code, size, note FROM people ORDER BY id") == [
        (1, "Ann Bell", "active", "X", 1, "n"),
        (2, "Cy Dee", "gone", "Y", -1, "size 70001"),
        (3, "Eve Fox", "new", "Z", None, "m"),
        (4, "Gus Hart", None, "W", 2, "size 3"),
    ]
    assert len(set(pair.rows("SELECT token FROM people"))) == 4
    assert not pair.control.restore("target", manifest, "mirror", **ANSWERS).changed
    assert verified(pair, **ANSWERS).facts["exact"]
    assert verified(pair, after=done.facts).facts["exact"]
    execute(pair.target, "UPDATE people SET state = 'new' WHERE id = 1", "UPDATE people SET note = 'own' WHERE id = 2")
    found = verified(pair, **ANSWERS)
    assert found.facts["tables"] == {"people": {"missing": 0, "extra": 0, "changed": 1}}
    pair.control.restore("target", manifest, "mirror", **ANSWERS)
    assert pair.rows("SELECT state::text, note FROM people WHERE id < 3 ORDER BY id") == [
        ("active", "n"),
        ("gone", "own"),
    ]


def test_every_answer_that_is_offered_works(migrated: Pair) -> None:
    """What `--write-answers` offers first is taken until nothing is asked any more; lines that stand there stay."""
    pair, label = migrated, backup(migrated).metadata.label
    file, before = pair.control.directory / "answers.yml", ""
    file.write_text("# mine\n", encoding="utf-8")
    wanted = {"from": label, "mode": "mirror", "identity": "source", "answers": "answers.yml"}
    loaded = inventory.load(pair.control.directory / "inventory")
    context = replace(context_of(loaded, "target", check=True), write_answers=str(file))
    for _ in range(5):
        with suppress(RefusedError):
            act("restore", wanted, context)
        text = file.read_text(encoding="utf-8")
        assert text.startswith("# mine\n")
        if text == before:
            break
        before = first_answers(text)
        file.write_text(before, encoding="utf-8")
    assert act("restore", wanted, context_of(loaded, "target")).exit_code == 0
    assert verified(pair, answers="answers.yml").facts["exact"]
    folder = str(pair.control.directory / "inventory")
    asked = ("verify", label, "--host", "target", "--inventory", folder, "--answers")
    assert invoke(*asked, str(file)).code == 0
    assert "there is no file" in invoke(*asked, "nowhere.yml").text


def test_a_run_writes_what_drift_asks(migrated: Pair) -> None:
    """`--write-answers` begins the file; it goes with `--check` only, and a second time it adds nothing."""
    task = f"restore: {{from: {backup(migrated).metadata.label}, mode: merge, identity: source}}"
    book, file = playbook(migrated.control.directory, task, hosts="target"), migrated.control.directory / "new.yml"
    asked = [str(book), "--inventory", str(migrated.control.directory / "inventory"), "--write-answers", str(file)]
    assert invoke("run", *asked).code == 2
    assert not file.exists()
    checked = invoke("run", *asked, "--check")
    assert checked.code == 4, checked.text
    assert f"with `answers: {file}` in the task, or" in checked.out
    assert f"`--extra-vars answers={file}`" in checked.out
    text = file.read_text(encoding="utf-8")
    assert "  # DECIDE table old_reports is missing; the backup has 1 rows of it\n  # - old_reports\n" in text
    assert invoke("run", *asked, "--check").code == 4
    assert file.read_text(encoding="utf-8") == text


def first_answers(text: str) -> str:
    """The file with the first answer to every question uncommented."""
    lines, decide = [], False
    for each in text.splitlines():
        lines.append(each.replace("# ", "", 1) if decide else each)
        decide = "# DECIDE" in each
    return "\n".join(lines) + "\n"


def test_the_hint_itself_works(make_pair: MakePair) -> None:
    """The answers of a refusal's hint, put into the task, lead to a restore or to the next hint."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}, "lists": "shared"},
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size numeric)",
        "CREATE TABLE lists (id integer PRIMARY KEY, what text)",
    )
    execute(
        pair.source,
        "INSERT INTO items VALUES (1, 'a', 'long name', 7.5), (2, 'b', 'x', NULL)",
        "INSERT INTO lists VALUES (1, 'one')",
    )
    execute(
        pair.target,
        "ALTER TABLE items DROP CONSTRAINT items_pkey, ADD uid uuid PRIMARY KEY, ADD kind integer REFERENCES lists,"
        " ALTER name TYPE varchar(3), ALTER size TYPE integer, ADD flag boolean NOT NULL, ADD at timestamptz NOT NULL,"
        " ADD tags text[] NOT NULL, ADD doc jsonb NOT NULL, ADD ip inet NOT NULL, ADD code varchar(9) NOT NULL UNIQUE",
        "ALTER TABLE lists DROP what, ADD title text",
    )
    manifest, answers = pair.backup(), dict[str, Any]()
    for _ in range(4):
        try:
            pair.control.restore("target", manifest, "merge", **answers)
            break
        except RefusedError as refusal:
            offered = re.findall(r"`([a-z_]+: [\[{].*?)`(?=[,; ])", refusal.hint)
            assert offered
            for each in offered:
                for name, value in yaml.safe_load(each).items():
                    known = answers.setdefault(name, type(value)())
                    answers[name] = {**known, **value} if isinstance(value, dict) else [*known, *value]
    assert pair.rows("SELECT name, size FROM items ORDER BY name NULLS FIRST, size") == [(None, None), ("x", None)]
    assert pair.rows("SELECT title FROM lists") == [("one",)]


def test_answers_that_cannot_be_worked_out_are_errors(migrated: Pair) -> None:
    """An unknown column, a set of rows, an aggregate, a value that does not come out: each is named."""
    state = migrated.state()

    def problems(**more: Any) -> list[str]:
        answers = {name: {**ANSWERS[name], **more.get(name, {})} for name in ("defaults", "convert")}
        with pytest.raises(InputError) as error:
            migrated.control.restore("target", backup(migrated), "merge", **{**ANSWERS, **answers})
        assert migrated.state() == state
        return [str(problem) for problem in error.value.problems]

    assert problems(
        defaults={"people.name": {"sql": "nobody"}, "people.token": {"sql": "generate_series(1, 2)"}},
        convert={"people.code": {"sql": "max(code)"}, "people.id": {"map": {"1": "2"}}},
    ) == [
        'restore.defaults.people.name: column "nobody" does not exist',
        "restore.defaults.people.token: set-returning functions are not allowed in WHERE",
        "restore.convert.people.code: aggregate functions are not allowed in WHERE",
    ]
    assert problems(defaults={"people.name": {"sql": "1 / (size - 2)"}}) == [
        "restore.defaults.people.name: division by zero"
    ]
    assert problems(convert={"people.code": {"sql": "upper(code)", "map": {"x": "y"}}}) == [
        "restore.convert.people.code: give map and else, or sql"
    ]
    assert problems(convert={"people.code": {"sql": "'long'"}}) == [
        "restore.convert.people.code: value too long for type character varying(1)"
    ]
    with pytest.raises(RefusedError) as refusal:
        migrated.control.restore("target", backup(migrated), "merge", businesses=["a"], **ANSWERS)
    assert refusal.value.reasons == ("rows hang together through table old_reports, which is dropped",)
    assert migrated.state() == state


def test_values_by_defaults_go_into_quarantine_with_their_rows(migrated: Pair) -> None:
    """A row that is put aside keeps the value that was worked out for it, and comes back with it."""
    pair = migrated
    execute(pair.target, "ALTER TABLE people ADD CONSTRAINT no CHECK (code <> 'X')")
    done = pair.control.restore("target", backup(pair), "mirror", on_error="quarantine", **ANSWERS)
    assert (done.exit_code, pair.rows("SELECT id FROM people WHERE id = 1")) == (3, [])
    execute(pair.target, "ALTER TABLE people DROP CONSTRAINT no")
    assert pair.control.run(RETRY, "target", {}).exit_code == 0
    assert pair.rows("SELECT name, state::text FROM people WHERE id = 1") == [("Ann Bell", "active")]
    assert verified(pair, **ANSWERS).facts["exact"]


def test_one_business_under_answers(migrated: Pair) -> None:
    """Single businesses are picked out under answers too, unless one takes away by what they are known."""
    pair, manifest = migrated, backup(migrated)
    execute(pair.target, "CREATE TABLE old_reports (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)")
    answers = {name: given for name, given in ANSWERS.items() if name != "drop_tables"}
    changed = {**answers["convert"], "people.tenant": {"map": {"a": "b"}}}
    with pytest.raises(RefusedError, match=r"column people\.tenant, which is converted"):
        pair.control.restore("target", manifest, "mirror", businesses=["b"], **{**answers, "convert": changed})
    pair.control.restore("target", manifest, "mirror", businesses=["b"], **answers)
    assert pair.rows("SELECT id, name FROM people ORDER BY id") == [(3, "Eve Fox"), (4, "Gus Hart")]
    assert pair.rows("SELECT id, spot FROM calls") == [(2, "town")]
    assert not pair.control.restore("target", manifest, "mirror", businesses=["b"], **answers).changed


def test_the_schema_version_is_compared(make_pair: MakePair) -> None:
    """A target at another version of the application's schema is said, and no more than that."""
    pair = make_pair({}, "CREATE TABLE migrations (name text)", transient={"migrations": {}})
    catalog: Path = pair.control.directory / "inventory" / "catalogs" / "application.yml"
    text = catalog.read_text(encoding="utf-8")
    catalog.write_text(text[:-1] + ', "schema_version": {"table": "migrations", "column": "name"}}', encoding="utf-8")
    pair.fill("INSERT INTO migrations VALUES ('041')")
    assert not pair.restore("merge", check=True).warnings
    execute(pair.target, "INSERT INTO migrations VALUES ('042')")
    said = "the backup was made under schema version 041, and the target has 042"
    assert said in pair.restore("merge", check=True).warnings
    assert said in pair.control.verify("target", pair.backup()).warnings
