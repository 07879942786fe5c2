"""The schemas of a database, and how tables and sequences are named by text."""

from __future__ import annotations

import msgspec


class Schemas(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The schemas of a database that hold somebody's tables or sequences.

    A thing of the first covered schema is named `orders`; of any other one `auth.users`.

    Attributes:
        covered: those that the catalog file covers; the first is where names without a schema are.
        others: all others, with their tables as they are called there, those of extensions left out.
    """

    covered: tuple[str, ...]
    others: dict[str, tuple[str, ...]] = {}

    @property
    def first(self) -> str:
        """Where names without a schema are."""
        return self.covered[0]

    @property
    def all(self) -> tuple[str, ...]:
        """All schemas, the covered ones first."""
        return (*self.covered, *self.others)

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """The schemas with somebody's tables that are not covered."""
        return {name: tables for name, tables in self.others.items() if tables}

    def name(self, schema: str, relation: str) -> str:
        """Give the text by which a thing of a schema is named."""
        return relation if schema == self.first else f"{schema}.{relation}"

    def place(self, name: str) -> tuple[str, str]:
        """Give the schema of a thing that is named by text, and what it is called there."""
        inside = [each for each in self.all[1:] if name.startswith(f"{each}.")]
        schema = max(inside, key=len, default="")
        return (schema, name[len(schema) + 1 :]) if schema else (self.first, name)

    def full(self, name: str) -> str:
        """Give a thing's name with its schema, for messages."""
        return ".".join(self.place(name))

    def covers(self, name: str) -> bool:
        """Tell whether a thing that is named by text is in a covered schema."""
        return self.place(name)[0] in self.covered
