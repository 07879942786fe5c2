"""Why a scope takes a row, or why it does not, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from toolkit.model.catalog import Category, OnRestore, RuleKind, TableRule
from toolkit.model.explanation import Owner, RowMark
from toolkit.model.scope import BackupType, Demo, Scope


class RowFacts(Struct, frozen=True, kw_only=True):
    """What is known of a row and its place in a scope.

    Attributes:
        pointed_at: how many business rows point at it.
        pointed_at_by_taken: how many taken rows do.
        circles_alone: only circles of rows of `referenced` tables lead to it.
        passes: whether it fulfils its rule's `where`; True without one.
    """

    table: str
    rule: TableRule | None
    scope: Scope
    owners: tuple[Owner, ...]
    pointed_at: int
    pointed_at_by_taken: int
    passes: bool
    circles_alone: bool = False

    @property
    def goes_with_others(self) -> bool:
        """Whether it is there for those that point at it, where its table is `referenced`."""
        return bool(self.pointed_at) and not self.circles_alone

    @property
    def takes_unowned(self) -> bool:
        """Whether the scope takes rows of this table that nobody owns."""
        policy = self.rule.unowned if self.rule else ""
        return policy == "always" or (self.scope.whole and policy != "never")


def mark_in_whole_table(facts: RowFacts) -> RowMark:
    """Give the reason for a row of a table that is taken whole."""
    rule = facts.rule
    if rule is None or rule.category is Category.DEVICE or rule.kind is RuleKind.SHARED:
        return RowMark.SHARED
    if rule.kind is RuleKind.REFERENCED:
        return RowMark.REFERENCED if facts.goes_with_others else RowMark.UNOWNED
    return RowMark.OWNED if facts.owners else RowMark.UNOWNED


def reasons(facts: RowFacts, mark: RowMark | None) -> tuple[str, ...]:
    """Say why the row is taken with that mark; for None why it is not, every reason.

    A row that is only referenced comes with the reasons for which it is not taken by itself.
    """
    if mark is RowMark.OWNED:
        selected = ", ".join(_name(owner) for owner in facts.owners if owner.selected)
        return (f"owned by {selected}, which the scope selects",)
    if mark is RowMark.SHARED:
        device = facts.rule is not None and facts.rule.category is Category.DEVICE
        return (
            "a full-device scope takes device tables whole" if device else "its table is shared: every row, always",
        )
    if mark is RowMark.UNOWNED:
        return (_why_unowned(facts),)
    alone = tuple(_why_not(facts))
    if mark is RowMark.REFERENCED:
        count = facts.pointed_at_by_taken or facts.pointed_at
        noun = "row points" if count == 1 else "rows point"
        return (f"{count} {'taken ' if facts.pointed_at_by_taken else ''}{noun} at it", *alone)
    return (*alone, "no taken row points at it")


def _why_unowned(facts: RowFacts) -> str:
    assert facts.rule is not None
    nobody = "nobody owns it"
    if facts.rule.kind is RuleKind.REFERENCED:
        nobody = "only rows that point at each other lead to it" if facts.pointed_at else "no row points at it"
    if facts.rule.unowned == "always":
        return f"{nobody}, and its rule says `unowned: always`"
    return f"{nobody}, and the scope is whole"


def _why_not(facts: RowFacts) -> Iterator[str]:
    """Every reason for which the row is not taken by itself."""
    rule = facts.rule
    if rule is None:
        yield f"table {facts.table} is not classified in the catalog file"
    elif rule.category is Category.TRANSIENT:
        yield "transient tables are never read"
    elif rule.category is Category.DEVICE:
        if facts.scope.type is not BackupType.FULL_DEVICE:
            yield "device tables are read only by a full-device scope, or for rows that taken rows point at"
    else:
        if rule.optional and rule.table not in facts.scope.optional:
            yield "its table is optional, and the scope does not name it"
        yield from _why_not_by_rule(rule, facts)


def _why_not_by_rule(rule: TableRule, facts: RowFacts) -> Iterator[str]:
    entitled = rule.kind is RuleKind.SHARED
    if rule.kind is RuleKind.REFERENCED:
        entitled = not facts.goes_with_others and facts.takes_unowned
        if facts.goes_with_others:
            yield "its table is `referenced`: a row that is pointed at goes with the rows that point at it"
        elif not entitled:
            yield _nobody(rule)
    elif rule.kind is not RuleKind.SHARED:
        entitled = any(owner.selected for owner in facts.owners) or (not facts.owners and facts.takes_unowned)
        if not facts.owners and not entitled:
            yield _nobody(rule)
        elif not entitled:
            yield from (f"it is owned by {_name(owner)}, {_why_unselected(owner, facts)}" for owner in facts.owners)
    limit = facts.scope.optional.get(rule.table)
    if not facts.passes:
        yield f"it does not fulfil the condition of its rule, where: {rule.where}"
    elif entitled and limit is not None:
        yield f"it is not among the newest {limit} rows of its table by {rule.newest_by}"


def _nobody(rule: TableRule) -> str:
    nobody = "no row points at it" if rule.kind is RuleKind.REFERENCED else "nobody owns it"
    if rule.unowned == "never":
        return f"{nobody}, and its rule says `unowned: never`"
    return f"{nobody}, and the scope names businesses"


def _why_unselected(owner: Owner, facts: RowFacts) -> str:
    scope = facts.scope
    if not scope.whole and owner.tenant not in scope.businesses:
        return "which the scope does not name"
    if scope.demo is Demo.EXCLUDE:
        return "a demo business, and the scope says demo: exclude"
    return "not a demo business, and the scope says demo: only"


def _name(owner: Owner) -> str:
    label = " ".join(owner.label.split())
    return f"{label} ({owner.tenant})" if label and label != owner.tenant else owner.tenant


_GONE = {
    OnRestore.NULL: "its reference becomes NULL",
    OnRestore.SKIP_ROW: "the row is left out",
    OnRestore.REFUSE: "the restore is refused",
}


def restored_without(rule: TableRule) -> tuple[str, ...]:
    """Say what a restore makes of rows of a table whose transient rows are gone."""
    return tuple(
        f"where the row of {each.parent} that it points at ({', '.join(each.columns)}) is gone, a restore goes by"
        f" on_restore: {_GONE[each.on_restore]}"
        for each in rule.references
        if each.on_restore is not None
    )
