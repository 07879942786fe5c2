"""Makes the plan of a restore inside the target's transaction: compares, judges, settles deletions and conflicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from psycopg import sql

from toolkit.model.manifest import TableEntry
from toolkit.model.plan import LEFT_BY_MERGE, Kept, Load, Mode, RestorePlan, TablePlan
from toolkit.planning.links import components
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import (
    CHANGED,
    KEPT,
    MISSING,
    Comparison,
    Differences,
    compare,
    equal_chunks,
)
from toolkit.postgres.compare.source import Source
from toolkit.postgres.compare.values_afterwards import ValuesAfterwards
from toolkit.postgres.restore.plan.acting import UpdateActions
from toolkit.postgres.restore.plan.ambiguity import find_ambiguous
from toolkit.postgres.restore.plan.checks import find_failing_checks
from toolkit.postgres.restore.plan.estrangement import Estrangement
from toolkit.postgres.restore.plan.extras import ExtraRows
from toolkit.postgres.restore.plan.findings import Finding, Findings
from toolkit.postgres.restore.plan.foreign_keys import ForeignKeys
from toolkit.postgres.restore.plan.judgement import Judge
from toolkit.postgres.restore.plan.kept import KeptRows
from toolkit.postgres.restore.plan.uniqueness import Release, Uniqueness
from toolkit.postgres.schema.exclusive_keys import deferrable_keys
from toolkit.postgres.schema.relation import Sql, columns, relation_of, scalar
from toolkit.postgres.schema.sequences import Outlook, behind, numbered_beyond_reach
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.backup_owners import BackupOwners
from toolkit.postgres.write.batches import BadRow
from toolkit.postgres.write.deletion import DeletionPlanner, Deletions


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the temporary tables that say which rows it means."""

    plan: RestorePlan
    comparison: Comparison
    deletions: Deletions
    release: Release
    findings: tuple[Finding, ...]

    @property
    def copies(self) -> bool:
        """Whether rows of some table go into it without being compared."""
        return any(table.load is Load.COPY for table in self.plan.tables.values())

    @property
    def differences(self) -> dict[str, Differences]:
        """Per staged table, the rows that are not so on the target."""
        return self.comparison.differences


