"""What is known of tables while others are inferred: whose owners lead on to which, as far as that is settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from toolkit.planning.classification import names
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.findings import FEW, ONE, Finding, Kind
from toolkit.planning.classification.joined import Joined

UNKNOWN = (Kind.WAITING, Kind.OPEN, Kind.PATHLESS)
"""Kinds of tables through which others may be owned, which nobody has decided."""


class Parts(Struct, frozen=True):
    """What a table is a part of: owned parents, or those not known yet; `several` when they compete."""

    owned: tuple[Edge, ...] = ()
    waiting: tuple[Edge, ...] = ()
    several: bool = False


class PendingError(Exception):
    """Another table has to be inferred first."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


class Knowledge(Struct):
    """The findings so far, and the ways to owners that they open.

    Attributes:
        tenant: the tenant table.
    """

    tenant: str
    edges: Edges
    joined: Joined
    found: dict[str, Finding] = field(default_factory=dict)

    def state(self, table: str) -> Finding:
        if table not in self.found:
            raise PendingError(table)
        return self.found[table]

    def kind(self, edge: Edge) -> Kind:
        return self.state(edge.parent).kind

    def level_through(self, edge: Edge) -> int:
        level = self.state(edge.parent).level
        return min(level, FEW) if edge.nullable else level

    def hanging(self, table: str) -> list[Edge]:
        """References to what a row cannot be without, or goes with; neither mentions nor those to the tenant."""
        return [
            edge
            for edge in self.edges.of(table)
            if edge.parent != self.tenant
            and not edge.mention
            and (edge.cascade or not edge.nullable)
            and not self.joined.upward(edge)
        ]

    def likely(self, table: str) -> list[Edge]:
        """References to what a row may be without, and not by chance; not those to what gets its owners from here."""
        hanging = self.hanging(table)
        return [
            edge
            for edge in self.edges.of(table)
            if not edge.mention and edge not in hanging and not self.joined.upward(edge)
        ]

    def parts(self, table: str) -> Parts:
        hanging = self.hanging(table)
        firm = [edge for edge in hanging if edge.cascade and not edge.nullable]
        owned = self.owned_ones(firm)
        strong = [edge for edge in owned if self.level_through(edge) >= FEW]
        unknown = self.unknown_ones(firm)
        # whose people are may be known in most rows, but what they have of a thing is the thing's
        people = all(self.level_through(edge) < ONE and names.reads_like_people(edge.parent) for edge in strong)
        if strong and not (unknown and people):
            return Parts(tuple(strong))
        if unknown:
            return Parts(tuple(owned), tuple(unknown))
        needed = [edge for edge in hanging if not edge.cascade and edge.canonical]
        roles = [] if owned else [edge for edge in hanging if not edge.cascade and not edge.canonical]
        weak = [edge for edge in hanging if edge.cascade and edge.nullable]
        found = self._needed(owned, needed, weak) or self._needed(owned, roles, weak)
        if found is not None:
            return found
        return Parts(tuple(owned or self.owned_ones(weak)), () if owned else tuple(self.unknown_ones(weak)))

    def _needed(self, owned: Sequence[Edge], needed: Sequence[Edge], weak: Sequence[Edge]) -> Parts | None:
        """What a row cannot be without, beside people that it goes with, and what else it goes with.

        Args:
            weak: what a row goes with where it is not NULL.
        """
        needed_owned, unknown = self.owned_ones(needed), self.unknown_ones(needed)
        if needed_owned:
            single = [edge for edge in needed_owned if self.level_through(edge) == ONE]
            if len(single) == 1:
                return Parts(tuple(single))
            found = (*owned, *needed_owned, *unknown)
            if any(self.level_through(edge) >= FEW for edge in needed_owned):
                found = (*found, *self.owned_ones(weak), *self.unknown_ones(weak))
            return Parts(found, several=len(found) > 1 or not (needed_owned[0].canonical or single))
        return Parts(tuple(owned), tuple(unknown)) if unknown else None

    def owned_ones(self, edges: Iterable[Edge]) -> list[Edge]:
        return [edge for edge in edges if self.kind(edge) is Kind.OWNED]

    def unknown_ones(self, edges: Iterable[Edge]) -> list[Edge]:
        return [edge for edge in edges if self.kind(edge) in UNKNOWN]

    def tenant_links(self, table: str) -> list[Edge]:
        """References of tables that tie rows of this one to tenants, as memberships do.

        (tenant, row) is a key of theirs, or they are called so and name both in every row.
        """
        return [
            edge
            for edge in self.edges.to(table)
            if not edge.mention
            and pointable(edge, edge.child)
            and any(
                self.edges.unique(edge, tenant)
                or (names.reads_like_members(edge.child) and not edge.nullable and not tenant.nullable)
                for tenant in self.edges.to_tenant(edge.child)
            )
        ]

    def ties(self, table: str) -> tuple[list[Edge], list[Edge]]:
        """Links to tenants, and references of owned tables that point at a row at most once; then those not known."""
        linked = self.tenant_links(table)
        once = [
            edge
            for edge in self.edges.to(table)
            if edge not in linked
            and not edge.mention
            and pointable(edge, edge.child)
            and self.edges.unique(edge)
            # a part of this table gets its owner from it, not the other way round
            and (self.edges.to_tenant(edge.child) or edge not in self.hanging(edge.child))
        ]
        owned, waiting = self.by_state([*linked, *once])
        above = [edge for edge in once if self.joined.upward(edge) and self.state(edge.child).kind is Kind.PATHLESS]
        return owned, [*waiting, *above]

    def beside(self, table: str, tied: Sequence[Edge]) -> list[Edge]:
        """References of other tenants' rows to a table that is tied to tenants, where something hangs on it alone.

        A row that only those point at would come along with them, and what hangs on it would not.
        """
        linked = self.tenant_links(table)
        if any(edge in linked for edge in tied) or not self.joined.through(table):
            return []
        return [
            edge
            for edge in self.edges.to(table)
            if edge not in tied
            and not edge.mention
            and (self.joined.upward(edge) or self.joined.reaches(edge.child, {table}))
        ]

    def by_state(self, edges: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
        """Of references that lead to a table, those whose holders are owned, and those of which that is not known."""
        owned = [edge for edge in edges if self.state(edge.child).kind is Kind.OWNED]
        return owned, [edge for edge in edges if self.state(edge.child).kind in (Kind.WAITING, Kind.OPEN)]


def pointable(edge: Edge, *also: str) -> bool:
    """Say whether a rule can name a reference: it does by its columns and, where it is not declared, its target."""
    columns = edge.columns if edge.declared else (*edge.columns, *edge.parent_columns)
    return names.can_be_pointed(columns, also if edge.declared else (*also, edge.parent))
