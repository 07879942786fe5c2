"""What no two rows of a table may share: unique indexes of every kind, and exclusion constraints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.planning.row_order import sort_key
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql

_KEYS = """
SELECT c.relname, i.relname, x.indisexclusion, NOT x.indimmediate,
       coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false),
       pg_get_expr(x.indpred, x.indrelid),
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true) FROM generate_series(1, x.indnkeyatts) k),
       (SELECT array_agg(format('OPERATOR(%%I.%%s)', n.nspname, o.oprname) ORDER BY e.place)
        FROM pg_constraint f, unnest(f.conexclop) WITH ORDINALITY AS e(operator, place)
        JOIN pg_operator o ON o.oid = e.operator JOIN pg_namespace n ON n.oid = o.oprnamespace
        WHERE f.conindid = x.indexrelid AND f.conrelid = x.indrelid AND f.contype = 'x'),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = x.indrelid AND a.attnum > 0
                   AND (a.attnum = ANY ((x.indkey::int2[])[0:x.indnkeyatts - 1])
                        OR EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                                   AND d.objid = x.indexrelid AND d.refclassid = 'pg_class'::regclass
                                   AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum))
             ORDER BY a.attname COLLATE "C"),
       x.indexprs IS NULL AND x.indpred IS NULL AND x.indisunique
FROM pg_class c
JOIN pg_index x ON x.indrelid = c.oid AND (x.indisunique OR x.indisexclusion) AND x.indisvalid
JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relname = ANY (%s)
ORDER BY c.relname COLLATE "C", i.relname COLLATE "C"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusiveKey:
    """Values that only one row of a table may have.

    Attributes:
        elements: SQL expressions over the table's columns, as the server prints them.
        operators: per element, the operator under which two rows exclude each other.
        predicate: the condition on rows that the key speaks of; empty for all rows.
        columns: the columns that the elements and the predicate read.
        deferrable: it can be checked at the end of the transaction.
    """

    name: str
    elements: tuple[str, ...]
    operators: tuple[str, ...]
    predicate: str
    columns: tuple[str, ...]
    nulls_not_distinct: bool
    deferrable: bool

    def __str__(self) -> str:
        where = f" where {self.predicate}" if self.predicate else ""
        return f"{self.name} ({', '.join(self.elements)}{where})"

    def values(self, relation: Relation) -> Sql:
        """A subquery of the rows that the key speaks of: their columns, ids (`"playback row"`, `… part`) and elements.

        The elements are called `"playback 0"`, `"playback 1"` …, which no column of an application is.
        """
        listed = sql.SQL("").join(
            sql.SQL(", ({}) AS {}").format(sql.SQL(element), _name(number))
            for number, element in enumerate(self.elements)
        )
        return sql.SQL(
            '(SELECT r.*, r.ctid AS "playback row", r.tableoid AS "playback part"{} FROM {} r WHERE {})'
        ).format(listed, relation.source, sql.SQL(self.predicate or "true"))

    def excludes(self, left: str, right: str) -> Sql:
        """The condition that two rows of `values` exclude each other."""
        template = sql.SQL("{} IS NOT DISTINCT FROM {}") if self.nulls_not_distinct else sql.SQL("{} {} {}")
        return sql.SQL(" AND ").join(
            template.format(sql.Identifier(left, name), sql.Identifier(right, name))
            if self.nulls_not_distinct
            else template.format(sql.Identifier(left, name), sql.SQL(operator), sql.Identifier(right, name))
            for number, operator in enumerate(self.operators)
            for name in [f"playback {number}"]
        )


def exclusive_keys(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str]
) -> Mapping[str, list[ExclusiveKey]]:
    """The exclusive keys of these tables, less the one by which their rows are told apart."""
    found: dict[str, list[ExclusiveKey]] = defaultdict(list)
    for table, name, _, deferrable, not_distinct, predicate, elements, operators, columns, plain in connection.execute(
        _KEYS, [schema.name, list(tables)]
    ):
        if plain and set(columns) == set(sort_key(schema.tables[table]).names):
            continue
        found[table].append(
            ExclusiveKey(
                name=name,
                elements=tuple(elements),
                operators=tuple(operators or ["="] * len(elements)),
                predicate=predicate or "",
                columns=tuple(columns),
                nulls_not_distinct=not_distinct,
                deferrable=deferrable,
            )
        )
    return found


def _name(number: int) -> sql.Identifier:
    return sql.Identifier(f"playback {number}")
