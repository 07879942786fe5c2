"""Turns what was inferred of a table into a proposal: the rule and why, or the options and which of them is safe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from toolkit.model.catalog import Catalog, Category
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import names, rules
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.findings import FEW, MANY, ONE, Finding, Kind
from toolkit.planning.classification.knowledge import pointable
from toolkit.planning.classification.proposals import Option, Proposal, Reason, Verdict


class Proposals(Struct, frozen=True, kw_only=True):
    """Turns findings into proposals, once all of them are known."""

    catalog: Catalog
    schema: DatabaseSchema
    edges: Edges
    findings: Mapping[str, Finding]

    def proposal(self, table: str) -> Proposal:
        """Give the proposal for a table, made of its finding."""
        finding = self.findings[table]
        if finding.kind is Kind.WAITING:
            return self._waiting(table, finding)
        if finding.kind is Kind.PATHLESS:
            return self._pathless(table, finding)
        return self._sure(table, finding) or self._open(table, finding)

    def _pathless(self, table: str, finding: Finding) -> Proposal:
        """Nothing in the table says whose its rows are, and rows point at it."""
        children = self._children(table)
        if not children:
            why = f"rows of {self._pointing(table)} point here; shared if it is a list for all"
            finding = replace(finding, reason=Reason.POINTED_AT, why=why + self._device_note(table))
            return _decided(table, finding, rules.referenced(table, pointed_at=True))
        users = list(self._reverse(table))
        if users and self.edges.bare:
            # what points here can only be declared in a file that has this table as well, so both are decided at once
            why = f"{' and '.join(f'{edge.child}.{edge.text}' for edge in users)} point at it, and nothing else tells"
            return _decided(table, replace(finding, reason=Reason.POINTED_AT), self._owned(table, users), why)
        undecided = [] if users or self.edges.bare else self._undecided_users(table)
        if undecided:
            follows = tuple(sorted({edge.child for edge in undecided}))
            return self._waiting(table, replace(finding, edges=tuple(undecided), follows=follows))
        why = f"nothing in it says whose a row is, and {' and '.join(children)} hang on it"
        return self._open(table, replace(finding, reason=Reason.UNCLEAR, why=why))

    def _undecided_users(self, table: str) -> list[Edge]:
        """References from tables that are not decided, but will be without a table such as this one."""
        return [
            edge
            for edge in self.edges.to(table)
            if self.findings[edge.child].kind in (Kind.WAITING, Kind.OPEN)
            and not edge.mention
            and pointable(edge, edge.child)
            # two that have no way to an owner might wait for each other
            and not any(self.findings[each].kind is Kind.PATHLESS for each in self._awaited(edge.child))
        ]

    def _awaited(self, table: str) -> set[str]:
        """The tables that a table waits for, directly or through others."""
        found: set[str] = set()
        waiting = [table]
        while waiting:
            fresh = set(self.findings[waiting.pop()].follows) - found
            found |= fresh
            waiting += fresh
        return found

    def _sure(self, table: str, finding: Finding) -> Proposal | None:
        match finding.kind:
            case Kind.OWNED if finding.reason is Reason.TENANT:
                return _decided(table, finding, Option(rule=rules.tenant_rule(table), meaning=finding.why))
            case Kind.OWNED:
                return _decided(table, finding, self._owned(table, finding.edges), self._why(table, finding))
            case Kind.LISTED:
                return _decided(table, finding, rules.shared(table))
            case Kind.POINTED_AT:
                option = rules.referenced(table, pointed_at=bool(self.edges.to(table)))
                return _decided(table, finding, option, f"{finding.why}: {option.meaning}")
            case Kind.OUTSIDE:
                return _decided(table, finding, rules.outside(table, finding.category))
        return None

    def _owned(self, table: str, edges: Sequence[Edge]) -> Option:
        return Option(rule=rules.owned_rule(table, edges), meaning="")

    def _why(self, table: str, finding: Finding) -> str:
        if finding.reason is Reason.ONLY_LINK:
            return f"{finding.edges[0].text} is its only link to a tenant" + "".join(
                f"; {self._describe(table, edge)}" for edge in finding.edges[1:]
            )
        return "; ".join(self._describe(table, edge) for edge in finding.edges)

    def _describe(self, table: str, edge: Edge) -> str:
        """What one way to an owner is, in a few words."""
        if edge.child != table:
            tie = "ties its rows to tenants" if edge in self.edges.to(table) and self._ties(edge) else "points at it"
            return f"{edge.child}.{edge.text} {tie}"
        if edge.parent == table:
            return f"{edge.text} makes it a part of another of its rows"
        maybe = ", NULL for nobody's" if edge.nullable else ""
        if edge.mention:
            return f"{edge.text} only mentions {edge.parent}: theirs, also where another tenant's{maybe}"
        if edge.parent == self.catalog.tenant.table:
            return f"{edge.text} {'points at' if edge.declared else 'names (without a foreign key)'} the tenant{maybe}"
        bond = "deleted with" if edge.cascade else "not without" if not edge.nullable else "points at"
        return f"{bond} its {edge.parent} row{maybe}"

    def _ties(self, edge: Edge) -> bool:
        return any(self.edges.unique(edge, tenant) for tenant in self.edges.to_tenant(edge.child))

    def _waiting(self, table: str, finding: Finding) -> Proposal:
        followed = " and ".join(finding.follows)
        return Proposal(
            table=table,
            group="",
            verdict=Verdict.FOLLOWS,
            reason=Reason.WAITING,
            why=f"{'a part of' if finding.kind is Kind.WAITING else 'used by'} {followed}: add it when that is decided",
            options=(self._owned(table, finding.edges),),
            follows=finding.follows,
        )

    def _open(self, table: str, finding: Finding) -> Proposal:
        options = self._options(table, finding) if names.table_can_stand(table) else []
        return Proposal(
            table=table,
            group="",
            verdict=Verdict.OPEN,
            reason=finding.reason,
            why=finding.why + self._device_note(table),
            options=tuple(options),
        )

    def _options(self, table: str, finding: Finding) -> list[Option]:
        """Every sensible rule, the one that is safe first.

        Ways to an owner go before the rest, so that no row of an owner is lost, unless they are mere mentions: those
        would hand rows to whoever is mentioned. Without a way, `referenced` hands nothing to anybody. A part of a
        transient row cannot be restored without it, so it is transient too. What tells the schema's version must not
        change with the rows: a mirror would take away what the application has recorded since.
        """
        candidates = [] if finding.kind is Kind.STATE else self._candidates(table, finding)
        ways = self.edges.with_itself(table, candidates) if candidates else ()
        found = rules.owners(table, ways, lambda edge: self._describe(table, edge))
        if finding.category is Category.TRANSIENT:
            found.append(rules.outside(table, Category.TRANSIENT))
        if finding.reason is Reason.MIGRATIONS:
            found.append(rules.outside(table, Category.DEVICE))
        found.append(rules.referenced(table, pointed_at=bool(self.edges.to(table))))
        mentions = [edge for edge in self.edges.of(table) if self._may_own(table, edge)]
        mentions = [] if finding.reason is Reason.UNWRITABLE else mentions
        mentions = [edge for edge in mentions if edge not in candidates][: rules.MOST_EDGES]
        found += [Option(rule=rules.owned_rule(table, [e]), meaning=self._describe(table, e)) for e in mentions]
        found.append(rules.shared(table))
        if finding.reason is Reason.NAME or not finding.edges:
            found += [rules.outside(table, each) for each in (Category.DEVICE, Category.TRANSIENT)]
        return list({option.rule: option for option in found}.values())

    def _candidates(self, table: str, finding: Finding) -> list[Edge]:
        """What may own a row: its own references, and those of owned tables that lead here; the surest kind of them.

        People own nothing beside what belongs to one tenant, and nothing beside rows of whose key this one is a part.
        """
        own = [edge for edge in finding.edges if edge.child != table or self._may_own(table, edge)]
        mine = [edge for edge in own if edge.child == table]
        if any(self.findings[edge.parent].level == ONE for edge in mine):
            return [edge for edge in own if edge.child != table or self.findings[edge.parent].level >= FEW]
        unsure = [edge for edge in mine if edge.nullable and self.findings[edge.parent].level == MANY]
        reverse = list(self._reverse(table))
        tying = [edge for edge in reverse if not edge.nullable and self.edges.within_key(edge)]
        firm = [edge for edge in own if edge not in unsure]
        return [*firm, *tying] or unsure or reverse

    def _may_own(self, table: str, edge: Edge) -> bool:
        return self.findings[edge.parent].kind in (Kind.OWNED, Kind.OPEN, Kind.WAITING) and edge.child == table

    def _reverse(self, table: str) -> Iterator[Edge]:
        """References of owned tables that lead here, neither mentions nor how those themselves are owned."""
        for edge in self.edges.to(table):
            child = self.findings[edge.child]
            owns = child.kind is Kind.OWNED and edge not in child.edges and not edge.mention
            if owns and pointable(edge, edge.child):
                yield edge

    def _children(self, table: str) -> list[str]:
        """The tables that may be owned through this one."""
        return sorted(name for name, finding in self.findings.items() if table in finding.follows)

    def _pointing(self, table: str) -> str:
        children = sorted({edge.child for edge in self.edges.to(table)})
        more = f" and {len(children) - 2} more" if len(children) > 3 else ""
        return ", ".join(children[:2] if more else children) + more

    def _device_note(self, table: str) -> str:
        """Where it points at what may be a device table, whose rows another device does not have."""
        device = [e for e in self.edges.of(table) if self.findings[e.parent].kind in (Kind.OUTSIDE, Kind.STATE)]
        return f"; say on_other_device for {device[0].text} if {device[0].parent} is of the device" if device else ""


def _decided(table: str, finding: Finding, option: Option, why: str = "") -> Proposal:
    return Proposal(
        table=table,
        group="",
        verdict=Verdict.DECIDED,
        reason=finding.reason,
        why=why or finding.why,
        options=(option,),
    )
