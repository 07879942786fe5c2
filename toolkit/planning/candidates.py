"""Which rows of a backup may be of some businesses, told by the text of their links while the rows are read.

Who picks businesses out of a wider backup needs their own rows, those by which these are owned, and those that they
point at. Where equal values have equal text, rows show by text that they are none of these; they need not come on
stage. What is left may be more than what is picked, and never less: the server picks out of it by all rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from toolkit.model.manifest import TableEntry
from toolkit.planning.cycles import components
from toolkit.planning.links import Links, OwnerLink
from toolkit.planning.picking import Picking, SupportRows
from toolkit.planning.references import ReferenceLink
from toolkit.planning.told_by_text import ToldByText

HELD_BYTES = 96 << 20
"""About how much memory the values of links may need; with more of them no row is told by its text."""

VALUE_BYTES = 120
"""About how much memory a value needs beside its bytes."""

AGAIN = 2
"""How many times the bytes of a backup may be read again, because rows were found to be wanted after their table."""

OWNING = frozenset({"tenant", "owned"})
"""The rules whose rows have owners, as a backup writes them."""

_NULL = rb"\N"

Value = bytes | tuple[bytes, ...]
"""The text of one column, or of several."""

Places = tuple[int, ...]


class TooMuchError(Exception):
    """More values would have to be held, or more rows to be read again, than is worth it."""


class _Wanted(Struct):
    """Values by which rows of a table are looked for.

    Attributes:
        asked: those for which all rows have been looked at.
        fresh: those for which rows are being looked at.
        coming: those that were found meanwhile.
    """

    asked: set[Value] = field(default_factory=set)
    fresh: set[Value] = field(default_factory=set)
    coming: set[Value] = field(default_factory=set)

    def want(self, value: Value) -> bool:
        """Look for a value from the next time on; gives whether it is a new one."""
        if value in self.asked or value in self.fresh or value in self.coming:
            return False
        self.coming.add(value)
        return True


class _Table(Struct):
    """What is known of a table.

    Attributes:
        whole: every row is taken, whatever it says.
        ways: by which values its rows are owned, by the places of their columns.
        needed: by which values others point at its rows.
        single: those of them of which no two rows have the same.
        gives: where owned rows say by which values they own others.
        points: where taken rows say at what they point.
    """

    entry: TableEntry
    whole: bool = False
    read: bool = False
    ways: dict[Places, _Wanted] = field(default_factory=dict)
    needed: dict[Places, _Wanted] = field(default_factory=dict)
    single: set[Places] = field(default_factory=set)
    gives: list[tuple[Places, _Wanted]] = field(default_factory=list)
    points: list[tuple[Places, _Wanted]] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """Whether its rows have to be looked at."""
        return (self.whole and not self.read) or any(each.coming for each in self._every())

    def _every(self) -> Iterator[_Wanted]:
        yield from self.ways.values()
        yield from self.needed.values()

    def begin(self) -> None:
        for each in self._every():
            each.fresh, each.coming = each.coming, set()

    def finish(self) -> None:
        self.read = True
        for each in self._every():
            each.asked |= each.fresh
            each.fresh = set()


class Wider(Struct, frozen=True, kw_only=True):
    """A backup out of which businesses are picked.

    Attributes:
        entries: its tables, whose rows are as they were stored.
        picking: its rules.
        links: those whose columns are all there.
        text: says by which columns rows are told apart by their text.
        tenants: the keys of the businesses, as rows have them.
    """

    entries: Mapping[str, TableEntry]
    picking: Picking
    links: Links
    text: ToldByText
    tenants: Collection[bytes]


class Candidates:
    """Tells rows that may be wanted from the others, table by table, while they are read."""

    def __init__(self, wider: Wider) -> None:
        self._wider = wider
        self._links = wider.links
        self._held = 0
        self._tables = {name: _Table(entry) for name, entry in wider.entries.items() if entry.rows}
        self._read_again = AGAIN * sum(entry.bytes for entry in wider.entries.values())
        unknown = self._unknown()
        for name in unknown | self._taken_whole() | self._pointed_at_by_other_text():
            if name in self._tables:
                self._tables[name].whole = True
        for link in self._links.owners:
            if link.table not in unknown:
                self._follow(link)
        for reference in self._links.references:
            self._point(reference)
        if wider.picking.tenant.table not in unknown:
            self._begin()

    @property
    def tells(self) -> bool:
        """Whether it tells any rows from others."""
        return not all(table.whole for table in self._tables.values())

    @property
    def tables(self) -> Sequence[str]:
        """The tables that have rows."""
        return list(self._tables)

    def support(self, name: str, support: SupportRows, rows: Iterable[bytes]) -> None:
        """Look for rows that are owned through some that the backup lacks.

        Args:
            rows: the supporting rows: the values, and the business to which they lead.
        """
        table = self._tables[name]
        places = _places(table.entry, support.names)
        assert places is not None
        way = table.ways.setdefault(places, _Wanted())
        for row in rows:
            *values, tenant = row.removesuffix(b"\n").split(b"\t")
            if tenant in self._wider.tenants:
                self._want(way, values[0] if len(values) == 1 else tuple(values))

    def supports(self) -> Iterator[tuple[str, SupportRows]]:
        """Give what `support` has to be told of."""
        for name, supports in self._wider.picking.owners.items():
            if name in self._tables:
                yield from ((name, support) for support in supports if self._wider.text.tells(name, support.names))

    def turns(self) -> Iterator[str]:
        """Give the tables to be read, one after the other, some again; each is read before the next is asked for.

        Raises:
            TooMuchError: too much would have to be read again.
        """
        order = [
            name
            for group in components(self._tables, self._ways_and_references())
            for inner in components(group, self._ways())
            for name in inner
        ]
        while any(self._tables[name].due for name in order):
            for table in (self._tables[name] for name in order if self._tables[name].due):
                if table.read:
                    self._read_again -= table.entry.bytes
                    if self._read_again < 0:
                        raise TooMuchError
                table.begin()
                yield table.entry.name
                table.finish()

    def among(self, name: str, data: bytes) -> Sequence[bytes]:
        """Give those rows of a chunk that may be wanted and were not given before.

        Raises:
            TooMuchError: more values would have to be held than is worth it.
        """
        table, rows = self._tables[name], data.splitlines(keepends=True)
        if table.whole and not (table.ways or table.points):
            return rows
        if not table.whole and not table.read and not any(each.fresh for each in table.needed.values()):
            wanted = [(places, way) for places, way in table.ways.items() if way.fresh]
            if len(wanted) == 1 and len(wanted[0][0]) == 1:
                owned = _with(rows, wanted[0][0][0], len(table.entry.columns), wanted[0][1].fresh)
                self._note(table, owned, owned)
                return owned
        return self._sorted_out(table, rows)

    @property
    def whole(self) -> Sequence[str]:
        """The tables of which every row is taken, whatever it says."""
        return [name for name, table in self._tables.items() if table.whole]

    def found(self, name: str, data: bytes) -> Sequence[bytes]:
        """Give those rows of a chunk that were given in any turn; to be asked after the last."""
        table, rows = self._tables[name], data.splitlines(keepends=True)
        if table.whole:
            return rows
        ways = [(places, way.asked) for places, way in (*table.ways.items(), *table.needed.items()) if way.asked]
        if not ways:
            return ()
        return [row for row in rows if _leads(ways, row[:-1].split(b"\t"))]

    def _sorted_out(self, table: _Table, rows: Sequence[bytes]) -> Sequence[bytes]:
        """The same for rows that may be found by several ways, or a second time."""
        owned, taken = list[bytes](), list[bytes]()
        for row in rows:
            fields = row[:-1].split(b"\t")
            known, found = _finds(table.ways, fields)
            was_needed, is_needed = _finds(table.needed, fields)
            if found and not known:
                owned.append(row)
            before = (table.whole and table.read) or known or was_needed
            if not before and (table.whole or found or is_needed):
                taken.append(row)
        self._note(table, owned, taken)
        return taken

    def _note(self, table: _Table, owned: Sequence[bytes], taken: Sequence[bytes]) -> None:
        """Look from now on for what owned rows own and taken ones point at, and not for these themselves."""
        for places in table.single:
            table.needed[places].asked.update(_values(taken, places))
        for rows, where in ((owned, table.gives), (taken, table.points)):
            for places, wanted in where:
                for value in _values(rows, places):
                    self._want(wanted, value)

    def _want(self, wanted: _Wanted, value: Value) -> None:
        if wanted.want(value):
            self._held += VALUE_BYTES + (len(value) if isinstance(value, bytes) else sum(map(len, value)))
            if self._held > HELD_BYTES:
                raise TooMuchError

    # what is told, and by what

    def _unknown(self) -> set[str]:
        """The tables whose rows do not show by text whether the businesses own them."""
        tenant, text = self._wider.picking.tenant, self._wider.text
        found = set() if text.tells(tenant.table, (tenant.key,)) else {tenant.table}
        found |= {link.table for link in self._links.owners if not text.tells_owners(link)}
        found |= {
            name
            for name, supports in self._wider.picking.owners.items()
            if not all(text.tells(name, support.names) for support in supports)
        }
        while more := {link.table for link in self._links.owners if link.source in found} - found:
            found |= more
        return found

    def _taken_whole(self) -> set[str]:
        """The tables whose rule takes rows whoever owns them, with all that could own rows that have to be nobody's."""
        rules = self._wider.picking.rules
        found = {name for name, rule in rules.items() if rule.kind in OWNING and rule.unowned == "always"}
        while more := {link.source for link in self._links.owners if link.table in found} - found:
            found |= more
        return found | {name for name, rule in rules.items() if rule.kind == "shared" or rule.unowned == "always"}

    def _pointed_at_by_other_text(self) -> set[str]:
        return {link.parent for link in self._links.references if not self._wider.text.tells_parents(link)}

    def _follow(self, link: OwnerLink) -> None:
        """Let owned rows of a table say which rows of another one they own."""
        source, table = self._tables.get(link.source), self._tables.get(link.table)
        if source is None or table is None:
            return
        places, theirs = _places(table.entry, link.columns), _places(source.entry, link.source_columns)
        if places is not None and theirs is not None:
            source.gives.append((theirs, table.ways.setdefault(places, _Wanted())))

    def _point(self, link: ReferenceLink) -> None:
        """Let taken rows of a table say at which rows of another one they point."""
        child, parent = self._tables.get(link.child), self._tables.get(link.parent)
        if child is None or parent is None or parent.whole:
            return
        places, theirs = _places(child.entry, link.columns), _places(parent.entry, link.parent_columns)
        if places is not None and theirs is not None:
            child.points.append((places, parent.needed.setdefault(theirs, _Wanted())))
            if self._wider.text.is_key(link.parent, link.parent_columns):
                parent.single.add(theirs)

    def _begin(self) -> None:
        """Look for the businesses."""
        tenant = self._wider.picking.tenant
        if (table := self._tables.get(tenant.table)) is not None:
            places = _places(table.entry, (tenant.key,))
            assert places is not None
            way = table.ways.setdefault(places, _Wanted())
            for key in self._wider.tenants:
                self._want(way, key)

    def _ways(self) -> list[tuple[str, str]]:
        return [(link.source, link.table) for link in self._links.owners]

    def _ways_and_references(self) -> list[tuple[str, str]]:
        return [*self._ways(), *((link.child, link.parent) for link in self._links.references)]


