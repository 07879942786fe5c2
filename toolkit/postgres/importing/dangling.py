"""Rows of a JSON backup that point at rows which are not in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct
from psycopg import sql

from toolkit.model.quarantine import QuarantinedRow
from toolkit.model.schema import DatabaseSchema, ForeignKey, Table
from toolkit.planning.json_backup.faults import Where
from toolkit.planning.links import Links
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.importing.loading import Judge, Loaded, PutAside
from toolkit.postgres.schema.relation import Sql, lacks_parent, needs_parent, relation_of, text_of
from toolkit.postgres.session.connection import Connection
from toolkit.wording import counted

_SAMPLES = 3
_VIOLATED = "23503"


class _Pointing(Struct, frozen=True, kw_only=True):
    """A reference of a table with rows, as the foreign key that it is or would be.

    Attributes:
        holds: the server demands it, and the parent's rows are in the file: a restore would refuse these rows.
    """

    table: Table
    key: ForeignKey
    holds: bool


def find_dangling(
    connection: Connection, schema: DatabaseSchema, links: Links, loaded: Loaded, *, judge: Judge
) -> list[str]:
    """Find rows that point nowhere; gives sentences on those that a restore may take all the same.

    The others are faults. Where they can be put aside they are taken out of their tables, with what points at them.
    """
    there = {name for name, rows in loaded.rows.items() if rows}
    pointing = list(_pointing(schema, links, there, loaded.rows.keys()))
    said = [line for each in pointing if not each.holds for line in _told(connection, schema, each, loaded)]
    again = True
    while again:
        again = False
        for each in pointing:
            # what points at a record that is refused itself says nothing new; put aside, it waits for that one
            if judge.put_aside is None and each.key.parent in loaded.lacking:
                continue
            if each.holds and _find(connection, schema, each, loaded, judge):
                again = judge.put_aside is not None
    return said


def _pointing(
    schema: DatabaseSchema, links: Links, there: Collection[str], spoken: Collection[str]
) -> Iterator[_Pointing]:
    for link in links.references:
        if link.child in there and link.parent in schema.tables:
            table = schema.tables[link.child]
            key = next((each for each in table.foreign_keys if link.constraint == each.name), None) or _declared(link)
            yield _Pointing(table=table, key=key, holds=key.enforced and link.parent in spoken)


def _declared(link: ReferenceLink) -> ForeignKey:
    return ForeignKey(
        name="",
        columns=link.columns,
        parent=link.parent,
        parent_columns=link.parent_columns,
        validated=False,
        enforced=False,
        period=link.period,
        equalities=link.equalities,
    )


def _condition(schema: DatabaseSchema, each: _Pointing) -> Sql:
    parent = relation_of(schema.schemas, schema.tables[each.key.parent]).source
    return sql.SQL("{} AND {}").format(
        needs_parent(each.key, "c"), lacks_parent(each.key, "c", [sql.SQL("{} p WHERE true").format(parent)])
    )


def _samples(connection: Connection, schema: DatabaseSchema, each: _Pointing) -> list[tuple[str, str, int]]:
    query = sql.SQL("SELECT {}, {}, count(*) OVER () FROM {} c WHERE {} LIMIT {}").format(
        text_of("c", _key(each.table)),
        text_of("c", each.key.columns),
        relation_of(schema.schemas, each.table).source,
        _condition(schema, each),
        sql.Literal(_SAMPLES),
    )
    return connection.execute(query).fetchall()


def _key(table: Table) -> tuple[str, ...]:
    return sort_key(table).names


def _told(connection: Connection, schema: DatabaseSchema, each: _Pointing, loaded: Loaded) -> Iterator[str]:
    samples = _samples(connection, schema, each)
    if samples:
        examples = "; ".join(f"{key} → {value}" for key, value, _ in samples)
        names, parents = ", ".join(each.key.columns), ", ".join(each.key.parent_columns)
        why = "" if each.key.parent in loaded.rows else ", which the file has no rows of"
        yield (
            f"{each.table.name} ({names}) → {each.key.parent} ({parents}){why}: {counted(samples[0][2], 'row')} of the"
            f" file lead nowhere in it, e.g. {examples}"
        )


def _find(connection: Connection, schema: DatabaseSchema, each: _Pointing, loaded: Loaded, judge: Judge) -> bool:
    samples = _samples(connection, schema, each)
    if not samples:
        return False
    table, key = each.table, each.key
    subject = f"{loaded.models[table.name]}.{', '.join(key.columns)}"
    for number in range(samples[0][2]):
        reason = f"no row of {key.parent} in the file has it as its {', '.join(key.parent_columns)}"
        where = Where(key=f"{samples[number][0]} → {samples[number][1]}") if number < len(samples) else None
        judge.faults.add(f"key {key.name}", subject, reason, where, held=True)
    if judge.put_aside is not None:
        _take_out(connection, schema, each, loaded, judge.put_aside)
    return True


def _take_out(
    connection: Connection, schema: DatabaseSchema, each: _Pointing, loaded: Loaded, put_aside: PutAside
) -> None:
    table, key = each.table, each.key
    names = [column.name for column in table.stored_columns]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("c", name)) for name in names)
    statement = sql.SQL("DELETE FROM {} c WHERE {} RETURNING {}, {}, {}").format(
        relation_of(schema.schemas, table).source,
        _condition(schema, each),
        text_of("c", _key(table)),
        text_of("c", key.columns),
        texts,
    )
    for own, value, *row in connection.execute(statement).fetchall():
        loaded.rows[table.name] -= 1
        put_aside(
            QuarantinedRow(
                table=table.name,
                key=own,
                sqlstate=_VIOLATED,
                constraint=key.name,
                reason=f"no row of {key.parent} in the file has it as its {', '.join(key.parent_columns)}",
                columns=dict(zip(names, row, strict=True)),
                waits_for=f"{key.parent} {value}",
            )
        )
