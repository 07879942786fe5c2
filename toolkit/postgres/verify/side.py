"""A database as the later one of two sides that are compared: the rows that the scope of a backup takes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import Catalog
from toolkit.model.manifest import KeyColumn, Manifest, StoredColumn, chunk_id
from toolkit.model.schema import Table
from toolkit.model.scope import Demo, Scope
from toolkit.planning.chunking import cut
from toolkit.planning.copy_text import key_values
from toolkit.planning.difference.side import Piece, Side, SideTable, scope_of
from toolkit.planning.reclassification import rule_text
from toolkit.planning.row_order import sort_key, stored_key
from toolkit.postgres.schema.device import read_schema_version
from toolkit.postgres.schema.row_sources import Rows
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.request import scope_on_target


@contextmanager
def database_side(
    connection: Connection, catalog: Catalog, manifest: Manifest, *, title: str, business: str
) -> Iterator[Side]:
    """Look at a database in one snapshot as a backup of the same scope would.

    Args:
        manifest: the backup that it is compared with.
        business: the rows of this business alone; empty for all.
    """
    scope = scope_on_target(manifest, catalog, unlimited=False)
    with consistent_snapshot(connection, catalog, scope, unclassified="warn") as survey:
        selected = survey.select(strict=False)
        taken = {name: each.ids for name, each in selected.taken.items()}
        if business:
            taken = _owned(survey, taken, business)
        yield Side(
            title=title,
            # it is looked at with the eyes of the backup
            scope=scope_of(manifest),
            tables=_tables(survey, scope, taken),
            tenants=selected.tenants,
            left_out={entry.table: entry.reason for entry in survey.accounting.left_out},
            pieces=lambda name: _pieces(connection, survey, name, taken[name]),
            schema_version=_version(connection, survey),
        )


def _version(connection: Connection, survey: Survey) -> str:
    declared = survey.catalog.schema_version
    if declared is None or survey.workspace.lacking([("SELECT", declared[0])]):
        return ""
    return read_schema_version(connection, survey.catalog, survey.schema) or ""


def _owned(survey: Survey, taken: Mapping[str, Rows | None], business: str) -> dict[str, Rows | None]:
    """The rows, of those that the scope takes, which the business owns."""
    scope = replace(survey.scope, businesses=(business,), demo=Demo.INCLUDE, without=())
    owners = replace(survey, scope=scope).select(strict=False).owners
    nothing = Rows(sql.SQL("(SELECT NULL::tid AS row_id WHERE false)"), 0)
    found: dict[str, Rows | None] = {}
    for name, ids in taken.items():
        theirs, relation = owners.get(name), survey.workspace.relations[name]
        if theirs is None or theirs.mine == 0 or (ids is not None and ids.empty):
            found[name] = nothing
            continue
        query = sql.SQL("SELECT {} FROM {} o WHERE o.mine").format(relation.id_columns("o"), theirs.source)
        if ids is not None:
            same = relation.same_ids("i", "o")
            query = sql.SQL("{} AND EXISTS (SELECT 1 FROM {} i WHERE {})").format(query, ids, same)
        found[name] = Rows(sql.SQL("({})").format(query), None)
    return found


def _tables(survey: Survey, scope: Scope, taken: Mapping[str, Rows | None]) -> dict[str, SideTable]:
    tables, rules = survey.schema.tables, survey.accounting.rules
    return {name: _side_table(tables[name], rule_text(rules[name]), scope.optional.get(name)) for name in taken}


def _side_table(table: Table, rule: str, limit: int | None) -> SideTable:
    return SideTable(
        name=table.name,
        columns=tuple(StoredColumn(name=column.name, type=column.type) for column in table.stored_columns),
        key=tuple(KeyColumn(column=column.name, sort=column.sort) for column in stored_key(table)),
        unique=sort_key(table).unique,
        rule=rule,
        limit=limit,
    )


def _pieces(connection: Connection, survey: Survey, name: str, taken: Rows | None) -> Iterator[Piece]:
    """Cut the rows of a table as a backup would."""
    if taken is not None and taken.empty:
        return
    table = survey.schema.tables[name]
    names = [column.name for column in table.stored_columns]
    places = tuple(names.index(column.name) for column in stored_key(table))
    query = rows_query(table, survey.workspace.relations[name], taken)
    for raw in cut(batch for _, batch in read_copies(connection, [query])):
        first = key_values(raw.first_row, places)
        yield Piece(id=chunk_id(raw.data), rows=raw.rows, first=first, load=partial(bytes, raw.data))
