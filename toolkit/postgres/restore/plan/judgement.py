"""Which differing rows may be written: the row's owners on the target decide (docs/design.md#rules-of-a-restore)."""

from __future__ import annotations

from psycopg import sql

from toolkit.model.catalog import Category
from toolkit.planning.accounting import Part
from toolkit.postgres.compare.comparison import CHANGED, KEPT, Differences, count_actions
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.plan.findings import GENERATED, Findings
from toolkit.postgres.schema.relation import Relation, Sql, columns, scalar
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.backup_owners import BackupOwners

DEVICES, OTHERS, CO_OWNED, NOBODYS, ESTRANGED = "d", "o", "w", "n", "x"
"""Why a row is not written: it is there with other values and is this device's; another business's now; another
business's too; nobody's, in a restore of single businesses. Or it is there otherwise or not at all, and once written
would be another business's."""

WOULD_BE_OTHERS = "would be another business's now, because what they hang on is"
"""The last of these reasons in words."""


class Judge:
    """Turns `changed` lines into changed or kept ones.

    Args:
        owners: who owns the rows of the backup.
        owned: every row of the backup counts as owned by the restored businesses alone, where its table has owners.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        survey: Survey,
        selected: Selected,
        source: Source,
        owners: BackupOwners,
        owned: bool,
    ) -> None:
        self._connection = connection
        self._survey = survey
        self._selected = selected
        self._source = source
        self._owners = owners
        self._owned = owned

    def settle(self, name: str, relation: Relation, differences: Differences) -> Differences:
        """Judge the differing rows of one table.

        Rows of the restored tenants alone change. Rows that other tenants own are kept, be it together with the
        restored ones or alone, because they have moved there: they are told apart by their key, so it is the same row.
        In a named scope rows that nobody owns are kept as well, unless `claim` finds out whose they were.
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
            'UPDATE {lines} d SET action = {kept}::"char", why = (CASE WHEN {outside} THEN {devices}'
            ' WHEN q.other AND NOT q.mine THEN {others} WHEN q.other THEN {co_owned} ELSE {nobodys} END)::"char"'
            " FROM (SELECT d.stage_id, {mine} AS mine, {other} AS other FROM {lines} d WHERE d.action = {changed}) q"
            " WHERE q.stage_id = d.stage_id AND ({outside} OR q.other OR NOT ({updatable} OR q.mine))"
        ).format(
            lines=differences.lines,
            kept=sql.Literal(KEPT),
            outside=sql.Literal(outside),
            devices=sql.Literal(DEVICES),
            others=sql.Literal(OTHERS),
            co_owned=sql.Literal(CO_OWNED),
            nobodys=sql.Literal(NOBODYS),
            changed=sql.Literal(CHANGED),
            updatable=sql.Literal(self._survey.scope.whole or part is Part.WHOLE),
            mine=mine,
            other=other,
        )
        self._connection.execute(query)
        return self._recounted(differences)

    def claim(self, differences: dict[str, Differences]) -> None:
        """Let rows that are nobody's now change where the backup says that the restored tenants alone owned them.

        What owned them was deleted meanwhile, and ON DELETE SET NULL let them stay. The lines of the given differences
        are brought up to date.
        """
        having = {link.table for link in self._survey.links.owners}
        orphaned = [name for name in differences if name in having and self._count_nobodys(differences[name])]
        owners = self._owners.shown(orphaned, prefix="orphaned") if orphaned and not self._owned else {}
        for name in orphaned:
            alone: Sql = sql.SQL("true")
            if not self._owned:
                if name not in owners:
                    continue
                alone = sql.SQL(
                    "EXISTS (SELECT 1 FROM {0} o WHERE o.row_id = d.stage_id AND o.mine)"
                    " AND NOT EXISTS (SELECT 1 FROM {0} o WHERE o.row_id = d.stage_id AND NOT o.mine)"
                ).format(owners[name].source)
            query = sql.SQL('UPDATE {} d SET action = {}::"char", why = NULL WHERE d.action = {} AND d.why = {} AND {}')
            self._connection.execute(
                query.format(
                    differences[name].lines,
                    sql.Literal(CHANGED),
                    sql.Literal(KEPT),
                    sql.Literal(NOBODYS),
                    alone,
                )
            )
            differences[name] = self._recounted(differences[name])

    def _count_nobodys(self, differences: Differences) -> int:
        if not differences.count(KEPT):
            return 0
        query = sql.SQL("SELECT count(*) FROM {} d WHERE d.action = {} AND d.why = {}")
        return scalar(self._connection, query.format(differences.lines, sql.Literal(KEPT), sql.Literal(NOBODYS)))

    def find_fixed(self, name: str, relation: Relation, differences: Differences, findings: Findings) -> None:
        """Note rows to be updated that differ where only an insert can set a value (GENERATED ALWAYS AS IDENTITY)."""
        table = self._survey.schema.tables[name]
        staged = self._source.staged(name)
        fixed = [c.name for c in table.stored_columns if c.identity == "always" and c.name in staged.names]
        if not fixed or not differences.count(CHANGED):
            return
        query = sql.SQL(
            "SELECT d.stage_id, NULL::text AS waits_for FROM {} d JOIN {} s ON s.ctid = d.stage_id JOIN {} t ON {}"
            " WHERE d.action = {} AND ROW({})::text <> ROW({})::text"
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

    def _recounted(self, differences: Differences) -> Differences:
        return Differences(differences.lines, count_actions(self._connection, differences.lines))
