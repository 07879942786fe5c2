"""`invoke` whose restores write batches of one block, so that a few rows are many batches."""

from __future__ import annotations

import signal

from invoke.main import program

from toolkit.postgres.write import batches

if __name__ == "__main__":
    # a shell that starts the tests in the background has Ctrl-C ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    batches.BLOCKS = 1
    program.run()
