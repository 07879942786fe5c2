"""How a backup's tables become those of a target whose schema has moved on, and what a person answered to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.errors import Problem
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.schema import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a task says about drift.

    Attributes:
        rename: `table` or `table.column` of the backup → its name in the target, without the table.
        drop_columns: `table.column` of the backup that may be lost.
        defaults: `table.column` of the target → the text of the value for rows of the backup; None for NULL.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop_columns: tuple[str, ...] = ()
    defaults: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """What has to be done to the rows of one table before they are rows of the target.

    Attributes:
        table: the target's table.
        entry: what the backup has, under its own names.
        carried: the columns that are restored.
        generated: columns of the backup that the target computes: their values must come out the same.
        filled: columns that `defaults` gives values for, with the text (None for NULL): those the backup does not
            have, and those of `carried` that may not be NULL any more.
        rekeyed: the target tells rows apart by other columns.
    """

    table: str
    entry: TableEntry
    carried: tuple[Carried, ...]
    generated: tuple[Carried, ...] = ()
    filled: Mapping[str, str | None] = field(default_factory=dict)
    rekeyed: bool = False

    @property
    def added(self) -> tuple[str, ...]:
        """The filled columns that the backup does not have."""
        return tuple(sorted(set(self.filled) - {carried.name for carried in self.carried}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What a look at both schemas says; the rows themselves have still to be looked at.

    Attributes:
        manifest: the backup under the target's names.
        reasons: per table of the target (of the backup, where there is none), what stands in the way.
        reshapes: per table of the target whose rows do not go in as they are.
        problems: answers that name nothing, or that nothing asks for.
    """

    manifest: Manifest
    reasons: Mapping[str, tuple[str, ...]]
    reshapes: Mapping[str, Reshape]
    problems: tuple[Problem, ...] = ()
