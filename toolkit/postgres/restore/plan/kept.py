"""Rows that stay as they are although they differ from the backup or are not in it: which, how many, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from psycopg import sql

from toolkit.model.plan import Kept
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import KEPT, SAMPLES, Differences
from toolkit.postgres.restore.plan import judgement
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, columns, create_temporary, scalar
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.row_lookup import RowId
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.selection.walk import Walk, to_owners
from toolkit.postgres.session.connection import Connection

OTHERS, CO_OWNED = "belong to another business now", "belong to another business too"
"""Why rows stay that other businesses own; whose they are is said with the first few of them."""

WHY = {
    judgement.DEVICES: "rows of this device, which stay as they are",
    judgement.OTHERS: OTHERS,
    judgement.CO_OWNED: CO_OWNED,
    judgement.NOBODYS: "of no business, and not the restored businesses' alone in the backup",
}
"""The reasons for which a row of the backup that is there with other values stays, by their mark in its line."""

OWNED_BY_OTHERS = frozenset((OTHERS, CO_OWNED, "owned by another business too"))


class KeptRows:
    """Collects the rows that stay, as tables of their ids, by table and reason."""

    def __init__(
        self, connection: Connection, *, survey: Survey, selected: Selected, relations: Mapping[str, Relation]
    ) -> None:
        self._connection = connection
        self._survey = survey
        self._selected = selected
        self._relations = relations
        self._numbers = count()
        self._ids: dict[str, dict[str, list[Sql]]] = {}

    def clear(self) -> None:
        """Begin again."""
        self._ids.clear()

    def add(self, table: str, reason: str, ids: Sql) -> None:
        """Take note of rows of a table.

        Args:
            ids: a query of their ids.
        """
        held = create_temporary(self._connection, f"kept_{next(self._numbers)}", ids)
        if scalar(self._connection, sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) q").format(held)):
            self._ids.setdefault(table, {}).setdefault(reason, []).append(held)
        else:
            self._connection.execute(sql.SQL("DROP TABLE {}").format(held))

    def add_differing(self, table: str, differences: Differences) -> None:
        """Take note of the rows of the backup that are there with other values and stay."""
        if not differences.count(KEPT):
            return
        for mark, reason in WHY.items():
            query = sql.SQL('SELECT {} FROM {} d WHERE d.action = {}::"char" AND d.why = {}::"char"').format(
                self._relations[table].id_columns("d"), differences.lines, sql.Literal(KEPT), sql.Literal(mark)
            )
            self.add(table, reason, query)

    def described(self, table: str) -> tuple[Kept, ...]:
        """What stays of a table, by reason."""
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
        """The rows of the backup that would be another business's, be they on the target or not."""
        ids = sql.SQL(
            'SELECT d.stage_id AS row_id FROM {} d WHERE d.action = {}::"char" AND d.why = {}::"char"'
        ).format(differences.lines, sql.Literal(KEPT), sql.Literal(judgement.ESTRANGED))
        if not scalar(self._connection, sql.SQL("SELECT count(*) FROM ({} LIMIT 1) q").format(ids)):
            return ()
        return (self._describe(table, judgement.WOULD_BE_OTHERS, staged, ids),)

    def _describe(self, table: str, reason: str, relation: Relation, ids: Sql) -> Kept:
        key = sort_key(self._survey.schema.tables[table])
        rows = sql.SQL("{} t JOIN ({}) i ON {}").format(relation.source, ids, relation.same("t", "i"))
        summed = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(q.key, 0)), 0) || ' ' ||"
            " coalesce(sum(hashtextextended(q.key, 1)), 0)"
            ' FROM (SELECT ROW({})::text COLLATE "C" AS key FROM {}) q'
        ).format(columns("t", key.names), rows)
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
        walk = Walk(
            self._connection,
            self._survey.schema,
            to_owners(self._survey.links.owners),
            name=f"kept_walk_{next(self._numbers)}",
        )
        walk.run(row)
        query = sql.SQL(
            "SELECT t.{key}::text FROM {source} t JOIN {walk} w ON t.ctid = w.row_id AND t.tableoid = w.part_id"
        ).format(key=sql.Identifier(tenant.key), source=self._relations[tenant.table].source, walk=walk.source)
        return (str(key) for (key,) in self._connection.execute(query) if key not in self._selected.tenants)
