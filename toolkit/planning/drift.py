"""Drift: how the schema of a target differs from the one a backup was made under, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from toolkit.errors import Problem
from toolkit.model.drift import Answers, Carried, Drift, Question, Reshape, Value
from toolkit.model.manifest import Manifest, StoredColumn, TableEntry
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.model.schemas import Schemas
from toolkit.planning.answers import Names, read_answers
from toolkit.planning.offers import Offers
from toolkit.planning.row_order import SortKey, sort_key


def find_drift(
    manifest: Manifest,
    target: DatabaseSchema,
    answers: Answers,
    *,
    constrained: Collection[tuple[str, str]] = frozenset(),
) -> Drift:
    """Compare a backup with a target's schema, under a person's answers.

    What depends on the rows (types, labels, NULLs, keys) is left to whoever looks at them: see `Reshape`.

    Args:
        constrained: the columns, with their tables, whose values are to be examined although their type has kept its
            name: a domain may have got further constraints.
    """
    names = read_answers(manifest, target, answers)
    shrunk = _has_shrunk(manifest.schema.enums, target.enums)
    offers = Offers(manifest, target, names)
    entries: list[TableEntry] = []
    questions: dict[str, tuple[Question, ...]] = {}
    reshapes: dict[str, Reshape] = {}
    for entry in manifest.tables:
        table = target.tables.get(names.table(entry.name))
        if table is None:
            if entry.name in names.gone:
                continue
            entries.append(entry)
            if entry.rows:
                elsewhere = _moved(entry.name, target.schemas)
                reason = f"table {entry.name} is missing{elsewhere}; the backup has {entry.rows} rows of it"
                questions[entry.name] = (Question(reason=reason, options=offers.for_table(entry)),)
            continue
        columns = frozenset(column for name, column in constrained if name == table.name)
        look = _TableLook(
            manifest.schema.tables[entry.name], entry, table, names, offers, shrunk=shrunk, constrained=columns
        )
        entries.append(look.translated())
        if entry.rows:
            if found := tuple(look.questions()):
                questions[table.name] = found
            if (reshape := look.reshape()) is not None:
                reshapes[table.name] = reshape
    problems = [*names.problems, *_unnecessary(manifest, target, names)]
    return Drift(
        manifest=_translated(manifest, tuple(entries), names),
        questions=questions,
        reshapes=reshapes,
        dropped=tuple(entry for entry in manifest.tables if entry.name in names.gone),
        problems=tuple(problems),
    )


def _moved(table: str, schemas: Schemas) -> str:
    """Say where schemas that are left out have a table that is called so."""
    called = schemas.place(table)[1]
    there = [schemas.name(schema, called) for schema, tables in schemas.left_out.items() if called in tables]
    return f" ({' and '.join(there)} is in a schema that the catalog file leaves out)" if there else ""


def missing_without_rows(manifest: Manifest, target: DatabaseSchema) -> list[str]:
    """Tables of the backup that the target lacks but that hold no row: worth a warning."""
    return [entry.name for entry in manifest.tables if not entry.rows and entry.name not in target.tables]


def dropped_said(entry: TableEntry) -> str:
    """Say of a table that the target no longer has that its rows are not restored."""
    return f"table {entry.name} is no more: its {entry.rows} rows in the backup stay there"


class _TableLook:
    """One table of the backup beside the target's.

    Args:
        shrunk: some enum has lost labels, so that values of the schema's own types may not be theirs any more.
        constrained: columns whose values are to be examined whatever their types.
    """

    def __init__(
        self,
        source: Table,
        entry: TableEntry,
        table: Table,
        names: Names,
        offers: Offers,
        *,
        shrunk: bool,
        constrained: Collection[str],
    ) -> None:
        self._source = source
        self._entry = entry
        self._table = table
        self._names = names
        self._offers = offers
        self._theirs = {column.name: column for column in table.columns}
        self._shrunk = shrunk
        self._constrained = constrained
        pairs = [self._carried(column) for column in entry.columns if not self._is_dropped(column.name)]
        self._all = [carried for carried in pairs if carried is not None]
        self._stored = tuple(carried for carried in self._all if not carried.column.generated)
        self._filled: dict[str, Value] = {
            column: value for (name, column), value in names.defaults.items() if name == table.name
        }
        self._converted = {column: how for (name, column), how in names.converted.items() if name == table.name}

    def questions(self) -> Iterator[Question]:
        """Give what stands in the way whatever the rows are."""
        table = self._table.name
        carried = {each.name for each in self._stored}
        new = [column for column in self._table.stored_columns if column.name not in {*carried, *self._filled}]
        lost = [
            column
            for column in self._entry.columns
            if self._new_name(column.name) not in self._theirs and not self._is_dropped(column.name)
        ]
        for column in lost:
            options = self._offers.for_lost(self._entry, column, new, lost)
            yield Question(reason=f"column {table}.{self._new_name(column.name)} is missing", options=options)
        before, after = sort_key(self._source), sort_key(self._table)
        without = [name for name in after.names if name not in self._given()] if after.unique else []
        if (before.unique and not after.unique) or without:
            reason = f"table {table} has {_key_text(after)}, in the backup {_key_text(before)}"
            options = tuple(self._offers.for_new(self._table, self._theirs[name]) for name in without)
            yield Question(reason=reason, options=options)
        generated_before = {self._new_name(column.name) for column in self._source.columns if column.generated}
        for each in new:
            options = (self._offers.for_new(self._table, each),)
            if each.name in generated_before:
                reason = f"column {table}.{each.name} is no longer generated; the backup has no values of it"
                yield Question(reason=reason, options=options)
            elif not each.nullable and not each.has_default and not each.identity:
                reason = f"column {table}.{each.name} is new, NOT NULL and has no default"
                yield Question(reason=reason, options=options)

    def reshape(self) -> Reshape | None:
        """Give what has to be done to the rows; None when they go in as they are."""
        generated = tuple(carried for carried in self._all if carried.column.generated)
        same = len(self._stored) == len(self._entry.columns) and all(
            carried.source == carried.name and not carried.examined for carried in self._stored
        )
        if same and not self._filled and not self._converted and not self._is_rekeyed():
            return None
        return Reshape(
            table=self._table.name,
            entry=self._entry,
            carried=self._stored,
            generated=generated,
            filled=self._filled,
            converted=self._converted,
            rekeyed=self._is_rekeyed() or not self._converted.keys().isdisjoint(sort_key(self._table).names),
        )

    def translated(self) -> TableEntry:
        """Put the backup's entry under the target's names; its chunks still are of the rows as stored."""
        stored = sorted(self._stored, key=lambda carried: carried.name)
        return msgspec.structs.replace(
            self._entry,
            name=self._table.name,
            columns=tuple(StoredColumn(name=carried.name, type=carried.column.type) for carried in stored),
            key=tuple(
                msgspec.structs.replace(each, column=self._new_name(each.column))
                for each in self._entry.key
                if self._new_name(each.column) in {carried.name for carried in stored}
            ),
        )

    def _carried(self, column: StoredColumn) -> Carried | None:
        found = self._theirs.get(self._new_name(column.name))
        if found is None:
            return None
        return Carried(
            source=column.name,
            type=column.type,
            column=found,
            examined=column.type != found.type
            or found.name in self._constrained
            or (self._shrunk and "." in found.type),
        )

    def _new_name(self, column: str) -> str:
        return self._names.column(self._entry.name, column)

    def _is_dropped(self, column: str) -> bool:
        return (self._entry.name, column) in self._names.dropped

    def _given(self) -> set[str]:
        """The columns of the target that rows of the backup have values for, or that it computes from others."""
        computed = {column.name for column in self._table.columns if column.generated}
        return {carried.name for carried in self._stored} | set(self._filled) | computed

    def _is_rekeyed(self) -> bool:
        before, after = sort_key(self._source), sort_key(self._table)
        return after.unique and (not before.unique or set(map(self._new_name, before.names)) != set(after.names))


def _translated(manifest: Manifest, entries: tuple[TableEntry, ...], names: Names) -> Manifest:
    sequences = (
        msgspec.structs.replace(
            sequence, owned_by=(names.table(sequence.owned_by[0]), names.column(*sequence.owned_by))
        )
        if sequence.owned_by
        else sequence
        for sequence in manifest.sequences
    )
    selected = {names.table(name): rows for name, rows in manifest.selection.tables.items()}
    return msgspec.structs.replace(
        manifest,
        tables=tuple(sorted(entries, key=lambda entry: entry.name)),
        sequences=tuple(sequences),
        selection=msgspec.structs.replace(manifest.selection, tables=selected),
    )


def _unnecessary(manifest: Manifest, target: DatabaseSchema, names: Names) -> list[Problem]:
    """Answers to questions that nothing asks."""
    problems = []
    for table, column in sorted(names.dropped):
        found = target.tables.get(names.table(table))
        renamed = any(old == table and new == column for (old, _), new in names.columns.items())
        replaced = (names.table(table), column) in names.defaults
        kept = found and any(each.name == column and not each.generated for each in found.columns)
        if kept and not renamed and not replaced:
            text = "the target has this column: there is nothing to drop"
            problems.append(Problem(path=f"drop_columns.{table}.{column}", message=text))
    backed_up = {names.table(entry.name): entry for entry in manifest.tables}
    for (name, column), value in sorted(names.defaults.items(), key=lambda item: item[0]):
        message = _why_no_default(manifest, backed_up.get(name), names, target.tables[name].column(column), value)
        if message:
            problems.append(Problem(path=f"defaults.{name}.{column}", message=message))
    for name, column in sorted(names.converted):
        if message := _why_no_conversion(backed_up.get(name), names, target.tables[name].column(column)):
            problems.append(Problem(path=f"convert.{name}.{column}", message=message))
    return problems


def _why_no_conversion(entry: TableEntry | None, names: Names, column: Column) -> str:
    if entry is None:
        return "the backup has no rows for this table"
    if column.generated:
        return "the target computes this column itself"
    return "" if _sources(entry, names, column.name) else "the backup has no such column; say it with `defaults`"


def _sources(entry: TableEntry, names: Names, column: str) -> list[str]:
    """The column of the backup whose values are for this one of the target."""
    return [
        each.name
        for each in entry.columns
        if names.column(entry.name, each.name) == column and (entry.name, each.name) not in names.dropped
    ]


def _why_no_default(manifest: Manifest, entry: TableEntry | None, names: Names, column: Column, value: Value) -> str:
    if entry is None:
        return "the backup has no rows for this table"
    if column.generated:
        return "the target computes this column itself"
    if value is None and not column.nullable:
        return "this column may not be NULL"
    sources = _sources(entry, names, column.name)
    if sources and (column.nullable or not manifest.schema.tables[entry.name].column(sources[0]).nullable):
        return "the backup has values of this column"
    return ""


def _has_shrunk(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether an enum has lost labels. Domains, arrays and composite types may be made of it under other names."""
    return any(name in after and not set(labels) <= set(after[name]) for name, labels in before.items())


def _key_text(key: SortKey) -> str:
    return f"the key ({', '.join(key.names)})" if key.unique else "no key"
