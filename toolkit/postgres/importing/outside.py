"""Rows of a JSON backup that its own scope does not take."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from psycopg import sql

from toolkit.model.catalog import Category
from toolkit.model.quarantine import QuarantinedRow
from toolkit.planning.json_backup.faults import Where
from toolkit.planning.row_order import sort_key
from toolkit.postgres.importing.loading import Judge, Loaded
from toolkit.postgres.schema.relation import Sql, scalar, text_of
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.wording import counted

_SAMPLES = 3
_OUTSIDE = "44000"


class _Rest(Struct, frozen=True, kw_only=True):
    """Rows of a table that are not taken; `query` reads them, as rows `t`."""

    table: str
    count: int
    source: Sql


def find_outside(survey: Survey, selected: Selected, loaded: Loaded, judge: Judge) -> list[str]:
    """Find rows that the scope of the backup does not take; gives sentences on those that no such backup has.

    Rows of device tables in a business backup, and those that a rule's `where` cuts, are only told. Any other shows
    that the file is not what it says of itself: a fault, and put aside where that can be.
    """
    said = []
    for rest in _rests(survey, selected, loaded):
        rule = survey.accounting.rules[rest.table]
        if rule.category is Category.DEVICE:
            said.append(
                f"{counted(rest.count, 'row')} of device table {rest.table} are in the file and not in the backup: it"
                " is one of business data"
            )
        elif rule.where:
            said.append(
                f"{counted(rest.count, 'row')} of {rest.table} are in the file and not in the backup: the rule's"
                f" `where` in {survey.catalog.file} does not take them"
            )
        else:
            _add(survey, rest, loaded, judge)
    return said


def _rests(survey: Survey, selected: Selected, loaded: Loaded) -> Iterator[_Rest]:
    connection = survey.workspace.connection
    for name, rows in loaded.rows.items():
        if not rows:
            continue
        relation, taken = survey.workspace.relations[name], selected.taken.get(name)
        source = sql.SQL("{} t").format(relation.source)
        if taken is not None:
            if taken.ids is None:
                continue
            without = "{} WHERE NOT EXISTS (SELECT 1 FROM {} i WHERE {})"
            source = sql.SQL(without).format(source, taken.ids, relation.same("t", "i"))
        count = rows if taken is None else scalar(connection, sql.SQL("SELECT count(*) FROM {}").format(source))
        if count:
            yield _Rest(table=name, count=count, source=source)


def _add(survey: Survey, rest: _Rest, loaded: Loaded, judge: Judge) -> None:
    table, connection = survey.schema.tables[rest.table], survey.workspace.connection
    key = text_of("t", sort_key(table).names)
    samples = connection.execute(
        sql.SQL("SELECT {} FROM {} LIMIT {}").format(key, rest.source, sql.Literal(_SAMPLES))
    ).fetchall()
    reason = "the scope that the file says it has does not take it"
    for number in range(rest.count):
        where = Where(key=samples[number][0]) if number < len(samples) else None
        judge.faults.add("scope", loaded.models[rest.table], reason, where, held=True)
    if judge.put_aside is None:
        return
    names = [column.name for column in table.stored_columns]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", name)) for name in names)
    for own, *row in connection.execute(sql.SQL("SELECT {}, {} FROM {}").format(key, texts, rest.source)):
        columns = dict(zip(names, row, strict=True))
        judge.put_aside(
            QuarantinedRow(table=rest.table, key=own, sqlstate=_OUTSIDE, constraint="", reason=reason, columns=columns)
        )
