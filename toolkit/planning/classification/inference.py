"""Infers a rule for every table that a catalog file does not classify, from keys and references alone.

Which rules are safe, and why:

- A NOT NULL column called after the tenant says whose a row is, whatever else the row points at.
- A row that is deleted with another one (ON DELETE CASCADE) is a part of it, and so is one that cannot be without it
  (NOT NULL, the column called after it) where it hangs on nothing else that is owned.
- Who made a row (`createdBy`) does not own it. Nor do people, who belong to several tenants, where something that
  belongs to one tenant is at hand: a comment is that of the post, not of everybody its author works for.
- A table of no owner that owned rows point at is `referenced`: a backup then holds what it needs of it, and an owned
  row of it is never lost, since those that make it owned point at it. This holds only while nothing else gets its
  owner through that table; then nobody but a person can say.
- Everything else is left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import rule_of
from toolkit.planning.classification import names
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.findings import FEW, MANY, ONE, Finding, Kind
from toolkit.planning.classification.proposals import Reason


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a table is a part of: owned parents, or those not known yet; `several` when they compete."""

    owned: tuple[Edge, ...] = ()
    waiting: tuple[Edge, ...] = ()
    several: bool = False


class _PendingError(Exception):
    """Another table has to be inferred first."""


@dataclass(slots=True)
class Inference:
    """Infers table by table; `run` gives a finding for each."""

    catalog: Catalog
    schema: DatabaseSchema
    edges: Edges
    _found: dict[str, Finding] = field(default_factory=dict)

    def run(self) -> Mapping[str, Finding]:
        """A finding for every table of the schema, those the catalog file classifies included."""
        waiting = sorted(self.schema.tables)
        while waiting:
            # all of a round see what the rounds before found, so that the order of tables does not matter
            settled = {table: finding for table in waiting if (finding := self._settle(table)) is not None}
            if not settled:
                settled = {table: self._circle(table, waiting) for table in waiting}
            self._found |= settled
            waiting = [table for table in waiting if table not in settled]
        return self._found

    def _settle(self, table: str) -> Finding | None:
        try:
            return self._known(table) or self._unwritable(table) or self._with_name(table, self._infer(table))
        except _PendingError:
            return None

    def _circle(self, table: str, waiting: Sequence[str]) -> Finding:
        if rule_of(self.catalog, table) is not None:
            return Finding(kind=Kind.OWNED)
        others = ", ".join(each for each in waiting if each != table)
        edges = tuple(edge for edge in self.edges.of(table) if edge.canonical or edge.cascade)
        follows = tuple(edge.parent for edge in edges if edge.parent in self._found and self._unknown_ones([edge]))
        why = f"it hangs together with {others}"
        return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=edges, follows=follows)

    def _state(self, table: str) -> Finding:
        if table not in self._found:
            raise _PendingError
        return self._found[table]

    def _kind(self, edge: Edge) -> Kind:
        return self._state(edge.parent).kind

    # what the catalog file says

    def _known(self, table: str) -> Finding | None:
        rule = rule_of(self.catalog, table)
        if table == self.catalog.tenant.table:
            return Finding(kind=Kind.OWNED, level=ONE, reason=Reason.TENANT, why="its rows are the tenants")
        if rule is None:
            return None
        if rule.category is not Category.BUSINESS:
            return Finding(kind=Kind.OUTSIDE)
        if rule.kind is RuleKind.OWNED:
            return Finding(kind=Kind.OWNED, level=self._level_of(rule))
        return Finding(kind=Kind.LISTED if rule.kind is RuleKind.SHARED else Kind.POINTED_AT)

    def _level_of(self, rule: TableRule) -> int:
        ways = [
            [] if way.table else [edge for edge in self.edges.of(rule.table) if edge.columns == way.columns]
            for way in rule.owned_by
        ]
        levels = [self._level_through(edges[0]) if edges else MANY for edges in ways]
        return levels[0] if len(levels) == 1 else min(FEW, *levels)

    def _level_through(self, edge: Edge) -> int:
        level = self._state(edge.parent).level
        return min(level, FEW) if edge.nullable else level

    # what the schema says

    def _unwritable(self, table: str) -> Finding | None:
        columns = [column for edge in self.edges.of(table) for column in edge.columns]
        if names.writable([table, *columns]):
            return None
        why = "its name, or a column's that it would need, has blanks, dots, commas or glob characters"
        return Finding(kind=Kind.OPEN, reason=Reason.UNWRITABLE, why=why)

    def _infer(self, table: str) -> Finding:
        to_tenant = self.edges.to_tenant(table)
        sure = [edge for edge in to_tenant if edge.canonical and not edge.nullable]
        if sure:
            return self._owned(table, sure)
        parts = self._parts(table)
        if parts.waiting:
            return self._wait(table, [*to_tenant, *parts.owned, *parts.waiting], parts.waiting)
        if to_tenant:
            return self._by_tenant(table, to_tenant, parts)
        if parts.several:
            named = " and ".join(edge.text for edge in parts.owned)
            unknown = tuple(edge.parent for edge in self._unknown_ones(parts.owned))
            why = f"it hangs on {named} alike"
            return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=parts.owned, follows=unknown)
        if parts.owned:
            return self._owned(table, parts.owned)
        return self._by_others(table)

    def _by_tenant(self, table: str, to_tenant: Sequence[Edge], parts: _Parts) -> Finding:
        """Columns point at the tenant, but none of them is both called after it and never NULL."""
        links, unknown = self._by_state(self._tenant_links(table))
        if unknown:
            return self._wait(table, [*to_tenant, *parts.owned, *links, *unknown], unknown)
        never_null = [edge for edge in to_tenant if not edge.nullable]
        canonical = [edge for edge in to_tenant if edge.canonical]
        if never_null or canonical or len(to_tenant) > 1 or parts.owned or links:
            return self._owned(table, [*(never_null or canonical or to_tenant), *parts.owned, *links])
        if not self.edges.to(table):
            return self._only_link(to_tenant[0])
        why = f"{to_tenant[0].text} points at a tenant, in a role, and other tables point here"
        return Finding(kind=Kind.OPEN, reason=Reason.UNCLEAR, why=why, edges=tuple(to_tenant))

    def _by_others(self, table: str) -> Finding:
        """Nothing in the table itself says whose a row is, or only a mention does."""
        tied, waiting = self._ties(table)
        if waiting:
            return self._wait(table, [*tied, *waiting], waiting)
        if tied:
            return self._owned(table, tied)
        loose = [edge for edge in self.edges.of(table) if edge.canonical and self._kind(edge) is Kind.OWNED]
        if len(loose) == 1 and not self.edges.to(table):
            return self._only_link(loose[0])
        if loose:
            why = f"{' and '.join(edge.text for edge in loose)} may own a row or only be mentioned in it"
            return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=tuple(loose))
        return self._without_path(table)

    def _without_path(self, table: str) -> Finding:
        found = self._beside_unowned(table)
        if found is not None:
            return found
        if self.edges.to(table):
            return Finding(kind=Kind.PATHLESS)
        makers = tuple(edge for edge in self.edges.of(table) if self._kind(edge) is Kind.OWNED)
        if makers:
            return Finding(kind=Kind.OPEN, why=f"{makers[0].text} only says who made a row", edges=makers)
        if self.edges.of(table):
            return _list("it points at nothing that is owned, and nothing points at it")
        why = "no link to any table; if it is this device's own, move it to device"
        return Finding(kind=Kind.LISTED, reason=Reason.ALONE, why=why)

    def _beside_unowned(self, table: str) -> Finding | None:
        """What follows from tables without owners, from a key, or from the name of a column."""
        hanging = [(edge, self._kind(edge)) for edge in self._hanging(table)]
        lost = [e.parent for e, kind in hanging if kind is Kind.POINTED_AT or (kind is Kind.OUTSIDE and e.cascade)]
        if lost:
            return Finding(kind=Kind.STATE, why=f"it is a part of {', '.join(sorted(set(lost)))}, which has no owner")
        listed = [edge for edge, kind in hanging if kind is Kind.LISTED]
        if listed:
            return _list(f"a part of {listed[0].parent}, which is a list for all")
        key = self._list_key(table)
        if key:
            return _list(f"{key} is unique over all tenants")
        read = tuple(edge for edge in self.edges.undeclared(table) if self._kind(edge) is Kind.OWNED)
        if read:
            why = f"{read[0].text} reads like a reference to {read[0].parent}, without a foreign key"
            return Finding(kind=Kind.OPEN, why=why, edges=read)
        return None

    def _with_name(self, table: str, finding: Finding) -> Finding:
        """A table that reads like state is for a person, unless it is surely a tenant's."""
        word = names.reads_like_state(table)
        sure = finding.kind is Kind.OWNED and (
            finding.level == ONE
            or finding.reason is Reason.LINKED
            or (finding.reason is Reason.PART and finding.level >= FEW)
        )
        if not word or sure or finding.reason is Reason.UNWRITABLE:
            return finding
        kind = Kind.STATE if finding.kind in (Kind.LISTED, Kind.PATHLESS, Kind.STATE) else Kind.OPEN
        why = f"'{word}' in its name reads like a device's own or passing state"
        return Finding(kind=kind, reason=Reason.NAME, why=why, edges=finding.edges, follows=finding.follows)

    # ways to an owner

    def _hanging(self, table: str) -> list[Edge]:
        """References to what a row cannot be without, or goes with; not those to the tenant."""
        return [
            edge
            for edge in self.edges.of(table)
            if edge.parent != self.catalog.tenant.table and (edge.cascade or (edge.canonical and not edge.nullable))
        ]

    def _parts(self, table: str) -> _Parts:
        hanging = self._hanging(table)
        firm = [edge for edge in hanging if edge.cascade and not edge.nullable]
        owned = self._owned_ones(firm)
        strong = [edge for edge in owned if self._level_through(edge) >= FEW]
        if strong:
            return _Parts(tuple(strong))
        unknown = self._unknown_ones(firm)
        if unknown:
            return _Parts(tuple(owned), tuple(unknown))
        needed = [edge for edge in hanging if not edge.cascade]
        needed_owned, needed_unknown = self._owned_ones(needed), self._unknown_ones(needed)
        if needed_owned:
            single = [edge for edge in needed_owned if self._level_through(edge) == ONE]
            if len(single) == 1:
                return _Parts(tuple(single))
            found = (*owned, *needed_owned, *needed_unknown)
            return _Parts(found, several=len(found) > 1)
        if needed_unknown:
            return _Parts(tuple(owned), tuple(needed_unknown))
        weak = [edge for edge in hanging if edge.cascade and edge.nullable]
        return _Parts(tuple(owned or self._owned_ones(weak)), () if owned else tuple(self._unknown_ones(weak)))

    def _owned_ones(self, edges: Iterable[Edge]) -> list[Edge]:
        return [edge for edge in edges if self._kind(edge) is Kind.OWNED]

    def _unknown_ones(self, edges: Iterable[Edge]) -> list[Edge]:
        return [edge for edge in edges if self._kind(edge) in (Kind.WAITING, Kind.OPEN, Kind.PATHLESS)]

    def _tenant_links(self, table: str) -> list[Edge]:
        """References of tables that tie rows of this one to tenants: (tenant, row) is a key of theirs."""
        return [
            edge
            for edge in self.edges.to(table)
            if any(self.edges.unique(edge, tenant) for tenant in self.edges.to_tenant(edge.child))
        ]

    def _ties(self, table: str) -> tuple[list[Edge], list[Edge]]:
        """Links to tenants, and references of owned tables that point at a row at most once; then those not known."""
        linked = self._tenant_links(table)
        once = [
            edge
            for edge in self.edges.to(table)
            if edge not in linked
            and self.edges.unique(edge)
            # a part of this table gets its owner from it, not the other way round
            and (self.edges.to_tenant(edge.child) or edge not in self._hanging(edge.child))
        ]
        return self._by_state([*linked, *once])

    def _by_state(self, edges: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
        """Of references that lead to a table, those whose holders are owned, and those of which that is not known."""
        owned = [edge for edge in edges if self._state(edge.child).kind is Kind.OWNED]
        return owned, [edge for edge in edges if self._state(edge.child).kind in (Kind.WAITING, Kind.OPEN)]

    def _list_key(self, table: str) -> str:
        """A key by which people know the entries of a list, unique without any owner; empty if there is none."""
        owners = {column for edge in self.edges.of(table) if self._kind(edge) is Kind.OWNED for column in edge.columns}
        for key in self.schema.tables[table].unique_keys:
            if not key.partial and not owners & set(key.columns) and any(map(names.reads_like_list_key, key.columns)):
                return ", ".join(key.columns)
        return ""

    # findings

    def _owned(self, table: str, edges: Sequence[Edge]) -> Finding:
        own = [edge for edge in edges if edge.parent == self.catalog.tenant.table]
        linked = [edge for edge in edges if edge.child != table]
        levels = [MANY if edge in linked else self._level_through(edge) for edge in edges]
        if own:
            reason = Reason.COLUMN if all(edge.declared for edge in own) else Reason.UNDECLARED
        else:
            reason = Reason.LINKED if linked else Reason.PART
        level = levels[0] if len(levels) == 1 else min(FEW, *levels)
        return Finding(kind=Kind.OWNED, reason=reason, edges=tuple(edges), level=level)

    def _only_link(self, edge: Edge) -> Finding:
        return Finding(kind=Kind.OWNED, reason=Reason.ONLY_LINK, edges=(edge,), level=self._level_through(edge))

    def _wait(self, table: str, edges: Sequence[Edge], waiting: Sequence[Edge]) -> Finding:
        follows = sorted({edge.parent if edge.child == table else edge.child for edge in waiting})
        return Finding(kind=Kind.WAITING, reason=Reason.WAITING, edges=tuple(edges), follows=tuple(follows))


def _list(why: str) -> Finding:
    return Finding(kind=Kind.LISTED, reason=Reason.LISTED, why=why)
