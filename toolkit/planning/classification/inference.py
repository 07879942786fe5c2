"""Infers a rule for every table that a catalog file does not classify, from keys and references alone.

Which rules are safe, and why:

- A NOT NULL key to the tenants says whose a row is, whatever it is called and whatever else the row points at.
- A row that is deleted with another one (ON DELETE CASCADE) is a part of it, and so is one that cannot be without it
  (NOT NULL) where it hangs on nothing else that is owned.
- Who made a row (`createdBy`), what somebody visited last or prefers, mentions a row and never owns one. Nor do people,
  who belong to several tenants, where something that belongs to one tenant is at hand: a comment is that of the post,
  not of everybody its author works for.
- A table of no owner that owned rows point at is `referenced`: a backup then holds what it needs of it, and an owned
  row of it is never lost, since those that make it owned point at it. This holds only while nothing else gets its
  owner through that table; then nobody but a person can say.
- Where each row extends one of a table without an owner, as employees and contractors extend persons, the owners go
  up: the person, and what hangs on it, is that of whichever extends it.
- What may hang on a table that is not decided waits for it. Only a list that points at nothing is for all.
- Everything else is left open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import rule_of
from toolkit.planning.classification import frameworks, names
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.findings import FEW, MANY, ONE, Finding, Kind, listed
from toolkit.planning.classification.joined import Joined
from toolkit.planning.classification.knowledge import UNKNOWN, Knowledge, Parts, PendingError, pointable
from toolkit.planning.classification.polymorphic import polymorphic
from toolkit.planning.classification.proposals import Reason
from toolkit.planning.classification.unowned import Unowned
from toolkit.planning.cycles import components


class Inference:
    """Infers table by table; `run` gives a finding for each.

    Attributes:
        known: what was found so far.
    """

    def __init__(self, catalog: Catalog, schema: DatabaseSchema, edges: Edges) -> None:
        self.catalog = catalog
        self.schema = schema
        self.edges = edges
        tenant = catalog.tenant.table
        self.known = Knowledge(tenant, edges, Joined(tenant=tenant, edges=edges, rules=dict(catalog.rules)))
        self._unowned = Unowned(schema, edges, self.known)
        self._pending: dict[str, str] = {}

    def run(self) -> Mapping[str, Finding]:
        """Give a finding for every table of the schema, those the catalog file classifies included."""
        waiting = sorted(self.schema.tables)
        while waiting:
            self._pending.clear()
            # all of a round see what the rounds before found, so that the order of tables does not matter
            settled = {table: finding for table in waiting if (finding := self._settle(table)) is not None}
            if not settled:
                settled = {table: self._circle(table, circle) for circle in self._circles() for table in circle}
            self.known.found |= settled
            waiting = [table for table in waiting if table not in settled]
        return self.known.found

    def fresh(self, table: str) -> Finding | None:
        """Give what would be found of a table, after `run`, if the catalog file said nothing of it alone."""
        try:
            return self._by_framework(table) or self._with_name(table, self._infer(table))
        except PendingError:
            return None

    def _settle(self, table: str) -> Finding | None:
        try:
            return self._known(table) or self._by_framework(table) or self._with_name(table, self._infer(table))
        except PendingError as error:
            self._pending[table] = error.table
            return None

    def _circles(self) -> list[tuple[str, ...]]:
        """Tables that wait for each other; the others wait for these."""
        groups = components(self._pending, self._pending.items())
        return [group for group in groups if len(group) > 1 or self._pending[group[0]] == group[0]]

    def _circle(self, table: str, circle: Sequence[str]) -> Finding:
        if rule_of(self.catalog, table) is not None:
            return Finding(kind=Kind.OWNED)
        others = ", ".join(each for each in circle if each != table)
        edges = tuple(
            edge
            for edge in self.edges.of(table)
            if not edge.mention
            and (edge.canonical or edge.cascade)
            and (edge.parent not in self.known.found or self.known.found[edge.parent].kind in (Kind.OWNED, *UNKNOWN))
        )
        follows = tuple(
            edge.parent for edge in edges if edge.parent in self.known.found and self.known.unknown_ones([edge])
        )
        why = f"it hangs together with {others}"
        return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=edges, follows=follows)

    # what the catalog file says

    def _known(self, table: str) -> Finding | None:
        rule = rule_of(self.catalog, table)
        if table == self.catalog.tenant.table:
            return Finding(kind=Kind.OWNED, level=ONE, reason=Reason.TENANT, why="its rows are the tenants")
        if rule is None:
            return None
        if rule.category is not Category.BUSINESS:
            return Finding(kind=Kind.OUTSIDE, category=rule.category)
        if rule.kind is RuleKind.OWNED:
            return Finding(kind=Kind.OWNED, level=self._level_of(rule))
        return Finding(kind=Kind.LISTED if rule.kind is RuleKind.SHARED else Kind.POINTED_AT)

    def _level_of(self, rule: TableRule) -> int:
        within = {edge.columns for edge in self.edges.with_itself(rule.table, ())}
        ways = [
            [] if way.table else [edge for edge in self.edges.of(rule.table) if edge.columns == way.columns]
            for way in rule.owned_by
            # a part of another row of the table has that one's owners, however many those are
            if way.table or way.columns not in within
        ]
        levels = [self.known.level_through(edges[0]) if edges else MANY for edges in ways]
        return levels[0] if len(levels) == 1 else min(FEW, *levels) if levels else MANY

    # what the schema says

    def _by_framework(self, table: str) -> Finding | None:
        """A table that a migration tool or a framework keeps for itself, or that no rule can name."""
        if not names.table_can_stand(table):
            why = "its name reads like a pattern: rename it, or put it under device or transient"
            return Finding(kind=Kind.OPEN, reason=Reason.UNWRITABLE, why=why)
        if frameworks.is_nobodys(table):
            return listed("the framework fills it, alike for everybody")
        if self.edges.to(table):
            return None
        if frameworks.migration_column(self.schema.tables[table]) is not None:
            why = "the migration tool's record of this database's schema; a restore must not change it"
            return Finding(kind=Kind.OUTSIDE, category=Category.DEVICE, reason=Reason.MIGRATIONS, why=why)
        if frameworks.reads_like_migrations(self.schema.tables[table]):
            why = "it reads like the record of which version of the schema this database has"
            return Finding(kind=Kind.STATE, reason=Reason.MIGRATIONS, why=f"{why}: `device` is the answer then")
        return None

    def _infer(self, table: str) -> Finding:
        if not all(map(pointable, self.edges.of(table))):
            why = "a column's name that a rule would need has dots or commas"
            return Finding(kind=Kind.STATE, reason=Reason.UNWRITABLE, why=why)
        to_tenant = self.edges.to_tenant(table)
        sure = [edge for edge in to_tenant if edge.canonical and not edge.nullable]
        if sure:
            return self._owned(table, sure)
        parts = self.known.parts(table)
        if parts.waiting:
            return self._wait(table, [*to_tenant, *parts.owned, *parts.waiting], parts.waiting)
        if to_tenant:
            return self._by_tenant(table, to_tenant, parts)
        return self._by_parts(table, parts) or self._by_others(table) or self._unowned.finding(table)

    def _by_parts(self, table: str, parts: Parts) -> Finding | None:
        """What a row is a part of says whose it is, unless several do, or only people where it is about something."""
        pair = polymorphic(self.schema.tables[table])
        if pair and not any(self.known.level_through(edge) >= FEW for edge in parts.owned):
            return self._about(table, pair)
        beside = self._beside(table, parts)
        if parts.several and beside is None:
            named = " and ".join(edge.text for edge in parts.owned)
            unknown = tuple(edge.parent for edge in self.known.unknown_ones(parts.owned))
            why = f"it hangs on {named} alike"
            return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=parts.owned, follows=unknown)
        return beside or (self._owned(table, parts.owned) if parts.owned else None)

    def _beside(self, table: str, parts: Parts) -> Finding | None:
        """Parts that do not settle it alone, because of other references to what belongs to one tenant.

        What people have of a thing is the thing's; and what may be a part of nothing may be a part of another.
        """
        people = all(self.known.level_through(edge) == MANY for edge in parts.owned)
        if not parts.owned or not (people or all(edge.nullable for edge in parts.owned)):
            return None
        others = [e for e in self.edges.of(table) if not e.mention and e.canonical and e not in parts.owned]
        unknown = [edge for edge in others if self.known.kind(edge) in (Kind.OPEN, Kind.WAITING)]
        if unknown:
            return self._wait(table, [*parts.owned, *unknown], unknown)
        things = [edge for edge in self.known.owned_ones(others) if self.known.level_through(edge) >= FEW]
        if not things:
            return None
        if not people:
            return self._owned(table, [*parts.owned, *things])
        named, also = (" and ".join(edge.text for edge in edges) for edges in (parts.owned, things))
        why = f"{named} tells who has it, and {also} may say whose it is"
        return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=tuple(things))

    def _by_tenant(self, table: str, to_tenant: Sequence[Edge], parts: Parts) -> Finding:
        """Columns point at the tenant, but none of them is both called after it and never NULL."""
        links, unknown = self.known.by_state(self.known.tenant_links(table))
        if unknown:
            return self._wait(table, [*to_tenant, *parts.owned, *links, *unknown], unknown)
        never_null = [edge for edge in to_tenant if not edge.nullable]
        canonical = [edge for edge in to_tenant if edge.canonical]
        # two tenants are the two parties of a row, such as a loan
        if never_null or canonical or parts.owned or links or len(to_tenant) > 1:
            return self._owned(table, [*(never_null or canonical or to_tenant), *parts.owned, *links])
        named = " and ".join(edge.text for edge in to_tenant)
        why = f"{named} may own a row or only be mentioned in it, and may be NULL"
        return Finding(kind=Kind.OPEN, reason=Reason.UNCLEAR, why=why, edges=tuple(to_tenant))

    def _about(self, table: str, pair: tuple[str, str]) -> Finding:
        """What a row is about stands in two columns, which no rule can follow."""
        why = f"{pair[0]} and {pair[1]} say what a row is about, which no rule can follow"
        if not self.edges.to(table):
            why += ": the backup of one tenant lacks its rows here, whole backups have them"
        return Finding(kind=Kind.STATE, reason=Reason.POLYMORPHIC, why=why)

    def _by_others(self, table: str) -> Finding | None:
        """Nothing in the table itself says surely whose a row is."""
        tied, waiting = self.known.ties(table)
        likely = self.known.likely(table)
        loose = self.known.owned_ones(edge for edge in likely if edge.canonical)
        if waiting:
            return self._wait(table, [*tied, *waiting], waiting)
        if tied:
            return self._tied(table, tied)
        unknown = [e for e in likely if e.canonical and self.known.kind(e) in (Kind.OPEN, Kind.WAITING)]
        if unknown:
            return self._wait(table, [*loose, *unknown], unknown)
        # without foreign keys, what points at a table can only be declared together with its own rule
        alone = len(loose) == 1 and (self.edges.bare or not self.edges.to(table))
        if alone and self.known.level_through(loose[0]) >= FEW:
            return self._only_link(table, loose[0])
        loose = loose or [edge for edge in self.known.owned_ones(likely) if self.known.level_through(edge) >= FEW]
        if not loose:
            return None
        why = f"{' and '.join(edge.text for edge in loose)} may own a row or only be mentioned in it"
        return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=tuple(loose))

    def _tied(self, table: str, tied: Sequence[Edge]) -> Finding:
        """Rows are tied to tenants; where tenants' rows point at others too, what hangs on those is to follow."""
        beside = self.known.beside(table, tied)
        if not beside:
            return self._owned(table, tied)
        owned, unknown = self.known.by_state([edge for edge in beside if pointable(edge, edge.child)])
        if unknown:
            return self._wait(table, [*tied, *owned, *unknown], unknown)
        named, also = (" and ".join(f"{edge.child}.{edge.text}" for edge in edges) for edges in (tied, beside))
        why = f"{named} may tell whose a row is, and {also} may point at others, on which something hangs"
        return Finding(kind=Kind.OPEN, reason=Reason.SEVERAL, why=why, edges=(*tied, *owned))

    def _with_name(self, table: str, finding: Finding) -> Finding:
        """A table that reads like state is for a person, unless it is surely a tenant's."""
        word = names.reads_like_state(table)
        sure = finding.kind is Kind.OWNED and (
            finding.level == ONE
            or finding.reason is Reason.LINKED
            or (finding.reason is Reason.PART and finding.level >= FEW)
        )
        if not word or sure or finding.reason in (Reason.UNWRITABLE, Reason.POLYMORPHIC):
            return finding
        if finding.kind is Kind.WAITING:
            # which answer is safe is not known before what it waits for
            return finding
        kind = Kind.STATE if finding.kind in (Kind.LISTED, Kind.PATHLESS, Kind.POINTED_AT, Kind.STATE) else Kind.OPEN
        why = f"'{word}' in its name reads like a device's own or passing state"
        return Finding(
            kind=kind,
            reason=Reason.NAME,
            why=why,
            edges=finding.edges,
            follows=finding.follows,
            category=finding.category,
        )

    # findings

    def _owned(self, table: str, edges: Sequence[Edge]) -> Finding:
        own = [edge for edge in edges if edge.parent == self.catalog.tenant.table]
        ways = self.edges.with_itself(table, edges)
        linked = [edge for edge in edges if edge.child != table]
        levels = [MANY if edge in linked else self.known.level_through(edge) for edge in edges]
        if own:
            reason = Reason.COLUMN if all(edge.declared for edge in own) else Reason.UNDECLARED
        else:
            reason = Reason.LINKED if linked else Reason.PART
        level = levels[0] if len(levels) == 1 else min(FEW, *levels)
        return Finding(kind=Kind.OWNED, reason=reason, edges=ways, level=level)

    def _only_link(self, table: str, edge: Edge) -> Finding:
        ways = self.edges.with_itself(table, [edge])
        return Finding(kind=Kind.OWNED, reason=Reason.ONLY_LINK, edges=ways, level=self.known.level_through(edge))

    def _wait(self, table: str, edges: Sequence[Edge], waiting: Sequence[Edge]) -> Finding:
        follows = sorted({edge.parent if edge.child == table else edge.child for edge in waiting})
        return Finding(kind=Kind.WAITING, reason=Reason.WAITING, edges=tuple(edges), follows=tuple(follows))
