"""Makes the plan of a restore inside the target's transaction: compares, judges, settles deletions and conflicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from psycopg import sql

from toolkit.model.manifest import TableEntry
from toolkit.model.plan import Conflict, Load, Mode, RestorePlan, TablePlan
from toolkit.planning.links import components
from toolkit.planning.row_order import sort_key
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import relation_of, scalar
from toolkit.postgres.restore.comparison import (
    CHANGED,
    KEPT,
    MISSING,
    Differences,
    compare,
    equal_chunks,
    staged_samples,
)
from toolkit.postgres.restore.deletion import DeletionPlanner, Deletions
from toolkit.postgres.restore.extras import ExtraRows
from toolkit.postgres.restore.judgement import Judge
from toolkit.postgres.restore.source import Source
from toolkit.postgres.restore.uniqueness import held_values, other_keys
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.sequences import behind


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the temporary tables that say which rows it means."""

    plan: RestorePlan
    differences: Mapping[str, Differences]
    deletions: Deletions


class Planner:
    """Plans one restore.

    Args:
        survey: the target under the restore's scope.
        selected: the scope evaluated on the target, with all owners known.
        bypass: foreign-key triggers will not fire, so that rows may be deleted while others still point at them.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        mode: Mode,
        survey: Survey,
        selected: Selected,
        source: Source,
        bypass: bool,
    ) -> None:
        self._connection = connection
        self._mode = mode
        self._survey = survey
        self._selected = selected
        self._source = source
        self._bypass = bypass
        self._entries = source.entries
        self._relations = {name: relation_of(survey.schema.name, table) for name, table in survey.schema.tables.items()}
        self._order = self._parents_first()
        self._cyclic = {name for group in self._order if len(group) > 1 for name in group}
        self._loads: dict[str, Load] = {}
        self._differences: dict[str, Differences] = {}
        self._kept: dict[str, dict[str, int]] = {}
        self._conflicts: list[Conflict] = []

    def prepare(self) -> Prepared:
        """Compare everything and settle what happens to every row."""
        judge = Judge(
            self._connection,
            survey=self._survey,
            selected=self._selected,
            source=self._source,
        )
        for name, entry in self._entries.items():
            self._loads[name] = self._load(name, entry)
            if self._loads[name] is Load.STAGED:
                self._differences[name] = judge.settle(name, self._relations[name], self._compare(name))
        self._conflicts.extend(judge.conflicts(self._differences))
        for name, found in self._differences.items():
            if conflict := judge.fixed(name, self._relations[name], found):
                self._conflicts.append(conflict)
        deletions = self._deletions()
        deletes_first = self._check_unique_keys(deletions)
        plan = RestorePlan(
            label=self._source.manifest.metadata.label,
            mode=self._mode,
            tables=self._tables(deletions),
            order=self._order,
            deletes_first=deletes_first,
            conflicts=tuple(self._conflicts),
            sequences=behind(self._connection, self._survey.schema.name, self._source.manifest.sequences),
        )
        return Prepared(plan, self._differences, deletions)

    # loading and comparing

    def _load(self, name: str, entry: TableEntry) -> Load:
        """How the rows of a table get there; the cheapest way that is surely right."""
        if not entry.rows:
            return Load.NONE
        some = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) q").format(self._relations[name].source)
        if not scalar(self._connection, some) and name not in self._cyclic and not self._source.edited(name):
            return Load.COPY
        if self._has_all(name, entry):
            return Load.NONE
        if not sort_key(self._survey.schema.tables[name]).unique:
            reason = "rows differ, and a table without a unique key can only be restored while it is empty"
            self._conflicts.append(Conflict(table=name, reason=reason, rows=entry.rows))
            return Load.NONE
        return Load.STAGED

    def _has_all(self, name: str, entry: TableEntry) -> bool:
        """Whether the target's rows of the scope are exactly those of the backup."""
        table, taken = self._survey.schema.tables[name], self._selected.taken.get(name)
        return taken is not None and equal_chunks(self._connection, table, self._relations[name], taken.ids, entry)

    def _compare(self, name: str) -> Differences:
        return compare(
            self._connection,
            self._survey.schema.tables[name],
            self._relations[name],
            self._source.staged(name),
            name=f"differences_{len(self._differences)}",
        )

    # deletions

    def _deletions(self) -> Deletions:
        extras = ExtraRows(
            self._connection,
            survey=self._survey,
            selected=self._selected,
            source=self._source,
            keep=self._keep,
        )
        # a table that is empty, or holds exactly the rows of the backup, has no others
        looked_at = [name for name, entry in self._entries.items() if not entry.rows or name in self._differences]
        candidates = {name: query for name in looked_at if (query := extras.deletable(name)) is not None}
        if self._mode is Mode.MERGE:
            for name, query in candidates.items():
                rows = scalar(self._connection, sql.SQL("SELECT count(*) FROM ({}) q").format(query))
                self._keep(name, "not in the backup; merge deletes nothing", rows)
            return Deletions()
        planner = DeletionPlanner(
            self._connection,
            schema=self._survey.schema,
            rules=self._survey.accounting.rules,
            links=self._survey.links.references,
            relations=self._relations,
            differences=self._differences,
        )
        return planner.plan(candidates)

    def _keep(self, name: str, reason: str, rows: int) -> None:
        if rows:
            kept = self._kept.setdefault(name, {})
            kept[reason] = kept.get(reason, 0) + rows

    # conflicts and order

    def _check_unique_keys(self, deletions: Deletions) -> bool:
        """Collect conflicts of second unique keys; gives whether deletes have to come first to free values."""
        freed = 0
        for name, differences in self._differences.items():
            if not differences.count(MISSING) + differences.count(CHANGED):
                continue
            table = self._survey.schema.tables[name]
            for key in other_keys(table):
                held = held_values(
                    self._connection,
                    table,
                    key,
                    target=self._relations[name],
                    staged=self._source.staged(name),
                    differences=differences,
                    deleted=deletions.ids.get(name),
                )
                freed += held.freed
                self._conflicts.extend([held.conflict] if held.conflict else [])
        if freed and not self._bypass:
            self._conflicts.extend(deletions.moving)
        return bool(freed)

    def _parents_first(self) -> tuple[tuple[str, ...], ...]:
        """Parents before children."""
        tables = self._survey.schema.tables
        edges = [(key.parent, table.name) for table in tables.values() for key in table.foreign_keys]
        return tuple(components(tables, edges))

    def _inserts(self, name: str) -> int:
        if self._loads.get(name) is Load.COPY:
            return self._entries[name].rows
        differences = self._differences.get(name)
        return differences.count(MISSING) if differences else 0

    # the numbers

    def _tables(self, deletions: Deletions) -> dict[str, TablePlan]:
        tables = {name: self._table_plan(name, deletions) for name in {**self._entries, **deletions.ids}}
        for release in deletions.releases:
            before = tables.get(release.table) or TablePlan(table=release.table)
            tables[release.table] = replace(before, set_null=before.set_null + release.rows)
        return dict(sorted(tables.items()))

    def _table_plan(self, name: str, deletions: Deletions) -> TablePlan:
        entry, differences = self._entries.get(name), self._differences.get(name)
        kept = dict(self._kept.get(name, {}))
        if differences and differences.count(KEPT):
            kept["differs, but is not the restored businesses' alone"] = differences.count(KEPT)
        kept.update(deletions.kept.get(name, {}))
        differing = sum(differences.counts.values()) if differences else 0
        load = self._loads.get(name, Load.NONE)
        samples: tuple[str, ...] = ()
        if differences and differing:
            table, staged = self._survey.schema.tables[name], self._source.staged(name)
            samples = staged_samples(self._connection, table, staged, differences.lines, [MISSING, CHANGED])
        return TablePlan(
            table=name,
            load=load,
            inserts=self._inserts(name),
            updates=differences.count(CHANGED) if differences else 0,
            deletes=deletions.counts.get(name, 0),
            unchanged=0 if load is Load.COPY or entry is None else entry.rows - differing,
            kept=kept,
            samples=samples,
        )
