"""Rows that stay as they are although they differ from the backup or are not in it: which, how many, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.plan import Kept
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import SAMPLES, Action, Differences
from toolkit.postgres.restore.plan.judgement import WOULD_BE_OTHERS, Why
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, columns, row_text
from toolkit.postgres.selection.row_lookup import RowId
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.selection.walk import Walk, to_owners

OTHERS_NOW, OTHERS_TOO = "belong to another business now", "belong to another business too"
"""Why rows stay that other businesses own; whose they are is said with the first few of them."""

SAID = {
    Why.DEVICES: "rows of this device, which stay as they are",
    Why.OTHERS: OTHERS_NOW,
    Why.CO_OWNED: OTHERS_TOO,
    Why.NOBODYS: "of no business, and not the restored businesses' alone in the backup",
}
"""The reasons for which a row of the backup that is there with other values stays, by their mark in its line."""

OWNED_BY_OTHERS = frozenset((OTHERS_NOW, OTHERS_TOO, "owned by another business too"))


class _Noted(Struct, frozen=True):
    """Rows of a table that stay, as a query of their ids, and why."""

    table: str
    reason: str
    ids: Sql


class KeptRows:
    """Collects the rows that stay, by table and reason."""

    def __init__(self, survey: Survey, selected: Selected) -> None:
        self._workspace = survey.workspace
        self._connection = survey.workspace.connection
        self._survey = survey
        self._selected = selected
        self._relations = survey.workspace.relations
        self._noted: list[_Noted] = []
        self._ids: dict[str, dict[str, list[Sql]]] = {}

    def clear(self) -> None:
        """Begin again."""
        self._noted.clear()

    def add(self, table: str, reason: str, ids: Sql) -> None:
        """Take note of rows of a table.

        Args:
            ids: a query of their ids, which has to give the same ones until `settle`.
        """
        self._noted.append(_Noted(table, reason, ids))

    def add_differing(self, table: str, differences: Differences) -> None:
        """Take note of the rows of the backup that are there with other values and stay."""
        if not differences.count(Action.KEPT):
            return
        for mark, reason in SAID.items():
            query = sql.SQL('SELECT {} FROM {} d WHERE d.action = {}::"char" AND d.why = {}::"char"').format(
                self._relations[table].id_columns("d"), differences.lines, sql.Literal(Action.KEPT), sql.Literal(mark)
            )
            self.add(table, reason, query)

    def settle(self, differences: Mapping[str, Differences]) -> set[str]:
        """Look which of the queries give rows; gives the tables with rows that would be another business's."""
        queries = {number: each.ids for number, each in enumerate(self._noted)}
        found = self._workspace.keep_found(
            "kept", queries, lambda number: self._relations[self._noted[number].table].bytes
        )
        for number, ids in found.items():
            each = self._noted[number]
            self._ids.setdefault(each.table, {}).setdefault(each.reason, []).append(ids)
        self._workspace.analyze()
        estranged = {
            name: sql.SQL("SELECT count(*) FROM ({}) q").format(_estranged(each))
            for name, each in differences.items()
            if each.count(Action.KEPT)
        }
        return {name for name, rows in self._workspace.numbers(estranged, lambda _: 0).items() if rows}

    def described(self, table: str) -> tuple[Kept, ...]:
        """Give what stays of a table, by reason."""
        relation = self._relations[table]
        each = sql.SQL("SELECT {} FROM {} x")
        return tuple(
            self._describe(
                table,
                reason,
                relation,
                sql.SQL(" UNION ").join(each.format(relation.id_columns("x"), ids) for ids in held),
            )
            for reason, held in sorted(self._ids.get(table, {}).items())
        )

    def estranged(self, table: str, staged: Relation, differences: Differences) -> tuple[Kept, ...]:
        """Give the rows of the backup that would be another business's, be they on the target or not."""
        return (self._describe(table, WOULD_BE_OTHERS, staged, _estranged(differences)),)

    def _describe(self, table: str, reason: str, relation: Relation, ids: Sql) -> Kept:
        key = sort_key(self._survey.schema.tables[table])
        rows = sql.SQL("{} t JOIN ({}) i ON {}").format(relation.source, ids, relation.same("t", "i"))
        summed = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(q.key, 0)), 0) || ' ' ||"
            " coalesce(sum(hashtextextended(q.key, 1)), 0)"
            " FROM (SELECT {} AS key FROM {}) q"
        ).format(row_text("t", key.names), rows)
        total = self._connection.execute(summed).fetchone()
        query = sql.SQL(
            "SELECT t.ctid::text, t.tableoid::bigint, concat_ws(', ', {keys}) FROM {rows} ORDER BY {order} LIMIT {n}"
        ).format(
            keys=columns("t", key.names),
            rows=rows,
            order=order_by(key, "t") if key.columns else sql.SQL("t.ctid"),
            n=sql.Literal(SAMPLES),
        )
        samples = self._connection.execute(query).fetchall() if key.columns else []
        owners: set[str] = set()
        if reason in OWNED_BY_OTHERS:
            for ctid, tableoid, _ in samples:
                owners.update(self._owners(RowId(table=table, ctid=ctid, tableoid=tableoid)))
        assert total is not None
        return Kept(
            reason=reason,
            rows=int(total[0]),
            samples=tuple(str(text) for _, _, text in samples),
            owners=tuple(sorted(owners)),
            digest=str(total[1]),
        )

    def _owners(self, row: RowId) -> Iterator[str]:
        """The keys of the businesses outside the restore that own a row."""
        tenant = self._survey.catalog.tenant
        walk = Walk(self._survey.workspace, to_owners(self._survey.links.owners))
        walk.run(row)
        query = sql.SQL(
            "SELECT t.{key}::text FROM {source} t JOIN {walk} w ON t.ctid = w.row_id AND t.tableoid = w.part_id"
        ).format(key=sql.Identifier(tenant.key), source=self._relations[tenant.table].source, walk=walk.source)
        return (str(key) for (key,) in self._connection.execute(query) if key not in self._selected.tenants)


def _estranged(differences: Differences) -> Sql:
    """A query of the staged rows that would be another business's."""
    query = sql.SQL('SELECT d.stage_id AS row_id FROM {} d WHERE d.action = {}::"char" AND d.why = {}::"char"')
    return query.format(differences.lines, sql.Literal(Action.KEPT), sql.Literal(Why.ESTRANGED))
