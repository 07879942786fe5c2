"""What no two rows of a table may share: unique indexes of every kind, and exclusion constraints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import DatabaseSchema, Equality, Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.schema.relation import Relation, Sql, compared, is_null
from toolkit.postgres.schema.whole_rows import over, whole_row
from toolkit.postgres.session.connection import Connection, full_names

_KEYS = sql.SQL("""
SELECT c.named, i.relname, x.indisexclusion, NOT x.indimmediate,
       coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false),
       pg_get_expr(x.indpred, x.indrelid),
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true) FROM generate_series(1, x.indnkeyatts) k),
       (SELECT array_agg(ARRAY[
                   format('%%I.%%s', n.nspname, o.oprname),
                   CASE WHEN l.typtype <> 'p' THEN format('%%I.%%I', ln.nspname, l.typname) ELSE '' END,
                   CASE WHEN r.typtype <> 'p' THEN format('%%I.%%I', rn.nspname, r.typname) ELSE '' END,
                   coalesce((SELECT format('%%I.%%I', m.nspname, y.collname) FROM pg_collation y
                             JOIN pg_namespace m ON m.oid = y.collnamespace
                             WHERE y.oid = (x.indcollation::oid[])[e.place - 1]), '')] ORDER BY e.place)
        FROM unnest(x.indclass::oid[]) WITH ORDINALITY AS e(class, place)
        JOIN pg_opclass k ON k.oid = e.class
        LEFT JOIN pg_constraint f ON x.indisexclusion AND f.conindid = x.indexrelid AND f.conrelid = x.indrelid
                                     AND f.contype IN ('x', 'p', 'u')
        JOIN pg_operator o ON o.oid = coalesce(
            f.conexclop[e.place],
            (SELECT p.amopopr FROM pg_amop p WHERE p.amopfamily = k.opcfamily AND p.amopstrategy = 3
             AND p.amoplefttype = k.opcintype AND p.amoprighttype = k.opcintype))
        JOIN pg_namespace n ON n.oid = o.oprnamespace
        JOIN pg_type l ON l.oid = o.oprleft JOIN pg_namespace ln ON ln.oid = l.typnamespace
        JOIN pg_type r ON r.oid = o.oprright JOIN pg_namespace rn ON rn.oid = r.typnamespace),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = x.indrelid AND a.attnum > 0
                   AND (a.attnum = ANY ((x.indkey::int2[])[0:x.indnkeyatts - 1])
                        OR EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                                   AND d.objid = x.indexrelid AND d.refclassid = 'pg_class'::regclass
                                   AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum))
             ORDER BY a.attname COLLATE "C"),
       x.indexprs IS NULL AND x.indpred IS NULL AND NOT x.indisexclusion AND r.oid = c.oid,
       CASE WHEN r.oid <> c.oid THEN pg_get_partition_constraintdef(r.oid) END,
       {WHOLE}
FROM {NAMED} c
JOIN pg_class r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_index x ON x.indrelid = r.oid AND (x.indisunique OR x.indisexclusion) AND x.indisready
JOIN pg_class i ON i.oid = x.indexrelid AND (r.oid = c.oid OR NOT i.relispartition)
WHERE c.named = ANY (%(tables)s)
ORDER BY c.named COLLATE "C", i.relname COLLATE "C"
""").format(NAMED=NAMED, WHOLE=whole_row("concat(x.indexprs::text, x.indpred::text)"))


DEFINITION = sql.SQL("""concat(
    pg_get_constraintdef(k.oid), CASE WHEN k.conrelid <> c.oid THEN ' OF ' END,
    CASE WHEN k.conrelid <> c.oid THEN pg_get_partition_constraintdef(k.conrelid) END)""")
"""A constraint `k` of table `c` in words, with the rows that it speaks of where it is a partition's."""

_DEFINITIONS = sql.SQL("""
SELECT c.named, i.relname, {DEFINITION}
FROM {NAMED} c
JOIN pg_class r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('x', 'p', 'u')
JOIN pg_class i ON i.oid = k.conindid
WHERE c.named = ANY (%(tables)s)
""").format(NAMED=NAMED, DEFINITION=DEFINITION)


