"""Which differing rows may be written: the owners of the row on the target decide (design, section 8)."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from toolkit.model.catalog import Category
from toolkit.planning.accounting import Part
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql, columns
from toolkit.postgres.restore.plan.comparison import CHANGED, FOREIGN, KEPT, Differences, count_actions
from toolkit.postgres.restore.plan.findings import GENERATED, UNIQUE, Findings
from toolkit.postgres.restore.stage.source import Source
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.ownership import Ownership
from toolkit.postgres.selection.snapshot import Survey


class Judge:
    """Turns `changed` lines into changed, kept or foreign ones.

    Args:
        owned: every row of the backup counts as owned by the restored businesses.
    """

    def __init__(
        self, connection: Connection, *, survey: Survey, selected: Selected, source: Source, owned: bool
    ) -> None:
        self._connection = connection
        self._survey = survey
        self._selected = selected
        self._source = source
        self._owned = owned

    def settle(self, name: str, relation: Relation, differences: Differences) -> Differences:
        """Judge the differing rows of one table.

        Rows of the restored tenants alone change. Rows that other tenants own too, and in a named scope rows that
        nobody owns, are kept. Rows of other tenants only are foreign: `find_foreign` decides about them.
        """
        if not differences.count(CHANGED):
            return differences
        owners, part = self._selected.owners.get(name), self._survey.accounting.taken.get(name)
        outside = self._survey.accounting.rules[name].category is not Category.BUSINESS and part is not Part.WHOLE
        mine: Sql = sql.SQL("false")
        other: Sql = sql.SQL("false")
        if owners is not None:
            owned = sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE {} AND {})")
            same = relation.same_ids("o", "d")
            mine = owned.format(owners.source, same, sql.SQL("o.mine"))
            other = owned.format(owners.source, same, sql.SQL("NOT o.mine"))
        query = sql.SQL(
            "UPDATE {lines} d SET action = CASE WHEN {outside} THEN {kept} WHEN q.other AND NOT q.mine THEN {foreign}"
            ' WHEN q.other OR NOT {updatable} THEN {kept} ELSE {changed} END::"char"'
            " FROM (SELECT d.stage_id, {mine} AS mine, {other} AS other FROM {lines} d WHERE d.action = {changed}) q"
            " WHERE q.stage_id = d.stage_id"
        ).format(
            lines=differences.lines,
            outside=sql.Literal(outside),
            kept=sql.Literal(KEPT),
            foreign=sql.Literal(FOREIGN),
            changed=sql.Literal(CHANGED),
            updatable=sql.SQL("true" if self._survey.scope.whole or part is Part.WHOLE else "q.mine"),
            mine=mine,
            other=other,
        )
        self._connection.execute(query)
        return self._recounted(differences)

    def find_foreign(self, differences: dict[str, Differences], findings: Findings) -> None:
        """Note the rows whose key other tenants hold, where the backup's row is owned; the others are kept.

        The lines of the given differences are brought up to date.
        """
        foreign = [name for name, found in differences.items() if found.count(FOREIGN)]
        owned = self._owned_in_backup() if foreign and not self._owned else {}
        for name in foreign:
            condition: Sql = sql.SQL("true" if self._owned else "false")
            if name in owned:
                condition = sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE o.row_id = d.stage_id)").format(owned[name])
            query = sql.SQL('UPDATE {} d SET action = {}::"char" WHERE d.action = {} AND NOT {}')
            lines = differences[name].lines
            self._connection.execute(query.format(lines, sql.Literal(KEPT), sql.Literal(FOREIGN), condition))
            differences[name] = self._recounted(differences[name])
            rows = sql.SQL('SELECT d.stage_id, NULL::text AS waits_for FROM {} d WHERE d.action = {}::"char"')
            findings.add(
                name,
                rows.format(lines, sql.Literal(FOREIGN)),
                reason="the key is held by a row of a business outside the restore",
                sqlstate=UNIQUE,
            )

    def find_fixed(self, name: str, relation: Relation, differences: Differences, findings: Findings) -> None:
        """Note rows to be updated that differ where only an insert can set a value (GENERATED ALWAYS AS IDENTITY)."""
        table = self._survey.schema.tables[name]
        staged = self._source.staged(name)
        fixed = [c.name for c in table.stored_columns if c.identity == "always" and c.name in staged.names]
        if not fixed or not differences.count(CHANGED):
            return
        query = sql.SQL(
            "SELECT d.stage_id, NULL::text AS waits_for FROM {} d JOIN {} s ON s.ctid = d.stage_id JOIN {} t ON {}"
            " WHERE d.action = {} AND ROW({}) IS DISTINCT FROM ROW({})"
        ).format(
            differences.lines,
            staged.table,
            relation.source,
            relation.same("t", "d"),
            sql.Literal(CHANGED),
            columns("s", fixed),
            columns("t", fixed),
        )
        reason = f"differs in {', '.join(fixed)}, which only an insert can set"
        findings.add(name, query, reason=reason, sqlstate=GENERATED, constraint=fixed[0])

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
