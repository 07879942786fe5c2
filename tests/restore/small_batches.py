"""`invoke` whose restores write batches of one block, so that a few rows are many batches."""

from __future__ import annotations

from invoke.main import program

from toolkit.postgres.restore import batches

if __name__ == "__main__":
    batches.BLOCKS = 1
    program.run()
