"""Finds rows of a scope whose reference leads nowhere, where the database does not vouch that there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.catalog import Category, RuleKind
from toolkit.model.explanation import LONGEST, RowKey
from toolkit.model.orphan import Orphan, OrphanReport, Orphans
from toolkit.planning.accounting import Part
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, filled, points_at, scalar
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.row_lookup import key_columns
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey, lockable
from toolkit.postgres.session.connection import Connection

SAMPLES = 3


class Dangling(Struct, frozen=True):
    """The rows of a whole table that one reference makes orphans, in the scope or not, as a table of ids."""

    link: ReferenceLink
    ids: Temporary


class OrphanScope:
    """Which rows of a table lie in a scope, and which of those stay whatever they point at.

    Args:
        selected: the scope evaluated with all owners known.
    """

    def __init__(self, survey: Survey, selected: Selected) -> None:
        self._survey = survey
        self._selected = selected
        self.relations: Mapping[str, Relation] = survey.workspace.relations

    def __contains__(self, name: str) -> bool:
        return self._survey.accounting.taken.get(name) is Part.RULE

    def within(self, name: str) -> Sql:
        """Give the condition that row `t` is taken for its own sake, not only because a taken row points at it."""
        if name not in self:
            return sql.SQL("false")
        if self._selected.taken[name].ids is None:
            return sql.SQL("true")
        rule = self._survey.accounting.rules[name]
        # nobody's rows that others point at are a whole scope's all the same
        adrift = self._survey.scope.whole and rule.kind is RuleKind.REFERENCED and rule.unowned != "never"
        return self._marked(name, [Mark.OWNED, Mark.SHARED, Mark.UNOWNED, *([Mark.REFERENCED] if adrift else [])])

    def spared(self, name: str) -> Iterator[tuple[str, Sql]]:
        """Reasons for which rows in the scope stay, each with its condition on row `t`."""
        taken, owners = self._selected.taken[name], self._selected.owners.get(name)
        if not self._survey.scope.whole:
            if taken.ids is not None:
                yield (
                    "of no business, and single ones are named",
                    sql.SQL("NOT {}").format(self._marked(name, [Mark.OWNED])),
                )
            elif taken.owned is not None:
                yield "of no business, and single ones are named", sql.SQL("true")
        if owners is not None and not owners.all_mine:
            others = sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE {} AND NOT o.mine)").format(
                owners.source, self.relations[name].same("t", "o")
            )
            yield "owned by another business too", others

    def _marked(self, name: str, reasons: list[str]) -> Sql:
        ids = self._selected.taken[name].ids
        assert ids is not None
        return sql.SQL("EXISTS (SELECT 1 FROM {} w WHERE {} AND w.why::text = ANY ({}))").format(
            ids, self.relations[name].same("t", "w"), sql.Literal(reasons)
        )


def doubtful(survey: Survey) -> list[ReferenceLink]:
    """List the references of business rows that may lead nowhere: declared ones, and keys that are not validated."""
    rules = survey.accounting.rules
    links = [
        link
        for link in survey.links.references
        if not link.validated and link.child in rules and rules[link.child].category is Category.BUSINESS
    ]
    return sorted(links, key=lambda link: (link.child, link.columns, link.parent, link.constraint))


def find_dangling(survey: Survey) -> list[Dangling]:
    """Look at every such reference of the whole database; gives those that have orphans."""
    workspace, relations = survey.workspace, survey.workspace.relations
    queries = {
        link: sql.SQL("SELECT {} {}").format(relations[link.child].ids("t"), dangling_rows(relations, link))
        for link in doubtful(survey)
    }

    def bytes_of(link: ReferenceLink) -> int | None:
        sizes = (relations[link.child].bytes, relations[link.parent].bytes)
        return None if None in sizes else sum(size or 0 for size in sizes)

    found = workspace.keep_found("dangling", queries, bytes_of)
    workspace.analyze()
    return [Dangling(link, ids) for link, ids in found.items()]


def dangling_rows(relations: Mapping[str, Relation], link: ReferenceLink) -> Sql:
    """`FROM … t WHERE …`: the rows of the child that hold values which no row of the parent has."""
    return sql.SQL("FROM {} t WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})").format(
        relations[link.child].source,
        filled("t", link.columns),
        relations[link.parent].source,
        points_at(link, "t", "p"),
    )


def report(survey: Survey, orphan_scope: OrphanScope, found: list[Dangling]) -> OrphanReport:
    """Count the orphans of the scope, per reference and per table."""
    connection = survey.workspace.connection
    references = [orphans for each in found if (orphans := _described(connection, survey, orphan_scope, each)).rows]
    rows = {}
    for name in sorted({orphans.table for orphans in references}):
        query = sql.SQL("SELECT count(*) FROM {} t WHERE {} AND {}")
        condition = is_orphan(orphan_scope, name, found)
        source = orphan_scope.relations[name].source
        rows[name] = scalar(connection, query.format(source, condition, orphan_scope.within(name)))
    return OrphanReport(references=tuple(references), rows=rows)


def is_orphan(orphan_scope: OrphanScope, name: str, found: list[Dangling]) -> Sql:
    """Give the condition that row `t` of a table is an orphan by any of its references."""
    relation = orphan_scope.relations[name]
    conditions = [
        sql.SQL("EXISTS (SELECT 1 FROM {} d WHERE {})").format(each.ids, relation.same("t", "d"))
        for each in found
        if each.link.child == name
    ]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(conditions))


def _described(connection: Connection, survey: Survey, orphan_scope: OrphanScope, each: Dangling) -> Orphans:
    link, table = each.link, survey.schema.tables[each.link.child]
    relation = orphan_scope.relations[link.child]
    values = sql.SQL(", ").join(
        sql.SQL("left(concat(t.{}), {})").format(sql.Identifier(name), sql.Literal(LONGEST)) for name in link.columns
    )
    key = sort_key(table)
    query = sql.SQL(
        "SELECT count(*) OVER (), {keys}, ARRAY[{values}] FROM {source} t JOIN {ids} d ON {same}"
        " WHERE {within} ORDER BY {order} LIMIT {limit}"
    ).format(
        keys=key_columns(table, "t"),
        values=values,
        source=relation.source,
        ids=each.ids,
        same=relation.same("t", "d"),
        within=orphan_scope.within(link.child),
        order=order_by(key, "t"),
        limit=sql.Literal(SAMPLES),
    )
    rows = connection.execute(query).fetchall()
    return Orphans(
        table=link.child,
        columns=link.columns,
        parent=link.parent,
        parent_columns=link.parent_columns,
        constraint=link.constraint,
        rows=rows[0][0] if rows else 0,
        samples=tuple(
            Orphan(row=RowKey(table=link.child, values=tuple(keys)), values=tuple(values)) for _, keys, values in rows
        ),
    )


def tables_read(survey: Survey) -> list[str]:
    """Give the tables to lock before the snapshot is taken: a concurrent TRUNCATE must not make orphans.

    Raises:
        RefusedError: the role may not read tables beside those of the scope that orphans depend on.
    """
    own = set(lockable(survey))
    business = {name for name, rule in survey.accounting.rules.items() if rule.category is Category.BUSINESS}
    beside = {link.parent for link in survey.links.references if link.child in business}
    beside |= {link.child for link in survey.links.references if link.parent in business}
    if hidden := survey.workspace.lacking(("SELECT", name) for name in sorted(beside - own)):
        raise RefusedError(
            f"role {survey.workspace.connection.info.user} cannot read tables that point at business rows,"
            " or that they point at",
            map(str, hidden),
            hint="GRANT what is missing, or run as the owner of the tables",
        )
    return sorted(own | beside)
