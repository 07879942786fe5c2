"""In which order rows come into empty tables whose foreign keys are in place and checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from toolkit.model.manifest import StoredColumn
from toolkit.model.schema import DatabaseSchema, ForeignKey, Table
from toolkit.planning.cycles import components


class LoadStep(Struct, frozen=True, kw_only=True):
    """Tables that are loaded together.

    Attributes:
        at_once: their rows point at each other by keys that are checked at the end of each statement, so that one
            statement has to bring all of them.
    """

    tables: tuple[str, ...]
    at_once: bool


def load_steps(schema: DatabaseSchema, names: Collection[str]) -> Sequence[LoadStep]:
    """Put tables in an order in which every row finds what it points at, keys that can be deferred being deferred."""
    edges = [
        (key.parent, name, key.deferrable or not key.enforced)
        for name in names
        for key in schema.tables[name].foreign_keys
        if key.parent in names
    ]
    checked = [(parent, child) for parent, child, later in edges if not later]
    steps = []
    for group in components(names, [(parent, child) for parent, child, _ in edges]):
        for inner in components(group, checked):
            circular = len(inner) > 1 or (inner[0], inner[0]) in checked
            steps.append(LoadStep(tables=inner, at_once=circular))
    return steps


class UnmetKey(Struct, kw_only=True):
    """A foreign key that leads to rows which may not be there.

    Attributes:
        certain: none of them is there.
        rows: how many rows point at any, of those that were counted.
    """

    table: str
    key: ForeignKey
    certain: bool
    places: tuple[int, ...]
    rows: int = 0

    @property
    def sentence(self) -> str:
        """Say what is not there."""
        return f"rows of {self.key.parent} that {self.table} ({', '.join(self.key.columns)}) may point at"

    def count(self, data: bytes) -> None:
        """Count the rows, of some as COPY text, that point at any."""
        fields = (line.split(b"\t") for line in data.splitlines())
        self.rows += sum(all(row[place] != rb"\N" for place in self.places) for row in fields)


class _Loaded(Protocol):
    @property
    def table(self) -> Table: ...
    @property
    def columns(self) -> Sequence[StoredColumn]: ...


def unmet_keys(tables: Sequence[_Loaded], partly: Collection[str]) -> Sequence[UnmetKey]:
    """Give the keys of some tables that lead to others, or to tables of which not all rows are there."""
    known = {each.table.name: [column.name for column in each.columns] for each in tables}
    return [
        UnmetKey(
            table=name,
            key=key,
            certain=key.parent not in known and not key.within and set(key.columns) <= set(known[name]),
            places=tuple(known[name].index(column) for column in key.columns if column in known[name]),
        )
        for name, key in ((each.table.name, key) for each in tables for key in each.table.foreign_keys)
        if key.enforced and (key.parent not in known or key.parent in partly)
    ]