def _places(entry: TableEntry, names: Sequence[str]) -> Places | None:
    """Where columns are in a row; None where one of them is not stored."""
    places = {column.name: place for place, column in enumerate(entry.columns)}
    return tuple(places[name] for name in names) if places.keys() >= set(names) else None


def _with(rows: Sequence[bytes], place: int, width: int, values: Collection[Value]) -> Sequence[bytes]:
    """The rows that have one of some values in a column."""
    if place == width - 1:
        return [row for row in rows if row[:-1].rpartition(b"\t")[2] in values]
    return [row for row in rows if row.split(b"\t", place + 1)[place] in values]


def _values(rows: Iterable[bytes], places: Places) -> Iterator[Value]:
    """The values in some columns of rows, but for those of which a part is NULL: these lead nowhere."""
    for row in rows:
        fields = row[:-1].split(b"\t")
        values = [fields[place] for place in places]
        if _NULL not in values:
            yield values[0] if len(values) == 1 else tuple(values)


def _leads(ways: Iterable[tuple[Places, Collection[Value]]], fields: Sequence[bytes]) -> bool:
    """Whether a row has one of the values of some ways."""
    for places, asked in ways:
        value = fields[places[0]] if len(places) == 1 else tuple(fields[place] for place in places)
        if value in asked:
            return True
    return False


def _finds(ways: Mapping[Places, _Wanted], fields: Sequence[bytes]) -> tuple[bool, bool]:
    """Whether a row was found by one of some ways before, and whether it is found now."""
    before = now = False
    for places, way in ways.items():
        value = fields[places[0]] if len(places) == 1 else tuple(fields[place] for place in places)
        before = before or value in way.asked
        now = now or value in way.fresh
    return before, now
