"""A made-up application as SQL and as the text of a catalog file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from psycopg import sql

from tests.selection.world import LEFT_OUT, SECOND, Declared, Edge, Reference, Table, World

NAME = "made-up"
"""Of the catalog, and of its file without the ending."""


SCHEMAS = ("public", 'The "odd" schema')


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def statements(world: World) -> sql.Composed:
    """Drops the world before, of whatever schema, and makes this one: tables, rows, then foreign keys."""
    tables = [table for table in world.tables.values() if table.present]
    before = sql.SQL(", ").join(map(sql.Identifier, (*SCHEMAS, SECOND, LEFT_OUT)))
    parts: list[sql.Composable] = [
        sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(before),
        *(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)) for name in (world.schema, SECOND, LEFT_OUT)),
    ]
    parts.extend(_create(world, table) for table in tables)
    parts.extend(_partitions(world, table) for table in tables if table.partitioned)
    parts.extend(_insert(world, table) for table in tables if table.rows)
    keys = [each for each in world.references if each.declared is not Declared.CATALOG]
    parts.extend(_foreign_key(world, each) for each in dict.fromkeys(keys))
    return sql.SQL("; ").join(parts)


def _create(world: World, table: Table) -> sql.Composed:
    lines: list[sql.Composable] = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(name), sql.SQL(column.type), sql.SQL("" if column.nullable else " NOT NULL")
        )
        for name, column in table.columns.items()
    ]
    if table.key:
        lines.append(sql.SQL("PRIMARY KEY ({})").format(_names(table.key)))
    lines.extend(sql.SQL("UNIQUE ({})").format(_names(key)) for key in table.unique)
    tail = sql.SQL(" PARTITION BY HASH ({})").format(_names(table.key[:1])) if table.partitioned else sql.SQL("")
    return sql.SQL("CREATE TABLE {} ({}){}").format(world.identifier(table.name), sql.SQL(", ").join(lines), tail)


def _partitions(world: World, table: Table) -> sql.Composed:
    return sql.SQL("; ").join(
        sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES WITH (MODULUS 2, REMAINDER {})").format(
            world.identifier(table.name, f" part {part}"), world.identifier(table.name), sql.Literal(part)
        )
        for part in range(2)
    )


def _insert(world: World, table: Table) -> sql.Composed:
    rows = (
        sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(row[column]) for column in table.columns))
        for row in table.rows
    )
    return sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        world.identifier(table.name), _names(table.columns), sql.SQL(", ").join(rows)
    )


def _foreign_key(world: World, reference: Reference) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}){}").format(
        world.identifier(reference.child),
        _names(reference.columns),
        world.identifier(reference.parent),
        _names(reference.parent_columns),
        sql.SQL(" NOT VALID" if reference.declared is Declared.NOT_VALID else ""),
    )


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def catalog_text(world: World, order: Iterable[str] = ()) -> str:
    """The catalog file; `order` is the order of the tables in it, that of the world without it."""
    tenant = {"table": world.tenant, "key": world.key, "label": world.label, "demo": world.demo}
    head = {"tenant": {key: value for key, value in tenant.items() if value}}
    lines = [f"catalog: {NAME}", *_schemas(world), f"tenant: {_flow(head['tenant'])}"]
    for category in ("business", "device", "transient"):
        names = [name for name in (order or world.tables) if world.tables[name].rule.category == category]
        names = [name for name in names if not name.startswith(f"{LEFT_OUT}.")]
        if names:
            lines.extend((f"{category}:", "  all of them:"))
            lines.extend(f"    {_flow(name)}: {_flow(_rule(world, world.tables[name]))}" for name in names)
    return "\n".join(lines) + "\n"


def _schemas(world: World) -> list[str]:
    return [f"schemas: {_flow([world.schema, SECOND])}", f"other_schemas: {_flow({LEFT_OUT: 'nobody needs it'})}"]


def _flow(value: object) -> str:
    # JSON is YAML, and quotes whatever needs it
    return json.dumps(value, ensure_ascii=False)


def _rule(world: World, table: Table) -> object:
    rule = table.rule
    if not table.is_business:
        return {}
    written: dict[str, Any] = {"owned_by": [_edge(edge) for edge in rule.owned_by]} if rule.owned_by else {}
    written |= {} if rule.owned_by else {"rule": rule.kind}
    declared = [
        each
        for each in world.references
        if each.child == table.name and each.declared in (Declared.CATALOG, Declared.BOTH)
    ]
    if declared:
        written["references"] = {",".join(each.columns): _target(world, each) for each in declared}
    written |= {"where": rule.where.text} if rule.where else {}
    written |= {"optional": True} if rule.optional else {}
    written |= {"newest_by": rule.newest_by} if rule.newest_by else {}
    written |= {"unowned": rule.unowned} if rule.unowned else {}
    return rule.kind if written == {"rule": rule.kind} else written


def _target(world: World, reference: Reference) -> object:
    target = f"{reference.parent}.{','.join(reference.parent_columns)}"
    if world.tables[reference.parent].rule.category != "transient":
        return target
    return {"to": target, "on_restore": "refuse"}


def _edge(edge: Edge) -> object:
    named = [f"{edge.table}.{column}" if edge.table else column for column in edge.columns]
    return named[0] if len(named) == 1 else named
