"""Rows of two sides that are not in both, against a count of all lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from toolkit.model.manifest import Chunk, KeyColumn, TableEntry, chunk_id, table_digest
from toolkit.planning import chunking, in_order, ranges
from toolkit.planning.chunking import ChunkSizes, chunks
from toolkit.planning.in_order import InOrder
from toolkit.planning.ranges import Differing, Room, differing, together

SMALL = ChunkSizes(minimum=20, beyond=40, maximum=200)
sides = st.lists(st.integers(0, 300), max_size=200).map(sorted)


def rows_of(numbers: list[int]) -> list[bytes]:
    """Rows in the order of their keys; equal numbers are equal rows."""
    return [b"%d\tvalue\n" % number for number in numbers]


def entry_of(rows: list[bytes], key: tuple[KeyColumn, ...]) -> tuple[TableEntry, dict[str, bytes]]:
    """A table of a backup, and its chunks by their ids."""
    there, data = [], dict[str, bytes]()
    for raw in chunks(rows, SMALL):
        first, last = (row.split(b"\t")[0].decode() for row in (raw.first_row, raw.last_row))
        identity = chunk_id(raw.data)
        data[identity] = raw.data
        there.append(
            Chunk(id=identity, rows=raw.rows, raw=len(raw.data), stored=1, first=(first,)[: len(key)], last=(last,))
        )
    entry = TableEntry(
        name="t",
        category="business",
        group="",
        columns=(),
        key=key,
        rows=len(rows),
        bytes=sum(map(len, rows)),
        digest=table_digest([chunk.id for chunk in there]),
        chunks=tuple(there),
    )
    return entry, data


def beside(
    ours: list[bytes], theirs: list[bytes], key: tuple[KeyColumn, ...]
) -> tuple[Differing | None, list[Chunk], TableEntry]:
    """What differs, and the chunks that were fetched to know it."""
    entry, data = entry_of(ours, key)
    fetched: list[Chunk] = []

    def fetch(wanted: TableEntry) -> Iterator[bytes]:
        fetched.extend(wanted.chunks)
        return (data[chunk.id] for chunk in wanted.chunks)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "FORMAT_1", SMALL)
        found = differing(chunks(theirs), entry, fetch, lambda row: (row.split(b"\t")[0].decode(),), Room())
    return found, fetched, entry


@pytest.mark.parametrize("key", [(), (KeyColumn(column="id", sort="native"),), (KeyColumn(column="id", sort="text"),)])
@given(ours=sides, theirs=sides, changed=st.booleans())
def test_rows_of_one_side_only_are_found(
    key: tuple[KeyColumn, ...], ours: list[int], theirs: list[int], changed: bool
) -> None:
    """They are what a count of all lines says, however often a row occurs and whatever its key is taken for."""
    mine = rows_of(ours)
    others = rows_of(theirs) if changed else [row for number, row in enumerate(mine) if number % 7]
    found, _, _ = beside(mine, others, key)
    assert found is not None
    assert Counter(found.ours) == Counter(mine) - Counter(others)
    assert Counter(found.theirs) == Counter(others) - Counter(mine)
    assert found.rows == len(others)


@given(ours=sides, theirs=sides, mine_at=st.integers(0, 20), others_at=st.integers(0, 200))
def test_parts_are_put_together(ours: list[int], theirs: list[int], mine_at: int, others_at: int) -> None:
    """What differs is what a count of all lines says, wherever each side is cut in two."""
    mine, others = rows_of(ours), rows_of(theirs)
    entry, data = entry_of(mine, (KeyColumn(column="id", sort="native"),))
    room, found = Room(), list[Differing | None]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "FORMAT_1", SMALL)
        for some, rows in ((entry.chunks[:mine_at], others[:others_at]), (entry.chunks[mine_at:], others[others_at:])):
            part = structs.replace(entry, chunks=some)
            found.append(
                differing(
                    chunks(rows),
                    part,
                    lambda wanted: (data[chunk.id] for chunk in wanted.chunks),
                    lambda row: (row.split(b"\t")[0].decode(),),
                    room,
                )
            )
    both = together(found, room)
    assert both is not None
    assert Counter(both.ours) == Counter(mine) - Counter(others)
    assert Counter(both.theirs) == Counter(others) - Counter(mine)
    assert both.rows == len(others)


def test_a_part_of_which_nothing_is_known_gives_back_what_the_others_hold() -> None:
    """Other tables may use that memory then."""
    room = Room()
    room.take(ranges.HELD_BYTES)
    room.take(3 * (ranges.LINE_BYTES + 2))
    part = Differing(ours=[b"a\n", b"a\n"], theirs=[b"b\n"], rows=1)
    assert room.none
    assert together([part, None], room) is None
    assert not room.none


def test_only_ranges_that_differ_are_fetched() -> None:
    """A changed row costs the chunks around it."""
    rows = rows_of(list(range(2000)))
    changed = [*rows[:1000], b"1000\tchanged\n", *rows[1001:]]
    found, fetched, entry = beside(rows, changed, (KeyColumn(column="id", sort="native"),))
    assert found is not None
    assert (found.ours, found.theirs) == ([rows[1000]], [b"1000\tchanged\n"])
    assert 1 <= len(fetched) <= 4 < len(entry.chunks)
    assert beside(rows, rows, ())[1] == []


def test_more_than_can_be_held_is_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded: then the rows are compared by the server, and the other side is read to its end."""
    monkeypatch.setattr(ranges, "HELD_BYTES", 10_000)
    rows = rows_of(list(range(2000)))
    left = iter(chunks([row.upper() for row in rows], SMALL))
    entry, data = entry_of(rows, ())
    assert (
        differing(left, entry, lambda wanted: (data[chunk.id] for chunk in wanted.chunks), lambda _: (), Room()) is None
    )
    assert next(left, None) is None


@pytest.mark.parametrize("stops", [0, 1000])
@given(ours=sides, theirs=sides, cut_at=st.integers(0, 200))
def test_lines_in_the_same_place_are_passed_over_on_both_sides(
    stops: int, ours: list[int], theirs: list[int], cut_at: int
) -> None:
    """As many of each as on the other, be the others given back line by line or at once because too many differ."""
    one, other = rows_of(ours), rows_of(theirs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_order, "STOPS", stops)
        beside = InOrder(b"".join(one))
        found = [*beside.beside(b"".join(other[:cut_at])), *beside.beside(b"".join(other[cut_at:]))]
    left = Counter(beside.left())
    assert Counter(one) - left == Counter(other) - Counter(found)
    assert not left - Counter(one)
    assert not Counter(found) - Counter(other)


def test_one_line_that_differs_is_the_only_one_given_back() -> None:
    """Be it changed, added, or not there."""
    rows = rows_of(list(range(1000)))
    for other in (rows[:500] + rows[501:], [*rows[:500], b"new\n", *rows[500:]], [*rows[:500], b"new\n", *rows[501:]]):
        beside = InOrder(b"".join(rows))
        found = beside.beside(b"".join(other))
        assert [*found, *beside.left()] in ([b"new\n"], [rows[500]], [b"new\n", rows[500]])
