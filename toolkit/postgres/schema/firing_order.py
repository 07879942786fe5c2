"""In which order foreign keys act on what is deleted or changed in the table that they lead to, where it matters.

The server fires their triggers in the order of their names, which is that in which the keys were made
(https://www.postgresql.org/docs/current/trigger-definition.html). It matters where one key changes rows that the other
one looks at or changes, whatever stands between: a row that the first deletes is no hindrance to the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from msgspec import Struct

from toolkit.postgres.session.connection import Connection

_KEYS = """
WITH keys AS (
    SELECT k.oid, k.conname, k.confdeltype, k.confupdtype, k.conrelid, k.confrelid,
        coalesce(pg_partition_root(k.conrelid), k.conrelid)::oid AS of,
        coalesce(pg_partition_root(k.confrelid), k.confrelid)::oid AS to,
        (SELECT min(g.tgname::text COLLATE "C") FROM pg_trigger g
         WHERE g.tgconstraint = k.oid AND g.tgrelid = k.confrelid) AS fires
    FROM pg_constraint k WHERE k.contype = 'f'
), heard AS (
    SELECT coalesce(pg_partition_root(g.tgrelid), g.tgrelid)::oid AS of, (g.tgtype & 8) <> 0 AS d,
        (g.tgtype & 16) <> 0 AS u
    FROM pg_trigger g WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
    UNION ALL
    SELECT w.ev_class, w.ev_type = '4', w.ev_type = '2' FROM pg_rewrite w WHERE w.ev_type <> '1' AND w.ev_enabled <> 'D'
)
SELECT k.oid::bigint, k.conname::text, k.conrelid::regclass::text, k.of::bigint, k.to::bigint,
    k.confdeltype::text, k.confupdtype::text,
    EXISTS (SELECT FROM heard h WHERE h.of = k.of AND h.d), EXISTS (SELECT FROM heard h WHERE h.of = k.of AND h.u)
FROM keys k WHERE k.fires IS NOT NULL
ORDER BY k.fires COLLATE "C"
"""

_CASCADE, _DEFAULT, _ACTING = "c", "d", ("c", "n", "d")


class ActingKey(Struct, frozen=True):
    """A foreign key, as far as it acts on the table that it is of.

    Attributes:
        number: the server's.
        of: the number of its table, that of the whole where it is a part.
        to: the same of the table that it leads to.
        on_delete: what it does there, as pg_constraint has it.
        hears_deletes: triggers or rules of its table do something when rows are deleted: anything.
    """

    number: int
    name: str
    table: str
    of: int
    to: int
    on_delete: str
    on_update: str
    hears_deletes: bool = False
    hears_updates: bool = False

    def __str__(self) -> str:
        return f"{self.name} of {self.table}"

    def action(self, *, deleted: bool) -> str:
        """Give what it does when a row that it leads to is deleted, or else changed."""
        return self.on_delete if deleted else self.on_update


class _Effects:
    """What a key does when a row that it leads to is deleted, or else changed, through all keys that act then.

    Attributes:
        changed: the tables in which it may change rows.
        seen: those at whose rows it looks, these among them.
        anything: it may do anything, by a trigger of its user.
        cascades: all it does is to delete, or change, what leads to what is deleted or changed.
    """

    def __init__(self, key: ActingKey, leading: Mapping[int, Sequence[ActingKey]], *, deleted: bool) -> None:
        self.changed, self.seen = set[int](), set[int]()
        self.anything, self.cascades = False, True
        known, left = set[tuple[int, bool]](), [(key, deleted)]
        while left:
            each, deletes = left.pop()
            action = each.action(deleted=deletes)
            self.seen.add(each.of)
            self.cascades &= action == _CASCADE
            if action == _DEFAULT:
                self.seen.add(each.to)
            if action not in _ACTING:
                continue
            deletes &= action == _CASCADE
            self.changed.add(each.of)
            self.anything |= each.hears_deletes if deletes else each.hears_updates
            if (each.of, deletes) not in known:
                known.add((each.of, deletes))
                left += [(other, deletes) for other in leading[each.of]]

    def disturbs(self, other: _Effects) -> bool:
        """Tell whether the other one may find another state where this one comes first."""
        return self.anything or not self.changed.isdisjoint(other.seen)


def acting_keys(connection: Connection) -> list[ActingKey]:
    """Give the foreign keys of a database in the order in which they act."""
    return [ActingKey(*row) for row in connection.execute(_KEYS)]


def pairs_that_matter(keys: Sequence[ActingKey], tables: Collection[int]) -> Iterator[tuple[ActingKey, ActingKey]]:
    """Give the pairs of keys to the same of some tables whose order matters, each as they act.

    Args:
        keys: all, in the order in which they act.
        tables: their numbers.
    """
    leading = defaultdict[int, list[ActingKey]](list)
    for key in keys:
        leading[key.to].append(key)
    for table in tables:
        effects = {
            key.number: [_Effects(key, leading, deleted=deleted) for deleted in (True, False)] for key in leading[table]
        }
        for first, second in combinations(leading[table], 2):
            if any(map(_matters, effects[first.number], effects[second.number])):
                yield first, second


def _matters(first: _Effects, second: _Effects) -> bool:
    both_delete = first.cascades and second.cascades
    return not both_delete and (first.disturbs(second) or second.disturbs(first))
