"""Proposes a catalog file for a schema: a rule and a reason for every table, or the question that a person must answer.

The result depends on names, keys and references only, not on the order in which tables or columns are given.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from toolkit.model.catalog import Catalog, Category, DeclaredReference, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import rule_of
from toolkit.planning.classification import changes, frameworks, review, rules
from toolkit.planning.classification.drafting import Proposals
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.inference import Inference
from toolkit.planning.classification.proposals import Classification, Option, Proposal, Reason, Verdict


def classify(catalog: Catalog, schema: DatabaseSchema, *, compared: bool = True) -> Classification:
    """Compare a schema with what a catalog file says, and propose the rest.

    Args:
        catalog: what is decided already; its tenant table must exist in the schema. Its rules may be empty.
        compared: the rules that are there are looked at as well.

    Returns:
        A proposal for every table that the catalog does not classify, and the tables that the schema lost.
    """
    edges = Edges(schema, catalog)
    inference = Inference(catalog, schema, edges)
    findings = inference.run()
    new = sorted(table for table in schema.tables if rule_of(catalog, table) is None)
    writer = Proposals(catalog=catalog, schema=schema, edges=edges, findings=findings)
    renamed = changes.renames(catalog, schema, new)
    proposals = [writer.proposal(table) for table in new]
    proposals = [_renamed(catalog, each, renamed[each.table]) if each.table in renamed else each for each in proposals]
    proposals = held_back([_declaring(each, edges) for each in proposals], catalog, edges)
    grouped = changes.groups(
        catalog,
        {table: [_other(table, edge) for edge in findings[table].edges] for table in new},
        [each.table for each in proposals if each.reason in (Reason.LISTED, Reason.POINTED_AT, Reason.ALONE)],
    )
    grouped |= {each.table: "schema" for each in proposals if each.reason is Reason.MIGRATIONS}
    migrations = [schema.tables[each.table] for each in proposals if each.reason is Reason.MIGRATIONS]
    return Classification(
        tenant=catalog.tenant,
        proposals=tuple(
            _grouped(each, catalog.rules[renamed[each.table]].group if each.table in renamed else grouped[each.table])
            for each in proposals
        ),
        dropped=changes.dropped(catalog, schema),
        kept=len(schema.tables) - len(new),
        written=catalog.rules,
        differences=review.differences(catalog, schema, inference, writer) if compared else (),
        schema_version=None if catalog.schema_version else frameworks.schema_version(migrations),
    )


def _declaring(proposal: Proposal, edges: Edges) -> Proposal:
    """The proposal with all references declared that are no foreign keys, where a table ties others by none at all."""
    if not edges.declares(proposal.table):
        return proposal
    found = {
        edge.columns: DeclaredReference(columns=edge.columns, parent=edge.parent, parent_columns=edge.parent_columns)
        for edge in edges.of(proposal.table)
        if not edge.declared and not edge.mention
    }

    def declared(rule: TableRule) -> TableRule:
        if rule.category is not Category.BUSINESS:
            return rule
        known = {each.columns for each in rule.references}
        more = tuple(each for columns, each in found.items() if columns not in known)
        return replace(rule, references=(*rule.references, *more))

    return replace(proposal, options=tuple(replace(each, rule=declared(each.rule)) for each in proposal.options))


def held_back(proposals: Sequence[Proposal], catalog: Catalog, edges: Edges) -> list[Proposal]:
    """The proposals; held back are those whose rules name or lead to tables that are not decided, which no file can."""
    listed = {each.table for each in proposals if each.verdict is Verdict.DECIDED} | catalog.rules.keys()
    found = {each.table: each for each in proposals}
    changed = True
    while changed:
        changed = False
        for each in found.values():
            missing = sorted(_named(each.options[0].rule, edges) - listed) if each.verdict is Verdict.DECIDED else []
            if missing:
                why = f"its rule names {' and '.join(missing)}: add it when that is decided"
                reason, follows = Reason.WAITING, tuple(missing)
                held = replace(each, verdict=Verdict.FOLLOWS, reason=reason, why=why, follows=follows)
                found[each.table], changed = held, True
                listed.discard(each.table)
                break
    return list(found.values())


def _named(rule: TableRule, edges: Edges) -> set[str]:
    ways = {way.columns for way in rule.owned_by if not way.table}
    owners = {edge.parent for edge in edges.of(rule.table) if edge.columns in ways}
    return owners | {edge.table for edge in rule.owned_by if edge.table} | {each.parent for each in rule.references}


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
