"""`invoke` that takes the ways of large tables with small ones: each is indexed and read back on its own."""

from __future__ import annotations

from invoke.main import program

from toolkit.postgres.restore import fresh, rebuilding


def take_small_for_large() -> None:
    """Let sizes that decide how a table is built be small."""
    fresh.LARGE = fresh.LARGE_TABLE = 100
    rebuilding.LEAST_ROWS = 10


if __name__ == "__main__":
    take_small_for_large()
    program.run()
