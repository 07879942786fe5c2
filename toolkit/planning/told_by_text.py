"""Whether the text of values tells which rows of a backup lead to which: equal values then have equal text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from toolkit.model.manifest import TableEntry
from toolkit.model.schema import PLAIN, DatabaseSchema, Equality
from toolkit.planning.links import OwnerLink, is_unique
from toolkit.planning.references import ReferenceLink

_KINDS = ({"smallint", "integer", "bigint"}, {"text", "character varying"}, {"uuid"})
"""Types whose values are equal exactly if their text is, where text is not compared under a collation of its own."""


class ToldByText(Struct, frozen=True, kw_only=True):
    """Knows the columns of a backup and of its target.

    Attributes:
        target: the schema of the target.
        recorded: that in which the backup was made.
        loose: columns, by table and name, whose collation takes different texts for equal.
    """

    entries: Mapping[str, TableEntry]
    target: DatabaseSchema
    recorded: DatabaseSchema
    loose: Collection[tuple[str, str]]

    def tells(self, table: str, columns: Sequence[str]) -> bool:
        """Tell whether values of these columns are equal exactly if their texts are."""
        return not self._has_rows(table) or None not in self._kinds(table, columns)

    def tells_owners(self, link: OwnerLink) -> bool:
        """Tell whether rows show by text which ones own them by a link."""
        return self._are_alike((link.table, link.columns), (link.source, link.source_columns), link.equalities)

    def tells_parents(self, link: ReferenceLink) -> bool:
        """Tell whether rows show by text at which ones they point by a link."""
        return self._are_alike((link.child, link.columns), (link.parent, link.parent_columns), link.equalities)

    def is_key(self, table: str, columns: Sequence[str]) -> bool:
        """Tell whether no two rows have the same values, neither in the backup nor in the target."""
        return all(
            table in schema.tables and is_unique(schema.tables[table], columns)
            for schema in (self.target, self.recorded)
        )

    def _are_alike(
        self, one: tuple[str, Sequence[str]], other: tuple[str, Sequence[str]], equalities: Sequence[Equality]
    ) -> bool:
        if not (self._has_rows(one[0]) and self._has_rows(other[0])):
            return True
        kinds = self._kinds(*one)
        return all(each == PLAIN for each in equalities) and None not in kinds and kinds == self._kinds(*other)

    def _has_rows(self, table: str) -> bool:
        return table in self.entries and self.entries[table].rows > 0

    def _kinds(self, table: str, columns: Sequence[str]) -> list[int | None]:
        """Per column the place of its type among those that tell; None for any other."""
        stored = {column.name: column.type for column in self.entries[table].columns}
        return [self._kind(table, name, stored[name]) if name in stored else None for name in columns]

    def _kind(self, table: str, name: str, stored: str) -> int | None:
        if (table, name) in self.loose:
            return None
        types = {each.partition("(")[0] for each in (stored, self.target.tables[table].column(name).type)}
        return next((place for place, kinds in enumerate(_KINDS) if types <= kinds), None)


def loosely_compared(schema: DatabaseSchema) -> Collection[tuple[str, str]]:
    """Give the columns, by table and name, whose values are not found equal in the plain way."""
    return {
        (name, column.name)
        for name, table in schema.tables.items()
        for column in table.columns
        if schema.key_equality(name, column.name) != PLAIN
    }
