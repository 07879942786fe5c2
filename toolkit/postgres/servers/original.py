"""What has to be known of a database whose schema a scratch database gets, beside that schema itself."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.postgres.servers.lacking import Extension, extensions_of, older_extensions
from toolkit.postgres.servers.place import Place, locale_of, path_of
from toolkit.postgres.servers.schema_archive import CONSTRAINT, EXTENSION, SCHEMA, Dumped, Table
from toolkit.postgres.session.connection import Connection

_KEYS_OUT = """
SELECT k.oid::bigint, pg_catalog.format('%%I.%%I', n.nspname, c.relname), k.conname,
       pg_catalog.format('%%I.%%I', pn.nspname, p.relname)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname = ANY (%s) AND pn.nspname <> ALL (%s)
ORDER BY 2, 3
"""

# an index by a function of somebody's may look at other tables; one that a table is clustered by, or known by, comes
# with a statement that waits for whoever builds another one
_EARLY = """
WITH plain AS (
    SELECT i.indexrelid, n.nspname, c.relname
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.oid >= 16384 AND i.indexprs IS NULL AND i.indpred IS NULL
    AND NOT (i.indisclustered OR i.indisreplident)
)
SELECT 1259, indexrelid::bigint, nspname, relname FROM plain
UNION ALL
SELECT 2606, k.oid::bigint, p.nspname, p.relname
FROM plain p JOIN pg_constraint k ON k.conindid = p.indexrelid AND k.contype IN ('p', 'u', 'x')
"""

# pg_dump locks what it copies, and needs the right to read it for that
_UNREADABLE = """
SELECT pg_catalog.format('--exclude-schema=%%I', n.nspname)
FROM pg_namespace n
WHERE n.nspname <> ALL (%(schemas)s) AND n.nspname !~ '^pg_' AND NOT has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT pg_catalog.format('--exclude-table=%%I.%%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> ALL (%(schemas)s) AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE')
AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT has_table_privilege(c.oid, 'SELECT')
"""


class Original(Struct, frozen=True, kw_only=True):
    """What is known of the database whose schema is taken.

    Attributes:
        dumped: how its schema is dumped.
        said: what a scratch database has otherwise, as sentences.
        keys: the foreign keys that are left out.
        owners: the tables of indexes and keys that depend on nothing but their rows, by catalog and object id.
        locale: the clause that makes a database sort like it; None for one that sorts like our server.
        path: its search path.
    """

    dumped: Dumped
    said: tuple[str, ...]
    keys: frozenset[int]
    owners: dict[tuple[int, int], Table]
    extensions: tuple[Extension, ...]
    locale: sql.Composed | None
    path: tuple[str, ...]

    @property
    def skipped(self) -> set[tuple[int, int]]:
        """The objects that are not restored: left out, or made in another way."""
        made = {(EXTENSION, each.id) for each in self.extensions} | {
            (SCHEMA, each.schema_id) for each in self.extensions
        }
        return made | {(CONSTRAINT, key) for key in self.keys}


def read_original(
    original: Connection, maker: Connection, place: Place, *, like: str, schemas: Sequence[str], programs: str
) -> Original:
    """Read all that has to be known of a database before its schema is dumped."""
    keys = original.execute(_KEYS_OUT, [list(schemas), list(schemas)]).fetchall()
    return Original(
        dumped=Dumped(
            conninfo=like,
            name=original.info.dbname,
            user=original.info.user,
            version=original.info.server_version // 10000,
            programs=programs,
            excluded=[option for (option,) in original.execute(_UNREADABLE, {"schemas": list(schemas)})],
        ),
        said=(
            *older_extensions(original, maker),
            *(
                f"key {key} of {table} leads to {parent}, whose rows are not restored: left out"
                for _, table, key, parent in keys
            ),
        ),
        keys=frozenset(key for key, *_ in keys),
        owners={(catalog, number): (schema, table) for catalog, number, schema, table in original.execute(_EARLY)},
        extensions=tuple(extensions_of(original)),
        locale=None if place.owner else locale_of(original),
        path=tuple(path_of(original)),
    )
