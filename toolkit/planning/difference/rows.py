"""Which rows of a table two sides have, and only one of them: both are read in the same order, side by side.

A run of rows that both sides have under one id is not read. What is left of either side stays in order, and what is
taken off both changes nothing in what differs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from toolkit.model.difference import TableDifference
from toolkit.model.plan import RowSample, SampledAction, SampledValue
from toolkit.planning.copy_text import values
from toolkit.planning.difference.side import Mine, Piece, SideTable
from toolkit.planning.native_order import Rank, native_rank

LONGEST = 200
"""Characters of a value that are kept to be shown."""

VALUES = 4
"""Columns of a row that was inserted or deleted which are shown beside its key."""

Values = Sequence[str | None]


class UnorderedError(Exception):
    """The rows of a side are not in the order that their types are known to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the rows of one side are read.

    Attributes:
        pieces: all of them, in order.
        mine: tells which rows count; None for all.
    """

    table: SideTable
    pieces: Iterable[Piece]
    mine: Mine | None = None


def compare_rows(before: Reading, after: Reading, *, shared: bool, shown: int) -> TableDifference:
    """Compare two tables that have the same key.

    Args:
        shared: runs of one id need not be read: their rows count on both sides, or on none.
        shown: so many rows of each kind are given with the columns that differ.

    Raises:
        UnorderedError: they cannot be compared like this.
    """
    return _Merge(before, after, shared=shared, shown=shown).run(after.pieces)


class _Merge:
    def __init__(self, before: Reading, after: Reading, *, shared: bool, shown: int) -> None:
        self._name = before.table.name
        self._old = _Format(before.table)
        self._new = _Format(after.table)
        self._mine = after.mine
        # of other columns those are compared that both have
        names = [column.name for column in before.table.columns]
        there = [column.name for column in after.table.columns]
        self._same = names == there
        self._common = [(name, names.index(name), there.index(name)) for name in names if name in there]
        self._quoted = {name: self._old.quoted(place) for name, place, _ in self._common}
        self._left = _Left(before, self._old, shared=shared and self._same)
        self._counts = dict.fromkeys(SampledAction, 0)
        self._samples: dict[SampledAction, list[RowSample]] = {action: [] for action in SampledAction}
        self._shown = shown
        self._unchanged = 0

    def run(self, pieces: Iterable[Piece]) -> TableDifference:
        for piece in pieces:
            if self._left.has(piece):
                self._unchanged += piece.rows
            else:
                self._take(piece.load())
        while (line := self._left.line()) is not None:
            self._note(SampledAction.DELETE, values(line), None)
            self._left.next()
        return TableDifference(
            table=self._name,
            inserts=self._counts[SampledAction.INSERT],
            updates=self._counts[SampledAction.UPDATE],
            deletes=self._counts[SampledAction.DELETE],
            unchanged=None if self._mine else self._unchanged,
            samples=tuple(sample for action in SampledAction for sample in self._samples[action]),
        )

    def _take(self, data: bytes) -> None:
        """Lay rows of the later side beside those of the earlier one."""
        last: Rank | None = None
        for line in data.splitlines(keepends=True):
            if self._mine is not None and not self._mine(values(line)):
                continue
            if self._same and self._left.head() == line:
                self._left.next()
                self._unchanged += 1
                continue
            row = values(line)
            rank = self._new.rank(row)
            if last is not None and rank < last:
                raise UnorderedError
            last = rank
            self._place(row, rank)

    def _place(self, row: Values, rank: Rank) -> None:
        while (there := self._left.rank()) is not None and there < rank:
            old = self._left.line()
            if old is None:
                break
            if self._left.rank() != there:  # the first row of a run need not count
                continue
            self._note(SampledAction.DELETE, values(old), None)
            self._left.next()
        if there != rank or (line := self._left.line()) is None or self._left.rank() != rank:
            self._note(SampledAction.INSERT, None, row)
            return
        old_row = values(line)
        self._left.next()
        if all(old_row[place] == row[other] for _, place, other in self._common):
            self._unchanged += 1
        else:
            self._note(SampledAction.UPDATE, old_row, row)

    def _note(self, action: SampledAction, before: Values | None, after: Values | None) -> None:
        self._counts[action] += 1
        if len(self._samples[action]) >= self._shown:
            return
        key = self._old.key(before) if before is not None else self._new.key(after or ())
        # a key is shown before its row; where a row is updated it may be spelled otherwise
        passed = set() if action is SampledAction.UPDATE else set(self._old.key_names)
        differing = [
            SampledValue(column=name, before=old, after=new, quoted=self._quoted[name])
            for name, place, other in self._common
            if name not in passed
            for old, new in [(before[place] if before else None, after[other] if after else None)]
            if old != new
        ]
        chosen = differing if action is SampledAction.UPDATE else differing[:VALUES]
        sample = RowSample(action=action, key=key, values=tuple(map(_cut, chosen)))
        self._samples[action].append(sample)


class _Format:
    """How the rows of a table are read and ordered."""

    def __init__(self, table: SideTable) -> None:
        names = [column.name for column in table.columns]
        types = {column.name: column.type for column in table.columns}
        self._places = [names.index(key.column) for key in table.key]
        self._shown = self._places if table.unique else self._places[:VALUES]
        self.key_names = tuple(names[place] for place in self._shown)
        self._kinds = [types[key.column] if key.sort == "native" else None for key in table.key]
        self._unique = table.unique
        native = {key.column for key in table.key if key.sort == "native"}
        self._columns = [(column.name in native, column.type) for column in table.columns]

    def quoted(self, place: int) -> bool:
        """Whether a value is shown as text, and not as a number or a time."""
        native, kind = self._columns[place]
        return not native and not kind.startswith(_BARE)

    def key(self, row: Values) -> tuple[str | None, ...]:
        """What a row is called."""
        return tuple(row[place] for place in self._shown)

    def rank(self, row: Values) -> Rank:
        """What a row is sorted by."""
        return self.rank_of_key([row[place] for place in self._places])

    def rank_of_key(self, key: Values) -> Rank:
        """What a row with this key is sorted by."""
        try:
            ranks: tuple[object, ...] = tuple(
                _last if text is None else (0, text.encode() if kind is None else native_rank(text, kind))
                for text, kind in zip(key, self._kinds, strict=True)
            )
        except ValueError as error:
            raise UnorderedError from error
        if self._unique:
            return ranks
        # ties are settled by the text
        return (*ranks, tuple((text or "").encode() for text, kind in zip(key, self._kinds, strict=True) if kind))


_last = (1,)
_BARE = ("smallint", "integer", "bigint", "numeric", "real", "double", "money", "date", "time", "interval")


@dataclass
class _Left:
    """The earlier side, of which a run is read when its turn has come."""

    reading: Reading
    format: _Format
    shared: bool
    _pieces: list[Piece] = field(init=False)
    _at: int = field(default=-1, init=False)
    _lines: list[bytes] = field(default_factory=list, init=False)
    _next: int = field(default=0, init=False)
    _rank: Rank | None = field(default=None, init=False)
    _last: Rank | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._pieces = list(self.reading.pieces)
        self._passed: set[int] = set()
        self._places: dict[str, list[int]] = defaultdict(list)
        for place in reversed(range(len(self._pieces))):
            self._places[self._pieces[place].id].append(place)

    def has(self, piece: Piece) -> bool:
        """Tell whether a run is here too, and pass over it then."""
        places = self._places.get(piece.id, []) if self.shared else []
        while places:
            place = places.pop()
            if place > self._at:
                self._passed.add(place)
                return True
        return False

    def head(self) -> bytes | None:
        """Give the next row, if it has been read already."""
        return self._lines[self._next] if self._next < len(self._lines) else None

    def rank(self) -> Rank | None:
        """Say what the next row is sorted by, about: a row that does not count may stand before it; None at the end."""
        if self._rank is None:
            if (line := self.head()) is not None:
                self._rank = self.format.rank(values(line))
                if self._last is not None and self._rank < self._last:
                    raise UnorderedError
                self._last = self._rank
            elif (place := self._following()) is not None:
                first = self._pieces[place].first
                copied = values("\t".join(r"\N" if each is None else each for each in first).encode())
                return self.format.rank_of_key(copied)
        return self._rank

    def line(self) -> bytes | None:
        """Give the next row; None at the end."""
        while self._next >= len(self._lines):
            place = self._following()
            if place is None:
                return None
            self._at, self._next, mine = place, 0, self.reading.mine
            lines = self._pieces[place].load().splitlines(keepends=True)
            self._lines = lines if mine is None else [line for line in lines if mine(values(line))]
            self._rank = None
        return self._lines[self._next]

    def next(self) -> None:
        """Go on to the row behind it."""
        self._next += 1
        self._rank = None

    def _following(self) -> int | None:
        place = self._at + 1
        while place in self._passed:
            place += 1
        return place if place < len(self._pieces) else None


def _cut(value: SampledValue) -> SampledValue:
    before, after = (None if text is None else text[:LONGEST] for text in (value.before, value.after))
    return SampledValue(column=value.column, before=before, after=after, quoted=value.quoted)
