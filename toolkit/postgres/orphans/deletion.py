"""What goes when orphans are deleted: they, what belongs to them, and never a row that a staying one points at."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.orphan import OrphanRemoval
from toolkit.planning.links import is_unique
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.orphans.search import Dangling, OrphanScope, is_orphan
from toolkit.postgres.schema.relation import Sql, points_at
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.write.deletion import DeletionPlanner, Deletions


class Prepared(Struct, frozen=True):
    """A removal with the temporary tables that say which rows it means."""

    removal: OrphanRemoval
    deletions: Deletions


class RemovalPlanner:
    """Settles which rows go.

    A row goes along with one that it points at when it could not stay without it: its rule says that it is owned
    that way, its foreign key cascades, or nothing but the catalog file (or a foreign key that is not validated)
    declares the reference, so that it would be the next orphan.
    """

    def __init__(self, survey: Survey, *, orphan_scope: OrphanScope, dangling: list[Dangling]) -> None:
        self._workspace = survey.workspace
        self._survey = survey
        self._orphan_scope = orphan_scope
        self._dangling = dangling
        self._links = [link for link in survey.links.references if link.child in orphan_scope and self._follows(link)]
        self._roots: dict[str, Temporary] = {}
        self._going: dict[str, Temporary] = {}
        self._kept: dict[str, dict[str, int]] = {}

    def plan(self) -> Prepared:
        """Begin with every orphan of the scope, and take those out that rows which stay still point at."""
        for name in sorted({each.link.child for each in self._dangling}):
            if name in self._orphan_scope:
                self._begin(name)
        while True:
            self._close()
            deletions = self._without_those_in_use()
            if not self._withdraw(deletions):
                break
            for ids in (*deletions.ids.values(), *deletions.staying.values()):
                self._workspace.drop(ids)
        deletes = {name: rows for name, rows in sorted(deletions.counts.items()) if rows}
        orphans = {name: ids.rows for name, ids in self._roots.items()}
        removal = OrphanRemoval(
            deletes=deletes,
            orphans={name: rows for name, rows in orphans.items() if rows},
            set_null=_summed(deletions),
            kept=self._kept,
        )
        return Prepared(removal, deletions)

    def _begin(self, name: str) -> None:
        """Note the orphans of one table, less those that the scope rules keep."""
        relation = self._orphan_scope.relations[name]
        query = sql.SQL("SELECT {} FROM {} t WHERE {} AND {}").format(
            relation.ids("t"),
            relation.source,
            is_orphan(self._orphan_scope, name, self._dangling),
            self._orphan_scope.within(name),
        )
        self._roots[name] = self._workspace.keep("roots", query)
        for reason, condition in self._orphan_scope.spared(name):
            spare = sql.SQL("d USING {} t WHERE {} AND {}").format(relation.source, relation.same("t", "d"), condition)
            self._keep(name, reason, self._workspace.delete(self._roots[name], spare))

    def _keep(self, name: str, reason: str, rows: int) -> None:
        if rows:
            kept = self._kept.setdefault(name, {})
            kept[reason] = kept.get(reason, 0) + rows

    def _close(self) -> None:
        """Gather what goes along, from rows to those that point at them, until nothing is added."""
        for ids in self._going.values():
            self._workspace.delete(ids, sql.SQL(""))
        for name, roots in self._roots.items():
            self._workspace.insert(self._ids(name), sql.SQL("SELECT * FROM {}").format(roots))
        while any(self._follow(link) for link in self._links if link.parent in self._going):
            pass

    def _ids(self, name: str) -> Temporary:
        if name not in self._going:
            relation = self._orphan_scope.relations[name]
            none = sql.SQL("SELECT {} FROM {} t WHERE false").format(relation.ids("t"), relation.source)
            self._going[name] = self._workspace.keep("going", none)
        return self._going[name]

    def _follows(self, link: ReferenceLink) -> bool:
        if not link.validated:
            return True
        if any(
            (edge.table, edge.columns, edge.source) == (link.child, link.columns, link.parent)
            for edge in self._survey.links.owners
        ):
            return True
        keys = self._survey.schema.tables[link.child].foreign_keys
        return any(key.name == link.constraint and key.on_delete == "cascade" for key in keys)

    def _follow(self, link: ReferenceLink) -> int:
        """Add the rows of the child that point at rows which go; gives how many were new."""
        child, parent = self._orphan_scope.relations[link.child], self._orphan_scope.relations[link.parent]
        gone = self._ids(link.parent)
        staying = [sql.SQL("NOT {}").format(condition) for _, condition in self._orphan_scope.spared(link.child)]
        if not is_unique(self._survey.schema.tables[link.parent], link.parent_columns, link.equalities):
            # another row that stays may hold the same values
            staying.append(
                sql.SQL("NOT EXISTS (SELECT 1 FROM {} p WHERE {} AND NOT EXISTS (SELECT 1 FROM {} d WHERE {}))").format(
                    parent.source, points_at(link, "t", "p"), gone, parent.same("p", "d")
                )
            )
        query = sql.SQL(
            "SELECT {row} FROM {child} t WHERE {conditions}"
            " AND EXISTS (SELECT 1 FROM {parent} p JOIN {gone} d ON {same} WHERE {joined})"
            " AND NOT EXISTS (SELECT 1 FROM {ids} x WHERE {already})"
        ).format(
            ids=self._ids(link.child),
            row=child.ids("t"),
            child=child.source,
            conditions=sql.SQL(" AND ").join([self._orphan_scope.within(link.child), *staying]),
            parent=parent.source,
            gone=gone,
            same=parent.same("p", "d"),
            joined=points_at(link, "t", "p"),
            already=child.same("t", "x"),
        )
        return self._workspace.insert(self._ids(link.child), query)

    def _without_those_in_use(self) -> Deletions:
        """The rows that go, less those that staying rows point at, with what a restore's deletions mean elsewhere."""
        planner = DeletionPlanner(
            self._workspace,
            rules=self._survey.accounting.rules,
            links=self._survey.links.references,
            differences={},
            arriving={},
        )
        candidates: Mapping[str, Sql] = {
            name: sql.SQL("SELECT * FROM {}").format(ids) for name, ids in sorted(self._going.items())
        }
        return planner.plan(candidates)

    def _withdraw(self, deletions: Deletions) -> int:
        """Take the orphans that have to stay out of the roots, for what goes with them stays too; gives how many."""
        withdrawn = 0
        for name, roots in self._roots.items():
            staying: Sql = sql.SQL("")
            if name in deletions.ids:
                staying = sql.SQL("r WHERE NOT EXISTS (SELECT 1 FROM {} d WHERE {})").format(
                    deletions.ids[name], self._orphan_scope.relations[name].same_ids("r", "d")
                )
            rows = self._workspace.delete(roots, staying)
            self._keep(name, " and ".join(sorted(deletions.kept.get(name, {}))), rows)
            withdrawn += rows
        return withdrawn


def _summed(deletions: Deletions) -> dict[str, int]:
    rows: dict[str, int] = {}
    for release in deletions.releases:
        rows[release.table] = rows.get(release.table, 0) + release.rows
    return dict(sorted(rows.items()))
