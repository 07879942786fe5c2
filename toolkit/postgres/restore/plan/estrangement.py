"""Rows of the restored businesses that would be another business's as soon as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.plan import Load
from toolkit.model.schema import ForeignKey
from toolkit.planning.links import OwnerLink
from toolkit.postgres.compare.comparison import Action, Comparison, sample_keys
from toolkit.postgres.restore.plan.afterwards import STAGE_ID, Afterwards
from toolkit.postgres.restore.plan.judgement import WOULD_BE_OTHERS, Why
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles
from toolkit.postgres.schema.relation import Sql, points_at
from toolkit.postgres.selection.ownership import Owners
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.stage.backup_owners import BackupOwners


class Estrangement(Struct, frozen=True, kw_only=True):
    """Finds rows that hang on a row which is another business's now, and so would be that business's.

    Attributes:
        selected: the scope evaluated on the target, with all owners known.
        owners: who owns the rows of the backup.
        owned: every row of the backup counts as owned by the restored businesses.
    """

    comparison: Comparison
    survey: Survey
    selected: Selected
    owners: BackupOwners
    owned: bool
    afterwards: Afterwards

    def to_compare(self, loads: Mapping[str, Load]) -> list[str]:
        """Give the tables to be copied whole whose rows could come to hang on rows of other businesses."""
        near = self.afterwards.below(link.table for link in self._to_others())
        near |= {child for child, _ in self._keys_to_kept()}
        return sorted(name for name in self.afterwards.above(near) if loads.get(name) is Load.COPY)

    def settle(self, leaving: Callable[[], Mapping[str, Sql]], obstacles: Obstacles) -> None:
        """Keep such rows out of the plan, as lines of their own kind.

        Where nobody knows whose they were in the backup they are obstacles: they may have been there because rows
        pointed at them.

        Args:
            leaving: gives, per table, a query of the ids of rows that may be deleted.
        """
        near = self._led_astray()
        if not near:
            return
        below = self.afterwards.below(near)
        written = [name for name in below if self.comparison.writes(name)]
        before = {} if self.owned else self.owners.shown(written)
        gone = leaving()
        states = self.afterwards.states(below, gone)
        # of tenants that come along because rows point at them nothing was taken over: so it was in the backup
        others = self.selected.known.keys() - {*self.owners.tenants, *self.selected.tenants}
        after = self.afterwards.owners(states, sql.SQL("<> ALL"), others)
        for name in written:
            if name not in after:
                continue
            astray = sql.SQL(
                "SELECT a.{stage_id} AS stage_id, NULL::text AS waits_for FROM {state} a"
                " JOIN {owners} o ON o.row_id = a.ctid"
                " WHERE a.{stage_id} IS NOT NULL GROUP BY a.{stage_id} HAVING NOT bool_or(o.mine)"
            ).format(stage_id=STAGE_ID, state=states[name], owners=after[name].source)
            if self.owned:
                obstacles.add(Obstacle(table=name, rows=astray, reason=WOULD_BE_OTHERS, sqlstate=""))
            elif name in before:
                self._keep(name, astray, before[name])

    def said(self) -> list[str]:
        """Give which rows are written that point at rows which were theirs and are another business's now.

        The key alone says that these are still the same rows.
        """
        keys = [(child, key) for child, key in self._keys_to_kept() if self.comparison.writes(child)]
        parents = sorted({key.parent for _, key in keys})
        before = self.owners.shown(parents) if parents and not self.owned else {}
        sources = {
            number: self._pointing_at_kept(child, key, before.get(key.parent))
            for number, (child, key) in enumerate(keys)
            if self.owned or key.parent in before
        }
        counts = self.comparison.workspace.numbers(
            {number: sql.SQL("SELECT count(*) FROM {}").format(source) for number, source in sources.items()},
            lambda number: self.comparison.bytes_of(keys[number][0], keys[number][1].parent),
        )
        return [self._said_of(*keys[number], sources[number], rows) for number, rows in counts.items() if rows]

    def _pointing_at_kept(self, child: str, key: ForeignKey, before: Owners | None) -> Sql:
        """What stands behind FROM for rows `s` to be written that point at rows which stay as another business's."""
        parent = self.comparison.relations[key.parent]
        return sql.SQL(
            "{written} JOIN {parent} p ON {pointing} JOIN {lines} k ON {same}"
            ' AND k.action = {kept}::"char" AND k.why = {others}::"char" AND {theirs}'
        ).format(
            written=self.comparison.written(child),
            parent=parent.source,
            pointing=points_at(key, "s", "p"),
            lines=self.comparison.differences[key.parent].lines,
            same=parent.same("p", "k"),
            kept=sql.Literal(Action.KEPT),
            others=sql.Literal(Why.OTHERS),
            theirs=_owned_in_backup("k", before) if before else sql.SQL("true"),
        )

    def _said_of(self, child: str, key: ForeignKey, source: Sql, rows: int) -> str:
        table = self.survey.schema.tables[child]
        samples = ", ".join(sample_keys(self.comparison.connection, table, "s", source))
        return (
            f"{child}: {rows} rows to be written point by ({', '.join(key.columns)}) at rows of {key.parent}"
            f" that are another business's now, and not as they were in the backup, e.g. {samples}"
        )

    def _keys_to_kept(self) -> Iterator[tuple[str, ForeignKey]]:
        """The foreign keys, with their tables, that lead to tables in which rows stay as another business's."""
        query = sql.SQL('SELECT count(*) FROM {} d WHERE d.action = {}::"char" AND d.why = {}::"char"')
        queries = {
            name: query.format(found.lines, sql.Literal(Action.KEPT), sql.Literal(Why.OTHERS))
            for name, found in self.comparison.differences.items()
            if found.count(Action.KEPT)
        }
        counts = self.comparison.workspace.numbers(queries, lambda _: 0)
        parents = {name for name, rows in counts.items() if rows}
        for child in self.comparison.source.entries:
            for key in self.survey.schema.tables[child].foreign_keys:
                if key.parent in parents:
                    yield child, key

    def _to_others(self) -> Iterator[OwnerLink]:
        """The links that lead from rows of the backup to a table in which other businesses own rows."""
        for link in self.survey.links.owners:
            owners = self.selected.owners.get(link.source)
            if link.table in self.comparison.source.entries and owners is not None and owners.others != 0:
                yield link

    def _led_astray(self) -> set[str]:
        """The tables with rows to be written that find a row of another business by some link."""
        query = sql.SQL("SELECT s.ctid FROM {written} JOIN {owners} o ON {joined} WHERE NOT o.mine")
        queries: dict[OwnerLink, Sql] = {}
        for link in self._to_others():
            if self.comparison.writes(link.table):
                owners = self.selected.owners[link.source]
                queries[link] = query.format(
                    written=self.comparison.written(link.table),
                    owners=owners.source,
                    joined=owners.joined("s", link, "o"),
                )
        workspace = self.comparison.workspace
        some = {
            # counted to the end: for the first of them only, which mostly is not there, all is looked up one by one
            link: sql.SQL("SELECT count(*) FROM ({}) q").format(queries[link])
            for link in workspace.likely(queries, lambda link: self.comparison.bytes_of(link.table, link.source))
        }
        return {link.table for link, found in workspace.numbers(some, lambda _: None).items() if found}

    def _keep(self, name: str, astray: Sql, before: Owners) -> None:
        """Mark the lines of such rows that the restored businesses owned in the backup."""
        query = sql.SQL(
            "WITH astray AS (SELECT d.stage_id, d.action FROM {lines} d JOIN ({astray}) q ON q.stage_id = d.stage_id"
            " WHERE {theirs}), done AS (UPDATE {lines} d"
            ' SET (action, why) = ({kept}::"char", {why}::"char") FROM astray a WHERE a.stage_id = d.stage_id)'
            " SELECT a.action::text, count(*) FROM astray a GROUP BY a.action"
        )
        differences = self.comparison.differences[name]
        statement = query.format(
            lines=differences.lines,
            kept=sql.Literal(Action.KEPT),
            why=sql.Literal(Why.ESTRANGED),
            astray=astray,
            theirs=_owned_in_backup("d", before),
        )
        for action, rows in self.comparison.connection.execute(statement).fetchall():
            differences = differences.turned(int(rows), str(action), Action.KEPT)
        self.comparison.differences[name] = differences


def _owned_in_backup(line: str, before: Owners) -> Sql:
    """The condition that the restored businesses owned the row of a line in the backup."""
    return sql.SQL("EXISTS (SELECT 1 FROM {} b WHERE b.row_id = {} AND b.mine)").format(
        before.source, sql.Identifier(line, "stage_id")
    )
