"""One consistent look at a database under a catalog file: locks first, then the snapshot, then the selection."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from enum import Enum

import psycopg
from msgspec import Struct, structs
from psycopg import sql
from psycopg.pq import TransactionStatus

from toolkit.errors import DatabaseError, InputError, RefusedError
from toolkit.model.catalog import Catalog, Category, RuleKind
from toolkit.model.schema import DatabaseSchema
from toolkit.model.schemas import Schemas
from toolkit.model.scope import Scope
from toolkit.planning.accounting import Accounting, account
from toolkit.planning.links import Links, derive_links
from toolkit.planning.some_tables import SomeTables
from toolkit.postgres.schema.holders import ANYHOW, READING, WRITING, holders, listed
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.rows import give_up
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.evaluation import Selection
from toolkit.postgres.selection.obstacles import Obstacle, obstacles, refuse
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.session.connection import Connection
from toolkit.retries.policy import pauses

ATTEMPTS = 5
"""Attempts to read a schema that changes meanwhile."""

LOCK_SECONDS = 600.0
"""How long the tables are tried for in all."""

WRITING_LOCK = "UPDATE, DELETE, TRUNCATE"
"""The privileges of which one lets a role lock a table against writers."""

LOCK_PATIENCE = 0.3
"""Seconds after which each of the three statements of an attempt gives up: together less than a deadlock_timeout."""


class Survey(Struct, frozen=True, kw_only=True):
    """What is known of a database before a row is read: its schema, its links and the fate of every table.

    Attributes:
        workspace: the session in which this is so.
        owned: the tables of whose rows the owners are worked out; None for all.
    """

    workspace: Workspace
    catalog: Catalog
    scope: Scope
    schema: DatabaseSchema
    links: Links
    accounting: Accounting
    owned: Collection[str] | None = None

    def of_some(self, some: SomeTables) -> Survey:
        """Give what is known of some tables, so that no others are read.

        Which rows of a `referenced` table are taken depends on all others.
        """
        rules = self.accounting.rules
        if any(rules[name].kind is RuleKind.REFERENCED for name in some.named if name in rules):
            return self
        written = some.named | some.parents
        taken = {name: part for name, part in self.accounting.taken.items() if name in written}
        accounting = structs.replace(self.accounting, taken=taken)
        return structs.replace(self, accounting=accounting, owned=written | some.owners)

    def select(self, *, all_owners: bool = False, strict: bool = True) -> Selected:
        """Evaluate the scope in the current transaction; see `Selection.evaluate`."""
        selection = Selection(
            self.workspace,
            catalog=self.catalog,
            links=self.links,
            accounting=self.accounting,
            scope=self.scope,
            owned=self.owned,
        )
        return selection.evaluate(all_owners=all_owners, strict=strict)


def survey(
    connection: Connection, catalog: Catalog, scope: Scope, *, unclassified: str = "fail", sequences: bool = False
) -> Survey:
    """Look at the schema and settle the fate of every table.

    Args:
        sequences: the sequences of the tables are to be read too, as a backup does.

    Raises:
        InputError: rules of the catalog file do not fit the schema (all of them).
        RefusedError: unclassified tables, or all that keeps the rows from being read: missing privileges, say.
    """
    found = surveyed(connection, catalog, scope, unclassified=unclassified)
    refuse(connection, unreadable(found, sequences=sequences))
    return found


def unreadable(found: Survey, *, sequences: bool) -> list[Obstacle]:
    """Give everything that keeps `survey` from being content."""
    file = found.catalog.file
    return obstacles(found.workspace, found.accounting, lockable(found), file=file, sequences=sequences)


def surveyed(connection: Connection, catalog: Catalog, scope: Scope, *, unclassified: str = "fail") -> Survey:
    """Give what `survey` does, whether the rows can be read or not.

    Raises:
        InputError: rules of the catalog file do not fit the schema (all of them).
        RefusedError: unclassified tables.
    """
    schema = read_schema(connection, catalog.schemas)
    links, problems = derive_links(catalog, schema)
    if problems:
        raise InputError(problems)
    accounting = account(catalog, schema, scope, links, unclassified=unclassified)
    return Survey(
        workspace=Workspace(connection, schema, measured=_read(schema, accounting)),
        catalog=catalog,
        scope=scope,
        schema=schema,
        links=links,
        accounting=accounting,
    )


@contextmanager
def consistent_snapshot(
    connection: Connection,
    catalog: Catalog,
    scope: Scope,
    *,
    unclassified: str = "fail",
    sequences: bool = False,
    exclusive: Callable[[Survey], Collection[str]] = lambda _: (),
    alone: Callable[[Survey], Collection[str]] = lambda _: (),
    tables: Callable[[Survey], list[str]] | None = None,
    patience: float = LOCK_SECONDS,
) -> Iterator[Survey]:
    """Begin a REPEATABLE READ transaction; its snapshot is taken after locks on every table it may read.

    So a concurrent TRUNCATE cannot pass for an empty table. Unless the block commits, the transaction is rolled back.

    Args:
        sequences: as for `survey`.
        exclusive: gives the tables to be locked against writes too, not only against being truncated or altered.
        alone: gives those of them that others may not read either.
        tables: chooses what is read, where that is more than the scope reads.
        patience: for how many seconds the locks are tried for.

    Raises:
        DatabaseError: the schema keeps changing, or other sessions hold tables too long.
    """
    changes, held = 0, list[str]()
    for _ in pauses(seconds=patience):
        moment = _moment(connection)
        before = survey(connection, catalog, scope, unclassified=unclassified, sequences=sequences)
        unread = sorted(alone(before))
        against_writes = sorted({*exclusive(before), *unread})
        _check_lock_privileges(before, against_writes)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            locked = _lock(connection, before.schema.schemas, (tables or lockable)(before), against_writes, unread)
            if locked is Locked.CONTENDED:
                connection.execute("ROLLBACK")
                held = _holders(connection, before, (tables or lockable)(before), against_writes, unread) or held
                continue
            if locked is Locked.GONE or (
                (not moment or _moment(connection) != moment)
                # other things of the schema, large objects say, may come and go: the tables are what is read
                and read_schema(connection, catalog.schemas).tables != before.schema.tables
            ):
                changes += 1
                if changes == ATTEMPTS:
                    break
                continue
            yield before
            return
        finally:
            # what ended the block may have left rows that were being read, and is what is to be told
            give_up(connection)
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
    if changes < ATTEMPTS:
        raise DatabaseError(
            f"other sessions have held tables of the database for {patience:g} seconds{listed(held)}",
            hint="let them end, or end them with pg_terminate_backend, then run again; nothing was changed",
        )
    raise DatabaseError("the schema keeps changing", hint="wait until the migration has ended, then run again")


def _moment(connection: Connection) -> str:
    """Give what changes whenever another transaction commits; empty on a standby, whose snapshots do not say so.

    A change of the schema is a transaction: as long as this is the same, so are the system catalogs.
    """
    row = connection.execute("SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_snapshot()::text END").fetchone()
    return str(row[0] or "") if row else ""


def _holders(
    connection: Connection,
    found: Survey,
    tables: Collection[str],
    against_writes: Collection[str],
    unread: Collection[str],
) -> list[str]:
    wanted = ((unread, ANYHOW), (against_writes, WRITING), (tables, READING))
    each = (holders(connection, found.schema.schemas, names, modes) for names, modes in wanted)
    return list(dict.fromkeys(line for lines in each for line in lines))


def lockable(found: Survey) -> list[str]:
    """Give the tables a scope reads: those taken, and all business tables, through which ownership passes."""
    return _read(found.schema, found.accounting)


def _read(schema: DatabaseSchema, accounting: Accounting) -> list[str]:
    rules = accounting.rules
    return [
        table
        for table in schema.tables
        if table in accounting.taken or (table in rules and rules[table].category is Category.BUSINESS)
    ]


class Locked(Enum):
    """How an attempt to lock tables ended."""

    ALL = 1
    GONE = 2
    CONTENDED = 3


def _lock(
    connection: Connection,
    schemas: Schemas,
    tables: Collection[str],
    against_writes: Collection[str],
    unread: Collection[str],
) -> Locked:
    """Lock all the tables within LOCK_PATIENCE, or none.

    Others may meanwhile wait for some of them and hold the rest. Who waits longer than the server's deadlock_timeout
    (a second) in such a circle is ended by the server, and that must not be them.
    """
    if not tables and not against_writes:
        return Locked.ALL
    # SET and LOCK take no snapshot; a query would
    connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(round(LOCK_PATIENCE * 1000))))
    begun = time.monotonic()
    wanted = {
        "ACCESS EXCLUSIVE": unread,
        "SHARE ROW EXCLUSIVE": [name for name in against_writes if name not in unread],
        "ACCESS SHARE": [name for name in tables if name not in against_writes],
    }
    statements = [
        sql.SQL("LOCK TABLE {} {}").format(
            sql.SQL(", ").join(identifier(schemas, name) for name in names), sql.SQL(f"IN {mode} MODE")
        )
        for mode, names in wanted.items()
        if names
    ]
    try:
        # each has the limit for itself
        connection.execute(sql.SQL("; ").join(statements))
    except psycopg.errors.UndefinedTable:
        return Locked.GONE
    except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
        return Locked.CONTENDED
    except psycopg.errors.QueryCanceled:
        if time.monotonic() - begun < LOCK_PATIENCE / 2:
            raise  # somebody else cancelled it
        return Locked.CONTENDED
    connection.execute("SET LOCAL statement_timeout = 0")
    return Locked.ALL


def _check_lock_privileges(found: Survey, tables: Collection[str]) -> None:
    lacking = found.workspace.lacking((WRITING_LOCK, table) for table in tables)
    if lacking:
        connection = found.workspace.connection
        raise RefusedError(
            f"role {connection.info.user} cannot keep others from writing in all tables",
            (f"none of UPDATE, DELETE and TRUNCATE on table {each.name}" for each in lacking),
            hint="GRANT one of them, or run as the owner of the tables",
        )
