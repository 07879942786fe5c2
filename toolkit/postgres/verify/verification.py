"""Verifying a database against a backup: the same selection, the same chunks, the same comparison."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import Catalog
from toolkit.model.drift import Answers
from toolkit.model.identity import Followed, IdentityPlan
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.outcome import Progress
from toolkit.model.schema import Table
from toolkit.model.verdict import TableVerdict
from toolkit.planning.answers import with_new_tables
from toolkit.planning.drift import dropped_said
from toolkit.planning.ranges import Differing
from toolkit.planning.reclassification import Tenants, businesses_said, reclassified
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import (
    Action,
    absent_from_stage,
    compare,
    count_absent,
    equal_chunks,
    sample_keys,
    staged_samples,
)
from toolkit.postgres.compare.ranges import differing_rows
from toolkit.postgres.compare.source import RowsOf
from toolkit.postgres.compare.staged import Staged
from toolkit.postgres.schema.relation import Relation, row_text, scalar
from toolkit.postgres.schema.row_sources import Rows, Temporary
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.selection.tenants import the_same
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.decision import Device, DeviceRequest, is_told_apart, recognise
from toolkit.postgres.stage.fitting import fit
from toolkit.postgres.stage.following import follow
from toolkit.postgres.stage.request import scope_on_target
from toolkit.postgres.stage.transients import leave_transient
from toolkit.postgres.stage.version import version_said


class Verification(Struct, frozen=True):
    """The verdicts of all tables compared, and, on another device, what was decided about it.

    Attributes:
        passed_over: tables of the backup that today's catalog file does not let a restore write, with their rows.
        said: what tables and businesses have become since the backup was made.
        followed: rows that point at transient rows which are gone, and are compared as a restore would have them.
    """

    verdicts: list[TableVerdict]
    identity: IdentityPlan | None = None
    passed_over: Mapping[str, int] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    followed: tuple[Followed, ...] = ()


def verify_database(
    connection: Connection,
    catalog: Catalog,
    manifest: Manifest,
    rows_of: RowsOf,
    progress: Progress,
    *,
    answers: Answers,
    device: DeviceRequest,
    tables: Sequence[str] = (),
) -> Verification:
    """Compare every table of a backup with the database, in one consistent snapshot; nothing is written.

    Tables and columns are compared under the names, and values as the values, that the answers to drift give them.

    On another device the backup's own device tables are passed over, and rows that follow the device there
    (`on_other_device`) are equal as stored or as a restore would have them.

    Args:
        tables: those of the backup that are compared; empty for all.
    """
    named = frozenset(answers.rename.get(name, name) for name in tables)
    manifest = with_new_tables(manifest, answers)
    scope = scope_on_target(manifest, catalog, unlimited=False)
    with consistent_snapshot(connection, catalog, scope, unclassified="warn") as survey:
        today = reclassified(manifest, catalog, survey.accounting.rules, survey.schema, survey.links, answers=answers)
        manifest = today.manifest
        verifier = _Verifier(
            connection, survey, manifest, rows_of, answers=answers, uncertain=today.uncertain, named=named
        )
        found = recognise(connection, survey, manifest, device)
        other = is_told_apart(found, manifest, device)
        identity = verifier.follow(found) if other else None
        followed = verifier.leave_transient()
        entries = [entry for entry in verifier.entries if not (other and entry.category == "device")]
        expected = {entry.name: entry.rows for entry in entries}
        progress.start("verify", rows=sum(expected.values()), tables=expected)
        verdicts = list(verifier.verdicts(entries, progress))
        said = (
            *version_said(connection, manifest, survey),
            *(today.said_of(named) if named else today.said),
            *verifier.said,
            *businesses_said(manifest, verifier.tenants),
        )
        return Verification(verdicts, identity, today.passed_over, said, followed)


class _Verifier:
    def __init__(
        self,
        connection: Connection,
        survey: Survey,
        manifest: Manifest,
        rows_of: RowsOf,
        *,
        answers: Answers,
        uncertain: Collection[str],
        named: Collection[str],
    ) -> None:
        self._connection = connection
        self._survey = survey
        self._uncertain = uncertain
        self._selected = survey.select(strict=False)
        self.tenants = Tenants(
            known=self._selected.known,
            selected=self._selected.tenants,
            spared=self._selected.spared,
            held=the_same(survey.workspace, survey.catalog.tenant, manifest.selection.tenants, self._selected.known),
        )
        fitted = fit(survey.workspace, manifest, rows_of, answers, action="verify", concerned=named or None)
        self.entries = fitted.entries
        self.said = tuple(map(dropped_said, fitted.dropped))
        self._source, self._unfit, self._converted = fitted.source, fitted.unfit, fitted.converted
        self._source.settle()

    def follow(self, device: Device) -> IdentityPlan:
        """Let staged rows follow the device; `verdict` compares with either form of them."""
        followed = follow(self._connection, self._source, self._survey, device, strict=False)
        self._source.settle()
        return IdentityPlan(decision=device.decision, followed=followed)

    def leave_transient(self) -> tuple[Followed, ...]:
        """Let staged rows be without the transient rows that are gone; `verdict` compares with either form of them."""
        followed = leave_transient(self._connection, self._source, self._survey, strict=False)
        self._source.settle()
        return followed

    def verdicts(self, entries: Sequence[TableEntry], progress: Progress) -> Iterable[TableVerdict]:
        """Give the verdicts of tables, in their order."""
        found: dict[str, TableVerdict | None] = {entry.name: self._known(entry) for entry in entries}
        left = {entry.name: entry for entry in entries if found[entry.name] is None}
        wanted = {name: self._taken(name) for name in left}
        for name, differing in differing_rows(self._survey.workspace, self._source, wanted):
            found[name] = self._verdict(left[name], self._survey.schema.tables[name], wanted[name], differing)
            progress.note(name)
            progress.advance(rows=left[name].rows, bytes=left[name].bytes, table=name)
        return [verdict for verdict in found.values() if verdict is not None]

    def _known(self, entry: TableEntry) -> TableVerdict | None:
        """The verdict of a table whose rows cannot be compared."""
        if entry.name not in self._survey.schema.tables:
            reason = "the database has no such table" if entry.rows else ""
            return TableVerdict(table=entry.name, rows=entry.rows, missing=entry.rows, reason=reason)
        if reasons := self._unfit.get(entry.name):
            return TableVerdict(table=entry.name, rows=entry.rows, reason="; ".join(map(str, reasons)))
        return None

    def _taken(self, name: str) -> Rows | None:
        """The rows of a table that the scope takes, None for all; none where only rules of then led to the table."""
        if taken := self._selected.taken.get(name):
            return taken.ids
        relation = self._survey.workspace.relations[name]
        return Rows(sql.SQL("(SELECT {} FROM {} t WHERE false)").format(relation.ids("t"), relation.source), 0)

    def _verdict(self, entry: TableEntry, table: Table, taken: Rows | None, found: Differing | None) -> TableVerdict:
        relation = self._survey.workspace.relations[entry.name]
        if found is None:
            stored = entry.name not in self._converted
            equal = stored and equal_chunks(self._connection, table, relation, taken, entry)
        else:
            equal = found.nothing
        if equal:
            return TableVerdict(table=entry.name, rows=entry.rows)
        if obstacle := self._survey.workspace.obstacle:
            return TableVerdict(
                table=entry.name, rows=entry.rows, reason=f"its rows differ; which ones is not known here: {obstacle}"
            )
        entry = self._source.entries[entry.name]
        staged = self._source.stage_differing(entry.name, found, taken) if found else self._source.staged(entry.name)
        if sort_key(table).unique:
            verdict = self._by_key(entry, table, relation, staged, taken)
        else:
            verdict = self._as_multiset(entry, relation, staged, taken)
        # of such a table the backup cannot say which rows there were
        return replace(verdict, extra=0) if entry.name in self._uncertain else verdict

    def _by_key(
        self, entry: TableEntry, table: Table, relation: Relation, staged: Staged, taken: Rows | None
    ) -> TableVerdict:
        workspace = self._survey.workspace
        found = compare(workspace, {entry.name: relation}, {entry.name: staged})[entry.name]
        extra = absent_from_stage(table, relation, staged, taken)
        extra_rows = sql.SQL("(SELECT t.* FROM {source} t JOIN ({extra}) e ON {same}) x").format(
            source=relation.source, extra=extra, same=relation.same("t", "e")
        )
        samples = staged_samples(self._connection, table, staged, found.lines, [Action.MISSING, Action.CHANGED])
        verdict = TableVerdict(
            table=entry.name,
            rows=entry.rows,
            missing=found.count(Action.MISSING),
            changed=found.count(Action.CHANGED),
            extra=scalar(self._connection, sql.SQL("SELECT count(*) FROM ({}) q").format(extra)),
            samples=(*samples, *sample_keys(self._connection, table, "x", extra_rows)),
        )
        if isinstance(found.lines, Temporary):
            workspace.drop(found.lines)
        return verdict

    def _as_multiset(self, entry: TableEntry, relation: Relation, staged: Staged, taken: Rows | None) -> TableVerdict:
        """Rows without a key have nothing but their text: each side is counted less the other."""
        if staged.beyond is not None:
            return TableVerdict(
                table=entry.name, rows=entry.rows, missing=staged.table.rows, extra=staged.beyond.rows or 0
            )
        theirs = sql.SQL("SELECT {} FROM {} t").format(row_text("t", staged.names), relation.source)
        if taken is not None:
            theirs = sql.SQL("{} JOIN {} w ON {}").format(theirs, taken, relation.same("t", "w"))
        ours = sql.SQL("SELECT {} FROM {} s").format(row_text("s", staged.names), staged.table)
        less = sql.SQL("SELECT count(*) FROM (({}) EXCEPT ALL ({})) q")
        return TableVerdict(
            table=entry.name,
            rows=entry.rows,
            missing=count_absent(self._connection, relation, staged),
            extra=scalar(self._connection, less.format(theirs, ours)),
        )
