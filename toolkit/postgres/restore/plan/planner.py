"""Makes the plan of a restore inside the target's transaction: compares, judges, settles deletions and conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from toolkit.model.plan import Load, Mode, RestorePlan
from toolkit.planning.row_order import sort_key
from toolkit.planning.some_tables import SomeTables
from toolkit.postgres.compare.comparison import (
    Action,
    Comparison,
    Differences,
    compare,
)
from toolkit.postgres.compare.sequence_outlook import Outlook, behind
from toolkit.postgres.compare.source import Source
from toolkit.postgres.compare.values_afterwards import ValuesAfterwards
from toolkit.postgres.restore.plan.acting import find_reaching
from toolkit.postgres.restore.plan.afterwards import Afterwards
from toolkit.postgres.restore.plan.along import Along
from toolkit.postgres.restore.plan.ambiguity import find_ambiguous
from toolkit.postgres.restore.plan.checks import find_failing_checks
from toolkit.postgres.restore.plan.estrangement import Estrangement
from toolkit.postgres.restore.plan.foreign_keys import ForeignKeys
from toolkit.postgres.restore.plan.gaining import Gaining
from toolkit.postgres.restore.plan.index_entries import find_unindexed
from toolkit.postgres.restore.plan.judgement import Judge
from toolkit.postgres.restore.plan.kept import KeptRows
from toolkit.postgres.restore.plan.leaving import Leaving
from toolkit.postgres.restore.plan.loading import how_to_load
from toolkit.postgres.restore.plan.numbers import Numbers
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.restore.plan.uniqueness import Release, Uniqueness
from toolkit.postgres.restore.plan.writing_order import parents_first, together_where_changing
from toolkit.postgres.schema.exclusive_keys import deferrable_keys
from toolkit.postgres.schema.relation import row_text
from toolkit.postgres.schema.sequences import numbered_beyond_reach
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.stage.backup_owners import BackupOwners
from toolkit.postgres.write.batches import BadRow
from toolkit.postgres.write.deletion import Deletions


class Planner:
    """Plans one restore.

    Args:
        survey: the target under the restore's scope.
        selected: the scope evaluated on the target, with all owners known.
        owners: who owns the rows of the backup.
        uncertain: tables of which the backup cannot say which rows there were → why: none of their rows is deleted.
        bypass: foreign-key triggers will not fire, so that rows may be deleted while others still point at them.
        atomic: all is written in one transaction.
        foresee: stage tables that could be copied straight into the target too, so that every conflict is in the plan.
        aside: rows in conflict are put aside (quarantine) and the others applied.
        owned: every row of the backup counts as owned by the restored businesses.
        bad: rows that the server has refused already.
        fresh: the target is empty, and what its constraints say to the rows is found when they are built.
        some: the tables that are restored, and what has to do with them; None for all.
        device_data: rows that point at device rows are restored as they are.
    """

    def __init__(
        self,
        survey: Survey,
        *,
        mode: Mode,
        selected: Selected,
        source: Source,
        owners: BackupOwners,
        uncertain: Mapping[str, str],
        bypass: bool,
        atomic: bool,
        foresee: bool = False,
        aside: bool = False,
        owned: bool = False,
        bad: Sequence[BadRow] = (),
        fresh: bool = False,
        some: SomeTables | None = None,
        device_data: bool = True,
    ) -> None:
        self._connection = survey.workspace.connection
        self._mode = mode
        self._survey = survey
        self._selected = selected
        self._source = source
        self._owners = owners
        self._uncertain = uncertain
        self._bypass = bypass
        self._atomic = atomic
        self._foresee = foresee or aside
        self._aside = aside
        self._owned = owned
        self._bad = bad
        self._fresh = fresh
        self._some = some
        self._device_data = device_data
        self._along: Along | None = None
        self._entries = source.entries
        self._relations = survey.workspace.relations
        self._order = parents_first(survey.schema)
        self._cyclic = {name for group in self._order if len(group) > 1 for name in group}
        self._deferrable = deferrable_keys(self._connection, survey.schema) if bypass else frozenset()
        self._fixed = numbered_beyond_reach(self._connection, survey.schema.schemas)
        self._loads: dict[str, Load] = {}
        self._differences: dict[str, Differences] = {}
        self._kept = KeptRows(survey, selected)

    def prepare(self) -> Prepared:
        """Compare everything and settle what happens to every row."""
        judge = Judge(
            self._connection,
            survey=self._survey,
            selected=self._selected,
            source=self._source,
            owners=self._owners,
            owned=self._owned,
        )
        self._loads |= how_to_load(self._survey.workspace, self._selected, self._source, self._may_be_copied)
        self._compare([name for name, load in self._loads.items() if load is Load.STAGED], judge)
        judge.claim(self._differences)
        comparison = Comparison(
            workspace=self._survey.workspace,
            source=self._source,
            relations=self._relations,
            differences=self._differences,
        )
        obstacles = Obstacles(comparison, aside=self._aside)
        if self._some is not None:
            self._along = Along(
                comparison=comparison, survey=self._survey, some=self._some, device_data=self._device_data
            )
            self._along.bring()
        estrangement, leaving = self._settle_owners(comparison, judge, obstacles)
        self._find_bad(comparison, obstacles)
        for name, found in self._differences.items():
            judge.find_fixed(name, self._relations[name], found, obstacles)
        find_failing_checks(comparison, obstacles)
        find_unindexed(comparison, obstacles)
        find_ambiguous(comparison, obstacles)
        deletions, release = self._settle(comparison, obstacles, estrangement, leaving)
        if self._along is not None:
            self._along.forget()
        blocking = deletions.moving if release.deletes_first and not self._bypass else []
        conflicts = tuple(obstacles.conflicts())
        sequences = self._outlook(comparison, deletions)
        numbers = Numbers(comparison=comparison, loads=self._loads, kept=self._kept)
        plan = RestorePlan(
            label=self._source.manifest.metadata.label,
            mode=self._mode,
            tables=numbers.tables(deletions, release, obstacles.by_table() if self._aside else {}),
            order=self._written_together(),
            conflicts=(*(() if self._aside else conflicts), *blocking),
            quarantined=conflicts if self._aside else (),
            sequences=sequences.moves,
            warnings=(*estrangement.said(), *sequences.said, *(self._along.said() if self._along else ())),
            **self._of_some(),
        )
        return Prepared(plan, comparison, deletions, release, tuple(obstacles.found))

    def _settle_owners(
        self, comparison: Comparison, judge: Judge, obstacles: Obstacles
    ) -> tuple[Estrangement, Leaving]:
        """Take rows out of the plan that would be another business's."""
        afterwards = Afterwards(comparison=comparison, survey=self._survey)
        gaining = Gaining(
            comparison=comparison,
            survey=self._survey,
            selected=self._selected,
            owners=self._owners,
            afterwards=afterwards,
        )
        leaving = Leaving(
            comparison=comparison,
            survey=self._survey,
            mode=self._mode,
            gaining=gaining,
            kept=self._kept,
            uncertain=self._uncertain,
            some=self._some,
        )
        estrangement = Estrangement(
            comparison=comparison,
            survey=self._survey,
            selected=self._selected,
            owners=self._owners,
            owned=self._owned,
            afterwards=afterwards,
        )
        near = sorted({*gaining.to_compare(self._loads), *estrangement.to_compare(self._loads)})
        self._loads |= dict.fromkeys(near, Load.STAGED)
        self._compare(near, judge)
        estrangement.settle(leaving.foreseen, obstacles)
        self._settle_along()
        return estrangement, leaving

    def _settle_along(self) -> None:
        if self._along is not None:
            self._along.settle()

    def _find_bad(self, comparison: Comparison, obstacles: Obstacles) -> None:
        for row in self._bad:
            if comparison.writes(row.table):
                names = sort_key(self._survey.schema.tables[row.table]).names
                rows = sql.SQL("SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} WHERE {} = {}")
                bad = Obstacle(
                    table=row.table,
                    rows=rows.format(comparison.written(row.table), row_text("s", names), sql.Literal(row.line)),
                    reason=row.message,
                    sqlstate=row.sqlstate,
                    constraint=row.constraint,
                )
                obstacles.add(bad)

    def _settle(
        self, comparison: Comparison, obstacles: Obstacles, estrangement: Estrangement, leaving: Leaving
    ) -> tuple[Deletions, Release]:
        """What is deleted, and how values become free; rows that are put aside may change either, and so on."""
        uniqueness = Uniqueness(
            comparison, bypass=self._bypass, atomic=self._atomic, together=self._are_written_together
        )
        foreign_keys = ForeignKeys(
            comparison, bypass=self._bypass, foreseen=lambda name: self._loads.get(name) is not Load.COPY
        )
        while True:
            if self._aside and obstacles.found:  # what is put aside owns nothing
                estrangement.settle(leaving.foreseen, obstacles)
                self._settle_along()
            deletions = leaving.deletions()
            release, found = uniqueness.find_held(deletions, obstacles)
            while lacking := foreign_keys.find_dangling(deletions.ids, obstacles):
                found += lacking
                if not self._aside:  # else with all that hangs on them, before it is asked whose the others will be
                    break
            if not self._bypass:
                found += find_reaching(comparison, deletions.ids, release.rewritings, obstacles)
            if not (found and self._aside):
                break
        if not self._bypass and foreign_keys.vacated_by(deletions.ids):
            release.deletes_first = True
        if release.deletes_first:
            uniqueness.skip_deleted(deletions, release)
        return deletions, release

    # loading and comparing

    def _may_be_copied(self, name: str) -> bool:
        """Whether the rows of a table may go straight into it where it is empty."""
        if self._some is not None:  # the rows that come along are found by those that are staged
            return False
        if self._fresh:
            return not (self._foresee or self._source.edited(name) or name in self._fixed)
        # what the server refuses while rows are copied could come after batches that are committed
        if self._foresee or not self._atomic or name in self._cyclic or self._source.edited(name):
            return False
        # the replica role does not look at deferrable keys: it is for the plan to know
        # how far its sequences go is known only once it is copied, and then it is too late to refuse
        return not (self._bypass and name in self._deferrable) and name not in self._fixed

    def _compare(self, names: Sequence[str], judge: Judge) -> None:
        """Find what differs in some tables, and which of it may be written."""
        workspace, staged = self._survey.workspace, {name: self._source.staged(name) for name in names}
        self._differences |= judge.settle(compare(workspace, self._relations, staged))

    # sequences

    def _outlook(self, comparison: Comparison, deletions: Deletions) -> Outlook:
        """What becomes of sequences once the rows are written; of tables that are copied it is known only then."""
        values = ValuesAfterwards(comparison, deletions.ids)
        recorded = self._source.manifest.sequences
        return behind(
            self._connection,
            self._survey.schema.schemas,
            recorded,
            list(self._entries),
            values.of,
            theirs=self._some is not None,
        )

    # order

    def _written_together(self) -> tuple[tuple[str, ...], ...]:
        """Parents before children; where both change and the values that children point at may change, in one group."""
        changing = {name for name, found in self._differences.items() if found.count(Action.CHANGED)}
        order = together_where_changing(self._survey.schema, changing)
        copied = {name for name, load in self._loads.items() if load is Load.COPY}
        return self._order if any(len(group) > 1 and copied & set(group) for group in order) else order

    def _are_written_together(self, one: str, other: str) -> bool:
        return any({one, other} <= set(group) for group in self._written_together())

    # some tables

    def _of_some(self) -> dict[str, Any]:
        """What a plan says of tables that are not restored."""
        if self._some is None or self._along is None:
            return {}
        return {
            "named": tuple(sorted(self._some.named)),
            "along": self._along.brought(),
            "left_behind": self._along.left_behind(),
            "not_touched": tuple(sorted(self._survey.schema.tables.keys() - self._entries.keys())),
        }
