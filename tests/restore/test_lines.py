"""How rows that the client holds are sent."""

from __future__ import annotations

from toolkit.postgres.compare import lines


def test_blocks_are_small_however_long_lines_are() -> None:
    """Blocks go by bytes: thousands of long lines in one would be held twice more, beside the lines themselves."""
    long, short = [b"x" * 200_000 + b"\n"] * 20, [b"1\ty\n"] * 200_000
    for rows in (long, short, [*long, *short], [], long[:1]):
        sent = list(lines.blocks(rows))
        assert b"".join(sent) == b"".join(rows)
        assert max(map(len, sent), default=0) <= lines.BLOCK + max(map(len, rows), default=0)
        assert len(sent) <= sum(map(len, rows)) // lines.BLOCK + 1
