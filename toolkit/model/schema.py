"""A database schema as facts: what the catalogs of PostgreSQL say about tables, keys and references."""

from __future__ import annotations

from typing import Literal

import msgspec


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column.

    Attributes:
        type: as `format_type` prints it, e.g. `numeric(12,2)`.
        sort: how the repository orders it: `native` for numbers and times, `text` (output bytes) otherwise.
        generated: `stored` or `virtual` for a generated column, which is never read or written.
        identity: `always` or `by default` for an identity column.
        object_ids: its type is, or is made of, one that holds object ids; they mean something else in another database.
    """

    name: str
    type: str
    nullable: bool = True
    has_default: bool = False
    sort: Literal["native", "text"] = "text"
    generated: Literal["", "stored", "virtual"] = ""
    identity: Literal["", "always", "by default"] = ""
    object_ids: bool = False


class UniqueKey(msgspec.Struct, frozen=True, kw_only=True):
    """A unique index or constraint that is not the primary key.

    Attributes:
        columns: its plain columns; empty when the index has an expression.
        partial: True when the index has a WHERE clause.
    """

    name: str
    columns: tuple[str, ...]
    partial: bool = False
    nulls_not_distinct: bool = False
    deferrable: bool = False


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A declared foreign key of the table that carries it.

    Attributes:
        validated: False for one that is NOT VALID or not enforced: its rows may point at nothing.
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: Literal["no action", "restrict", "cascade", "set null", "set default"] = "no action"
    deferrable: bool = False
    validated: bool = True


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes:
        columns: every live column, by name order, generated ones included.
        primary_key: its columns in key order; empty without one.
        user_triggers: names of enabled triggers a person created.
        row_security: True when row-level security applies to the connected role.
        partitioned: True for the root of a partitioned table.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    user_triggers: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    row_security: bool = False
    partitioned: bool = False

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """All column names."""
        return tuple(column.name for column in self.columns)

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns a backup holds, by name: all but the generated ones."""
        return tuple(column for column in self.columns if not column.generated)


class DatabaseSchema(msgspec.Struct, frozen=True, kw_only=True):
    """All tables of one schema, by name.

    Attributes:
        name: the schema's name, e.g. `public`.
        enums: the labels of each enum type, in their order.
        not_covered: views, foreign tables and the like, as `kind name`, and how many large objects there are: no
            backup holds them.
    """

    name: str
    tables: dict[str, Table]
    enums: dict[str, tuple[str, ...]] = {}
    not_covered: tuple[str, ...] = ()
