"""Rows of a JSON backup that have a key in common which the server would check only at the end of the transaction."""

from __future__ import annotations

from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.planning.json_backup.faults import Faults, Where
from toolkit.postgres.importing.loading import Loaded
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.schema.relation import columns, filled, relation_of, text_of
from toolkit.postgres.session.connection import Connection

# such a key is checked by a trigger, and triggers are silent while a file is loaded
_DEFERRABLE = sql.SQL("""
SELECT c.named, k.conname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) AS u(number)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number)
FROM {NAMED} c JOIN pg_constraint k ON k.conrelid = c.oid
WHERE k.contype IN ('p', 'u') AND k.condeferrable
ORDER BY c.named COLLATE "C", k.conname COLLATE "C"
""").format(NAMED=NAMED)

_SAMPLES = 3


def find_doubles(connection: Connection, schema: DatabaseSchema, loaded: Loaded, faults: Faults) -> None:
    """Add a fault for each deferrable key that several rows have; which of them is the right one nobody can say."""
    found = connection.execute(_DEFERRABLE, {"schemas": parameter(schema.schemas)}).fetchall()
    for table, key, names in found:
        if not loaded.rows.get(table):
            continue
        query = sql.SQL("SELECT {}, count(*) FROM {} t WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT {}").format(
            text_of("t", names),
            relation_of(schema.schemas, schema.tables[table]).source,
            filled("t", names),
            columns("t", names),
            sql.Literal(_SAMPLES),
        )
        for text, _ in connection.execute(query).fetchall():
            subject = f"{loaded.models[table]}.{', '.join(names)}"
            faults.add(key, subject, f"several records have it, and {key} lets only one", Where(key=text))
