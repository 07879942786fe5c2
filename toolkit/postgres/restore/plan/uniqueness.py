"""Exclusive keys beside the identifying one: whether the values of rows to be written are, or can be made, free.

A value is free to take when the row that holds it is deleted, or is itself updated to another value (a swap is two
such updates). What holds it has to let go first: by being deleted before others are written, or by being *parked*,
that is, given a value that nobody wants until its own update comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from psycopg import sql

from toolkit.postgres.relation import Relation, Sql, create_temporary
from toolkit.postgres.restore.plan.comparison import CHANGED, MISSING, Comparison, same_key
from toolkit.postgres.restore.plan.deletion import Deletions
from toolkit.postgres.restore.plan.exclusive_keys import ExclusiveKey, exclusive_keys
from toolkit.postgres.restore.plan.findings import EXCLUSION, UNIQUE, Findings
from toolkit.postgres.restore.plan.parking import Parking, Parkings

DELETED, MOVED, STAYS = "deleted", "moved", "stays"
"""What becomes of a row that holds what another is to have: it goes, takes another value, or keeps it."""


@dataclass(slots=True)
class Release:
    """How values become free.

    Attributes:
        deletes_first: deletes come before inserts.
        parkings: what is parked before that.
    """

    deletes_first: bool = False
    parkings: list[Parking] = field(default_factory=list)


class Uniqueness:
    """Looks for target rows that hold what staged rows are to bring.

    Args:
        bypass: foreign keys are not checked while rows are written, so that any column may be parked.
        atomic: all is written in one transaction, at whose end deferrable keys are checked.
    """

    def __init__(self, comparison: Comparison, *, bypass: bool, atomic: bool) -> None:
        self._atomic = atomic
        self._comparison = comparison
        self._connection = comparison.connection
        self._bypass = bypass
        self._parkings = Parkings(comparison, bypass=bypass)
        self._numbers = count()
        self._keys = exclusive_keys(self._connection, comparison.schema, list(comparison.differences))

    def find_held(self, deletions: Deletions, findings: Findings) -> tuple[Release, int]:
        """Settle how held values become free, and note the rows whose values cannot; gives also how many those are."""
        release, found = Release(), 0
        for name in self._comparison.differences:
            for key in self._keys.get(name, ()):
                if self._comparison.writes(name):
                    found += self._duplicates(name, key, findings)
                    found += self._settle(name, key, deletions, release, findings)
        return release, found

    def skip_deleted(self, deletions: Deletions, release: Release) -> None:
        """Leave rows that are deleted before others are written out of what is parked."""
        release.parkings = [
            self._parkings.less(each, deletions.ids[each.table]) if each.table in deletions.ids else each
            for each in release.parkings
        ]

    def _settle(self, name: str, key: ExclusiveKey, deletions: Deletions, release: Release, findings: Findings) -> int:
        """Deal with one key of one table; gives how many rows it stands in the way of."""
        query = self._held(name, key, deletions.ids.get(name))
        held = create_temporary(self._connection, f"held_{next(self._numbers)}", query)
        fates: dict[str, int] = dict(
            self._connection.execute(sql.SQL("SELECT fate, count(*) FROM {} GROUP BY fate").format(held)).fetchall()
        )
        # rows that move on only once they are updated: they cannot let go by being deleted
        moving = MOVED in fates or bool(DELETED in fates and deletions.moving and not self._bypass)
        refused = [STAYS]
        checked_at_once = not (key.deferrable and self._atomic)
        if moving and checked_at_once:
            parking = self._parkings.park(name, key, held)
            if parking is not None:
                release.parkings.append(parking)
            else:
                refused.append(MOVED)
                release.deletes_first = release.deletes_first or DELETED in fates
        elif DELETED in fates and checked_at_once:
            release.deletes_first = True
        return self._refuse(name, key, held, refused, findings) if fates.keys() & set(refused) else 0

    def _refuse(self, name: str, key: ExclusiveKey, held: Sql, fates: Sequence[str], findings: Findings) -> int:
        rows = sql.SQL("SELECT DISTINCT stage_id, NULL::text AS waits_for FROM {} WHERE fate = ANY ({})")
        exclusion = any(operator != "=" for operator in key.operators)
        reason = f"values of {'exclusion constraint' if exclusion else 'unique key'} {key} are held by other rows"
        if MOVED in fates:
            reason += ", which cannot let go of them first"
        return findings.add(
            name,
            rows.format(held, sql.Literal(list(fates))),
            reason=reason,
            sqlstate=EXCLUSION if exclusion else UNIQUE,
            constraint=key.name,
        )

    def _held(self, name: str, key: ExclusiveKey, deleted: Sql | None) -> Sql:
        """A query of (stage_id, row_id, part_id, fate): who holds on the target what which staged row brings."""
        goes: Sql = sql.SQL("false")
        target, lines = self._comparison.relations[name], self._comparison.differences[name].lines
        if deleted is not None:
            goes = sql.SQL("EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted, _is(target, "t", "x"))
        staged = key.values(self._comparison.source.staged(name).relation)
        moves = sql.SQL(
            'EXISTS (SELECT 1 FROM {lines} u WHERE {same} AND u.action = {changed}::"char") AND NOT EXISTS'
            ' (SELECT 1 FROM {lines} u JOIN {staged} n ON n."playback row" = u.stage_id'
            ' WHERE {same} AND u.action = {changed}::"char" AND {excludes})'
        ).format(
            lines=lines,
            same=_is(target, "t", "u"),
            changed=sql.Literal(CHANGED),
            staged=staged,
            excludes=key.excludes("n", "s"),
        )
        return sql.SQL(
            'SELECT d.stage_id, t."playback row" AS row_id, t."playback part" AS part_id,'
            " CASE WHEN {goes} THEN {deleted} WHEN {moves} THEN {moved} ELSE {stays} END AS fate"
            ' FROM {staged} s JOIN {lines} d ON d.stage_id = s."playback row"'
            ' AND d.action IN ({i}::"char", {u}::"char")'
            " JOIN {values} t ON {excludes} WHERE NOT ({same_key})"
        ).format(
            goes=goes,
            deleted=sql.Literal(DELETED),
            moves=moves,
            moved=sql.Literal(MOVED),
            stays=sql.Literal(STAYS),
            staged=staged,
            lines=lines,
            i=sql.Literal(MISSING),
            u=sql.Literal(CHANGED),
            values=key.values(target),
            excludes=key.excludes("t", "s"),
            same_key=same_key(self._comparison.schema.tables[name], "t", "s"),
        )

    def _duplicates(self, name: str, key: ExclusiveKey, findings: Findings) -> int:
        """Note staged rows that exclude each other, which only a key can be to blame for that the source lacks."""
        recorded = self._comparison.source.manifest.schema.tables.get(name)
        known = {unique.name for unique in recorded.unique_keys} if recorded else set()
        # the primary key and exclusion constraints are recorded without a name
        if key.name in known or any(operator != "=" for operator in key.operators):
            return 0
        rows = sql.SQL(
            "SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {written} WHERE EXISTS"
            ' (SELECT 1 FROM {staged} a JOIN {staged} b ON {excludes} AND a."playback row" > b."playback row"'
            ' WHERE a."playback row" = s.ctid)'
        ).format(
            written=self._comparison.written(name),
            staged=key.values(self._comparison.source.staged(name).relation),
            excludes=key.excludes("a", "b"),
        )
        reason = f"several rows of the backup have the same values of unique key {key}"
        return findings.add(name, rows, reason=reason, sqlstate=UNIQUE, constraint=key.name)


def _is(target: Relation, alias: str, ids: str) -> Sql:
    """The condition that row `alias` of `ExclusiveKey.values` is the one in a table of ids."""
    template = '{a}."playback row" = {b}.row_id'
    if target.partitioned:
        template += ' AND {a}."playback part" = {b}.part_id'
    return sql.SQL(template).format(a=sql.Identifier(alias), b=sql.Identifier(ids))
