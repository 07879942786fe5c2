"""Looking for orphans, and deleting them, in one transaction: plan, delete, prove, commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.errors import DatabaseError, RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.orphan import OrphanRemoval, OrphanReport
from toolkit.model.outcome import Progress
from toolkit.model.scope import Scope
from toolkit.planning.cycles import components
from toolkit.postgres.orphans.deletion import Prepared, RemovalPlanner
from toolkit.postgres.orphans.search import (
    Dangling,
    OrphanScope,
    dangling_rows,
    doubtful,
    find_dangling,
    report,
    tables_read,
)
from toolkit.postgres.schema.relation import Sql, scalar
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.session.connection import Connection, refuse_standby
from toolkit.postgres.write.deletion import Deletions
from toolkit.postgres.write.fate import Deed, Fate
from toolkit.postgres.write.recovery import Open, commit, passes
from toolkit.postgres.write.remedies import remedy
from toolkit.postgres.write.triggers import is_settable, may_bypass, refused_silence, silent_triggers
from toolkit.retries.policy import retrying


class Found(Struct, frozen=True, kw_only=True):
    """What there was, what deleting means (None when it was not asked for), and warnings."""

    report: OrphanReport
    removal: OrphanRemoval | None
    warnings: tuple[str, ...]


def find_orphans(
    reopen: Open, catalog: Catalog, scope: Scope, progress: Progress, *, delete: bool, check: bool
) -> Found:
    """Look for the orphans of a scope; with `delete` plan their removal and, unless `check` is set, carry it out.

    Args:
        reopen: opens a session; called again when one is lost.

    Raises:
        RefusedError: the role may not do what has to be done, or a named business does not exist; nothing was changed.
        DatabaseError: deleting or proving failed; everything was rolled back.
        CommittedError: they are deleted, and something failed after that.
        UndecidedError: the connection was lost in the commit, and nobody can say how it ended.
    """
    deed = Deed(
        does="which deletes orphans",
        done="the orphans are deleted",
        again="run again: what is deleted already is no orphan any more",
    )
    fate = Fate(deed)
    run = retrying(passes, attempts=5, seconds=600)
    with fate.telling():
        return run(lambda: _attempt(reopen, catalog, scope, progress, delete=delete, check=check, fate=fate))


def _attempt(
    reopen: Open, catalog: Catalog, scope: Scope, progress: Progress, *, delete: bool, check: bool, fate: Fate
) -> Found:
    with fate.settling(), reopen() as connection:
        return _found(connection, reopen, catalog, scope, progress, delete=delete, check=check, fate=fate)


def _found(
    connection: Connection,
    reopen: Open,
    catalog: Catalog,
    scope: Scope,
    progress: Progress,
    *,
    delete: bool,
    check: bool,
    fate: Fate,
) -> Found:
    if delete:
        refuse_standby(connection)
    bypass = delete and may_bypass(connection)
    with consistent_snapshot(
        connection,
        catalog,
        scope,
        unclassified="warn",
        exclusive=lambda survey: list(survey.schema.tables) if bypass and not check else (),
        tables=tables_read,
    ) as survey:
        progress.start("look for orphans")
        orphan_scope = OrphanScope(survey, survey.select(all_owners=True))
        dangling = find_dangling(survey)
        found = report(survey, orphan_scope, dangling)
        if not delete:
            return Found(report=found, removal=None, warnings=_warnings(survey))
        prepared = RemovalPlanner(survey, orphan_scope=orphan_scope, dangling=dangling).plan()
        removal = prepared.removal
        _refuse(survey.workspace, removal, bypass=bypass)
        if removal.changed and not check:
            progress.start("delete", rows=sum(removal.deletes.values()))
            _Deletion(survey, prepared, dangling).delete_and_prove(bypass=bypass)
            commit(connection, reopen, fate, lambda: fate.committed([]))
        return Found(report=found, removal=removal, warnings=_warnings(survey))


def _warnings(survey: Survey) -> tuple[str, ...]:
    lines = [
        f"table {entry.table} is not classified and not looked at"
        for entry in survey.accounting.left_out
        if entry.reason == "unclassified"
    ]
    lines.extend(
        f"table {table} of {survey.catalog.file} is absent: references to it are not looked at"
        for table in survey.accounting.absent
    )
    return tuple(lines)


def _refuse(workspace: Workspace, removal: OrphanRemoval, *, bypass: bool) -> None:
    """Raise RefusedError with all that the removal does and the role may not."""
    connection, touched = workspace.connection, {*removal.deletes, *removal.set_null}
    wanted = [("DELETE", name) for name in sorted(removal.deletes)]
    wanted.extend(("UPDATE", name) for name in sorted(removal.set_null))
    lacking = workspace.lacking(wanted)
    heard = list(refused_silence(connection, workspace.schema, touched, touched, bypass=bypass))
    if lacking or heard:
        settable = is_settable(connection, workspace.schema, touched, touched, bypass=bypass)
        raise RefusedError(
            f"role {connection.info.user} may not do what deleting these orphans takes",
            (*map(str, lacking), *heard),
            hint=f"{remedy(connection, lacking, heard, settable=settable, may_fire=False)}; nothing was changed",
        )


class _Deletion:
    """Carries one removal out and proves it, before the commit."""

    def __init__(self, survey: Survey, prepared: Prepared, dangling: list[Dangling]) -> None:
        self._connection = survey.workspace.connection
        self._survey = survey
        self._removal = prepared.removal
        self._deletions: Deletions = prepared.deletions
        self._dangling = dangling
        self._relations = survey.workspace.relations

    def delete_and_prove(self, *, bypass: bool) -> None:
        """Delete children before parents; raise DatabaseError when anything is not as planned."""
        watched = self._affected()
        before = {name: self._rows(name) for name in watched}
        staying = self._staying()
        touched = [*self._removal.deletes, *self._removal.set_null]
        with silent_triggers(self._connection, self._survey.schema, touched, bypass=bypass):
            self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
            self._release()
            self._delete()
        failures = [
            f"table {name} lost {lost} rows where {self._removal.deletes.get(name, 0)} were planned"
            for name in watched
            if (lost := before[name] - self._rows(name)) != self._removal.deletes.get(name, 0)
        ]
        failures.extend(self._left_over(staying))
        if failures:
            _fail(failures)

    def _affected(self) -> list[str]:
        """The tables that lose rows, and those that a cascade could take rows from with them."""
        reached, waiting = set(self._removal.deletes), list(self._removal.deletes)
        while waiting:
            parent = waiting.pop()
            for table in self._survey.schema.tables.values():
                cascades = (key.on_delete == "cascade" and key.parent == parent for key in table.foreign_keys)
                if table.name not in reached and any(cascades):
                    reached.add(table.name)
                    waiting.append(table.name)
        return sorted(reached)

    def _rows(self, name: str) -> int:
        return scalar(self._connection, sql.SQL("SELECT count(*) FROM {}").format(self._relations[name].source))

    def _staying(self) -> Mapping[int, int]:
        """Per doubtful reference, by number, how many orphans it must have afterwards: those that are not deleted."""
        links = doubtful(self._survey)
        counts = dict.fromkeys(range(len(links)), 0)
        for each in self._dangling:
            relation, deleted = self._relations[each.link.child], self._deletions.ids.get(each.link.child)
            rows = each.ids.rows
            if deleted is not None:
                query = sql.SQL("SELECT count(*) FROM {} d WHERE NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
                rows = scalar(self._connection, query.format(each.ids, deleted, relation.same_ids("d", "x")))
            counts[links.index(each.link)] = rows
        return counts

    def _left_over(self, staying: Mapping[int, int]) -> Iterator[str]:
        """What references lead nowhere now and should not."""
        for number, link in enumerate(doubtful(self._survey)):
            rows = self._nowhere(dangling_rows(self._relations, link))
            if rows != staying[number]:
                columns = ", ".join(link.columns)
                yield f"{link.child} ({columns}) → {link.parent} leaves {rows} orphans, planned were {staying[number]}"
        for link in self._survey.links.references:
            if link.validated and link.parent in self._removal.deletes:
                rows = self._nowhere(dangling_rows(self._relations, link))
                if rows:
                    yield f"{rows} rows of {link.child} ({', '.join(link.columns)}) point at no row of {link.parent}"

    def _nowhere(self, rows: Sql) -> int:
        return scalar(self._connection, sql.SQL("SELECT count(*) {}").format(rows))

    def _release(self) -> None:
        for release in self._deletions.releases:
            query = sql.SQL("UPDATE {} t SET {} WHERE {}").format(
                self._relations[release.table].source,
                release.assignments,
                release.condition,
            )
            if (rows := self._connection.execute(query).rowcount) != release.rows:
                _fail([f"table {release.table}: {rows} references were set to NULL where {release.rows} were planned"])

    def _delete(self) -> None:
        tables = self._survey.schema.tables
        edges = [(link.child, link.parent) for link in self._survey.links.references if link.child != link.parent]
        for group in components(tables, edges):
            names = [name for name in group if name in self._removal.deletes]
            if len(names) > 1:
                self._delete_together(names)
            elif names:
                self._expect(names[0], self._connection.execute(self._deleting(names[0])).rowcount)

    def _deleting(self, name: str) -> Sql:
        relation = self._relations[name]
        return sql.SQL("DELETE FROM {} t USING {} x WHERE {}").format(
            relation.source, self._deletions.ids[name], relation.same("t", "x")
        )

    def _delete_together(self, names: list[str]) -> None:
        """Delete from several tables on a cycle in one statement: foreign keys are checked at its end."""
        parts = [
            sql.SQL("{} AS ({} RETURNING 1)").format(sql.Identifier(f"w{number}"), self._deleting(name))
            for number, name in enumerate(names)
        ]
        counts = [sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(f"w{n}")) for n in range(len(parts))]
        query = sql.SQL("WITH {} SELECT {}").format(sql.SQL(", ").join(parts), sql.SQL(", ").join(counts))
        found = self._connection.execute(query).fetchone() or ()
        for name, rows in zip(names, found, strict=True):
            self._expect(name, rows)

    def _expect(self, name: str, found: int) -> None:
        if found != self._removal.deletes[name]:
            _fail([f"table {name}: {found} rows were deleted where {self._removal.deletes[name]} were planned"])


def _fail(failures: list[str]) -> None:
    listed = "\n".join(f"  - {failure}" for failure in failures)
    raise DatabaseError(
        f"deleting the orphans did not do what was planned; everything was rolled back\n{listed}",
        hint="if triggers or rules of the tables do not explain it, this is a defect: report it",
    )
