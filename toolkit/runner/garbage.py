"""Python's search for objects that hold each other in a circle, of which ours are few: a tenth of a short command."""

from __future__ import annotations

import atexit
import gc
from typing import Final

_MORE: Final = 50_000
"""Objects more than before after which Python searches; it would after 700."""


def search_rarely() -> None:
    """Have this process search rarely, and not at its end, when it would for nobody."""
    gc.set_threshold(_MORE)
    atexit.register(gc.freeze)


def pass_over_what_is_there() -> None:
    """Have all that was imported and read so far, which stays, searched no more."""
    gc.freeze()
