"""The foreign keys by which rows of any schema find those of a table: what they do when such a row goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import Equality
from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.equality import read_equalities
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import Connection

NO_ACTION = "a"
"""What becomes of a row whose parent goes: nothing, but it has to find another one. As pg_constraint has it."""

# those of other schemas, and those that lead to single partitions, included
_LEADING = sql.SQL("""
SELECT p.named, c.oid::bigint, c.named, c.relkind = 'p', f.conname, f.confdeltype::text,
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum),
       has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM {NAMED} p
JOIN pg_constraint f ON f.contype = 'f' AND f.conparentid = 0
     AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
     AND (f.confrelid = p.oid OR p.relkind = 'p' AND f.confrelid IN (SELECT relid FROM pg_partition_tree(p.oid)))
JOIN {NAMED} c ON c.oid = f.conrelid
WHERE p.relkind IN ('r', 'p') AND NOT p.relispartition
ORDER BY p.named COLLATE "C", c.named COLLATE "C", f.conname COLLATE "C"
""").format(NAMED=NAMED)


class LeadingKey(Struct, frozen=True, kw_only=True):
    """An enforced foreign key, of whatever schema, that leads to a table.

    Attributes:
        equalities: how rows find their parent, as of any foreign key.
        readable: the role may look at the rows of the child.
    """

    child: str
    source: sql.Identifier
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
        return sql.SQL("{}" if self.partitioned else "ONLY {}").format(self.source)


def leading_keys(connection: Connection, schemas: Schemas) -> Mapping[str, list[LeadingKey]]:
    """Per table of a schema, the keys by which rows of any table find theirs."""
    found: dict[str, list[LeadingKey]] = defaultdict(list)
    rows = connection.execute(_LEADING, {"schemas": parameter(schemas)}).fetchall()
    equalities = read_equalities(connection, {child: name for _, child, name, *_ in rows}).foreign_keys
    for parent, _, child, partitioned, name, on_delete, columns, parent_columns, readable in rows:
        found[parent].append(
            LeadingKey(
                child=child,
                source=identifier(schemas, child),
                partitioned=partitioned,
                name=name,
                on_delete=on_delete,
                columns=tuple(columns),
                parent_columns=tuple(parent_columns),
                equalities=equalities.get((child, name), ()),
                readable=readable,
            )
        )
    return found
