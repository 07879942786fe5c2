"""Staged rows that are not restored because they belong to another device, and what becomes of rows that need them.

A skipped row is neither written nor deleted: where the target has a row with its key, that row takes its place on
stage, so that nothing is done to it. Rows that point at a skipped row which the target does not have are skipped too
when it owns them or the reference cannot be NULL; otherwise their reference becomes NULL.
"""

from __future__ import annotations

from psycopg import sql

from toolkit.model.identity import Followed, Following
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import sample_keys
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.relation import Sql, assigned, columns, points_at, relation_of
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection


class Skipping:
    """Takes rows off the stage, and all that cannot be without them."""

    def __init__(self, connection: Connection, source: Source, survey: Survey) -> None:
        self._connection = connection
        self._source = source
        self._survey = survey
        self._skipped: list[tuple[str, Sql]] = []
        self._gone: dict[str, list[Sql]] = {}
        self._followed: dict[tuple[str, tuple[str, ...], Following], Followed] = {}

    def skip(self, link: ReferenceLink, condition: Sql, what: Following = Following.SKIP_ROW) -> int:
        """Take the staged rows `s` of the link's child for which a condition holds off the stage; gives how many."""
        name = link.child
        stage = self._source.whole(name)
        rows = sql.SQL("SELECT s.* FROM {} s WHERE {}").format(stage.table, condition)
        gone = self._survey.workspace.keep("skipped", rows)
        samples = sample_keys(self._connection, self._survey.schema.tables[name], "s", sql.SQL("{} s").format(gone))
        touched = self._source.edit(name, sql.SQL("DELETE FROM {} s WHERE {}").format(stage.table, condition))
        if touched:
            self._note(link, what, touched, samples)
            self._skipped.append((name, gone))
            self._gone.setdefault(name, []).append(gone)
            self._put_back(name, gone)
        return touched

    @property
    def followed(self) -> tuple[Followed, ...]:
        """What was done."""
        return tuple(self._followed.values())

    def restored(self, name: str) -> Sql:
        """Give the condition that staged row `s` is one of the backup, and does not stand in for a skipped one."""
        table = self._survey.schema.tables[name]
        own = [
            sql.SQL("NOT EXISTS (SELECT 1 FROM {} g WHERE {})").format(gone, same_key(table, "s", "g"))
            for gone in self._gone.get(name, ())
        ]
        return sql.SQL("({})").format(sql.SQL(" AND ").join(own)) if own else sql.SQL("true")

    def settle(self) -> None:
        """Settle the rows that point at skipped ones, until none is left."""
        while self._skipped:
            name, gone = self._skipped.pop()
            for link in self._survey.links.references:
                entry = self._source.entries.get(link.child)
                if link.parent == name and entry is not None and entry.rows:
                    self._settle(link, gone)

    def _put_back(self, name: str, gone: Sql) -> None:
        """Let the target's own rows stand in for skipped ones with the same key."""
        table = self._survey.schema.tables[name]
        if not sort_key(table).unique:
            return
        stage = self._source.whole(name)
        self._source.edit(
            name,
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} t WHERE EXISTS (SELECT 1 FROM {} g WHERE {})").format(
                stage.table,
                sql.SQL(", ").join(map(sql.Identifier, stage.names)),
                columns("t", stage.names),
                relation_of(self._survey.schema.schemas, table).source,
                gone,
                same_key(table, "t", "g"),
            ),
        )

    def _settle(self, link: ReferenceLink, gone: Sql) -> None:
        child = self._survey.schema.tables[link.child]
        parent = self._source.whole(link.parent).table
        dangling = sql.SQL("EXISTS (SELECT 1 FROM {} g WHERE {}) AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})").format(
            gone,
            points_at(link, "s", "g"),
            parent,
            points_at(link, "s", "p"),
        )
        nullable = [name for name in link.columns if child.column(name).nullable]
        if self._owns(link) or not nullable:
            self.skip(link, dangling, Following.DRAGGED)
            return
        stage = self._source.whole(link.child).table
        rows = sql.SQL("(SELECT * FROM {} s WHERE {}) s").format(stage, dangling)
        samples = sample_keys(self._connection, child, "s", rows)
        changes = sql.SQL(", ").join(assigned(name, sql.SQL("NULL")) for name in nullable)
        statement = sql.SQL("UPDATE {} s SET {} WHERE {}").format(stage, changes, dangling)
        if touched := self._source.edit(link.child, statement):
            self._note(link, Following.DETACHED, touched, samples)

    def _owns(self, link: ReferenceLink) -> bool:
        """Whether rows of the child belong to whoever owns the parent, by this very reference."""
        return any(
            owner.table == link.child and owner.source == link.parent and set(owner.columns) == set(link.columns)
            for owner in self._survey.links.owners
        )

    def _note(self, link: ReferenceLink, what: Following, rows: int, samples: tuple[str, ...]) -> None:
        key = (link.child, link.columns, what)
        before = self._followed.get(key)
        self._followed[key] = Followed(
            table=link.child,
            columns=link.columns,
            what=what,
            rows=rows + (before.rows if before else 0),
            samples=before.samples if before else samples,
        )
