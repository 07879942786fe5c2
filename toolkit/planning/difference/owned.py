"""Which rows of a backup belong to one business, told by the text of the rows alone: no database is asked.

It follows the owner links of the rules under which the backup was made. Of rows that lead on to others the values are
kept by which they do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from toolkit.errors import RefusedError
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.schema import PLAIN
from toolkit.planning.copy_text import values
from toolkit.planning.cycles import components
from toolkit.planning.difference.side import Mine
from toolkit.planning.links import OwnerLink
from toolkit.planning.native_order import native_rank
from toolkit.planning.picking import links_of

RowsOf = Callable[[TableEntry], Iterator[bytes]]
Values = Sequence[str | None]
Value = object


class OwnedRows:
    """The rows of a business in a backup.

    Args:
        rows_of: gives the rows of a table, or those that support it, run by run.

    Raises:
        RefusedError: values by which rows hang together are not told to be equal by their text.
    """

    def __init__(self, manifest: Manifest, business: str, rows_of: RowsOf, tables: Iterable[str]) -> None:
        self._manifest = manifest
        self._business = business
        self._rows_of = rows_of
        self._entries = {entry.name: entry for entry in manifest.tables}
        links = [link for link in links_of(manifest).owners if {link.table, link.source} <= self._entries.keys()]
        wanted = set(tables)
        while more := {link.source for link in links if link.table in wanted} - wanted:
            wanted |= more
        self._links = [link for link in links if link.table in wanted]
        _refuse_unlike(manifest, self._links)
        self._into: dict[str, list[OwnerLink]] = defaultdict(list)
        for link in self._links:
            self._into[link.table].append(link)
        # what the rows of the business that a link leads from have in its columns
        self._held: dict[OwnerLink, set[Value]] = {link: set() for link in self._links}
        self._supported = {name: list(self._support(self._entries[name])) for name in wanted if name in self._entries}
        self._follow()

    def mine(self, table: str) -> Mine:
        """Give what tells of the values of a row whether it belongs to the business."""
        entry = self._entries[table]
        tenant, key = self._manifest.selection.tenant
        names = [column.name for column in entry.columns]
        place = names.index(key) if table == tenant else None
        ways = [(_reader(entry, link.columns), self._held[link]) for link in self._into[table]]
        ways += self._supported.get(table, [])

        def belongs(row: Values) -> bool:
            return (place is not None and row[place] == self._business) or any(read(row) in held for read, held in ways)

        return belongs

    def known(self, table: str) -> Mapping[object, object]:
        """Give all that decides which rows of a table belong to the business, but for the rows themselves."""
        held: dict[object, object] = {(link.columns, link.source): self._held[link] for link in self._into[table]}
        columns = [support.columns for support in self._entries[table].support if support.what == "owners"]
        supported = zip(columns, self._supported[table], strict=True)
        return held | {names: found for names, (_, found) in supported}

    def _follow(self) -> None:
        """Collect the values that links lead on by, each table after those that lead to it."""
        out: dict[str, list[OwnerLink]] = defaultdict(list)
        for link in self._links:
            out[link.source].append(link)
        edges = [(link.source, link.table) for link in self._links]
        for group in components({table for edge in edges for table in edge}, edges):
            circular = len(group) > 1 or any(link.table == group[0] for link in out[group[0]])
            leading = [table for table in group if out[table]]
            while sum(self._collect(table, out[table]) for table in leading) and circular:
                continue

    def _collect(self, table: str, links: Sequence[OwnerLink]) -> bool:
        """Look at all rows of a table; gives whether any of the business leads to more than was known."""
        entry, mine = self._entries[table], self.mine(table)
        if not entry.rows:
            return False
        leading = [(_reader(entry, link.source_columns), self._held[link]) for link in links]
        before = sum(len(held) for _, held in leading)
        for data in self._rows_of(entry):
            for line in data.splitlines():
                row = values(line)
                if mine(row):
                    for read, held in leading:
                        if (value := read(row)) is not None:
                            held.add(value)
        return sum(len(held) for _, held in leading) > before

    def _support(self, entry: TableEntry) -> Iterator[tuple[Callable[[Values], Value | None], set[Value]]]:
        """What says that rows are the business's through rows which the backup lacks."""
        for support, rows in zip(entry.support, entry.supporting, strict=True):
            if support.what == "owners":
                found = {
                    value
                    for data in self._rows_of(rows)
                    for row in map(values, data.splitlines())
                    if row[-1] == self._business and (value := _reader(rows, support.columns)(row)) is not None
                }
                yield _reader(entry, support.columns), found


def _reader(entry: TableEntry, columns: Sequence[str]) -> Callable[[Values], Value | None]:
    """Give what takes the values of some columns out of a row, equal ones in one form; it gives None for a NULL."""
    names = [column.name for column in entry.columns]
    places = [(names.index(name), entry.columns[names.index(name)].type) for name in columns]

    def read(row: Values) -> Value | None:
        found = [_alike(text, kind) if (text := row[place]) is not None else None for place, kind in places]
        if None in found:
            return None
        return found[0] if len(found) == 1 else tuple(found)  # there may be very many

    return read


def _alike(text: str, kind: str) -> object:
    """Give a form of a value that others have which are equal to it."""
    if kind.startswith("character("):
        return text.rstrip(" ")
    if kind.startswith(_NATIVE):
        return native_rank(text, kind)
    return text


_NATIVE = ("smallint", "integer", "bigint", "numeric", "real", "double", "money", "date", "time", "interval")


def _refuse_unlike(manifest: Manifest, links: Iterable[OwnerLink]) -> None:
    unlike = {
        f"{link.table} ({', '.join(link.columns)}) and {link.source} ({', '.join(link.source_columns)})"
        for link in links
        if any(each != PLAIN for each in link.equalities)
        or any(
            manifest.schema.tables[table].column(name).generated
            for table, columns in ((link.table, link.columns), (link.source, link.source_columns))
            for name in columns
        )
    }
    if unlike:
        raise RefusedError(
            f"the rows of one business cannot be told in backup {manifest.metadata.label} without a database",
            (f"{each} are not told to be equal by their text" for each in sorted(unlike)),
            hint="compare all rows, or two backups of that business alone",
        )