class Planner:
    """Plans one restore.

    Args:
        survey: the target under the restore's scope.
        selected: the scope evaluated on the target, with all owners known.
        owners: who owns the rows of the backup.
        uncertain: tables that were classified otherwise when the backup was made: none of their rows is deleted.
        bypass: foreign-key triggers will not fire, so that rows may be deleted while others still point at them.
        atomic: all is written in one transaction.
        foresee: stage tables that could be copied straight into the target too, so that every conflict is in the plan.
        aside: rows in conflict are put aside (quarantine) and the others applied.
        owned: every row of the backup counts as owned by the restored businesses.
        bad: rows that the server has refused already.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        mode: Mode,
        survey: Survey,
        selected: Selected,
        source: Source,
        owners: BackupOwners,
        uncertain: frozenset[str],
        bypass: bool,
        atomic: bool,
        foresee: bool = False,
        aside: bool = False,
        owned: bool = False,
        bad: Sequence[BadRow] = (),
    ) -> None:
        self._connection = connection
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
        self._entries = source.entries
        self._relations = {name: relation_of(survey.schema.name, table) for name, table in survey.schema.tables.items()}
        self._order = self._parents_first()
        self._cyclic = {name for group in self._order if len(group) > 1 for name in group}
        self._deferrable = deferrable_keys(connection, survey.schema) if bypass else frozenset()
        self._fixed = numbered_beyond_reach(connection, survey.schema.name)
        self._loads: dict[str, Load] = {}
        self._differences: dict[str, Differences] = {}
        self._kept = KeptRows(connection, survey=survey, selected=selected, relations=self._relations)

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
        for name, entry in self._entries.items():
            self._loads[name] = self._load(name, entry)
            if self._loads[name] is Load.STAGED:
                self._differences[name] = judge.settle(name, self._relations[name], self._compare(name))
        judge.claim(self._differences)
        comparison = Comparison(
            connection=self._connection,
            schema=self._survey.schema,
            source=self._source,
            relations=self._relations,
            differences=self._differences,
        )
        findings = Findings(comparison, aside=self._aside)
        estrangement = self._keep_estranged(comparison, judge, findings)
        self._find_bad(comparison, findings)
        for name, found in self._differences.items():
            judge.find_fixed(name, self._relations[name], found, findings)
        find_failing_checks(comparison, findings)
        find_ambiguous(comparison, findings)
        deletions, release = self._settle(comparison, findings)
        blocking = deletions.moving if release.deletes_first and not self._bypass else []
        conflicts = tuple(findings.conflicts())
        sequences = self._outlook(comparison, deletions)
        plan = RestorePlan(
            label=self._source.manifest.metadata.label,
            mode=self._mode,
            tables=self._tables(deletions, release, findings.by_table() if self._aside else {}),
            order=self._written_together(),
            conflicts=(*(() if self._aside else conflicts), *blocking),
            quarantined=conflicts if self._aside else (),
            sequences=sequences.moves,
            warnings=(*estrangement.said(), *sequences.said),
        )
        return Prepared(plan, comparison, deletions, release, tuple(findings.found))

    def _keep_estranged(self, comparison: Comparison, judge: Judge, findings: Findings) -> Estrangement:
        """Take rows out of the plan that would be another business's."""
        estrangement = Estrangement(
            comparison=comparison,
            survey=self._survey,
            selected=self._selected,
            owners=self._owners,
            owned=self._owned,
        )
        for name in estrangement.to_compare(self._loads):
            self._loads[name] = Load.STAGED
            self._differences[name] = judge.settle(name, self._relations[name], self._compare(name))
        estrangement.settle(lambda: {} if self._mode is Mode.MERGE else self._candidates(lambda *_: None), findings)
        return estrangement

    def _find_bad(self, comparison: Comparison, findings: Findings) -> None:
        for row in self._bad:
            if comparison.writes(row.table):
                names = sort_key(self._survey.schema.tables[row.table]).names
                rows = sql.SQL("SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} WHERE ROW({})::text = {}")
                findings.add(
                    row.table,
                    rows.format(comparison.written(row.table), columns("s", names), sql.Literal(row.line)),
                    reason=row.message,
                    sqlstate=row.sqlstate,
                    constraint=row.constraint,
                )

    def _settle(self, comparison: Comparison, findings: Findings) -> tuple[Deletions, Release]:
        """What is deleted, and how values become free; rows that are put aside may change either, and so on."""
        uniqueness = Uniqueness(
            comparison, bypass=self._bypass, atomic=self._atomic, together=self._are_written_together
        )
        foreign_keys = ForeignKeys(
            comparison, bypass=self._bypass, foreseen=lambda name: self._loads.get(name) is not Load.COPY
        )
        for number in count():
            deletions = self._deletions(comparison, number)
            release, found = uniqueness.find_held(deletions, findings)
            found += foreign_keys.find_dangling(deletions.ids, findings)
            if not self._bypass:
                found += UpdateActions(comparison).find(deletions.ids, release.rewritings, findings)
            if not (found and self._aside):
                break
        if not self._bypass and foreign_keys.vacated_by(deletions.ids):
            release.deletes_first = True
        if release.deletes_first:
            uniqueness.skip_deleted(deletions, release)
        return deletions, release

    # loading and comparing

    def _load(self, name: str, entry: TableEntry) -> Load:
        """How the rows of a table get there; the cheapest way that is surely right."""
        if not entry.rows:
            return Load.NONE
        some = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) q").format(self._relations[name].source)
        copied = not self._foresee and name not in self._cyclic and not self._source.edited(name)
        # the replica role does not look at deferrable keys: it is for the plan to know
        copied = copied and not (self._bypass and name in self._deferrable)
        # how far its sequences go is known only once it is copied, and then it is too late to refuse
        copied = copied and name not in self._fixed
        if copied and not scalar(self._connection, some):
            return Load.COPY
        if self._has_all(name, entry):
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

    def _deletions(self, comparison: Comparison, number: int) -> Deletions:
        self._kept.clear()
        candidates = self._candidates(self._kept.add)
        if self._mode is Mode.MERGE:
            for name, query in candidates.items():
                self._kept.add(name, LEFT_BY_MERGE, query)
            return Deletions()
        planner = DeletionPlanner(
            self._connection,
            schema=self._survey.schema,
            rules=self._survey.accounting.rules,
            links=self._survey.links.references,
            relations=self._relations,
            differences=self._differences,
            arriving={
                name: sql.SQL("(SELECT s.* FROM {})").format(comparison.written(name))
                for name in self._differences
                if comparison.writes(name)
            },
            prefix=f"delete_{number}",
        )
        deletions = planner.plan(candidates)
        for name, reasons in deletions.kept.items():
            for reason in reasons:
                self._kept.add(name, reason, planner.kept_for(name, reason))
        return deletions

    def _candidates(self, keep: Callable[[str, str, Sql], None]) -> dict[str, Sql]:
        """Per table, a query of the ids of rows that the backup lacks and that nothing but references holds."""
        extras = ExtraRows(
            self._connection,
            survey=self._survey,
            selected=self._selected,
            source=self._source,
            uncertain=self._uncertain,
            keep=keep,
        )
        # a table that is empty, or holds exactly the rows of the backup, has no others
        looked_at = [name for name, entry in self._entries.items() if not entry.rows or name in self._differences]
        return {name: query for name in looked_at if (query := extras.deletable(name)) is not None}

    # sequences

    def _outlook(self, comparison: Comparison, deletions: Deletions) -> Outlook:
        """What becomes of sequences once the rows are written; of tables that are copied it is known only then."""
        values = ValuesAfterwards(comparison, deletions.ids)
        recorded = self._source.manifest.sequences
        return behind(self._connection, self._survey.schema.name, recorded, list(self._entries), values.of)

    # order

    def _parents_first(self) -> tuple[tuple[str, ...], ...]:
        """Parents before children."""
        tables = self._survey.schema.tables
        edges = [(key.parent, table.name) for table in tables.values() for key in table.foreign_keys]
        return tuple(components(tables, edges))

    def _written_together(self) -> tuple[tuple[str, ...], ...]:
        """Parents before children; where both change and the values that children point at may change, in one group."""
        tables = self._survey.schema.tables
        edges = [(key.parent, table.name) for table in tables.values() for key in table.foreign_keys]
        changing = {name for name, found in self._differences.items() if found.count(CHANGED)}
        edges.extend(
            (table.name, key.parent)
            for table in tables.values()
            for key in table.foreign_keys
            if {table.name, key.parent} <= changing
            and set(key.parent_columns) != set(sort_key(tables[key.parent]).names)
        )
        order = tuple(components(tables, edges))
        copied = {name for name, load in self._loads.items() if load is Load.COPY}
        return self._order if any(len(group) > 1 and copied & set(group) for group in order) else order

    def _are_written_together(self, one: str, other: str) -> bool:
        return any({one, other} <= set(group) for group in self._written_together())

    def _inserts(self, name: str) -> int:
        if self._loads.get(name) is Load.COPY:
            return self._entries[name].rows
        differences = self._differences.get(name)
        return differences.count(MISSING) if differences else 0

    # the numbers

    def _tables(self, deletions: Deletions, release: Release, quarantined: Mapping[str, int]) -> dict[str, TablePlan]:
        tables = {
            name: replace(
                self._table_plan(name, deletions),
                quarantined=quarantined.get(name, 0),
                rewritten=release.rewritings[name].again if name in release.rewritings else 0,
            )
            for name in {**self._entries, **deletions.ids}
        }
        for each in deletions.releases:
            before = tables.get(each.table) or TablePlan(table=each.table)
            tables[each.table] = replace(before, set_null=before.set_null + each.rows)
        return dict(sorted(tables.items()))

    def _table_plan(self, name: str, deletions: Deletions) -> TablePlan:
        entry, differences = self._entries.get(name), self._differences.get(name)
        if differences:
            self._kept.add_differing(name, differences)
        differing = sum(differences.counts.values()) if differences else 0
        load = self._loads.get(name, Load.NONE)
        return TablePlan(
            table=name,
            load=load,
            inserts=self._inserts(name),
            updates=differences.count(CHANGED) if differences else 0,
            deletes=deletions.counts.get(name, 0),
            unchanged=0 if load is Load.COPY or entry is None else entry.rows - differing,
            kept=(*self._kept.described(name), *self._estranged(name)),
        )

    def _estranged(self, name: str) -> tuple[Kept, ...]:
        found = self._differences.get(name)
        if found is None or not found.count(KEPT):
            return ()
        return self._kept.estranged(name, self._source.staged(name).relation, found)
