"""Which differing rows may be written: the owners of the row on the target decide (design, section 8)."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from toolkit.model.plan import Conflict
from toolkit.planning.accounting import Part
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql, columns, scalar
from toolkit.postgres.restore.comparison import CHANGED, FOREIGN, KEPT, Differences, count_actions, staged_samples
from toolkit.postgres.restore.source import Source
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.ownership import Ownership
from toolkit.postgres.selection.snapshot import Survey


class Judge:
    """Turns `changed` lines into changed, kept or foreign ones."""

    def __init__(self, connection: Connection, *, survey: Survey, selected: Selected, source: Source) -> None:
        self._connection = connection
        self._survey = survey
        self._selected = selected
        self._source = source

    def settle(self, name: str, relation: Relation, differences: Differences) -> Differences:
        """Judge the differing rows of one table.

        Rows of the restored tenants alone change. Rows that other tenants own too, and in a named scope rows that
        nobody owns, are kept. Rows of other tenants only are foreign: `conflicts` decides about them.
        """
        if not differences.count(CHANGED):
            return differences
        owners = self._selected.owners.get(name)
        mine: Sql = sql.SQL("false")
        other: Sql = sql.SQL("false")
        if owners is not None:
            owned = sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE {} AND {})")
            same = relation.same_ids("o", "d")
            mine = owned.format(owners.source, same, sql.SQL("o.mine"))
            other = owned.format(owners.source, same, sql.SQL("NOT o.mine"))
        query = sql.SQL(
            "UPDATE {lines} d SET action = CASE WHEN {device} THEN {kept} WHEN q.other AND NOT q.mine THEN {foreign}"
            ' WHEN q.other OR NOT {updatable} THEN {kept} ELSE {changed} END::"char"'
            " FROM (SELECT d.stage_id, {mine} AS mine, {other} AS other FROM {lines} d WHERE d.action = {changed}) q"
            " WHERE q.stage_id = d.stage_id"
        ).format(
            lines=differences.lines,
            device=sql.Literal(self._survey.accounting.taken.get(name) is Part.REFERENCED),
            kept=sql.Literal(KEPT),
            foreign=sql.Literal(FOREIGN),
            changed=sql.Literal(CHANGED),
            updatable=sql.SQL("true" if self._survey.scope.whole else "q.mine"),
            mine=mine,
            other=other,
        )
        self._connection.execute(query)
        return self._recounted(differences)

    def conflicts(self, differences: dict[str, Differences]) -> list[Conflict]:
        """Rows that only other tenants own on the target: conflicts where the backup's row is owned, else kept.

        The lines of the given differences are brought up to date.
        """
        foreign = [name for name, found in differences.items() if found.count(FOREIGN)]
        owned = self._owned_in_backup() if foreign else {}
        conflicts = []
        for name in foreign:
            condition: Sql = sql.SQL("false")
            if name in owned:
                condition = sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE o.row_id = d.stage_id)").format(owned[name])
            query = sql.SQL('UPDATE {} d SET action = {}::"char" WHERE d.action = {} AND NOT {}')
            lines = differences[name].lines
            self._connection.execute(query.format(lines, sql.Literal(KEPT), sql.Literal(FOREIGN), condition))
            differences[name] = self._recounted(differences[name])
            if rows := differences[name].count(FOREIGN):
                table, staged = self._survey.schema.tables[name], self._source.staged(name)
                samples = staged_samples(self._connection, table, staged, lines, [FOREIGN])
                reason = "the key is held by a row of a business outside the restore"
                conflicts.append(Conflict(table=name, reason=reason, rows=rows, samples=samples))
        return conflicts

    def fixed(self, name: str, relation: Relation, differences: Differences) -> Conflict | None:
        """Rows to be updated that differ in a column which only an insert can set (GENERATED ALWAYS AS IDENTITY)."""
        table = self._survey.schema.tables[name]
        fixed = [column.name for column in table.stored_columns if column.identity == "always"]
        if not fixed or not differences.count(CHANGED):
            return None
        staged = self._source.staged(name)
        names = [column for column in fixed if column in staged.names]
        query = sql.SQL(
            "SELECT count(*) FROM {} d JOIN {} s ON s.ctid = d.stage_id JOIN {} t ON {}"
            " WHERE d.action = {} AND ROW({}) IS DISTINCT FROM ROW({})"
        ).format(
            differences.lines,
            staged.table,
            relation.source,
            relation.same("t", "d"),
            sql.Literal(CHANGED),
            columns("s", names),
            columns("t", names),
        )
        rows = scalar(self._connection, query)
        reason = f"differs in {', '.join(names)}, which only an insert can set"
        return Conflict(table=name, reason=reason, rows=rows) if rows else None

    def _owned_in_backup(self) -> Mapping[str, Sql]:
        """Per table, the staged rows that the restored tenants own within the backup: the same selection, on stage."""
        tenant = self._survey.catalog.tenant
        relations = {
            name: self._source.staged(name).relation for name, entry in self._source.entries.items() if entry.rows
        }
        if tenant.table not in relations:
            return {}
        condition = sql.SQL("t.{}::text = ANY ({}::text[])").format(
            sql.Identifier(tenant.key), sql.Literal(list(self._source.manifest.selection.tenants))
        )
        ownership = Ownership(self._connection, relations, self._survey.links.owners, tenant, prefix="backup")
        owners = ownership.compute(condition, only_selected=True, all_selected=False)
        return {name: found.source for name, found in owners.items()}

    def _recounted(self, differences: Differences) -> Differences:
        return Differences(differences.lines, count_actions(self._connection, differences.lines))
