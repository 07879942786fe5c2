"""A database schema as facts: what the catalogs of PostgreSQL say about tables, keys and references."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from toolkit.model.schemas import Schemas

OnChange = Literal["no action", "restrict", "cascade", "set null", "set default"]
"""What a foreign key does to rows whose parent goes or changes."""


class Equality(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the server finds two values equal: `left OPERATOR(operator) right`; names are qualified and quoted.

    Attributes:
        left: the type that the left value is cast to; empty where it needs no cast.
        right: the same of the right value.
        collation: the collation to compare under; empty for the columns' own.
        flipped: whoever names two columns has the right one first.
    """

    operator: str = "pg_catalog.="
    left: str = ""
    right: str = ""
    collation: str = ""
    flipped: bool = False

    def reversed(self) -> Equality:
        """Give the same for whoever names the columns the other way round."""
        return msgspec.structs.replace(self, flipped=not self.flipped)


PLAIN = Equality()
"""The server's own `=`, by which it groups, too."""


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
        equalities: how the values of each column are found equal; empty for the plain way.
    """

    name: str
    columns: tuple[str, ...]
    partial: bool = False
    nulls_not_distinct: bool = False
    deferrable: bool = False
    equalities: tuple[Equality, ...] = ()


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A declared foreign key of the table that carries it.

    Attributes:
        set_columns: those that SET NULL or SET DEFAULT on delete is limited to; empty for all.
        match_full: a row points at nothing only where all columns are NULL, and none may be NULL alone.
        validated: False for one that is NOT VALID or not enforced: its rows may point at nothing.
        enforced: the server checks what is written.
        period: the last column is a range, which the rows of the parent cover together (PERIOD).
        within: the condition on rows that have the key, where only some partitions of the table do; empty for all.
        parent_within: the same of rows of the parent that it leads to.
        equalities: how a row's values are found in the parent, per column, the parent's value on the left; empty for
            the plain way. Of a period it says that two ranges overlap.
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: OnChange = "no action"
    on_update: OnChange = "no action"
    set_columns: tuple[str, ...] = ()
    match_full: bool = False
    deferrable: bool = False
    validated: bool = True
    enforced: bool = True
    period: bool = False
    within: str = ""
    parent_within: str = ""
    equalities: tuple[Equality, ...] = ()


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes:
        columns: every live column, by name order, generated ones included.
        primary_key: its columns in key order; empty without one.
        primary_equalities: how the values of each of them are found equal; empty for the plain way.
        user_triggers: names of enabled triggers a person created, on a partition too.
        checks: what the server prints of CHECK and exclusion constraints and of keys WITHOUT OVERLAPS; of one that a
            partition has beside the table, also the rows that it speaks of.
        row_security: True when row-level security applies to the connected role.
        partitioned: True for the root of a partitioned table.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    primary_equalities: tuple[Equality, ...] = ()
    unique_keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    user_triggers: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    row_security: bool = False
    partitioned: bool = False

    def column(self, name: str) -> Column:
        """Give the column of that name; KeyError when there is none."""
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


NOT_COVERED: Final = "not covered by any backup: "
"""How a warning begins that holds for every backup of a database alike, and says nothing of what went wrong."""


class DatabaseSchema(msgspec.Struct, frozen=True, kw_only=True):
    """All tables of the schemas of a database that a catalog file covers, and what is tied to them, by name.

    Attributes:
        schemas: the schemas, by which things are named.
        enums: the labels of each enum type, in their order.
        equalities: how values of a type are found equal where no key says otherwise, by the type's name without its
            modifiers; types that are not named have the plain way.
        not_covered: views, foreign tables and the like, as `kind name`, and how many large objects there are: no
            backup holds them.
    """

    schemas: Schemas
    tables: dict[str, Table]
    enums: dict[str, tuple[str, ...]] = {}
    equalities: dict[str, Equality] = {}
    not_covered: tuple[str, ...] = ()

    def covered(self) -> DatabaseSchema:
        """Give the tables of the covered schemas alone, and the foreign keys between them."""
        tables = {name: table for name, table in self.tables.items() if self.schemas.covers(name)}
        return msgspec.structs.replace(
            self,
            tables={
                name: msgspec.structs.replace(
                    table, foreign_keys=tuple(key for key in table.foreign_keys if key.parent in tables)
                )
                for name, table in tables.items()
            },
        )

    def key_equality(self, table: str, name: str) -> Equality:
        """Say how two values of a column that is a key by itself are found equal, or by default of any other."""
        found = self.tables[table]
        keys = [
            (found.primary_key, found.primary_equalities),
            *((key.columns, key.equalities) for key in found.unique_keys if not key.partial),
        ]
        for columns, equalities in keys:
            if columns == (name,):
                return equalities[0] if equalities else PLAIN
        return self.equality(found.column(name))

    def default_equalities(self, table: str, names: Iterable[str]) -> tuple[Equality, ...]:
        """Say how two rows of a table are found to agree in some columns where no key says it."""
        return tuple(self.equality(self.tables[table].column(name)) for name in names)

    def reference_equalities(self, table: str, key: ForeignKey) -> tuple[Equality, ...]:
        """Say how the server tells that a row of a table points as it did: by the key's type where it is another."""
        own = self.default_equalities(table, key.columns)
        by = key.equalities or [PLAIN] * len(own)
        return tuple(
            msgspec.structs.replace(keys, collation="") if keys != PLAIN and keys.left == keys.right else plain
            for plain, keys in zip(own, by, strict=True)
        )

    def equality(self, column: Column) -> Equality:
        """Say how two values of a column's type are found equal by default."""
        return self.equalities.get(column.type.partition("(")[0], PLAIN)
