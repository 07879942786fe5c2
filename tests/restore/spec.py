"""Made-up applications as plain data: what the oracle reasons about; DDL and catalog file follow from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg import sql

Row = dict[str, str | None]
"""A row: the text of every stored column."""

State = dict[str, list[Row]]
"""A database: the rows of every table."""

Columns = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Columns that point at a row.

    Attributes:
        action: what the foreign key does on delete; empty when only the catalog file declares the reference.
        set_columns: those that SET NULL is limited to; empty for all.
        on_update: what it does when the values pointed at change.
        deferrable: when the foreign key is checked, as DDL; empty for at once.
    """

    columns: Columns
    parent: str
    parent_columns: Columns
    action: str = "no action"
    set_columns: Columns = ()
    on_update: str = "no action"
    deferrable: str = ""

    @property
    def emptied(self) -> Columns:
        """The columns that become NULL when SET NULL acts."""
        return self.set_columns or self.columns

    @property
    def actions(self) -> str:
        """What it does when the row pointed at goes or changes, as DDL."""
        limited = f" ({', '.join(self.set_columns)})" if self.set_columns else ""
        changing = "" if self.on_update == "no action" else f" ON UPDATE {self.on_update}"
        return f"ON DELETE {self.action}{limited}{changing}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its rule.

    Attributes:
        columns: name → type and constraints, without those that other attributes say.
        computed: generated columns, which no row of a state has.
        key: the primary key; empty for a table without one.
        unique: further unique keys.
        late: those of them that are deferrable.
        category: `business`, `device`, `transient`, or `unlisted` in no category.
        kind: the rule of a business table: `tenant`, `owned`, `shared` or `referenced`.
        owned_by: (table or empty for this one, columns).
        where: the condition in SQL, and as a function of a row.
        newest_by: the column of an optional table by which a limit counts.
        values: the texts that the generator chooses from, for columns that are no references.
        statements: further DDL, such as triggers.
        filled: columns of which one has to have a value, by CHECK; empty for no such constraint.
        parts: it is partitioned by its id, and its foreign keys are declared by these partitions, which have all rows.
    """

    name: str
    columns: dict[str, str]
    key: Columns = ()
    unique: tuple[Columns, ...] = ()
    late: tuple[Columns, ...] = ()
    references: tuple[Reference, ...] = ()
    computed: dict[str, str] | None = None
    category: str = "business"
    kind: str = "owned"
    owned_by: tuple[tuple[str, Columns], ...] = ()
    where: tuple[str, Callable[[Row], bool]] | None = None
    unowned: str = ""
    cascade: bool = False
    newest_by: str = ""
    values: dict[str, tuple[str | None, ...]]
    statements: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    filled: Columns = ()

    def lets(self, row: Row) -> bool:
        """Whether its CHECK constraint lets a row in."""
        return not self.filled or any(row[name] is not None for name in self.filled)

    @property
    def identity(self) -> Columns:
        """What tells rows apart: the primary key, else the narrowest unique key that is never NULL; may be empty."""
        never_null = [
            names
            for names in self.unique
            if names not in self.late and not any(self.may_be_null(name) for name in names)
        ]
        return self.key or min(never_null, key=lambda names: (len(names), names), default=())

    def may_be_null(self, name: str) -> bool:
        """Whether a column can be NULL."""
        return name not in self.key and "NOT NULL" not in self.columns[name]

    def normal(self, columns: Columns, row: Row) -> tuple[Any, ...]:
        """The values of some columns, equal exactly if the database finds them equal."""
        return tuple(_normal(self.columns[name], row[name]) for name in columns)


TREE = (
    "_low PARTITION OF {} FOR VALUES FROM (MINVALUE) TO (2)",
    "_high PARTITION OF {} FOR VALUES FROM (2) TO (MAXVALUE) PARTITION BY RANGE (id)",
    "_mid PARTITION OF {}_high FOR VALUES FROM (2) TO (3)",
    "_rest PARTITION OF {}_high DEFAULT",
)
"""The partitions of a table that has some, and of one of them."""


def identifier(name: str) -> sql.Identifier:
    """A table or sequence as SQL; one of another schema than the first is named with it."""
    return sql.Identifier(*(name.split(".") if "." in name else ("public", name)))


def _normal(kind: str, value: str | None) -> Any:
    if value is not None and kind.startswith("numeric"):
        return Decimal(value)
    return value.lower() if value is not None and kind.startswith("types.caseless") else value


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An application: its tables, parents before children where there is no cycle.

    Attributes:
        sequences: DDL of further sequences.
        shapes: what is known of all sequences, those of identity columns included.
    """

    name: str
    tables: tuple[Table, ...]
    tenant: str = "tenants"
    sequences: tuple[str, ...] = ()
    shapes: tuple[Any, ...] = ()

    def __getitem__(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    @property
    def has_members(self) -> bool:
        """Whether rows have their owners through rows that point at them."""
        return any(source for table in self.tables for source, _ in table.owned_by)

    @property
    def has_chains(self) -> bool:
        """Whether rows have their owners through rows of other tables than that of the tenants."""
        return any(
            reference.columns == columns and reference.parent not in {table.name, self.tenant}
            for table in self.tables
            for source, columns in table.owned_by
            for reference in table.references
            if not source
        )

    @property
    def references(self) -> list[tuple[Table, Reference]]:
        """Every reference with the table that has it."""
        return [(table, reference) for table in self.tables for reference in table.references]

    @property
    def ddl(self) -> str:
        """Everything that makes the application's schema."""
        statements = []
        for table in self.tables:
            parts = [f"{name} {kind}" for name, kind in (table.columns | (table.computed or {})).items()]
            parts.extend(
                f"UNIQUE ({', '.join(columns)}){' DEFERRABLE' if columns in table.late else ''}"
                for columns in table.unique
            )
            if table.key:
                parts.append(f"PRIMARY KEY ({', '.join(table.key)})")
            if table.filled:
                parts.append(f"CHECK ({' OR '.join(f'{name} IS NOT NULL' for name in table.filled)})")
            tree = " PARTITION BY RANGE (id)" if table.parts else ""
            statements.append(f"CREATE TABLE {table.name} ({', '.join(parts)}){tree}")
            if table.parts:
                statements.extend(f"CREATE TABLE {table.name}{part.format(table.name)}" for part in TREE)
        statements.extend(
            f"ALTER TABLE {table.name}{part} ADD FOREIGN KEY ({', '.join(reference.columns)})"
            f" REFERENCES {reference.parent} ({', '.join(reference.parent_columns)}) {reference.actions}"
            f" {reference.deferrable}"
            for table, reference in self.references
            if reference.action
            for part in table.parts or ("",)
        )
        statements.extend(statement for table in self.tables for statement in table.statements)
        statements.extend(self.sequences)
        return ";\n".join(statements)

    @property
    def catalog(self) -> str:
        """The catalog file, as JSON, which is YAML."""
        document: dict[str, Any] = {
            "catalog": "application",
            "schemas": ["public", "other"],
            "other_schemas": {"outside": "nobody needs it"},
            "tenant": {"table": self.tenant, "key": "id", "label": "name", "demo": "demo"},
        }
        for table in self.tables:
            if table.category == "unlisted" or table.name.startswith("outside."):
                continue
            document.setdefault(table.category, {}).setdefault("all", {})[table.name] = _rule(table)
        return json.dumps(document)


def _rule(table: Table) -> dict[str, Any]:
    if table.category != "business":
        return {"cascade": True} if table.cascade else {}
    rule: dict[str, Any] = {
        "references": {
            ", ".join(reference.columns): f"{reference.parent}.{', '.join(reference.parent_columns)}"
            for reference in table.references
            if not reference.action
        }
    }
    if table.owned_by:
        edges = [[f"{source}.{name}" if source else name for name in columns] for source, columns in table.owned_by]
        rule["owned_by"] = [edge[0] if len(edge) == 1 else edge for edge in edges]
    if table.kind != "owned":
        rule["rule"] = table.kind
    if table.where:
        rule["where"] = table.where[0]
    if table.unowned:
        rule["unowned"] = table.unowned
    if table.newest_by:
        rule |= {"optional": True, "newest_by": table.newest_by}
    return {name: value for name, value in rule.items() if value}
