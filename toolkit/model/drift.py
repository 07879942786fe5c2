"""How a backup's tables become those of a target whose schema has moved on, and what a person answered to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from toolkit.errors import Problem
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.schema import Column


class Expression(Struct, frozen=True):
    """An SQL expression that a person wrote: it sees a row of the backup, and is worked out for each."""

    sql: str


Value = str | Expression | None
"""What a column is given: the text of a value, None for NULL, or an expression."""


class Mapped(Struct, frozen=True, kw_only=True):
    """Texts of a column's values → texts of the target's; values that are not among them stay as they are.

    Attributes:
        strict: those that then do not fit are refused; otherwise they become `otherwise`.
    """

    values: Mapping[str, str | None]
    strict: bool = True
    otherwise: str | None = None


class Answers(Struct, frozen=True, kw_only=True):
    """What a task says about drift.

    Attributes:
        rename: `table` or `table.column` of the backup → its name in the target, without the table.
        drop_tables: tables of the backup whose rows stay there.
        drop_columns: `table.column` of the backup that may be lost.
        defaults: `table.column` of the target → what rows of the backup get there.
        convert: `table.column` of the target → how the values of the backup become its own.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop_tables: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    defaults: Mapping[str, Value] = field(default_factory=dict)
    convert: Mapping[str, Mapped | Expression] = field(default_factory=dict)


class Option(Struct, frozen=True, kw_only=True):
    """One answer that would do.

    Attributes:
        section: the argument it belongs to, e.g. `rename`.
        key: the table, or `table.column`.
        value: what stands behind the key, as JSON has it; of no meaning where the argument is a list.
    """

    section: str
    key: str
    value: Any = None


class Question(Struct, frozen=True, kw_only=True):
    """One difference that stands in the way, and the answers that would do: the likeliest first."""

    reason: str
    options: tuple[Option, ...] = ()

    def __str__(self) -> str:
        return self.reason


class Carried(Struct, frozen=True, kw_only=True):
    """A column of the backup and the one of the target that its values are for.

    Attributes:
        type: the type that it had in the backup.
        examined: values may not fit: the types differ, or it is of an enum that has lost labels.
    """

    source: str
    type: str
    column: Column
    examined: bool = False

    @property
    def name(self) -> str:
        """Its name in the target."""
        return self.column.name


class Reshape(Struct, frozen=True, kw_only=True):
    """What has to be done to the rows of one table before they are rows of the target.

    Attributes:
        table: the target's table.
        entry: what the backup has, under its own names.
        carried: the columns that are restored.
        generated: columns of the backup that the target computes: their values must come out the same.
        filled: columns that `defaults` gives values for: those the backup does not have, and those of `carried` that
            may not be NULL any more.
        converted: those of `carried` whose values become others by `convert`.
        rekeyed: the target tells rows apart by other columns.
    """

    table: str
    entry: TableEntry
    carried: tuple[Carried, ...]
    generated: tuple[Carried, ...] = ()
    filled: Mapping[str, Value] = field(default_factory=dict)
    converted: Mapping[str, Mapped | Expression] = field(default_factory=dict)
    rekeyed: bool = False

    @property
    def added(self) -> tuple[str, ...]:
        """The filled columns that the backup does not have."""
        return tuple(sorted(set(self.filled) - {carried.name for carried in self.carried}))

    @property
    def expressions(self) -> Mapping[str, Expression]:
        """The expressions to be worked out, by the column that they are for and the argument that has them."""
        found: dict[str, Value | Mapped] = {f"defaults.{name}": value for name, value in self.filled.items()}
        found |= {f"convert.{name}": value for name, value in self.converted.items()}
        return {name: value for name, value in found.items() if isinstance(value, Expression)}


class Drift(Struct, frozen=True, kw_only=True):
    """What a look at both schemas says; the rows themselves have still to be looked at.

    Attributes:
        manifest: the backup under the target's names.
        questions: per table of the target (of the backup, where there is none), what stands in the way.
        reshapes: per table of the target whose rows do not go in as they are.
        dropped: tables of the backup that are not restored.
        problems: answers that name nothing, or that nothing asks for.
    """

    manifest: Manifest
    questions: Mapping[str, tuple[Question, ...]]
    reshapes: Mapping[str, Reshape]
    dropped: tuple[TableEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
