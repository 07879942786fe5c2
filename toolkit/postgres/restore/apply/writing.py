"""The statements that write and delete what a plan says."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Relation, Sql, assigned, columns, differing, relation_of

WHOLE = sql.SQL("true")

Part = tuple[str, Sql, int]
"""A statement: of which table, and how many rows it has to touch."""


class Statements:
    """Composes them; conditions are over lines or ids `d`."""

    def __init__(self, ready: Ready) -> None:
        self._schema = ready.survey.schema
        self._source = ready.source
        self._prepared = ready.prepared
        self._rewritings = ready.prepared.release.rewritings

    def write(self, name: str, action: str, condition: Sql) -> Sql:
        """Insert or update staged rows, less those that are rewritten."""
        staged, table = self._source.staged(name), self._schema.tables[name]
        rows = sql.SQL("{} d JOIN {} s ON s.ctid = d.stage_id").format(
            self._prepared.differences[name].lines, staged.table
        )
        wanted = sql.SQL('d.action = {}::"char" AND {}').format(sql.Literal(action), condition)
        if action == Action.MISSING:
            names = (*staged.names, *staged.added)
            return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} WHERE {}").format(
                identifier(self._schema.schemas, name),
                sql.SQL(", ").join(map(sql.Identifier, names)),
                columns("s", names),
                rows,
                wanted,
            )
        if name in self._rewritings:
            rewritten = sql.SQL("EXISTS (SELECT 1 FROM {} x WHERE x.stage_id = d.stage_id)")
            wanted = sql.SQL("{} AND NOT {}").format(wanted, rewritten.format(self._rewritings[name].rows))
        relation = self._relation(name)
        writable = [column for column in staged.names if table.column(column).identity != "always"]
        return sql.SQL("UPDATE {} t SET {} FROM {} WHERE {} AND {}").format(
            relation.source,
            sql.SQL(", ").join(assigned(column, sql.Identifier("s", column)) for column in writable),
            rows,
            relation.same("t", "d"),
            wanted,
        )

    def update_looked_at(self, name: str, condition: Sql) -> Sql:
        """Update staged rows; gives how many that were, and how many of them are not what is staged afterwards."""
        return sql.SQL(
            "WITH w AS ({} RETURNING {} AS differs) SELECT count(*), count(*) FILTER (WHERE w.differs) FROM w"
        ).format(self.write(name, Action.CHANGED, condition), differing("t", "s", self._source.staged(name).names))

    def at_once(self, names: Sequence[str]) -> list[Part]:
        """Make what writes all rows of several tables; those that let go of values are deleted first.

        Later statements read what the first ones give, so that all are to be run by `as_one`.
        """
        going = [name for name in names if name in self._rewritings]
        parts = [self._removal(name) for name in going]
        gate = self._gate(len(going))
        for number, name in enumerate(going):
            if again := self._rewritings[name].again:
                parts.append((name, self._reinsertion(name, number, gate), again))
        for action in (Action.MISSING, Action.CHANGED):
            for name in names:
                again = self._rewritings[name].again if action == Action.CHANGED and name in going else 0
                if wanted := self._prepared.differences[name].count(action) - again:
                    parts.append((name, returning(self.write(name, action, gate)), wanted))
        return parts

    def trial(self, name: str, action: str, condition: Sql) -> Sql:
        """Write some rows of one table by themselves."""
        if name not in self._rewritings:
            return self.write(name, action, condition)
        gate = sql.SQL("{} AND {}").format(self._gate(1), condition)
        parts = [self._removal(name)[1], returning(self.write(name, action, gate))]
        if action == Action.CHANGED:
            parts.append(self._reinsertion(name, 0, gate))
        return self.as_one(parts)

    def as_one(self, statements: Sequence[Sql]) -> Sql:
        """Give one statement that gives how many rows each of several touched."""
        parts = [sql.SQL("{} AS ({})").format(_label(number), each) for number, each in enumerate(statements)]
        counts = [sql.SQL("(SELECT count(*) FROM {})").format(_label(number)) for number in range(len(parts))]
        return sql.SQL("WITH {} SELECT {}").format(sql.SQL(", ").join(parts), sql.SQL(", ").join(counts))

    def delete(self, name: str, condition: Sql) -> Sql:
        """Delete rows that the backup lacks."""
        relation = self._relation(name)
        return sql.SQL("DELETE FROM {} t USING {} d WHERE {} AND {}").format(
            relation.source, self._prepared.deletions.ids[name], relation.same("t", "d"), condition
        )

    def left_to_delete(self, name: str) -> tuple[Sql, int]:
        """Give the condition over ids `d` of rows that are not deleted as others are written, and how many they are."""
        planned = self._prepared.deletions.counts[name]
        if name not in self._rewritings:
            return WHOLE, planned
        rewriting = self._rewritings[name]
        same = self._relation(name).same_ids("x", "d")
        gone = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE x.stage_id IS NULL AND {})")
        return gone.format(rewriting.rows, same), planned - rewriting.gone

    def _gate(self, removals: int) -> Sql:
        """The condition that the first of several statements have run to their ends."""
        done = [sql.SQL("(SELECT count(*) FROM {}) >= 0").format(_label(number)) for number in range(removals)]
        return sql.SQL(" AND ").join([WHOLE, *done])

    def _removal(self, name: str) -> Part:
        """Delete the rows of a table that let go of values; gives the values that only the target has."""
        rewriting, relation = self._rewritings[name], self._relation(name)
        unstaged = (
            sql.SQL(", t.{} AS {}").format(sql.Identifier(column), sql.Identifier(f"playback {column}"))
            for column in self._unstaged(name)
        )
        statement = sql.SQL("DELETE FROM {} t USING {} x WHERE {} RETURNING x.stage_id{}").format(
            relation.source, rewriting.rows, relation.same("t", "x"), sql.SQL("").join(unstaged)
        )
        return name, statement, rewriting.again + rewriting.gone

    def _reinsertion(self, name: str, removal: int, condition: Sql) -> Sql:
        """Insert rows that a removal has deleted, as they are to be."""
        staged, unstaged = self._source.staged(name), self._unstaged(name)
        values = [columns("s", staged.names), *(sql.Identifier("d", f"playback {column}") for column in unstaged)]
        return sql.SQL(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} d JOIN {} s ON s.ctid = d.stage_id"
            " WHERE {} RETURNING 1"
        ).format(
            identifier(self._schema.schemas, name),
            sql.SQL(", ").join(map(sql.Identifier, (*staged.names, *unstaged))),
            sql.SQL(", ").join(values),
            _label(removal),
            staged.table,
            condition,
        )

    def _unstaged(self, name: str) -> list[str]:
        """The columns of a table that the backup has no values of."""
        staged = self._source.staged(name).names
        return [column.name for column in self._schema.tables[name].stored_columns if column.name not in staged]

    def _relation(self, name: str) -> Relation:
        return relation_of(self._schema.schemas, self._schema.tables[name])


def _label(number: int) -> sql.Identifier:
    return sql.Identifier(f"w{number}")


def returning(statement: Sql) -> Sql:
    """Give a statement that gives a row for each that it touched, so that `as_one` can count them."""
    return sql.SQL("{} RETURNING 1").format(statement)
