"""The border function: what it may not depend on, and how little a small change moves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.planning.chunking import FORMAT_1, MIB, ChunkSizes, RawChunk, chunks, cut, opening

SMALL = ChunkSizes(minimum=64, beyond=192, maximum=1024)

rows_strategy = st.lists(
    st.one_of(st.binary(max_size=40), st.binary(min_size=500, max_size=1500)).map(lambda text: text + b"\n"),
    max_size=120,
)


def made_rows(count: int, *, seed: float = 1, longest: int = 30) -> list[bytes]:
    """Rows of random length and content, the same for the same seed."""
    source = random.Random(seed)
    return [source.randbytes(source.randrange(longest)) + b"\n" for _ in range(count)]


def borders(rows: list[bytes], sizes: ChunkSizes) -> list[list[bytes]]:
    """The published rule once more, written to be read and not to be fast."""
    result: list[list[bytes]] = []
    current: list[bytes] = []
    for row in rows:
        if current and sum(map(len, current)) + len(row) > sizes.maximum:
            result.append(current)
            current = []
        current.append(row)
        threshold = len(row) * 2**32 / sizes.beyond
        if sum(map(len, current)) >= sizes.minimum and crc32(row) < threshold:
            result.append(current)
            current = []
    return [*result, current] if current else result


@given(rows_strategy)
def test_chunks_follow_the_published_rule(rows: list[bytes]) -> None:
    """Every chunk holds exactly the rows that the rule of the documentation puts in it."""
    expected = [
        RawChunk(data=b"".join(part), rows=len(part), first_row=part[0], last_row=part[-1])
        for part in borders(rows, SMALL)
    ]
    assert list(chunks(rows, SMALL)) == expected


@given(rows_strategy)
def test_sizes_stay_within_their_limits(rows: list[bytes]) -> None:
    """No chunk of several rows is above the maximum, and only the last one or one before a long row is too small."""
    made = list(chunks(rows, SMALL))
    assert b"".join(chunk.data for chunk in made) == b"".join(rows)
    assert all(len(chunk.data) <= SMALL.maximum or chunk.rows == 1 for chunk in made)
    for chunk, following in itertools.pairwise(made):
        assert len(chunk.data) >= SMALL.minimum or len(chunk.data) + len(following.first_row) > SMALL.maximum


def test_a_part_finds_a_border_that_the_rows_before_it_cannot_move() -> None:
    """Wherever a part of random rows begins, its opening ends where a chunk of all rows does, or has them all."""
    source = random.Random(1)
    found = 0
    for _ in range(3000):
        sizes = ChunkSizes(
            minimum=source.choice([20, 64]),
            beyond=source.choice([60, 192, 600]),
            maximum=source.choice([130, 200, 400]),
        )
        longest = source.choice([20, 70, 250])
        rows = made_rows(source.randrange(100), seed=source.random(), longest=longest)
        if source.random() < 0.3:  # the same few rows again and again
            rows = [source.choice(rows[:3]) for _ in rows]
        begin = source.randrange(len(rows) + 1)
        part = opening([rows[at : at + 7] for at in range(begin, len(rows), 7)], limit=10**6, sizes=sizes)
        assert part is not None
        opened = [row for batch in part.rows for row in batch]
        assert opened == rows[begin : begin + len(opened)]
        if part.rest is None:
            assert len(opened) == len(rows) - begin
        else:
            found += 1
            assert begin + len(opened) in itertools.accumulate(len(each) for each in borders(rows, sizes))
    assert found > 1500


def test_most_parts_find_a_border_soon() -> None:
    """Of parts of rows of tens of bytes nine in ten have a sure border within eight average chunks."""
    rows = made_rows(20_000)
    found = [opening([rows[begin:]], limit=10**9, sizes=SMALL) for begin in range(0, 19_000, 100)]
    sizes = [sum(len(row) for batch in each.rows for row in batch) for each in found if each]
    assert sum(size < 8 * (SMALL.minimum + SMALL.beyond) for size in sizes) > 0.9 * len(found)


def test_a_part_without_a_border_is_given_up() -> None:
    """Rows that never end a chunk are held up to the limit only."""
    row = next(row for row in made_rows(100) if crc32(row) > 2**31)
    assert opening(([row] * 10 for _ in itertools.count()), limit=10**5, sizes=SMALL) is None


@given(rows_strategy)
def test_borders_do_not_depend_on_how_rows_arrive(rows: list[bytes]) -> None:
    """A list of bytes and an iterator over one buffer that is overwritten for every row give the same chunks."""

    def through_one_buffer() -> Iterator[memoryview]:
        buffer = bytearray(2000)
        for row in rows:
            buffer[:] = b"?" * len(buffer)
            buffer[: len(row)] = row
            yield memoryview(buffer)[: len(row)]

    assert list(chunks(through_one_buffer(), SMALL)) == list(chunks(rows, SMALL))


@given(rows_strategy, st.lists(st.integers(0, 50)))
def test_borders_do_not_depend_on_batches(rows: list[bytes], counts: list[int]) -> None:
    """Rows that come in batches of any number, none included, give the chunks of rows that come one by one."""
    places = [0, *itertools.accumulate(counts), len(rows)]
    batches = [rows[begin:end] for begin, end in itertools.pairwise(sorted(places))]
    assert list(cut(batches, SMALL)) == list(chunks(rows, SMALL))


@given(
    position=st.integers(0, 1999), change=st.sampled_from(["insert", "delete", "change"]), text=st.binary(max_size=30)
)
def test_one_changed_row_touches_few_chunks(position: int, change: str, text: bytes) -> None:
    """Inserting, deleting or changing one row of two thousand leaves all but a few chunks as they were."""
    rows = made_rows(2000)
    before = {chunk.data for chunk in chunks(rows, SMALL)}
    replacement = {"insert": [text + b"\n", rows[position]], "delete": [], "change": [text + b"\n"]}[change]
    after = {chunk.data for chunk in chunks([*rows[:position], *replacement, *rows[position + 1 :]], SMALL)}
    assert len(before) > 80
    assert len(after - before) <= 8
    assert len(before - after) <= 8


def test_appended_rows_leave_all_but_the_last_chunk() -> None:
    """Rows with later keys change nothing but the last chunk."""
    rows = made_rows(3000)
    before = [chunk.data for chunk in chunks(rows[:2000], SMALL)]
    after = [chunk.data for chunk in chunks(rows, SMALL)]
    assert after[: len(before) - 1] == before[:-1]


@pytest.mark.parametrize("longest", [100, 4000])
def test_chunks_of_the_format_have_about_four_mebibytes(longest: int) -> None:
    """Random rows, short or long, give chunks between one and sixteen MiB, about four on average."""
    sizes = [len(chunk.data) for chunk in chunks(made_rows(120_000_000 // longest, longest=longest))][:-1]
    assert min(sizes) >= FORMAT_1.minimum
    assert max(sizes) <= FORMAT_1.maximum
    assert 2.5 * MIB < sum(sizes) / len(sizes) < 6 * MIB


def test_a_row_above_the_maximum_is_a_chunk_of_its_own() -> None:
    """A row of seventeen MiB stands alone, and its neighbours are not lost."""
    large = b"x" * 17 * MIB + b"\n"
    assert [chunk.data for chunk in chunks([b"a\n", large, b"b\n"])] == [b"a\n", large, b"b\n"]


def test_rows_that_never_end_a_chunk_are_cut_at_the_maximum() -> None:
    """A table of equal rows whose checksum never places a border is cut before it would exceed the maximum."""
    row = next(text for text in (b"%d\n" % number for number in range(1000)) if crc32(text) > 2**31)
    made = list(chunks([row] * 1000, SMALL))
    assert {len(chunk.data) for chunk in made[:-1]} == {SMALL.maximum // len(row) * len(row)}
