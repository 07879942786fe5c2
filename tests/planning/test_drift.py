"""Drift as a decision from two schemas and a person's answers; the rows themselves are looked at elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.storage.samples import manifest_of
from toolkit.model.drift import Answers, Option
from toolkit.model.manifest import KeyColumn, Manifest, StoredColumn, TableEntry
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.model.schemas import Schemas
from toolkit.planning.answers import with_new_tables
from toolkit.planning.drift import find_drift

TYPES = ("integer", "text", "numeric(9,2)")
NAMES = tuple("abcde")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """A backup, a target whose schema has moved on, and exactly the answers that this asks for."""

    manifest: Manifest
    target: DatabaseSchema
    answers: Answers


def backup_of(tables: dict[str, dict[str, str]]) -> Manifest:
    """A backup of these tables (name → type of each column beside `id`), each with a row."""
    entries = [
        TableEntry(
            name=name,
            category="business",
            group="core",
            columns=tuple(
                StoredColumn(name=key, type=kind) for key, kind in sorted({"id": "integer", **kinds}.items())
            ),
            key=(KeyColumn(column="id", sort="native"),),
            rows=1,
            bytes=2,
            digest="",
        )
        for name, kinds in sorted(tables.items())
    ]
    schema = DatabaseSchema(
        schemas=Schemas(covered=("public",)),
        tables={entry.name: table_of(entry.name, {c.name: c.type for c in entry.columns}) for entry in entries},
    )
    return msgspec.structs.replace(manifest_of("label", entries), schema=schema)


def table_of(name: str, kinds: dict[str, str], required: frozenset[str] = frozenset()) -> Table:
    """A table with the key `id`."""
    columns = (
        Column(
            name=key,
            type=kind,
            nullable=key not in required and key != "id",
            sort="native" if key == "id" else "text",
        )
        for key, kind in sorted(({"id": "integer"} | kinds).items())
    )
    return Table(name=name, columns=tuple(columns), primary_key=("id",))


@st.composite
def migrations(draw: st.DrawFn) -> Migration:
    """Tables and columns that are renamed (by permutations too), dropped, retyped and added."""
    before = {
        name: {column: draw(st.sampled_from(TYPES)) for column in draw(st.sets(st.sampled_from(NAMES)))}
        for name in sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1, max_size=3)))
    }
    rename: dict[str, str] = {}
    drops: list[str] = []
    defaults: dict[str, str | None] = {}
    tables: dict[str, Table] = {}
    new_names = draw(st.permutations([*before, "x", "y"]))
    for table, new_table in zip(before, new_names, strict=False):
        if new_table != table:
            rename[table] = new_table
        lost = draw(st.sets(st.sampled_from(sorted(before[table])))) if before[table] else set()
        drops.extend(f"{table}.{column}" for column in lost)
        kept = [column for column in sorted(before[table]) if column not in lost]
        kinds: dict[str, str] = {}
        for column, new in zip(kept, draw(st.permutations([*kept, "p", "q"])), strict=False):
            kinds[new] = draw(st.sampled_from(TYPES))
            if new != column:
                rename[f"{table}.{column}"] = new
        # a lost column's own name must not come back, or there would be nothing lost
        free = set(NAMES) - set(before[table]) - set(kinds)
        added = frozenset(draw(st.sets(st.sampled_from(sorted(free)))) if free else set())
        defaults.update({f"{new_table}.{column}": "1" for column in added})
        tables[new_table] = table_of(new_table, kinds | dict.fromkeys(added, "text"), added)
    return Migration(
        manifest=backup_of(before),
        target=DatabaseSchema(schemas=Schemas(covered=("public",)), tables=tables),
        answers=Answers(rename=rename, drop_columns=tuple(drops), defaults=defaults),
    )


@given(migrations())
def test_the_answers_that_are_asked_for_suffice(migration: Migration) -> None:
    """With them nothing is in the way, and every column of the target has its values from where it should."""
    drift = find_drift(migration.manifest, migration.target, migration.answers)
    assert not drift.problems
    assert not drift.questions
    for entry in migration.manifest.tables:
        new = migration.answers.rename.get(entry.name, entry.name)
        table, stored = migration.target.tables[new], {column.name: column.type for column in entry.columns}
        kept = {
            migration.answers.rename.get(f"{entry.name}.{column}", column): kind
            for column, kind in stored.items()
            if f"{entry.name}.{column}" not in migration.answers.drop_columns
        }
        found = drift.manifest.table(new)
        assert found is not None
        assert [(each.name, each.type) for each in found.columns] == [
            (name, table.column(name).type) for name in sorted(kept)
        ]
        reshape = drift.reshapes.get(new)
        same = kept == {name: table.column(name).type for name in stored if name in table.column_names} and not (
            {f"{new}.{name}" for name in table.column_names} & set(migration.answers.defaults)
        )
        assert (reshape is None) == (same and set(kept) == set(stored) and not _permuted(migration, entry))
        if reshape is not None:
            assert {carried.name for carried in reshape.carried} == set(kept)
            assert set(reshape.added) == set(table.column_names) - set(kept)
            for carried in reshape.carried:
                assert carried.examined == (carried.type != table.column(carried.name).type)


@given(migrations())
def test_what_is_offered_first_is_enough(migration: Migration) -> None:
    """Taking the first answer to every question leads to a target that fits, and no answer on the way is refused."""
    answers = Answers()
    for _ in range(4):
        drift = find_drift(migration.manifest, migration.target, answers)
        assert not drift.problems
        questions = [each for found in drift.questions.values() for each in found]
        if not questions:
            return
        for each in questions:
            answers = _with(answers, each.options[0])
    raise AssertionError(questions)


def _with(answers: Answers, option: Option) -> Answers:
    if option.section == "rename":
        return replace(answers, rename={**answers.rename, option.key: option.value})
    if option.section == "defaults":
        return replace(answers, defaults={**answers.defaults, option.key: "1"})
    if option.section == "drop_tables":
        return replace(answers, drop_tables=(*answers.drop_tables, option.key))
    return replace(answers, drop_columns=(*answers.drop_columns, option.key))


def _permuted(migration: Migration, entry: TableEntry) -> bool:
    return any(f"{entry.name}.{column.name}" in migration.answers.rename for column in entry.columns)


@given(migrations(), st.data())
def test_none_of_them_can_be_left_out(migration: Migration, data: st.DataObject) -> None:
    """Without any one of the answers something is in the way, or another answer no longer fits."""
    answers = migration.answers
    given_ = [*answers.rename, *answers.drop_columns, *answers.defaults]
    if not given_:
        return
    less = data.draw(st.sampled_from(given_))
    fewer = replace(
        answers,
        rename={key: new for key, new in answers.rename.items() if key != less},
        drop_columns=tuple(column for column in answers.drop_columns if column != less),
        defaults={column: value for column, value in answers.defaults.items() if column != less},
    )
    drift = find_drift(migration.manifest, migration.target, fewer)
    assert drift.problems or drift.questions


@given(migrations(), st.data())
def test_none_can_be_added(migration: Migration, data: st.DataObject) -> None:
    """An answer about what is as it was, or about what there is not, is a problem with its place."""
    entry = data.draw(st.sampled_from(migration.manifest.tables))
    new = migration.answers.rename.get(entry.name, entry.name)
    extra = data.draw(
        st.sampled_from(
            [
                ("rename.nowhere", replace(migration.answers, rename={**migration.answers.rename, "nowhere": new})),
                (
                    f"rename.{entry.name}.id",
                    replace(migration.answers, rename={**migration.answers.rename, f"{entry.name}.id": "id"}),
                ),
                (
                    f"drop_columns.{entry.name}.id",
                    replace(migration.answers, drop_columns=(*migration.answers.drop_columns, f"{entry.name}.id")),
                ),
                (
                    f"defaults.{new}.id",
                    replace(migration.answers, defaults={**migration.answers.defaults, f"{new}.id": "1"}),
                ),
            ]
        )
    )
    path, answers = extra
    assert path in [problem.path for problem in find_drift(migration.manifest, migration.target, answers).problems]


def test_nothing_changed_is_nothing_to_do() -> None:
    """The same schema leaves the manifest as it is."""
    manifest = backup_of({"a": {"b": "text"}, "c": {}})
    drift = find_drift(manifest, manifest.schema, Answers())
    assert drift.manifest == manifest
    assert not drift.questions
    assert not drift.reshapes


def test_all_that_goes_by_names_is_renamed() -> None:
    """Sequences serve the renamed column, counts and optional tables go by the new name."""
    manifest = backup_of({"orders": {}})
    answers = Answers(rename={"orders": "sales", "orders.id": "number", "audit_logs": "logs"})
    target = DatabaseSchema(
        schemas=Schemas(covered=("public",)),
        tables={
            "sales": msgspec.structs.replace(
                table_of("sales", {"number": "integer"}),
                primary_key=("number",),
                columns=(Column(name="number", type="integer", nullable=False, sort="native"),),
            )
        },
    )
    found = find_drift(manifest, target, replace(answers, rename={**answers.rename})).manifest
    assert found.sequences[0].owned_by == ("sales", "number")
    assert list(found.selection.tables) == ["sales"]
    assert with_new_tables(manifest, answers).metadata.optional == {"logs": 5000, "print_jobs": None}
