"""Rows of tables that nobody has named, without which rows of the named ones cannot be: brought along where missing.

What is there already, by its key, is never changed, whatever it looks like in the backup. And what hangs on rows that
come back, in tables that nobody has named, stays away: how many rows these are is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field
from psycopg import sql

from toolkit.model.catalog import OnRestore
from toolkit.model.plan import BroughtAlong, LeftBehind
from toolkit.model.schema import ForeignKey
from toolkit.planning.references import ReferenceLink
from toolkit.planning.some_tables import SomeTables
from toolkit.postgres.compare.comparison import Action, Comparison, Differences, nobody, sample_keys
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.schema.relation import (
    Sql,
    alike,
    assigned,
    filled,
    lacks_parent,
    needs_parent,
    points_at,
    scalar,
)
from toolkit.postgres.schema.row_sources import Rows, Temporary
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.stage.fitting import refuse_drift

COUNTED_BYTES = 32 << 20
"""Up to this size the rows of a table are read out of the backup only to count those that are left behind."""


class Along(Struct, frozen=True, kw_only=True):
    """Finds them, by the rows of named tables that are to be written.

    Attributes:
        device_data: rows that point at device rows come as they are; else rules would have to be followed, which those
            who come along do not.
    """

    comparison: Comparison
    survey: Survey
    some: SomeTables
    device_data: bool
    _why: dict[str, list[ReferenceLink]] = field(default_factory=dict)
    _forgetting: dict[str, list[str]] = field(default_factory=dict)

    def bring(self) -> None:
        """Add the rows that are missing to what is to be written."""
        for name, needed in self._reach(self._staged).items():
            relation = self.comparison.relations[name]
            query = sql.SQL('SELECT n.stage_id, {}, {}::"char" AS action, NULL::"char" AS why FROM {} n')
            lines = self.comparison.workspace.keep(
                "differences", query.format(nobody(relation), sql.Literal(Action.MISSING), needed)
            )
            self.comparison.differences[name] = Differences(lines, {Action.MISSING: lines.rows})
            self.comparison.source.bring(name, lines.rows)
        self.comparison.workspace.analyze()

    def settle(self) -> None:
        """Leave out those of them that no row to be written needs any more."""
        coming = [name for name in self.some.parents if self.comparison.writes(name)]
        if not coming:
            return
        self._why.clear()
        needed = self._reach(self._coming)
        for name in coming:
            differences, query = self.comparison.differences[name], sql.SQL('WHERE action = {}::"char"')
            condition = query.format(sql.Literal(Action.MISSING))
            if (stays := needed.get(name)) is not None:
                condition = sql.SQL("{} AND stage_id NOT IN (SELECT n.stage_id FROM {} n)").format(condition, stays)
            assert isinstance(differences.lines, Temporary)
            gone = self.comparison.workspace.delete(differences.lines, condition)
            left = {**differences.counts, Action.MISSING: differences.count(Action.MISSING) - gone}
            self.comparison.differences[name] = Differences(differences.lines, left)
            self.comparison.source.bring(name, sum(left.values()))

    def forget(self) -> None:
        """Let go of tables of which no row comes along after all."""
        for name in self.some.parents & self.comparison.differences.keys():
            if not sum(self.comparison.differences[name].counts.values()):
                del self.comparison.differences[name], self.comparison.source.entries[name]

    def brought(self) -> tuple[BroughtAlong, ...]:
        """Give what comes along, by table."""
        return tuple(
            BroughtAlong(
                table=name,
                rows=self.comparison.writes(name),
                needed_by=tuple(sorted({f"{link.child} ({', '.join(link.columns)})" for link in self._why[name]})),
                samples=self._samples(name, "s", self.comparison.written(name)),
            )
            for name in sorted(self.some.parents)
            if self.comparison.writes(name)
        )

    def said(self) -> list[str]:
        """Give what rows that come along are without."""
        return [
            text for name, texts in sorted(self._forgetting.items()) if self.comparison.writes(name) for text in texts
        ]

    # what rows to be written need

    def _reach(self, among: Callable[[str], Sql | None]) -> dict[str, Temporary]:
        """The ids on stage of the rows that are needed, by table.

        Args:
            among: gives what stands behind FROM for the rows `p` of a table that may come along; None for none.
        """
        workspace, found = self.comparison.workspace, dict[str, Temporary]()
        frontier = {name: self.comparison.written(name) for name in self.some.named if self.comparison.writes(name)}
        while frontier:
            lacking = self._lacking(frontier)
            frontier = {}
            for name in sorted({link.parent for link, _ in lacking}):
                if (source := among(name)) is None:
                    continue
                pointing = [each for link, each in lacking if link.parent == name]
                new = workspace.keep("needed", self._needed(name, source, pointing, found.get(name)))
                if new.rows:
                    self._why.setdefault(name, []).extend(link for link, _ in lacking if link.parent == name)
                    stage = self.comparison.source.whole(name).table
                    frontier[name] = sql.SQL("{} s JOIN {} n ON n.stage_id = s.ctid").format(stage, new)
                    if name in found:
                        workspace.insert(found[name], sql.SQL("SELECT n.stage_id FROM {} n").format(new))
                        workspace.analyze()
                    else:
                        found[name] = workspace.keep("along", sql.SQL("SELECT n.stage_id FROM {} n").format(new))
        return found

    def _lacking(self, frontier: Mapping[str, Sql]) -> list[tuple[ReferenceLink, Sql]]:
        """The references of rows `s` that find no row on the target, each with a condition on the row `p` they need."""
        queries, pointing = dict[ReferenceLink, Sql](), dict[ReferenceLink, Sql]()
        for link in self.survey.links.references:
            if link.child in frontier and link.parent in self.some.parents and self._is_staged(link):
                needs = self._needs(link)
                queries[link] = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(frontier[link.child], needs)
                pointing[link] = sql.SQL("EXISTS (SELECT 1 FROM {} WHERE {} AND {})").format(
                    frontier[link.child], needs, points_at(link, "s", "p")
                )
        counts = self.comparison.workspace.numbers(queries, lambda link: self.comparison.relations[link.parent].bytes)
        return [(link, pointing[link]) for link, rows in counts.items() if rows]

    def _needs(self, link: ReferenceLink) -> Sql:
        """The condition that row `s` needs a row by this link that the target does not have."""
        target = self.comparison.relations[link.parent].source
        if (key := self._foreign_key(link)) is not None:
            parents = sql.SQL("{} p WHERE true").format(target)
            return sql.SQL("{} AND {}").format(needs_parent(key, "s"), lacks_parent(key, "s", [parents]))
        return sql.SQL("{} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})").format(
            filled("s", link.columns), target, points_at(link, "s", "p")
        )

    def _foreign_key(self, link: ReferenceLink) -> ForeignKey | None:
        keys = self.comparison.schema.tables[link.child].foreign_keys
        return next((key for key in keys if link.constraint and key.name == link.constraint), None)

    def _is_staged(self, link: ReferenceLink) -> bool:
        """Whether the backup has the columns by which rows of the child point."""
        held, computed = self.comparison.source.held, self.comparison.schema.tables[link.child].columns
        names = {column.name for column in held[link.child].columns} | {
            each.name for each in computed if each.generated
        }
        return set(link.columns) <= names

    def _needed(self, name: str, source: Sql, pointing: list[Sql], known: Temporary | None) -> Sql:
        table = self.comparison.schema.tables[name]
        conditions = [
            sql.SQL("({})").format(sql.SQL(" OR ").join(pointing)),
            sql.SQL("NOT EXISTS (SELECT 1 FROM {} t WHERE {})").format(
                self.comparison.relations[name].source, same_key(table, "t", "p")
            ),
            *self._as_they_are(name),
        ]
        if known is not None:
            conditions.append(sql.SQL("NOT EXISTS (SELECT 1 FROM {} k WHERE k.stage_id = p.ctid)").format(known))
        return sql.SQL("SELECT p.ctid AS stage_id FROM {} WHERE {}").format(source, sql.SQL(" AND ").join(conditions))

    def _as_they_are(self, name: str) -> Iterator[Sql]:
        """Conditions that row `p` comes as it is in the backup: no rule of a reference makes another row of it."""
        for link in self.survey.links.references:
            if link.child != name:
                continue
            if link.on_other_device is not None and not self.device_data:
                yield sql.SQL("NOT ({})").format(filled("p", link.columns))
            if link.on_restore in (OnRestore.SKIP_ROW, OnRestore.REFUSE):
                yield sql.SQL("NOT ({})").format(self._leads_nowhere(link, "p"))

    def _leads_nowhere(self, link: ReferenceLink, alias: str) -> Sql:
        """The condition that a row points at a transient row which the target does not have."""
        return sql.SQL("({} AND NOT EXISTS (SELECT 1 FROM {} q WHERE {}))").format(
            filled(alias, link.columns), self.comparison.relations[link.parent].source, points_at(link, alias, "q")
        )

    # what may come along

    def _staged(self, name: str) -> Sql | None:
        """All rows of the backup."""
        source = self.comparison.source
        if name not in source.held or not source.held[name].rows:
            return None
        if questions := source.unfit.get(name):
            refuse_drift(source.manifest, questions)
        if name not in self._forgetting:
            self._forgetting[name] = list(self._forget_transient(name))
        return sql.SQL("{} p").format(source.whole(name).table)

    def _coming(self, name: str) -> Sql | None:
        """The rows that come along as it is now."""
        if not self.comparison.writes(name):
            return None
        return sql.SQL('{} p JOIN {} d ON d.stage_id = p.ctid AND d.action = {}::"char"').format(
            self.comparison.source.staged(name).table,
            self.comparison.differences[name].lines,
            sql.Literal(Action.MISSING),
        )

    def _forget_transient(self, name: str) -> Iterator[str]:
        """Let references to transient rows that are gone be NULL where their rule says so."""
        source, table = self.comparison.source, self.comparison.schema.tables[name]
        for link in self.survey.links.references:
            if link.child == name and link.on_restore is OnRestore.NULL:
                changes = sql.SQL(", ").join(
                    assigned(column, sql.SQL("NULL")) for column in link.columns if table.column(column).nullable
                )
                statement = sql.SQL("UPDATE {} s SET {} WHERE {}").format(
                    source.whole(name).table, changes, self._leads_nowhere(link, "s")
                )
                if source.edit(name, statement):
                    yield (
                        f"rows of {name} that come along are without ({', '.join(link.columns)}) where it would lead"
                        f" to no row of {link.parent}, which is transient"
                    )

    # what is left behind

    def left_behind(self) -> tuple[LeftBehind, ...]:
        """Give the rows of the backup, of tables that are not named, that hang on rows which come back."""
        found = []
        for link in self.survey.links.references:
            coming = self.comparison.differences.get(link.parent)
            if link.child not in self.some.children or link.parent not in self.some.named or coming is None:
                continue
            entry = self.comparison.source.held.get(link.child)
            if not coming.count(Action.MISSING) or entry is None or not entry.rows or not self._is_staged(link):
                continue
            if link.child in self.comparison.source.unfit:
                continue
            if entry.bytes > COUNTED_BYTES:
                found.append(LeftBehind(table=link.child, parent=link.parent, columns=link.columns, rows=None))
                continue
            hanging = self._hanging(link, coming.lines)
            if rows := scalar(self.comparison.connection, sql.SQL("SELECT count(*) FROM {}").format(hanging)):
                samples = self._samples(link.child, "c", hanging)
                found.append(
                    LeftBehind(table=link.child, parent=link.parent, columns=link.columns, rows=rows, samples=samples)
                )
        return tuple(found)

    def _hanging(self, link: ReferenceLink, coming: Rows) -> Sql:
        """What stands behind FROM for rows `c` of the backup that point at rows which come, and are not there so."""
        source, table = self.comparison.source, self.comparison.schema.tables[link.child]
        condition = sql.SQL(
            'EXISTS (SELECT 1 FROM {parent} s JOIN {lines} d ON d.stage_id = s.ctid AND d.action = {missing}::"char"'
            " WHERE {pointing}) AND NOT EXISTS (SELECT 1 FROM {target} t WHERE {same} AND {unmoved})"
        ).format(
            parent=source.staged(link.parent).table,
            lines=coming,
            missing=sql.Literal(Action.MISSING),
            pointing=points_at(link, "c", "s"),
            target=self.comparison.relations[link.child].source,
            same=same_key(table, "t", "c"),
            unmoved=alike("t", "c", link.columns),
        )
        if link.child in self.comparison.differences:
            lines = self.comparison.differences[link.child].lines
            condition = sql.SQL("{} AND NOT EXISTS (SELECT 1 FROM {} a WHERE a.stage_id = c.ctid)").format(
                condition, lines
            )
        return sql.SQL("(SELECT c.* FROM {} c WHERE {}) c").format(source.whole(link.child).table, condition)

    def _samples(self, name: str, alias: str, source: Sql) -> tuple[str, ...]:
        return sample_keys(self.comparison.connection, self.comparison.schema.tables[name], alias, source)
