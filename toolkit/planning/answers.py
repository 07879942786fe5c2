"""A person's answers to drift, taken apart: which name of the backup becomes which name of the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct, field

from toolkit.errors import Problem
from toolkit.model.drift import Answers, Expression, Mapped, Value
from toolkit.model.manifest import Manifest
from toolkit.model.schema import DatabaseSchema
from toolkit.wording import meant

ColumnName = tuple[str, str]
"""A table and its column."""


class Names(Struct):
    """Answers by table and column.

    Attributes:
        tables: table of the backup → table of the target, where they differ.
        columns: column of the backup → its name in the target, where they differ.
        dropped: columns of the backup that may be lost.
        gone: tables of the backup whose rows stay there.
        defaults: column of the target → what it is given.
        converted: column of the target → how it comes by its values.
        problems: answers that name nothing, with the place below the task's action.
    """

    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[ColumnName, str] = field(default_factory=dict)
    dropped: set[ColumnName] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    defaults: dict[ColumnName, Value] = field(default_factory=dict)
    converted: dict[ColumnName, Mapped | Expression] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def table(self, name: str) -> str:
        """Give the target's name of a table of the backup."""
        return self.tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """Give the target's name of a column of the backup."""
        return self.columns.get((table, name), name)


def with_new_tables(manifest: Manifest, answers: Answers) -> Manifest:
    """Give the manifest with the optional tables of its scope under the names that they have in the target."""
    optional = {answers.rename.get(table, table): limit for table, limit in manifest.metadata.optional.items()}
    return msgspec.structs.replace(manifest, metadata=msgspec.structs.replace(manifest.metadata, optional=optional))


def read_answers(manifest: Manifest, target: DatabaseSchema, answers: Answers) -> Names:
    """Look every answer up in the backup and in the target; what is found nowhere is a problem."""
    names = Names()
    held = {entry.name: [column.name for column in entry.columns] for entry in manifest.tables}
    for written, new in answers.rename.items():
        _read_rename(names, held, written, new)
    _check_renames(names, held, target)
    for written in answers.drop_columns:
        if (found := _column_named(held, written)) is None:
            names.problems.append(_unknown(f"drop_columns.{written}", "the backup", written, held))
        elif found in names.columns:
            names.problems.append(_problem(f"drop_columns.{written}", "it is renamed as well"))
        else:
            names.dropped.add(found)
    for written in answers.drop_tables:
        _read_gone(names, held, target, written)
    theirs = {table.name: list(table.column_names) for table in target.tables.values()}
    for written, value in answers.defaults.items():
        if found := _of_target(names, theirs, held, "defaults", written):
            names.defaults[found] = value
    for written, how in answers.convert.items():
        if found := _of_target(names, theirs, held, "convert", written):
            names.converted[found] = how
    return names


def _of_target(
    names: Names, theirs: Mapping[str, list[str]], held: Mapping[str, list[str]], section: str, written: str
) -> ColumnName | None:
    """The column of the target that an answer is about; a problem where it is not there."""
    if found := _column_named(theirs, written):
        return found
    path, was = f"{section}.{written}", _column_named(held, written)
    now = (names.table(was[0]), names.column(*was)) if was else None
    if was and now and now != was and now[1] in theirs.get(now[0], ()):
        names.problems.append(_problem(path, f"it is called {now[0]}.{now[1]} in the target; write that"))
    else:
        names.problems.append(_unknown(path, "the target", written, theirs))
    return None


def _read_gone(names: Names, held: Mapping[str, list[str]], target: DatabaseSchema, written: str) -> None:
    path = f"drop_tables.{written}"
    if written not in held:
        names.problems.append(_unknown(path, "the backup", written, held))
    elif written in names.tables:
        names.problems.append(_problem(path, "it is renamed as well"))
    elif written in target.tables:
        names.problems.append(_problem(path, "the target has this table: there is nothing to drop"))
    else:
        names.gone.add(written)


def _read_rename(names: Names, held: Mapping[str, list[str]], written: str, new: str) -> None:
    column = None if written in held else _column_named(held, written)
    if written not in held and column is None:
        names.problems.append(_unknown(f"rename.{written}", "the backup", written, held))
    elif new == (column[1] if column else written):
        names.problems.append(_problem(f"rename.{written}", "it has this name already"))
    elif column:
        names.columns[column] = new
    else:
        names.tables[written] = new


def _check_renames(names: Names, held: Mapping[str, list[str]], target: DatabaseSchema) -> None:
    """Every new name must be the target's, and no two things of the backup may get the same one."""
    for old, new in names.tables.items():
        if new not in target.tables:
            names.problems.append(_unknown(f"rename.{old}", "the target", new, target.tables))
        elif others := [name for name in held if name != old and names.table(name) == new]:
            names.problems.append(_problem(f"rename.{old}", f"table {others[0]} of the backup is called {new} too"))
    for (table, old), new in names.columns.items():
        found = target.tables.get(names.table(table))
        if found is not None and new not in found.column_names:
            text = f"table {found.name} of the target has no column {new!r}{meant(new, found.column_names)}"
            names.problems.append(_problem(f"rename.{table}.{old}", text))
        elif others := [name for name in held[table] if name != old and names.column(table, name) == new]:
            text = f"column {table}.{others[0]} of the backup is called {new} too"
            names.problems.append(_problem(f"rename.{table}.{old}", text))


def _column_named(tables: Mapping[str, list[str]], written: str) -> ColumnName | None:
    """The column that `table.column` means; names may hold dots themselves."""
    splits: Iterator[tuple[str, str]] = (
        (written[:place], written[place + 1 :]) for place, letter in enumerate(written) if letter == "."
    )
    return next(((table, column) for table, column in splits if column in tables.get(table, ())), None)


def _unknown(path: str, where: str, written: str, tables: Iterable[str]) -> Problem:
    table, _, column = written.partition(".")
    if column and table in tables:
        return _problem(path, f"table {table} of {where} has no column {column!r}")
    return _problem(path, f"{where} has no table {table!r}{meant(table, tables)}")


def _problem(path: str, message: str) -> Problem:
    return Problem(path=path, message=message)
