"""What a migration may have done to a made-up application since a backup, at random: and what becomes of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from tests.restore.spec import Row, State, Table, World


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a table.

    Attributes:
        table: its name in the backup.
        statement: what was done to the schema.
        answers: what a person says about it.
        asks: tells by the rows of the table whether it takes such an answer.
        becomes: what a row looks like then, with the answer.
        gone: the table is.
    """

    table: str
    statement: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    asks: Callable[[list[Row]], bool] = lambda rows: False
    becomes: Callable[[Row], Row] = dict
    gone: bool = False


def make_drift(random: Random, world: World) -> list[Change]:
    """One to three changes, each of another table; none where no table lends itself."""
    tables = [each for each in world.tables if each.category == "business" and each.name != world.tenant]
    chosen = random.sample(tables, min(len(tables), random.choice((1, 1, 2, 3))))
    found = [(table, _choices(world, table)) for table in chosen]
    return [random.choice(choices) for _, choices in found if choices]


def after(changes: list[Change], state: State) -> State:
    """The rows of a state once all answers are given; tables that are gone have none."""
    made = dict(state)
    for change in changes:
        made[change.table] = [] if change.gone else [change.becomes(row) for row in state[change.table]]
    return made


def _choices(world: World, table: Table) -> list[Change]:
    name = table.name
    found = [
        Change(table=name, statement=f"ALTER TABLE {name} ADD extra text", becomes=_with("extra", None)),
        Change(
            table=name,
            statement=f"ALTER TABLE {name} ADD extra integer NOT NULL DEFAULT 7",
            becomes=_with("extra", "7"),
        ),
        Change(
            table=name,
            statement=f"ALTER TABLE {name} ADD extra text NOT NULL",
            answers={"defaults": {f"{name}.extra": "given"}},
            asks=bool,
            becomes=_with("extra", "given"),
        ),
    ]
    for column in _free(table):
        found += _changes_of(table, column)
    led_to = {reference.parent for _, reference in world.references}
    led_to |= {source for each in world.tables for source, _ in each.owned_by}
    if name not in led_to:
        answers = {"drop_tables": [name]}
        found.append(Change(table=name, statement=f"DROP TABLE {name}", answers=answers, asks=bool, gone=True))
    return found


def _free(table: Table) -> list[str]:
    """The columns that nothing else is said of."""
    taken = {*table.key, *table.filled, table.newest_by, *(name for key in table.unique for name in key)}
    taken |= {name for reference in table.references for name in reference.columns}
    said = " ".join([*(table.computed or {}).values(), *table.statements, table.where[0] if table.where else ""])
    return [name for name in table.columns if name not in taken and name not in said.split() and f"({name}" not in said]


def _changes_of(table: Table, column: str) -> list[Change]:
    name, place, kind = table.name, f"{table.name}.{column}", table.columns[column].partition(" ")[0]
    found = [
        Change(
            table=name,
            statement=f"ALTER TABLE {name} DROP {column}",
            answers={"drop_columns": [place]},
            asks=bool,
            becomes=lambda row: {each: value for each, value in row.items() if each != column},
        ),
        Change(
            table=name,
            statement=f"ALTER TABLE {name} RENAME {column} TO called",
            answers={"rename": {place: "called"}},
            asks=bool,
            becomes=lambda row: {"called" if each == column else each: value for each, value in row.items()},
        ),
    ]
    if kind not in {"text", "numeric"} or not table.may_be_null(column):
        return found
    value = "nothing" if kind == "text" else "0"
    some = next(text for text in table.values[column] if text is not None)
    found += [
        Change(
            table=name,
            statement=f"ALTER TABLE {name} ALTER {column} SET NOT NULL",
            answers={"defaults": {place: value}},
            asks=lambda rows: any(row[column] is None for row in rows),
            becomes=lambda row: row | {column: value if row[column] is None else row[column]},
        ),
        Change(table=name, statement=f"ALTER TABLE {name} ADD CHECK ({column}::text <> '{some}')"),
    ]
    if not table.parts:
        found.append(Change(table=name, statement=f"ALTER TABLE {name} ADD UNIQUE ({column})"))
    if kind == "text":
        found.append(Change(table=name, statement=f"ALTER TABLE {name} ALTER {column} TYPE varchar(9)"))
        found.append(Change(table=name, statement=f"ALTER TABLE {name} ADD FOREIGN KEY ({column}) REFERENCES tenants"))
    else:
        found.append(
            Change(
                table=name,
                statement=f"ALTER TABLE {name} ALTER {column} TYPE integer",
                answers={"convert": {place: {"else": None}}},
                asks=lambda rows: any(_whole(row[column]) is None and row[column] is not None for row in rows),
                becomes=lambda row: row | {column: _whole(row[column])},
            )
        )
    return found


def _with(column: str, value: str | None) -> Callable[[Row], Row]:
    return lambda row: row | {column: value}


def _whole(text: str | None) -> str | None:
    """A number as an integer; None where it is none."""
    if text is None or Decimal(text) != int(Decimal(text)):
        return None
    return str(int(Decimal(text)))
