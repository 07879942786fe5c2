"""The foreign keys by which rows of any schema find those of a table: what they do when such a row goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from toolkit.model.schema import Equality
from toolkit.postgres.schema.equality import read_equalities
from toolkit.postgres.schema.introspection import quoted
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import Connection

NO_ACTION = "a"
"""What becomes of a row whose parent goes: nothing, but it has to find another one. As pg_constraint has it."""

# those of other schemas, and those that lead to single partitions, included
_LEADING = """
SELECT p.relname, n.nspname, c.relname, c.relkind = 'p', f.conname, f.confdeltype::text,
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum),
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class p
JOIN pg_constraint f ON f.contype = 'f' AND f.conparentid = 0
     AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
     AND (f.confrelid = p.oid OR p.relkind = 'p' AND f.confrelid IN (SELECT relid FROM pg_partition_tree(p.oid)))
JOIN pg_class c ON c.oid = f.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.relnamespace = to_regnamespace(quote_ident(%s)) AND p.relkind IN ('r', 'p') AND NOT p.relispartition
ORDER BY p.relname COLLATE "C", n.nspname COLLATE "C", c.relname COLLATE "C", f.conname COLLATE "C"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadingKey:
    """An enforced foreign key, of whatever schema, that leads to a table.

    Attributes:
        equalities: how rows find their parent, as of any foreign key.
        readable: the role may look at the rows of the child.
    """

    schema: str
    child: str
    partitioned: bool
    name: str
    on_delete: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    equalities: tuple[Equality, ...]
    readable: bool

    @property
    def rows(self) -> Sql:
        """What stands behind FROM for the rows that carry it."""
        return sql.SQL("{}" if self.partitioned else "ONLY {}").format(sql.Identifier(self.schema, self.child))


def leading_keys(connection: Connection, schema: str) -> Mapping[str, list[LeadingKey]]:
    """Per table of a schema, the keys by which rows of any table find theirs."""
    found: dict[str, list[LeadingKey]] = defaultdict(list)
    rows = connection.execute(_LEADING, [schema]).fetchall()
    equalities = {
        each: read_equalities(connection, quoted(connection, each), partitions=True).foreign_keys
        for each in {row[1] for row in rows}
    }
    for parent, child_schema, child, partitioned, name, on_delete, columns, parent_columns, readable in rows:
        found[parent].append(
            LeadingKey(
                schema=child_schema,
                child=child,
                partitioned=partitioned,
                name=name,
                on_delete=on_delete,
                columns=tuple(columns),
                parent_columns=tuple(parent_columns),
                equalities=equalities[child_schema].get((child, name), ()),
                readable=readable,
            )
        )
    return found