class ExclusiveKey(Struct, frozen=True, kw_only=True):
    """Values that only one row of a table may have.

    Attributes:
        elements: SQL expressions over the table's columns, as the server prints them.
        operators: per element, the operator under which two rows exclude each other.
        exclusion: they need not be equal for that: an exclusion constraint, or a key WITHOUT OVERLAPS.
        predicate: the condition on rows that the key speaks of; empty for all rows.
        columns: the columns that the elements and the predicate read.
        deferrable: it can be checked at the end of the transaction.
        plain: it is a unique key of columns, of all rows.
        definition: of the constraint that it is of, if any, as the server prints it.
        whole: where it speaks of rows as a whole, the table that they are of: see `whole_row`.
    """

    name: str
    elements: tuple[str, ...]
    operators: tuple[Equality, ...]
    exclusion: bool
    predicate: str
    columns: tuple[str, ...]
    nulls_not_distinct: bool
    deferrable: bool
    plain: bool
    definition: str
    whole: tuple[str, ...] | None = None

    def known(self, recorded: Table | None, now: Table) -> bool:
        """Tell whether a backup's table had the same key, so that its rows cannot exclude each other.

        Of an index of expressions, or of some rows, a backup does not record enough to say so.

        Args:
            now: the table as it is on the target.
        """
        if self.exclusion:
            return recorded is not None and self.definition in recorded.checks
        same = {each.name for each in recorded.unique_keys if each in now.unique_keys} if recorded else set()
        return self.plain and self.name in same

    def __str__(self) -> str:
        where = f" where {self.predicate}" if self.predicate else ""
        return f"{self.name} ({', '.join(self.elements)}{where})"

    @property
    def expression(self) -> Sql:
        """All that has to be computed of a row `s`, as a list."""
        return computed(self.elements, self.predicate, self.whole)

    def values(self, relation: Relation, *, among: Sql | None = None) -> Sql:
        """Query the rows that the key speaks of: their columns, ids (`"playback row"`, `… part`) and elements.

        The elements are called `"playback 0"`, `"playback 1"` …, which no column of an application is.

        Args:
            among: a query of the ctids of rows; nothing is computed of others.
        """
        listed = sql.SQL("").join(
            sql.SQL(", ({}) AS {}").format(over(element, self.whole, "r"), _name(number))
            for number, element in enumerate(self.elements)
        )
        condition = over(self.predicate or "true", self.whole, "r")
        if among is not None:
            condition = sql.SQL("CASE WHEN r.ctid = ANY ({}) THEN {} ELSE false END").format(among, condition)
        return sql.SQL(
            '(SELECT r.*, r.ctid AS "playback row", r.tableoid AS "playback part"{} FROM {} r WHERE {})'
        ).format(listed, relation.source, condition)

    def excludes(self, left: str, right: str) -> Sql:
        """Give the condition that two rows of `values` exclude each other."""
        return sql.SQL(" AND ").join(
            self._excludes(sql.Identifier(left, f"playback {number}"), sql.Identifier(right, f"playback {number}"), by)
            for number, by in enumerate(self.operators)
        )

    def _excludes(self, left: sql.Identifier, right: sql.Identifier, by: Equality) -> Sql:
        if not self.nulls_not_distinct:
            return compared(left, right, by)
        return sql.SQL("({} OR {} AND {})").format(compared(left, right, by), is_null(left), is_null(right))


def computed(elements: Collection[str], predicate: str, whole: Sequence[str] | None) -> Sql:
    """Give what an index computes of a row `s`, as a list."""
    condition = over(predicate or "true", whole, "s")
    return sql.SQL(", ").join(
        sql.SQL("CASE WHEN {} THEN ({}) END").format(condition, over(element, whole, "s")) for element in elements
    )


def exclusive_keys(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str]
) -> Mapping[str, list[ExclusiveKey]]:
    """Give the exclusive keys of these tables, less the one by which their rows are told apart."""
    found: dict[str, list[ExclusiveKey]] = defaultdict(list)
    rows = connection.execute(_KEYS, {"schemas": parameter(schema.schemas), "tables": list(tables)}).fetchall()
    definitions = _definitions(connection, schema, {row[0] for row in rows if row[2]})
    for (
        table,
        name,
        exclusion,
        deferrable,
        not_distinct,
        predicate,
        elements,
        operators,
        columns,
        plain,
        within,
        whole,
    ) in rows:
        if plain and set(columns) == set(sort_key(schema.tables[table]).names):
            continue
        found[table].append(
            ExclusiveKey(
                name=name,
                elements=tuple(elements),
                operators=tuple(
                    Equality(operator=each, left=left, right=right, collation=collation)
                    for each, left, right, collation in operators
                ),
                exclusion=exclusion,
                predicate=" AND ".join(f"({each})" for each in (within, predicate) if each),
                columns=tuple(columns),
                nulls_not_distinct=not_distinct,
                deferrable=deferrable,
                plain=plain,
                definition=definitions.get((table, name), ""),
                whole=whole and tuple(whole),
            )
        )
    return found


def _definitions(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str]
) -> Mapping[tuple[str, str], str]:
    """The definitions of constraints that are kept by indexes, by table and index, written as a backup records them."""
    if not tables:
        return {}
    with full_names(connection):
        rows = connection.execute(
            _DEFINITIONS, {"schemas": parameter(schema.schemas), "tables": list(tables)}
        ).fetchall()
    return {(table, name): definition for table, name, definition in rows}


def deferrable_keys(connection: Connection, schema: DatabaseSchema) -> frozenset[str]:
    """Give the tables that have a key which can be checked at the end of the transaction."""
    found = exclusive_keys(connection, schema, list(schema.tables))
    return frozenset(name for name, keys in found.items() if any(key.deferrable for key in keys))


def _name(number: int) -> sql.Identifier:
    return sql.Identifier(f"playback {number}")
