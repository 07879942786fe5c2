"""What can be said about a whole table: whose its rows are and by which way, whether a scope takes it, what points."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.catalog import Category, RuleKind, TableRule
from toolkit.model.schema import Column


class TableStep(Struct, frozen=True, kw_only=True):
    """One step to an owner: `columns` of the one table equal `owner_columns` of the other."""

    table: str
    columns: tuple[str, ...]
    owner: str
    owner_columns: tuple[str, ...]


class TableReference(Struct, frozen=True, kw_only=True):
    """A reference from `child` to `parent`.

    Attributes:
        declared: only the catalog file says it; the database has no such foreign key.
        owns: the table whose rows are owned along it; empty for none.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    declared: bool
    owns: str


class TableExplanation(Struct, frozen=True, kw_only=True):
    """Everything about one table under one scope.

    Attributes:
        rule: how it is classified; None when the catalog file does not say.
        taken: whether rows of it may be in a backup of the scope.
        reasons: sentences that say which rows are taken, or why none are.
        ways: of each owner of its rule the shortest ways to the tenants; one without steps is the tenants' own.
        key: the columns that tell its rows apart.
        unique: whether they do so for sure.
        points_at, pointed_at: references that begin and end at it.
    """

    table: str
    rule: TableRule | None
    taken: bool
    reasons: tuple[str, ...]
    ways: tuple[tuple[TableStep, ...], ...]
    key: tuple[str, ...]
    unique: bool
    columns: tuple[Column, ...]
    points_at: tuple[TableReference, ...] = ()
    pointed_at: tuple[TableReference, ...] = ()

    @property
    def nobodys(self) -> str:
        """Whose its rows are where no way leads to a tenant; empty where one does."""
        if self.ways:
            return ""
        business = self.rule is not None and self.rule.category is Category.BUSINESS
        if business and self.rule and self.rule.kind is RuleKind.REFERENCED:
            return "owned by nobody: its rows go with the rows that point at them"
        if business and self.rule and self.rule.kind is RuleKind.SHARED:
            return "owned by nobody: all businesses share its rows"
        return "owned by nobody"
