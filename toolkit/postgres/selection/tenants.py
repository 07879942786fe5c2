"""Which tenants a scope takes: named by the text of their key, or by any other that the server finds equal to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import InputError, none_or_some
from toolkit.model.catalog import TenantTable
from toolkit.model.schema import PLAIN, DatabaseSchema
from toolkit.model.scope import Demo, Scope
from toolkit.planning.business_names import listed, not_known
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, equals_text
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import type_name

_ONE_SPELLING = frozenset(("text", "character varying", "uuid", "smallint", "integer", "bigint"))
"""Types whose values the server prints in one way each."""


class ChosenTenants(Struct, frozen=True, kw_only=True):
    """The tenants that a scope takes, among those of a database.

    Attributes:
        selected: key → label.
        known: all of them, key → label.
        named: the keys of those that the scope names.
        dropped: those of the named ones that the demo rule drops.
        spared: those that the demo rule takes, and the scope does not (`Scope.without`).
    """

    selected: Mapping[str, str]
    known: Mapping[str, str]
    named: tuple[str, ...]
    dropped: tuple[str, ...]
    spared: Mapping[str, str]

    @property
    def everyone(self) -> bool:
        """Whether no tenant is left out."""
        return len(self.selected) == len(self.known)


def choose_tenants(workspace: Workspace, tenant: TenantTable, scope: Scope, *, strict: bool) -> ChosenTenants:
    """Choose the tenants of a scope.

    Args:
        strict: named tenants must exist, and the demo rule must leave one of them.

    Raises:
        RefusedError: some of the named tenants do not exist.
        InputError: none of them does, or the demo rule drops all of them.
    """
    source = workspace.relations[tenant.table].source
    query = sql.SQL("SELECT t.{key}::text, coalesce(t.{label}::text, ''), {demo} FROM {source} t").format(
        key=sql.Identifier(tenant.key),
        label=sql.Identifier(tenant.label or tenant.key),
        demo=sql.SQL("t.{} IS TRUE").format(sql.Identifier(tenant.demo)) if tenant.demo else sql.SQL("false"),
        source=source,
    )
    rows = workspace.connection.execute(query).fetchall()
    known = {key: label for key, label, _ in rows}
    meant = find_named(workspace.connection, workspace.schema, tenant, source, names=scope.businesses, known=known)
    missing = [name for name, keys in meant.items() if not keys]
    if missing and strict:
        raise none_or_some(missing, scope.businesses)(
            f"no such business in table {tenant.table}: {', '.join(missing)}",
            hint=f"{not_known(missing, known)}name businesses by {tenant.table}.{tenant.key};"
            f" there are {listed(known)}",
        )
    named = tuple(dict.fromkeys(key for keys in meant.values() for key in keys))
    eligible = known.keys() if scope.whole else set(named)
    kept = {Demo.EXCLUDE: (False,), Demo.ONLY: (True,), Demo.INCLUDE: (False, True)}[scope.demo]
    selected = {key: known[key] for key, _, is_demo in rows if key in eligible and is_demo in kept}
    without = the_same(workspace, tenant, scope.without, known)
    spared = {key: selected.pop(key) for key in sorted(selected.keys() & without)}
    if not selected and not scope.whole and strict:
        raise InputError(
            f"demo: {scope.demo} leaves none of the named businesses: {', '.join(sorted(eligible))}",
            hint="say `demo: include` to take the named businesses whatever they are",
        )
    dropped = [] if scope.whole else [key for key in eligible if key not in selected]
    return ChosenTenants(
        selected=dict(sorted(selected.items())),
        known=known,
        named=named,
        dropped=tuple(sorted(dropped)),
        spared=spared,
    )


def the_same(workspace: Workspace, tenant: TenantTable, keys: Collection[str], known: Collection[str]) -> set[str]:
    """Give the tenants of a database that have these keys, by the keys that they have there.

    Args:
        keys: texts as another database has them, which may spell the same key otherwise.
        known: the keys there.
    """
    found = set(keys) & set(known)
    column = workspace.schema.tables[tenant.table].column(tenant.key)
    if column.type in _ONE_SPELLING and workspace.schema.key_equality(tenant.table, tenant.key) == PLAIN:
        return found
    others = [key for key in keys if key not in found] if len(found) < len(known) else []
    source = workspace.relations[tenant.table].source
    meant = find_named(workspace.connection, workspace.schema, tenant, source, names=others, known=known)
    return found.union(*meant.values())


def find_named(
    connection: Connection,
    schema: DatabaseSchema,
    tenant: TenantTable,
    source: Sql,
    *,
    names: Sequence[str],
    known: Collection[str],
) -> dict[str, tuple[str, ...]]:
    """Give the keys that each name means; none for a name that means nobody.

    Args:
        source: the tenant table, or whatever has its key column.
        known: the texts of the keys there.
    """

    def search(name: str) -> tuple[str, ...]:
        if name in known:
            return (name,)
        query = sql.SQL("SELECT {}::text FROM {} t WHERE {} ORDER BY 1").format(
            sql.Identifier("t", tenant.key), source, equals_text(schema, tenant.table, "t", tenant.key, name)
        )
        try:
            with connection.transaction():
                return tuple(str(found) for (found,) in connection.execute(query))
        except (psycopg.DataError, psycopg.IntegrityError):  # the key can have no such value
            return ()

    return {name: search(name) for name in names}


def of_type(schema: DatabaseSchema, tenant: TenantTable, keys: Collection[str]) -> Sql:
    """Texts of keys as a table with nothing but the key column, of its type and collation."""
    column = schema.tables[tenant.table].column(tenant.key)
    # the column's collation comes from the first part
    return sql.SQL(
        "(SELECT {key} FROM {table} WHERE false UNION ALL SELECT k::{type} FROM unnest({keys}::text[]) k)"
    ).format(
        key=sql.Identifier(tenant.key),
        table=identifier(schema.schemas, tenant.table),
        type=type_name(column.type),
        keys=sql.Literal(list(keys)),
    )
