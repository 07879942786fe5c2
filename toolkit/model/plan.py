"""The plan of a restore: what check mode prints and what apply executes (docs/design.md#rules-of-a-restore)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from toolkit.model.identity import IdentityPlan
from toolkit.model.seen import Seen
from toolkit.model.sequence import SequenceMove
from toolkit.wording import counted


class Mode(StrEnum):
    """Merge inserts and updates; mirror also deletes, within the scope, what the backup does not have."""

    MERGE = "merge"
    MIRROR = "mirror"


LEFT_BY_MERGE = "not in the backup; merge deletes nothing"
"""Why rows stay that a mirror would delete."""


class Load(StrEnum):
    """How a table's rows reach the target."""

    NONE = "none"
    """Every row is there already, exactly."""
    COPY = "copy"
    """The target table is empty: the chunks are copied straight into it."""
    STAGED = "staged"
    """The rows wait in a staging table; those that differ are written."""


class Conflict(Struct, frozen=True, kw_only=True):
    """Rows of a backup that cannot be written.

    Attributes:
        reason: what stands in the way, naming the key or constraint.
        rows: how many.
        samples: keys of a few of them, as text.
        sqlstate: what the server would say to them; empty where it is not about single rows.
        constraint: the constraint it is about, where there is one.
    """

    table: str
    reason: str
    rows: int
    samples: tuple[str, ...] = ()
    sqlstate: str = ""
    constraint: str = ""

    def __str__(self) -> str:
        examples = f", e.g. {', '.join(self.samples)}" if self.samples else ""
        return f"{self.table}: {self.reason}: {counted(self.rows, 'row')}{examples}"


class Kept(Struct, frozen=True, kw_only=True):
    """Rows of one table that stay as they are although they differ from the backup or are not in it.

    Attributes:
        reason: why, as a lower-case fact.
        rows: how many.
        samples: keys of a few of them, as text.
        owners: the businesses outside the restore that own these few, where that is the reason.
        digest: a sum over the keys of all of them, by which two plans can be told to keep the same rows.
    """

    reason: str
    rows: int
    samples: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    digest: str = ""

    def __str__(self) -> str:
        whose = f" ({', '.join(self.owners)})" if self.owners else ""
        examples = f", e.g. {', '.join(self.samples)}" if self.samples else ""
        return f"{counted(self.rows, 'row')}: {self.reason}{whose}{examples}"


class BroughtAlong(Struct, frozen=True, kw_only=True):
    """Rows of a table that was not named, which come along because rows of the named ones need them.

    Attributes:
        needed_by: the references that lead to them, as `table (columns)`.
        samples: keys of a few of them, as text.
    """

    table: str
    rows: int
    needed_by: tuple[str, ...]
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        examples = f", e.g. {', '.join(self.samples)}" if self.samples else ""
        return f"{counted(self.rows, 'row')} of {self.table}, needed by {', '.join(self.needed_by)}{examples}"


class LeftBehind(Struct, frozen=True, kw_only=True):
    """Rows of the backup, of a table that was not named, that hang on rows of a named one which come back.

    Attributes:
        columns: those by which they point.
        rows: how many; None where nobody has counted.
        samples: keys of a few of them, as text.
    """

    table: str
    parent: str
    columns: tuple[str, ...]
    rows: int | None
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        examples = f", e.g. {', '.join(self.samples)}" if self.samples else ""
        many = "rows (not counted: the table is large)" if self.rows is None else counted(self.rows, "row")
        hang = "hangs" if self.rows == 1 else "hang"
        return (
            f"{many} of {self.table} in the backup {hang} by ({', '.join(self.columns)}) on rows of {self.parent} that"
            f" come back{examples}; name {self.table} to have them too"
        )


