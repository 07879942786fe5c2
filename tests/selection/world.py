"""A small made-up application as data: its tables, rows, references and rules, before any of it is SQL or YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from psycopg import sql

Value = int | str | bool | None
Row = Mapping[str, Value]

CASELESS = "types.caseless"
"""A type whose values are equal whatever their case."""


class Declared(StrEnum):
    """Where a reference is declared; only a validated foreign key surely leads somewhere."""

    FOREIGN_KEY = "foreign key"
    NOT_VALID = "foreign key that is not validated"
    CATALOG = "catalog file"
    BOTH = "foreign key and catalog file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Rows of `child` point at the rows of `parent` with equal columns."""

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    declared: Declared

    @property
    def enforced(self) -> bool:
        """Whether the database vouches for it."""
        return self.declared in (Declared.FOREIGN_KEY, Declared.BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An entry of `owned_by`: columns of the rule's own table, or of another one."""

    columns: tuple[str, ...]
    table: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A `where`: its SQL, and what it means for a row."""

    text: str
    holds: Callable[[Row], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the catalog file says of a table.

    Attributes:
        category: `business`, `device`, `transient`, or empty for a table that the file does not name.
        kind: of a business table: `tenant`, `owned`, `shared` or `referenced`.
    """

    category: str
    kind: str = ""
    owned_by: tuple[Edge, ...] = ()
    where: Condition | None = None
    optional: bool = False
    newest_by: str = ""
    unowned: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; `type` is an SQL type."""

    type: str
    nullable: bool = True

    def normal(self, value: Value) -> Value:
        """A value, the same for all that the database finds equal."""
        return value.lower() if isinstance(value, str) and self.type == CASELESS else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its rows.

    Attributes:
        columns: by name.
        key: the primary key; empty without one.
        unique: further unique keys.
        present: whether the database has it; the catalog file names it all the same.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    rule: Rule
    present: bool = True
    partitioned: bool = False

    @property
    def is_business(self) -> bool:
        """Whether its rows are business data."""
        return self.rule.category == "business"


SECOND, LEFT_OUT = "second", "left out"
"""Further schemas: one that the catalog file covers, and one that it leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A whole application.

    Attributes:
        schema: the name of its first schema; tables of SECOND and LEFT_OUT have these in their names.
        tenant: the tenant table's name; `key`, `label` and `demo` are columns of it, the last two maybe empty.
    """

    tables: Mapping[str, Table]
    references: tuple[Reference, ...]
    schema: str
    tenant: str
    key: str
    label: str
    demo: str

    def identifier(self, name: str, more: str = "") -> sql.Identifier:
        """A table as SQL; with `more`, what its name goes on with."""
        schema, _, relation = name.partition(".")
        place = (schema, relation) if schema in (SECOND, LEFT_OUT) else (self.schema, name)
        return sql.Identifier(place[0], place[1] + more)
