"""Proposes a catalog file for a schema: a rule and a reason for every table, or the question that a person must answer.

The result depends on names, keys and references only, not on the order in which tables or columns are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit.model.catalog import Catalog, Category
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import rule_of
from toolkit.planning.classification import changes, rules
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.findings import Finding, Kind
from toolkit.planning.classification.inference import Inference
from toolkit.planning.classification.proposals import Classification, Option, Proposal, Reason, Verdict


def classify(catalog: Catalog, schema: DatabaseSchema) -> Classification:
    """Compare a schema with what a catalog file says, and propose the rest.

    Args:
        catalog: what is decided already; its tenant table must exist in the schema. Its rules may be empty.

    Returns:
        A proposal for every table that the catalog does not classify, and the tables that the schema lost.
    """
    edges = Edges(schema, catalog.tenant)
    findings = Inference(catalog, schema, edges).run()
    new = sorted(table for table in schema.tables if rule_of(catalog, table) is None)
    writer = _Proposals(catalog=catalog, schema=schema, edges=edges, findings=findings)
    renamed = changes.renames(catalog, schema, new)
    proposals = [writer.proposal(table) for table in new]
    proposals = [_renamed(catalog, each, renamed[each.table]) if each.table in renamed else each for each in proposals]
    grouped = changes.groups(
        catalog,
        {table: [_other(table, edge) for edge in findings[table].edges] for table in new},
        [each.table for each in proposals if each.reason in (Reason.LISTED, Reason.POINTED_AT, Reason.ALONE)],
    )
    return Classification(
        tenant=catalog.tenant,
        proposals=tuple(
            _grouped(each, catalog.rules[renamed[each.table]].group if each.table in renamed else grouped[each.table])
            for each in proposals
        ),
        dropped=changes.dropped(catalog, schema),
        kept=len(schema.tables) - len(new),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposals:
    """Turns findings into proposals, once all of them are known."""

    catalog: Catalog
    schema: DatabaseSchema
    edges: Edges
    findings: Mapping[str, Finding]

    def proposal(self, table: str) -> Proposal:
        finding = self.findings[table]
        match finding.kind:
            case Kind.OWNED if finding.reason is Reason.TENANT:
                return _decided(table, finding, Option(rule=rules.tenant_rule(table), meaning=finding.why))
            case Kind.OWNED:
                return _decided(table, finding, self._owned(table, finding.edges), self._why(table, finding))
            case Kind.LISTED:
                return _decided(table, finding, rules.shared(table))
            case Kind.WAITING:
                return self._waiting(table, finding)
            case Kind.PATHLESS if not self._children(table):
                why = f"rows of {self._pointing(table)} point here; shared if it is a list for all"
                finding = replace(finding, reason=Reason.POINTED_AT, why=why + self._device_note(table))
                return _decided(table, finding, rules.referenced(table))
            case Kind.PATHLESS:
                parts = " and ".join(self._children(table))
                finding = replace(
                    finding, reason=Reason.UNCLEAR, why=f"nothing in it says whose a row is, and {parts} hang on it"
                )
        return self._open(table, finding)

    def _owned(self, table: str, edges: Sequence[Edge]) -> Option:
        return Option(rule=rules.owned_rule(table, edges), meaning="")

    def _why(self, table: str, finding: Finding) -> str:
        if finding.reason is Reason.ONLY_LINK:
            return f"{finding.edges[0].text} is its only link to a tenant, and nothing points at it"
        return "; ".join(self._describe(table, edge) for edge in finding.edges)

    def _describe(self, table: str, edge: Edge) -> str:
        """What one way to an owner is, in a few words."""
        if edge.child != table:
            tie = "ties its rows to tenants" if edge in self.edges.to(table) and self._ties(edge) else "points at it"
            return f"{edge.child}.{edge.text} {tie}"
        maybe = ", NULL for nobody's" if edge.nullable else ""
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
            why=f"a part of {followed}: add it when that is decided",
            options=(self._owned(table, finding.edges),),
            follows=finding.follows,
        )

    def _open(self, table: str, finding: Finding) -> Proposal:
        options: list[Option] = []
        if finding.reason is not Reason.UNWRITABLE:
            # beside its own references: what owns the rows that point here; without any, who made a row
            candidates = [*finding.edges, *self._reverse(table)] or self._makers(table)
            candidates = [] if finding.kind is Kind.STATE else candidates
            options = rules.owners(table, candidates, lambda edge: self._describe(table, edge))
            options.append(rules.shared(table))
            if self.edges.to(table):
                options.append(rules.referenced(table))
            if finding.reason is Reason.NAME or not finding.edges:
                options += [rules.outside(table, Category.DEVICE), rules.outside(table, Category.TRANSIENT)]
        return Proposal(
            table=table,
            group="",
            verdict=Verdict.OPEN,
            reason=finding.reason,
            why=finding.why + self._device_note(table),
            options=tuple(options),
        )

    def _reverse(self, table: str) -> Iterator[Edge]:
        """References of owned tables that lead here and are not how those tables themselves are owned."""
        for edge in self.edges.to(table):
            child = self.findings[edge.child]
            if child.kind is Kind.OWNED and edge not in child.edges:
                yield edge

    def _makers(self, table: str) -> list[Edge]:
        return [edge for edge in self.edges.of(table) if self.findings[edge.parent].kind is Kind.OWNED]

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


def _renamed(catalog: Catalog, proposal: Proposal, old: str) -> Proposal:
    """The proposal for a table that looks like a renamed one: the old rule, unless the schema says the same anyway."""
    rule = replace(catalog.rules[old], table=proposal.table)
    if proposal.verdict is Verdict.DECIDED and rules.same(rule, proposal.options[0].rule):
        return replace(proposal, why=f"looks like {old} renamed; {proposal.why}", renamed_from=old)
    others = tuple(option for option in proposal.options if not rules.same(rule, option.rule))
    where = "" if rule.category is Category.BUSINESS else f"under {rule.category}: "
    return replace(
        proposal,
        verdict=Verdict.OPEN,
        reason=Reason.RENAMED,
        why=f"looks like {old} renamed" + (f"; {proposal.why}" if proposal.why else ""),
        options=(Option(rule=rule, meaning=f"{where}the rule of {old}"), *others),
        follows=(),
        renamed_from=old,
    )


def _grouped(proposal: Proposal, group: str) -> Proposal:
    options = tuple(replace(option, rule=replace(option.rule, group=group)) for option in proposal.options)
    return replace(proposal, group=group, options=options)


def _other(table: str, edge: Edge) -> str:
    return edge.parent if edge.child == table else edge.child
