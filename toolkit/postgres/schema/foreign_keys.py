"""The foreign keys of tables, those that only some of their partitions have or lead to included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from toolkit.model.schema import Equality, ForeignKey, OnChange
from toolkit.postgres.schema.equality import read_equalities
from toolkit.postgres.session.connection import Connection

_FOREIGN_KEYS = """
SELECT c.named, f.conrelid::bigint, f.conname, p.named,
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum),
       f.confdeltype::text, f.confupdtype::text,
       ARRAY(SELECT a.attname::text
             FROM jsonb_array_elements_text(jsonb_path_query_array(to_jsonb(f), '$.confdelsetcols[*]')) AS k(attnum)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum::int2
             ORDER BY a.attname COLLATE "C"),
       f.confmatchtype = 'f', f.condeferrable, f.convalidated,
       coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true),
       coalesce((to_jsonb(f) ->> 'conperiod')::boolean, false),
       CASE WHEN f.conrelid <> c.oid THEN coalesce(pg_get_partition_constraintdef(f.conrelid), 'true') ELSE '' END,
       CASE WHEN f.confrelid <> p.oid THEN coalesce(pg_get_partition_constraintdef(f.confrelid), 'true') ELSE '' END,
       ARRAY(SELECT t.relid::oid::bigint FROM pg_partition_tree(f.conrelid) t WHERE t.isleaf),
       (SELECT count(*) FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
FROM pg_constraint f
JOIN unnest(%(oids)s::oid[], %(tables)s::text[]) AS c (oid, named)
     ON c.oid = coalesce(pg_partition_root(f.conrelid)::oid, f.conrelid)
JOIN unnest(%(oids)s::oid[], %(tables)s::text[]) AS p (oid, named)
     ON p.oid = coalesce(pg_partition_root(f.confrelid)::oid, f.confrelid)
WHERE f.contype = 'f' AND f.conparentid = 0
ORDER BY c.named COLLATE "C", f.conname COLLATE "C", f.conrelid
"""

_ON_CHANGE: dict[str, OnChange] = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}


class _Declared(Struct, frozen=True, kw_only=True):
    """One declaration of a foreign key.

    Attributes:
        within: which rows of the table have it; empty for all.
        leaves: the partitions whose rows these are.
        of: how many such partitions the table has.
    """

    key: ForeignKey
    within: str
    leaves: frozenset[int]
    of: int


def read_foreign_keys(
    connection: Connection, parameters: Mapping[str, Any], equalities: Mapping[tuple[str, str], tuple[Equality, ...]]
) -> Mapping[str, list[ForeignKey]]:
    """Give the foreign keys by table; those of partitions are the table's, for the rows of these partitions.

    Args:
        parameters: the object ids of the tables as `oids`, the text that names each as `tables`.
        equalities: of the tables' own keys, by table and constraint.
    """
    rows = connection.execute(_FOREIGN_KEYS, parameters).fetchall()
    parts = {row[1]: str(row[1]) for row in rows if row[-4]}
    of_parts = read_equalities(connection, parts).foreign_keys if parts else {}
    declared: dict[str, list[_Declared]] = defaultdict(list)
    for table, held, *facts, within, parent_within, leaves, of in rows:
        key = _foreign_key([*facts, parent_within])
        place = (parts[held] if within else table, key.name)
        key = replace(key, equalities=(of_parts if within else equalities).get(place, ()))
        declared[table].append(_Declared(key=key, within=within, leaves=frozenset(leaves), of=of))
    return {table: list(_merged(found)) for table, found in declared.items()}


def _merged(declared: Sequence[_Declared]) -> Iterator[ForeignKey]:
    """The keys of one table: what several partitions declare alike is one key of all their rows."""
    alike: dict[tuple[Any, ...], list[_Declared]] = defaultdict(list)
    taken = set[str]()
    for each in declared:
        if each.within:
            alike[each.key.parent, replace(each.key, name="", validated=True)].append(each)
        else:
            taken.add(each.key.name)
            yield each.key
    for found in alike.values():
        names = [each.key.name for each in found]
        name = next((name for name in names if name not in taken), f"{names[0]} {len(taken)}")
        taken.add(name)
        everywhere = len(frozenset[int]().union(*(each.leaves for each in found))) == found[0].of
        yield replace(
            found[0].key,
            name=name,
            validated=all(each.key.validated for each in found),
            within="" if everywhere else " OR ".join(f"({each.within})" for each in found),
        )


def _foreign_key(facts: list[Any]) -> ForeignKey:
    """What one row of the query says, what names and places its rows left out."""
    name, parent, columns, parent_columns, on_delete, on_update, limited_to, *flags, parent_within = facts
    match_full, deferrable, validated, enforced, period = flags
    return ForeignKey(
        name=name,
        columns=tuple(columns),
        parent=parent,
        parent_columns=tuple(parent_columns),
        on_delete=_ON_CHANGE[on_delete],
        on_update=_ON_CHANGE[on_update],
        set_columns=tuple(limited_to),
        match_full=match_full,
        deferrable=deferrable,
        validated=validated,
        enforced=enforced,
        period=period,
        parent_within=parent_within,
    )
