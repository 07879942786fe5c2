"""What the evaluation of a scope on one database gives: the rows taken of each table, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from toolkit.model.manifest import TableSelection
from toolkit.postgres.schema.relation import Relation
from toolkit.postgres.schema.row_sources import Rows
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.ownership import Owners


class Taken(Struct):
    """The rows taken of one table.

    Attributes:
        ids: a table of ids with the reason in `why`; None when every row is taken.
        owned: how many rows are owned; None when all are (only where `ids` is None).
        rest: the reason for the rows of a whole table that are not owned.
        cutoff: value of the `newest_by` column of the oldest row within a limit, as text.
        marked: a table of ids with the reason in `why`; None when the rows of a whole table have one reason only, or
            `owned` and `rest`.
        full: as many rows were taken as the limit lets in, so that it may have cut others.
    """

    ids: Rows | None
    owned: int | None = 0
    rest: str = Mark.SHARED
    cutoff: str | None = None
    marked: Rows | None = None
    full: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def summary(self, total: int) -> TableSelection:
        """Rows by reason, given how many were read in all."""
        counts = self.counts
        if self.ids is None and not counts:
            owned = total if self.owned is None else self.owned
            counts = {Mark.OWNED: owned, self.rest: total - owned}
        return TableSelection(
            owned=counts.get(Mark.OWNED, 0),
            shared=counts.get(Mark.SHARED, 0),
            unowned=counts.get(Mark.UNOWNED, 0),
            referenced=counts.get(Mark.REFERENCED, 0),
        )


class Selected(Struct, frozen=True):
    """A scope evaluated on one database.

    Attributes:
        tenants: the selected tenants, key → label.
        named: the keys of the tenants that the scope names, which may call them otherwise.
        named_but_demo: those of them that the demo rule dropped.
        taken: per table of the scope, in name order.
        owners: per table that has owners; complete (all tenants) when asked for.
        known: all tenants of the database, key → label.
        spared: those that the demo rule takes, and the scope does not (`Scope.without`).
        relations: the tables that were read, as SQL.
    """

    tenants: Mapping[str, str]
    named: tuple[str, ...]
    named_but_demo: tuple[str, ...]
    taken: Mapping[str, Taken]
    owners: Mapping[str, Owners]
    known: Mapping[str, str]
    spared: Mapping[str, str]
    relations: Mapping[str, Relation]

    @property
    def left_out(self) -> dict[str, str]:
        """The tenants that the demo rule left out, key → label: of all, or of the named ones."""
        asked = self.named or self.known
        return {key: self.known[key] for key in sorted(asked) if key not in self.tenants}
