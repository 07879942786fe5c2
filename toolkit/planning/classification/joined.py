"""Tables whose rows extend those of another: whose such a row is may be known from below, by what points at it."""

from __future__ import annotations

from collections.abc import Set

from msgspec import Struct, field

from toolkit.model.catalog import RuleKind, TableRule
from toolkit.planning.classification.edges import Edge, Edges


class Joined(Struct):
    """Tells which references carry owners upwards.

    Of persons, employees and contractors share one key: an employee may name a company, a contractor may be known only
    from contracts. What hangs on persons then belongs to the owners of either.

    Attributes:
        tenant: the tenant table.
        rules: the rules that the catalog file has.
    """

    tenant: str
    edges: Edges
    rules: dict[str, TableRule]
    _upward: dict[Edge, bool] = field(default_factory=dict)

    def upward(self, edge: Edge) -> bool:
        """Say whether the row that a reference leads to has its owners from the row that holds it.

        So it is where each row extends one of a table without a way to an owner, and tenants' rows point at it.
        """
        if edge not in self._upward:
            self._upward[edge] = False  # two tables that extend each other: neither is above
            self._upward[edge] = self._is_upward(edge)
        return self._upward[edge]

    def reaches(self, table: str, without: Set[str]) -> bool:
        """Say whether rows of a table may lead to a tenant, not by way of these tables."""
        reached, waiting = set(without), [table]
        while waiting:
            child = waiting.pop()
            if child == self.tenant:
                return True
            if child not in reached:
                reached.add(child)
                waiting += [edge.parent for edge in self.edges.of(child) if not edge.mention]
        return False

    def through(self, table: str) -> bool:
        """Say whether something has no way to a tenant but by this table."""
        return any(
            not edge.mention and not self.upward(edge) and not self.reaches(edge.child, {table})
            for edge in self.edges.to(table)
        )

    def _is_upward(self, edge: Edge) -> bool:
        child, parent = edge.child, edge.parent
        if self.tenant in (child, parent) or edge.mention or edge.nullable or not self.edges.unique(edge):
            return False
        if len(self._firm(child)) > 1 or self.edges.to_tenant(child) or self.edges.to_tenant(parent):
            return False
        rule = self.rules.get(parent)
        if rule is not None and rule.kind is RuleKind.OWNED and all(way.table != child for way in rule.owned_by):
            return False
        above = self._firm(parent)
        return all(map(self.upward, above)) and self._fed(child, {parent})

    def _fed(self, table: str, without: Set[str]) -> bool:
        """Whether tenants' rows point at rows of a table, or at what extends them."""
        beyond = {*without, table}
        return any(
            not edge.mention
            and edge.child not in beyond
            and (
                self.reaches(edge.child, beyond)
                or (not edge.nullable and self.edges.unique(edge) and self._fed(edge.child, beyond))
            )
            for edge in self.edges.to(table)
        )

    def _firm(self, table: str) -> list[Edge]:
        """References to what a row cannot be without, or goes with."""
        return [
            edge
            for edge in self.edges.of(table)
            if edge.parent != self.tenant and not edge.mention and (edge.cascade or not edge.nullable)
        ]
