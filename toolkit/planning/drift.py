"""Drift: how the schema of a target differs from the one a backup was made under, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from toolkit.errors import Problem
from toolkit.model.drift import Answers, Carried, Drift, Reshape
from toolkit.model.manifest import KeyColumn, Manifest, StoredColumn, TableEntry
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.planning.answers import Names, read_answers
from toolkit.planning.row_order import SortKey, sort_key, stored_key


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
    entries: list[TableEntry] = []
    reasons: dict[str, tuple[str, ...]] = {}
    reshapes: dict[str, Reshape] = {}
    for entry in manifest.tables:
        table = target.tables.get(names.table(entry.name))
        if table is None:
            entries.append(entry)
            if entry.rows:
                reasons[entry.name] = (f"table {entry.name} is missing; the backup has {entry.rows} rows of it",)
            continue
        columns = frozenset(column for name, column in constrained if name == table.name)
        look = _TableLook(manifest.schema.tables[entry.name], entry, table, names, shrunk=shrunk, constrained=columns)
        entries.append(look.translated())
        if entry.rows:
            if found := tuple(look.reasons()):
                reasons[table.name] = found
            if (reshape := look.reshape()) is not None:
                reshapes[table.name] = reshape
    problems = [*names.problems, *_unnecessary(manifest, target, names)]
    return Drift(
        manifest=_translated(manifest, tuple(entries), names),
        reasons=reasons,
        reshapes=reshapes,
        problems=tuple(problems),
    )


def missing_without_rows(manifest: Manifest, target: DatabaseSchema) -> list[str]:
    """Tables of the backup that the target lacks but that hold no row: worth a warning."""
    return [entry.name for entry in manifest.tables if not entry.rows and entry.name not in target.tables]


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
        *,
        shrunk: bool,
        constrained: Collection[str],
    ) -> None:
        self._source = source
        self._entry = entry
        self._table = table
        self._names = names
        self._theirs = {column.name: column for column in table.columns}
        self._shrunk = shrunk
        self._constrained = constrained
        pairs = [self._carried(column) for column in entry.columns if not self._is_dropped(column.name)]
        self._all = [carried for carried in pairs if carried is not None]
        self._stored = tuple(carried for carried in self._all if not carried.column.generated)
        self._filled = {column: value for (name, column), value in names.defaults.items() if name == table.name}

    def reasons(self) -> list[str]:
        """Give what stands in the way whatever the rows are."""
        table = self._table.name
        missing = [
            f"column {table}.{self._new_name(column.name)} is missing"
            for column in self._entry.columns
            if self._new_name(column.name) not in self._theirs and not self._is_dropped(column.name)
        ]
        before, after = sort_key(self._source), sort_key(self._table)
        if (before.unique and not after.unique) or (after.unique and not set(after.names) <= self._given()):
            missing.append(f"table {table} has {_key_text(after)}, in the backup {_key_text(before)}")
        carried = {each.name for each in self._stored}
        generated_before = {self._new_name(column.name) for column in self._source.columns if column.generated}
        for column in self._table.stored_columns:
            if column.name in carried or column.name in self._filled:
                continue
            if column.name in generated_before:
                missing.append(f"column {table}.{column.name} is no longer generated; the backup has no values of it")
            elif not column.nullable and not column.has_default and not column.identity:
                missing.append(f"column {table}.{column.name} is new, NOT NULL and has no default")
        return missing

    def reshape(self) -> Reshape | None:
        """Give what has to be done to the rows; None when they go in as they are."""
        generated = tuple(carried for carried in self._all if carried.column.generated)
        same = len(self._stored) == len(self._entry.columns) and all(
            carried.source == carried.name and not carried.examined for carried in self._stored
        )
        if same and not self._filled and not self._is_rekeyed():
            return None
        return Reshape(
            table=self._table.name,
            entry=self._entry,
            carried=self._stored,
            generated=generated,
            filled=self._filled,
            rekeyed=self._is_rekeyed(),
        )

    def translated(self) -> TableEntry:
        """Put the backup's entry under the target's names; its chunks still are of the rows as stored."""
        stored = sorted(self._stored, key=lambda carried: carried.name)
        return msgspec.structs.replace(
            self._entry,
            name=self._table.name,
            columns=tuple(StoredColumn(name=carried.name, type=carried.column.type) for carried in stored),
            key=tuple(KeyColumn(column=column.name, sort=column.sort) for column in stored_key(self._table)),
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
        if found and not renamed and any(each.name == column and not each.generated for each in found.columns):
            text = "the target has this column: there is nothing to drop"
            problems.append(Problem(path=f"drop_columns.{table}.{column}", message=text))
    backed_up = {names.table(entry.name): entry for entry in manifest.tables}
    for (name, column), value in sorted(names.defaults.items(), key=lambda item: item[0]):
        message = _why_no_default(manifest, backed_up.get(name), names, target.tables[name].column(column), value)
        if message:
            problems.append(Problem(path=f"defaults.{name}.{column}", message=message))
    return problems


def _why_no_default(
    manifest: Manifest, entry: TableEntry | None, names: Names, column: Column, value: str | None
) -> str:
    if entry is None:
        return "the backup has no rows for this table"
    if column.generated:
        return "the target computes this column itself"
    if value is None and not column.nullable:
        return "this column may not be NULL"
    sources = [
        each.name
        for each in entry.columns
        if names.column(entry.name, each.name) == column.name and (entry.name, each.name) not in names.dropped
    ]
    if sources and (column.nullable or not manifest.schema.tables[entry.name].column(sources[0]).nullable):
        return "the backup has values of this column"
    return ""


def _has_shrunk(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether an enum has lost labels. Domains, arrays and composite types may be made of it under other names."""
    return any(name in after and not set(labels) <= set(after[name]) for name, labels in before.items())


def _key_text(key: SortKey) -> str:
    return f"the key ({', '.join(key.names)})" if key.unique else "no key"
