"""By which operators the server finds values equal: those of keys, of foreign keys, and of types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from toolkit.model.schema import PLAIN, Equality
from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection

# per column the operator, the types it compares and the collation, where that is not the columns' own or takes other
# texts for equal. A unique index compares by its operator class, or, under WITHOUT OVERLAPS, by the constraint behind
# it, whose last column is a range
_OPERATORS = sql.SQL("""
WITH RECURSIVE base AS (
    SELECT t.oid, t.oid AS base FROM pg_type t WHERE t.typtype <> 'd'
    UNION ALL
    SELECT t.oid, b.base FROM pg_type t JOIN base b ON t.typtype = 'd' AND t.typbasetype = b.oid
), own AS (
    SELECT c.oid, c.named FROM {NAMED} c
    WHERE c.relkind IN ('r', 'p') AND (%(partitions)s OR NOT c.relispartition)
), by_class AS (
    SELECT k.oid, k.opcintype AS type, k.opcdefault AS is_default, m.amopopr AS operator
    FROM pg_opclass k
    JOIN pg_am a ON a.oid = k.opcmethod AND a.amname = 'btree'
    JOIN pg_amop m ON m.amopfamily = k.opcfamily AND m.amoplefttype = k.opcintype AND m.amoprighttype = k.opcintype
         AND m.amopstrategy = 3
), compared AS (
    SELECT 'key' AS kind, c.named AS place, i.relname::text AS name, k.ord,
           coalesce(b.operator,
                    (SELECT f.conexclop[k.ord] FROM pg_constraint f
                     WHERE f.conindid = i.oid AND f.conrelid = c.oid AND k.ord < x.indnkeyatts),
                    'pg_catalog.=(pg_catalog.anyrange,pg_catalog.anyrange)'::regoperator) AS operator,
           a.atttypid AS left_type, a.atttypid AS right_type,
           a.attcollation AS own_collation, (x.indcollation::oid[])[k.ord - 1] AS collation
    FROM own c
    JOIN pg_index x ON x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indexprs IS NULL
    JOIN pg_class i ON i.oid = x.indexrelid
    CROSS JOIN LATERAL unnest(x.indkey::int2[], x.indclass::oid[]) WITH ORDINALITY AS k(attnum, class, ord)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
    LEFT JOIN by_class b ON b.oid = k.class
    WHERE k.ord <= x.indnkeyatts
    UNION ALL
    SELECT 'foreign key', c.named, f.conname::text, k.ord, k.operator, q.atttypid, a.atttypid,
           a.attcollation, q.attcollation
    FROM own c
    JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f'
    CROSS JOIN LATERAL unnest(f.conkey, f.confkey, f.conpfeqop) WITH ORDINALITY AS k(attnum, theirs, operator, ord)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
    JOIN pg_attribute q ON q.attrelid = f.confrelid AND q.attnum = k.theirs
    UNION ALL
    SELECT 'type', '', format_type(u.type, NULL), 1, b.operator, u.type, u.type, 0, 0
    FROM (SELECT DISTINCT a.atttypid AS type FROM own c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) u
    JOIN base ON base.oid = u.type
    JOIN by_class b ON b.type = base.base AND b.is_default
), special AS (
    SELECT l.oid, format('%%I.%%I', m.nspname, l.collname) AS name, l.collisdeterministic AS deterministic
    FROM pg_collation l JOIN pg_namespace m ON m.oid = l.collnamespace
)
SELECT d.kind, d.place, d.name,
       CASE WHEN o.oprname = '=' AND o.oprnamespace = 'pg_catalog'::regnamespace AND s.name IS NULL
                 AND (pl.typtype = 'p' OR 'pg_catalog'::regnamespace = ALL (ARRAY[tl.typnamespace, tr.typnamespace]))
            THEN NULL
            ELSE ARRAY[
                format('%%I.%%s', n.nspname, o.oprname),
                CASE WHEN pl.typtype <> 'p' THEN format('%%I.%%I', nl.nspname, pl.typname) ELSE '' END,
                CASE WHEN pr.typtype <> 'p' THEN format('%%I.%%I', nr.nspname, pr.typname) ELSE '' END,
                coalesce(s.name, '')]
       END
FROM compared d
JOIN pg_operator o ON o.oid = d.operator
JOIN pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_type pl ON pl.oid = o.oprleft
JOIN pg_namespace nl ON nl.oid = pl.typnamespace
JOIN pg_type pr ON pr.oid = o.oprright
JOIN pg_namespace nr ON nr.oid = pr.typnamespace
JOIN base bl ON bl.oid = d.left_type
JOIN pg_type tl ON tl.oid = bl.base
JOIN base br ON br.oid = d.right_type
JOIN pg_type tr ON tr.oid = br.base
LEFT JOIN special s ON s.oid = d.collation AND (d.collation <> d.own_collation OR NOT s.deterministic)
ORDER BY d.kind, d.place COLLATE "C", d.name COLLATE "C", d.ord
""").format(NAMED=NAMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equalities:
    """What is not compared the plain way.

    Attributes:
        keys: by table and unique index, column by column.
        foreign_keys: by table and constraint, column by column.
        types: by the name of the type.
    """

    keys: Mapping[tuple[str, str], tuple[Equality, ...]]
    foreign_keys: Mapping[tuple[str, str], tuple[Equality, ...]]
    types: Mapping[str, Equality]


def read_equalities(connection: Connection, schemas: Schemas, *, partitions: bool = False) -> Equalities:
    """Give the operators of every key, foreign key and type of these schemas' tables.

    Args:
        partitions: those of single partitions, too.
    """
    found: dict[str, dict[tuple[str, str], list[Equality]]] = defaultdict(lambda: defaultdict(list))
    for kind, place, name, parts in connection.execute(
        _OPERATORS, {"schemas": parameter(schemas), "partitions": partitions}
    ):
        found[kind][place, name].append(_equality(*parts) if parts else PLAIN)

    def special(kind: str) -> dict[tuple[str, str], tuple[Equality, ...]]:
        return {place: tuple(each) for place, each in found[kind].items() if any(one != PLAIN for one in each)}

    return Equalities(
        keys=special("key"),
        foreign_keys=special("foreign key"),
        types={name: found for (_, name), (found,) in special("type").items()},
    )


def _equality(operator: str, left: str, right: str, collation: str) -> Equality:
    return Equality(operator=operator, left=left, right=right, collation=collation)
