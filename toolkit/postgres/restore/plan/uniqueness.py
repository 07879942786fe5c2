"""Exclusive keys beside the identifying one: whether the values of rows to be written are, or can be made, free.

A value is free to take when the row that holds it is deleted, or is itself updated to another value (a swap is two
such updates). What holds it has to let go first: by being deleted before others are written, by being *rewritten*, or,
where foreign keys forbid that, by being *parked*: given a value that nobody wants until its own update comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec import Struct, field
from psycopg import sql

from toolkit.postgres.compare.comparison import Action, Comparison, sample_keys, written_lines
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.restore.plan.computing import find_uncomputable
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState
from toolkit.postgres.restore.plan.parking import Parking, Parkings
from toolkit.postgres.restore.plan.rewriting import Rewriting, Rewritings
from toolkit.postgres.schema.exclusive_keys import ExclusiveKey, exclusive_keys
from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.write.deletion import Deletions


class Holder(StrEnum):
    """What becomes of a row that holds what another is to have.

    Attributes:
        DELETED: it goes.
        MOVED: it takes another value.
        STUCK: it takes another value, and cannot let go of this one by being rewritten.
        ADRIFT: nor by an update of its own before: it points at nothing, and the server lets it be written once only.
        STAYS: it keeps it.
    """

    DELETED = "deleted"
    MOVED = "moved"
    STUCK = "stuck"
    ADRIFT = "adrift"
    STAYS = "stays"


class Release(Struct):
    """How values become free.

    Attributes:
        deletes_first: deletes come before inserts.
        rewritings: per table, the rows that are deleted as others are written.
        parkings: what is parked before that.
    """

    deletes_first: bool = False
    rewritings: dict[str, Rewriting] = field(default_factory=dict)
    parkings: list[Parking] = field(default_factory=list)


class Uniqueness:
    """Looks for target rows that hold what staged rows are to bring.

    Args:
        bypass: foreign keys are not checked while rows are written.
        atomic: all is written in one transaction, at whose end deferrable keys are checked.
        together: whether two tables are written by one statement.
    """

    def __init__(
        self, comparison: Comparison, *, bypass: bool, atomic: bool, together: Callable[[str, str], bool]
    ) -> None:
        self._atomic = atomic
        self._comparison = comparison
        self._connection = comparison.connection
        self._bypass = bypass
        self._parkings = Parkings(comparison)
        self._rewritings = Rewritings(comparison, bypass=bypass, together=together)
        self._letting_go: list[Sql] = []
        self._keys = exclusive_keys(self._connection, comparison.schema, list(comparison.differences))

    def find_held(self, deletions: Deletions, obstacles: Obstacles) -> tuple[Release, int]:
        """Settle how held values become free, and note the rows whose values cannot; gives also how many those are."""
        release, found = Release(), 0
        nothing_held = self._nothing_held(deletions)
        for name in self._comparison.differences:
            self._letting_go.clear()
            for key in self._keys.get(name, ()):
                if self._comparison.writes(name) and (name, key.name) not in nothing_held:
                    found += self._find(name, key, deletions, release, obstacles)
            if self._letting_go:
                self._rewrite(name, deletions, release)
        return release, found

    def _nothing_held(self, deletions: Deletions) -> set[tuple[str, str]]:
        """The plain keys, by table and name, of whose values no other row holds any; small tables are tried together.

        A key whose staged values may exclude each other is not among them.
        """
        recorded, tables = self._comparison.source.manifest.schema.tables, self._comparison.schema.tables
        queries = {
            (name, key.name): self._held(name, key, deletions.ids.get(name))
            for name in self._comparison.differences
            if self._comparison.writes(name)
            for key in self._keys.get(name, ())
            if key.plain and key.known(recorded.get(name), tables[name])
        }
        return queries.keys() - set(
            self._comparison.workspace.likely(queries, lambda each: self._comparison.bytes_of(each[0]))
        )

    def skip_deleted(self, deletions: Deletions, release: Release) -> None:
        """Leave rows that are deleted before others are written out of what lets go by other means."""
        release.parkings = [
            self._parkings.less(each, deletions.ids[each.table]) if each.table in deletions.ids else each
            for each in release.parkings
        ]
        release.rewritings = {
            name: self._rewritings.less(name, each, deletions.ids[name]) if name in deletions.ids else each
            for name, each in release.rewritings.items()
        }

    def _find(self, name: str, key: ExclusiveKey, deletions: Deletions, release: Release, obstacles: Obstacles) -> int:
        """Look at one key of one table; gives how many rows it stands in the way of."""
        if not key.plain:
            lost = find_uncomputable(self._comparison, obstacles, name, key.expression, constraint=key.name)
            if lost:  # of the others nothing can be said until these are out of the plan
                return len(lost)
        found = self._duplicates(name, key, obstacles)
        return found + self._settle(name, key, deletions, release, obstacles)

    def _staged(self, name: str, key: ExclusiveKey) -> Sql:
        """The staged rows of a table that the key speaks of."""
        among = None if key.plain else written_lines(self._comparison, name)
        return key.values(self._comparison.source.staged(name).relation, among=among)

    def _settle(
        self, name: str, key: ExclusiveKey, deletions: Deletions, release: Release, obstacles: Obstacles
    ) -> int:
        """Deal with one key of one table; gives how many rows it stands in the way of."""
        held = self._comparison.workspace.keep("held", self._held(name, key, deletions.ids.get(name)))
        if held.empty:
            return 0
        fates, refused = self._fates(held), [Holder.STAYS, Holder.ADRIFT]
        if not (key.deferrable and self._atomic):
            # rows that go may be in the way of others only once these are updated: then they cannot go before
            late = Holder.DELETED in fates and bool(deletions.moving) and not self._bypass
            release.deletes_first = release.deletes_first or (Holder.DELETED in fates and not late)
            if Holder.MOVED in fates or late:
                self._find_stuck(name, held, deletions, late=late)
                fates = self._fates(held)
                self._let_go(name, held, [Holder.MOVED, Holder.DELETED] if late else [Holder.MOVED])
            if Holder.STUCK in fates:
                parking = self._parkings.park(name, key, self._keys[name], held, Holder.STUCK)
                if parking is not None:
                    release.parkings.append(parking)
                else:
                    refused.append(Holder.STUCK)
        return self._refuse(name, key, held, refused, obstacles) if fates & set(refused) else 0

    def _fates(self, held: Sql) -> set[str]:
        return {str(fate) for (fate,) in self._connection.execute(sql.SQL("SELECT DISTINCT fate FROM {}").format(held))}

    def _find_stuck(self, name: str, held: Sql, deletions: Deletions, *, late: bool) -> None:
        """Note which of the rows that hold something cannot let go of it by being rewritten."""
        reasons = [
            sql.SQL("h.fate = {} AND {}").format(sql.Literal(Holder.MOVED), self._rewritings.stuck(name, deletions))
        ]
        if late:
            reasons.append(
                sql.SQL("h.fate = {} AND {}").format(sql.Literal(Holder.DELETED), self._rewritings.fast(name))
            )
        target = self._comparison.relations[name]
        self._connection.execute(
            sql.SQL("UPDATE {} h SET fate = {} FROM {} t WHERE {} AND ({})").format(
                held, sql.Literal(Holder.STUCK), target.source, target.same("t", "h"), sql.SQL(" OR ").join(reasons)
            )
        )

        self._connection.execute(
            sql.SQL(
                "UPDATE {held} h SET fate = {adrift} WHERE h.fate = {stuck} AND EXISTS"
                " (SELECT 1 FROM {written} WHERE {same} AND {nowhere})"
            ).format(
                held=held,
                adrift=sql.Literal(Holder.ADRIFT),
                stuck=sql.Literal(Holder.STUCK),
                written=self._comparison.written(name),
                same=target.same_ids("d", "h"),
                nowhere=self._rewritings.leads_nowhere(name),
            )
        )

    def _let_go(self, name: str, held: Sql, fates: Sequence[str]) -> None:
        query = sql.SQL("SELECT {} FROM {} h WHERE h.fate = ANY ({})")
        ids = self._comparison.relations[name].id_columns("h")
        self._letting_go.append(query.format(ids, held, sql.Literal(list(fates))))

    def _rewrite(self, name: str, deletions: Deletions, release: Release) -> None:
        target = self._comparison.relations[name]
        rows = sql.SQL(
            'SELECT d.stage_id, {ids} FROM ({each}) h LEFT JOIN {lines} d ON {same} AND d.action = {changed}::"char"'
        ).format(
            ids=target.id_columns("h"),
            each=sql.SQL(" UNION ").join(self._letting_go),
            lines=self._comparison.differences[name].lines,
            same=target.same_ids("d", "h"),
            changed=sql.Literal(Action.CHANGED),
        )
        rewriting = self._rewritings.hold(rows)
        if rewriting.again or rewriting.gone:
            release.rewritings[name] = rewriting
            # rows that point at these and are to be deleted must not be found any more by what acts on them
            if deletions.ids and not deletions.moving and self._rewritings.acted_on(name):
                release.deletes_first = True

    def _refuse(self, name: str, key: ExclusiveKey, held: Sql, fates: Sequence[str], obstacles: Obstacles) -> int:
        rows = sql.SQL("SELECT DISTINCT stage_id, NULL::text AS waits_for FROM {} WHERE fate = ANY ({})")
        what = "exclusion constraint" if key.exclusion else "unique key"
        reason = f"values of {what} {key} are held by other rows (such as {self._holders(name, held, fates)})"
        if Holder.STUCK in fates:
            reason += ", which cannot let go of them first under the foreign keys that lead to them"
        elif Holder.ADRIFT in self._fates(held):
            reason += (
                ", which point at nothing by a foreign key that is NOT VALID, so that nobody lets go of them first"
            )
        refused = Obstacle(
            table=name,
            rows=rows.format(held, sql.Literal(list(fates))),
            reason=reason,
            sqlstate=SqlState.EXCLUSION if key.exclusion else SqlState.UNIQUE,
            constraint=key.name,
        )
        return obstacles.add(refused)

    def _holders(self, name: str, held: Sql, fates: Sequence[str]) -> str:
        """The keys of some rows of the target that hold values."""
        target = self._comparison.relations[name]
        holding = sql.SQL("{} t JOIN (SELECT DISTINCT {} FROM {} h WHERE h.fate = ANY ({})) h ON {}").format(
            target.source, target.id_columns("h"), held, sql.Literal(list(fates)), target.same("t", "h")
        )
        return ", ".join(sample_keys(self._connection, self._comparison.schema.tables[name], "t", holding))

    def _held(self, name: str, key: ExclusiveKey, deleted: Sql | None) -> Sql:
        """A query of (stage_id, row_id, part_id, fate): who holds on the target what which staged row brings."""
        goes: Sql = sql.SQL("false")
        target, lines = self._comparison.relations[name], self._comparison.differences[name].lines
        if deleted is not None:
            goes = sql.SQL("EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted, _is(target, "t", "x"))
        staged = self._staged(name, key)
        moves = sql.SQL(
            'EXISTS (SELECT 1 FROM {lines} u WHERE {same} AND u.action = {changed}::"char") AND NOT EXISTS'
            ' (SELECT 1 FROM {lines} u JOIN {staged} n ON n."playback row" = u.stage_id'
            ' WHERE {same} AND u.action = {changed}::"char" AND {excludes})'
        ).format(
            lines=lines,
            same=_is(target, "t", "u"),
            changed=sql.Literal(Action.CHANGED),
            staged=staged,
            excludes=key.excludes("n", "s"),
        )
        return sql.SQL(
            'SELECT d.stage_id, t."playback row" AS row_id, t."playback part" AS part_id,'
            " CASE WHEN {goes} THEN {deleted} WHEN {moves} THEN {moved} ELSE {stays} END AS fate"
            ' FROM {staged} s JOIN {lines} d ON d.stage_id = s."playback row"'
            ' AND d.action = ANY (ARRAY[{i}, {u}]::"char"[])'
            " JOIN {values} t ON {excludes} WHERE NOT ({same_key})"
        ).format(
            goes=goes,
            deleted=sql.Literal(Holder.DELETED),
            moves=moves,
            moved=sql.Literal(Holder.MOVED),
            stays=sql.Literal(Holder.STAYS),
            staged=staged,
            lines=lines,
            i=sql.Literal(Action.MISSING),
            u=sql.Literal(Action.CHANGED),
            values=key.values(target),
            excludes=key.excludes("t", "s"),
            same_key=same_key(self._comparison.schema.tables[name], "t", "s"),
        )

    def _duplicates(self, name: str, key: ExclusiveKey, obstacles: Obstacles) -> int:
        """Note staged rows that exclude each other, which only a key can be to blame for that the source lacks."""
        tables = self._comparison.source.manifest.schema.tables
        if key.known(tables.get(name), self._comparison.schema.tables[name]):
            return 0
        rows = sql.SQL(
            "SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {written} WHERE EXISTS"
            ' (SELECT 1 FROM {staged} a JOIN {staged} b ON {excludes} AND a."playback row" > b."playback row"'
            ' WHERE a."playback row" = s.ctid)'
        ).format(
            written=self._comparison.written(name),
            staged=self._staged(name, key),
            excludes=key.excludes("a", "b"),
        )
        what = "values that exclude each other under" if key.exclusion else "the same values of unique key"
        duplicates = Obstacle(
            table=name,
            rows=rows,
            reason=f"several rows of the backup have {what} {key}",
            sqlstate=SqlState.EXCLUSION if key.exclusion else SqlState.UNIQUE,
            constraint=key.name,
        )
        return obstacles.add(duplicates)


def _is(target: Relation, alias: str, ids: str) -> Sql:
    """The condition that row `alias` of `ExclusiveKey.values` is the one in a table of ids."""
    template = '{a}."playback row" = {b}.row_id'
    if target.partitioned:
        template += ' AND {a}."playback part" = {b}.part_id'
    return sql.SQL(template).format(a=sql.Identifier(alias), b=sql.Identifier(ids))
