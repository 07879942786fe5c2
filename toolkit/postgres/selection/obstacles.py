"""What keeps the rows of a database from being read as a whole: all of it at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import Accounting
from toolkit.postgres.schema.granting import grants
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.schema.sequences import recorded
from toolkit.postgres.schema.workspace import Lacking, Workspace
from toolkit.postgres.session.connection import Connection


class Obstacle(Struct, frozen=True, kw_only=True):
    """Things of one kind that are in the way, and what to do about them."""

    message: str
    reasons: tuple[str, ...]
    hint: str


def refuse(connection: Connection, found: Sequence[Obstacle]) -> None:
    """Raise RefusedError with everything that is in the way."""
    if len(found) == 1:
        raise RefusedError(found[0].message, found[0].reasons, hint=found[0].hint)
    if found:
        raise RefusedError(
            f"database {connection.info.dbname} cannot be read as it is",
            (reason for each in found for reason in each.reasons),
            hint=". ".join(f"{each.message}: {each.hint}" for each in found),
        )


def obstacles(
    workspace: Workspace, accounting: Accounting, read: Sequence[str], *, file: str, sequences: bool
) -> list[Obstacle]:
    """Give everything that keeps rows from being read.

    Args:
        file: the catalog file.
        read: the tables that are read, those included that only tell whose rows are.
        sequences: the sequences of the tables that are taken are to be read too.
    """
    return [
        *_object_ids(workspace.schema, accounting, file),
        *_foreign_partitions(workspace, read, file),
        *_privileges(workspace, read, accounting.taken if sequences else None),
        *_unlogged(workspace, read, file),
    ]


def _object_ids(schema: DatabaseSchema, accounting: Accounting, file: str) -> Iterator[Obstacle]:
    """A large object's id, say, would point at nothing, or at another object, wherever it is restored."""
    reasons = tuple(
        f"{table}.{column.name} is of type {column.type}"
        for table in accounting.taken
        for column in schema.tables[table].stored_columns
        if column.object_ids
    )
    if reasons:
        yield Obstacle(
            message="columns hold object ids, which mean something else in another database",
            reasons=reasons,
            hint="store what they mean instead (a name as text, content as bytea),"
            f" or leave the tables out: put them under `transient` in {file}",
        )


_FOREIGN_PARTITIONS = sql.SQL("""
SELECT c.named, f.named FROM {NAMED} c CROSS JOIN LATERAL pg_partition_tree(c.oid) t JOIN {NAMED} f ON f.oid = t.relid
WHERE c.named = ANY (%(tables)s) AND f.relkind = 'f'
ORDER BY c.named COLLATE "C", f.named COLLATE "C"
""").format(NAMED=NAMED)


def _foreign_partitions(workspace: Workspace, read: Sequence[str], file: str) -> Iterator[Obstacle]:
    """Rows of such a partition are another database's, which no lock, snapshot or transaction of this one covers."""
    roots = [name for name in read if workspace.schema.tables[name].partitioned]
    rows: list[tuple[str, str]] = []
    if roots:
        wanted = {"schemas": parameter(workspace.schema.schemas), "tables": roots}
        rows = workspace.connection.execute(_FOREIGN_PARTITIONS, wanted).fetchall()
    if rows:
        yield Obstacle(
            message="partitions are foreign tables, whose rows are in another database",
            reasons=tuple(f"{partition}, a partition of table {table}" for table, partition in rows),
            hint=f"detach them and back the other database up by itself, or put the tables under `transient` in {file}",
        )


_UNLOGGED_HERE = sql.SQL("""
SELECT c.named FROM {NAMED} c
WHERE c.relpersistence = 'u' AND c.named = ANY (%(tables)s) AND pg_is_in_recovery()
ORDER BY c.named COLLATE "C"
""").format(NAMED=NAMED)


def _unlogged(workspace: Workspace, read: Sequence[str], file: str) -> Iterator[Obstacle]:
    """A standby with tables whose rows the primary keeps to itself."""
    wanted = {"schemas": parameter(workspace.schema.schemas), "tables": list(read)}
    unlogged = workspace.connection.execute(_UNLOGGED_HERE, wanted).fetchall()
    if unlogged:
        yield Obstacle(
            message="rows of unlogged tables are on the primary only, and this server is a standby",
            reasons=tuple(f"table {name} is unlogged" for (name,) in unlogged),
            hint=f"run on the primary, or put them under `transient` in {file}",
        )


_UNREADABLE = sql.SQL("""
SELECT c.named, has_schema_privilege(c.relnamespace, 'USAGE'),
       has_table_privilege(c.oid, 'SELECT')
       OR (SELECT bool_and(has_column_privilege(c.oid, a.attnum, 'SELECT')) FROM pg_attribute a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) IS TRUE
FROM {NAMED} c
WHERE c.named = ANY (%(tables)s)
ORDER BY c.named COLLATE "C"
""").format(NAMED=NAMED)


def _privileges(workspace: Workspace, read: Sequence[str], taken: Collection[str] | None) -> Iterator[Obstacle]:
    schemas, connection = workspace.schema.schemas, workspace.connection
    rows = connection.execute(_UNREADABLE, {"schemas": parameter(schemas), "tables": list(read)}).fetchall()
    unusable = {schemas.place(name)[0] for name, usable, _ in rows if not usable}
    lacking = [
        *(Lacking(schemas.full(name), "table", "SELECT", schemas.place(name)) for name, _, ok in rows if not ok),
        *workspace.lacking(
            ("SELECT", name) for name in (() if taken is None else recorded(connection, schemas, taken))
        ),
    ]
    lacking = [
        *(Lacking(schema, "schema", "USAGE", (schema,)) for schema in sorted(unusable)),
        *(each for each in lacking if each.kind != "schema"),
    ]
    hidden = tuple(
        f"row-level security hides rows of table {table} from this role"
        for table in read
        if workspace.schema.tables[table].row_security
    )
    if lacking or hidden:
        owner = "run as the owner of the tables" if lacking else "run as a role that the policies do not bind"
        granted = f"{grants(connection.info.user, lacking)}; or " if lacking else ""
        yield Obstacle(
            message=f"role {connection.info.user} cannot read everything in database {connection.info.dbname}",
            reasons=(*map(str, lacking), *hidden),
            hint=f"{granted}{owner}",
        )