class SampledAction(StrEnum):
    """What becomes of a row that is shown."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    """It is there with other values than in the backup, and stays."""
    CONFLICT = "conflict"
    """The backup has it, and it cannot be written."""


class SampledValue(Struct, frozen=True, kw_only=True):
    """One value of a row that is shown, as text; long ones are cut short. None is NULL, or no row.

    Attributes:
        quoted: it is no number or time.
    """

    column: str
    before: str | None
    after: str | None
    quoted: bool = True


class RowSample(Struct, frozen=True, kw_only=True):
    """A row that is shown.

    Attributes:
        values: of a row that is there on both sides the columns that differ, otherwise those beside the key.
        reason: why it is kept, or cannot be written.
        name: what people call it, where it has a column for that, cut short.
    """

    action: SampledAction
    key: tuple[str | None, ...]
    values: tuple[SampledValue, ...]
    reason: str = ""
    name: str = ""


class TablePlan(Struct, frozen=True, kw_only=True):
    """What a restore does to one table, in rows.

    Attributes:
        kept: rows left as they are although they differ from the backup or are not in it, by reason.
        rewritten: the rows among the updates that are deleted and inserted again, because they take over one another's
            unique values.
        set_null: rows of this table whose reference to a deleted row is set to NULL.
        quarantined: rows of the backup that are put aside because the target cannot take them.
        samples: a few of the rows that change, where they were asked for.
    """

    table: str
    load: Load = Load.NONE
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    unchanged: int = 0
    rewritten: int = 0
    set_null: int = 0
    quarantined: int = 0
    kept: tuple[Kept, ...] = ()
    samples: tuple[RowSample, ...] = ()

    @property
    def changes(self) -> int:
        """Rows written or deleted."""
        return self.inserts + self.updates + self.deletes + self.set_null


class RestorePlan(Struct, frozen=True, kw_only=True):
    """A whole restore.

    Attributes:
        order: groups of tables, parents before children; a group of several is a cycle of foreign keys.
        conflicts: what must be refused.
        quarantined: what is put aside instead, where rows in conflict are not to end the restore.
        identity: the device decision, with the rows that follow from it.
        locking: how triggers are kept silent, and what other sessions wait for; empty where nothing changes.
        rebuilding: which indexes and foreign keys are built after the rows of empty tables, and which stay in place, as
            sentences; empty where the restore has no table for itself.
        unforeseen: what may still refuse or change rows while they are written, because only the server can tell.
        untouched: rows of other businesses and of nobody that were proven to be as before; None where that was not
            asked for.
        named: the tables that were named, where not all of the backup are restored.
        along: rows of other tables that come along.
        left_behind: rows of other tables that do not, and hang on rows that come back.
        not_touched: the tables of the database that the plan does not write to, where tables were named.
        proven: these were proven to be as before.
        seen: what tells this plan from another one; None where nobody asked for that.
    """

    label: str
    mode: Mode
    tables: Mapping[str, TablePlan]
    order: tuple[tuple[str, ...], ...]
    conflicts: tuple[Conflict, ...] = ()
    quarantined: tuple[Conflict, ...] = ()
    sequences: tuple[SequenceMove, ...] = ()
    warnings: tuple[str, ...] = ()
    identity: IdentityPlan | None = None
    locking: str = ""
    rebuilding: tuple[str, ...] = ()
    unforeseen: tuple[str, ...] = ()
    untouched: int | None = None
    named: tuple[str, ...] = ()
    along: tuple[BroughtAlong, ...] = ()
    left_behind: tuple[LeftBehind, ...] = ()
    not_touched: tuple[str, ...] = ()
    proven: bool = False
    seen: Seen | None = None

    @property
    def changed(self) -> bool:
        """Whether applying it writes anything."""
        return any(table.changes for table in self.tables.values()) or bool(self.sequences)

    @property
    def heard(self) -> bool:
        """Whether triggers or rules are heard, so that other rows than those of the plan may change."""
        return any(line.startswith(("trigger ", "rule ")) for line in self.unforeseen)

    def total(self, what: str) -> int:
        """Give the sum of one of the numbers of TablePlan over all tables."""
        return sum(getattr(table, what) for table in self.tables.values())

    @property
    def conflicting(self) -> dict[str, int]:
        """Rows in conflict, by table; a row counts for each of its conflicts."""
        totals: dict[str, int] = {}
        for conflict in self.conflicts:
            totals[conflict.table] = totals.get(conflict.table, 0) + conflict.rows
        return totals

    @property
    def kept(self) -> dict[str, int]:
        """Rows kept in all tables, by reason."""
        totals: dict[str, int] = {}
        for table in self.tables.values():
            for kept in table.kept:
                totals[kept.reason] = totals.get(kept.reason, 0) + kept.rows
        return totals
