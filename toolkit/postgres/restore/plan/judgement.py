"""Which differing rows may be written: the row's owners on the target decide (docs/design.md#rules-of-a-restore)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from psycopg import sql

from toolkit.model.catalog import Category
from toolkit.planning.accounting import Part
from toolkit.postgres.compare.comparison import Action, Differences
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState
from toolkit.postgres.schema.relation import Relation, Sql, differing
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.backup_owners import BackupOwners


class Why(StrEnum):
    """Why a staged row is not written.

    Attributes:
        DEVICES: it is there with other values and is this device's.
        OTHERS: it is there with other values and is another business's now.
        CO_OWNED: it is there with other values and is another business's too.
        NOBODYS: it is there with other values and is nobody's, in a restore of single businesses.
        ESTRANGED: it is there otherwise or not at all, and once written would be another business's.
    """

    DEVICES = "d"
    OTHERS = "o"
    CO_OWNED = "w"
    NOBODYS = "n"
    ESTRANGED = "x"


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

    def settle(self, differences: Mapping[str, Differences]) -> dict[str, Differences]:
        """Judge the differing rows of tables.

        Rows of the restored tenants alone change. Rows that other tenants own are kept, be it together with the
        restored ones or alone, because they have moved there: they are told apart by their key, so it is the same row.
        In a named scope rows that nobody owns are kept as well, unless `claim` finds out whose they were.
        """
        staying = {
            name: self._staying(name, found)
            for name, found in differences.items()
            if found.count(Action.CHANGED) and not self._may_all_change(name)
        }
        workspace, judged = self._survey.workspace, dict(differences)
        for name in workspace.likely(staying, lambda name: workspace.relations[name].bytes):
            query = sql.SQL(
                'UPDATE {} d SET (action, why) = ({}::"char", q.why) FROM ({}) q WHERE q.stage_id = d.stage_id'
            )
            statement = query.format(differences[name].lines, sql.Literal(Action.KEPT), staying[name])
            kept = self._connection.execute(statement).rowcount
            judged[name] = differences[name].turned(kept, Action.CHANGED, Action.KEPT)
        return judged

    def _may_all_change(self, name: str) -> bool:
        """Whether it is known of every row of a table that the restored tenants alone own it."""
        owners = self._selected.owners.get(name)
        return owners is not None and owners.all_mine and not self._is_outside(name)

    def _is_outside(self, name: str) -> bool:
        """Whether a table is the device's, and not restored whole."""
        part = self._survey.accounting.taken.get(name)
        return self._survey.accounting.rules[name].category is not Category.BUSINESS and part is not Part.WHOLE

    def _staying(self, name: str, differences: Differences) -> Sql:
        """A query of the `stage_id` of differing rows that stay as they are, and `why`."""
        owners, part = self._selected.owners.get(name), self._survey.accounting.taken.get(name)
        outside = self._is_outside(name)
        mine: Sql = sql.SQL("false")
        other: Sql = sql.SQL("false")
        asked: Sql = sql.SQL("true")
        if owners is not None:
            # looked up at once, and only if it is asked for
            owned = sql.SQL("d.stage_id IN (SELECT e.stage_id FROM {} e JOIN {} o ON {} WHERE e.action = {} AND {})")
            same = self._survey.workspace.relations[name].same_ids("o", "e")
            changed = sql.Literal(Action.CHANGED)
            mine = owned.format(differences.lines, owners.source, same, changed, sql.SQL("o.mine"))
            other = owned.format(differences.lines, owners.source, same, changed, sql.SQL("NOT o.mine"))
            if owners.alone and not outside:  # most rows are theirs, and then nobody else's
                asked, mine = sql.SQL("NOT {}").format(mine), sql.SQL("false")
        return sql.SQL(
            "SELECT r.stage_id, (CASE WHEN {outside} THEN {devices} WHEN r.other AND NOT r.mine THEN {others}"
            ' WHEN r.other THEN {co_owned} ELSE {nobodys} END)::"char" AS why'
            " FROM (SELECT d.stage_id, {mine} AS mine, {other} AS other FROM {lines} d"
            " WHERE d.action = {changed} AND {asked}) r"
            " WHERE {outside} OR r.other OR NOT ({updatable} OR r.mine)"
        ).format(
            lines=differences.lines,
            outside=sql.Literal(outside),
            devices=sql.Literal(Why.DEVICES),
            others=sql.Literal(Why.OTHERS),
            co_owned=sql.Literal(Why.CO_OWNED),
            nobodys=sql.Literal(Why.NOBODYS),
            changed=sql.Literal(Action.CHANGED),
            updatable=sql.Literal(self._survey.scope.whole or part is Part.WHOLE),
            mine=mine,
            other=other,
            asked=asked,
        )

    def claim(self, differences: dict[str, Differences]) -> None:
        """Let rows that are nobody's now change where the backup says that the restored tenants alone owned them.

        What owned them was deleted meanwhile, and ON DELETE SET NULL let them stay. The lines of the given differences
        are brought up to date.
        """
        having = {link.table for link in self._survey.links.owners}
        orphaned = [name for name in self._with_nobodys(differences) if name in having]
        asking = orphaned if not self._owned else []
        owners = self._owners.shown(asking) if asking else {}
        others = self._owners.of_others(asking) if asking else {}
        for name in orphaned:
            alone: Sql = sql.SQL("true")
            if not self._owned:
                if name not in owners or name not in others:
                    continue
                alone = sql.SQL(
                    "EXISTS (SELECT 1 FROM {0} o WHERE o.row_id = d.stage_id AND o.mine)"
                    " AND NOT EXISTS (SELECT 1 FROM ({1}) q WHERE q.row_id = d.stage_id)"
                ).format(owners[name].source, others[name])
            query = sql.SQL(
                'UPDATE {} d SET (action, why) = ({}::"char", NULL) WHERE d.action = {} AND d.why = {} AND {}'
            )
            claimed = self._connection.execute(
                query.format(
                    differences[name].lines,
                    sql.Literal(Action.CHANGED),
                    sql.Literal(Action.KEPT),
                    sql.Literal(Why.NOBODYS),
                    alone,
                )
            ).rowcount
            differences[name] = differences[name].turned(claimed, Action.KEPT, Action.CHANGED)

    def _with_nobodys(self, differences: Mapping[str, Differences]) -> list[str]:
        """The tables with rows that are kept because nobody owns them."""
        query = sql.SQL("SELECT count(*) FROM {} d WHERE d.action = {} AND d.why = {}")
        queries = {
            name: query.format(each.lines, sql.Literal(Action.KEPT), sql.Literal(Why.NOBODYS))
            for name, each in differences.items()
            if each.count(Action.KEPT)
        }
        return [name for name, rows in self._survey.workspace.numbers(queries, lambda _: 0).items() if rows]

    def find_fixed(self, name: str, relation: Relation, differences: Differences, obstacles: Obstacles) -> None:
        """Note rows to be updated that differ where only an insert can set a value (GENERATED ALWAYS AS IDENTITY)."""
        table = self._survey.schema.tables[name]
        staged = self._source.staged(name)
        fixed = [c.name for c in table.stored_columns if c.identity == "always" and c.name in staged.names]
        if not fixed or not differences.count(Action.CHANGED):
            return
        query = sql.SQL(
            "SELECT d.stage_id, NULL::text AS waits_for FROM {} d JOIN {} s ON s.ctid = d.stage_id JOIN {} t ON {}"
            " WHERE d.action = {} AND {}"
        ).format(
            differences.lines,
            staged.table,
            relation.source,
            relation.same("t", "d"),
            sql.Literal(Action.CHANGED),
            differing("s", "t", fixed),
        )
        reason = f"differs in {', '.join(fixed)}, which only an insert can set"
        obstacles.add(Obstacle(table=name, rows=query, reason=reason, sqlstate=SqlState.GENERATED, constraint=fixed[0]))
