"""How much of what could be tried is tried: a sample in every run, all of it in the weekly one.

PLAYBACK_SLOW_TESTS=1 tries everything, and ten times as many random cases. Their seed is the day then, so that every
week tries other ones; the head of the output says it, and PLAYBACK_SEED=N with the same switch tries them again.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Final

import pytest

EVERYTHING: Final = os.environ.get("PLAYBACK_SLOW_TESTS") == "1"
SEED: Final = int(os.environ.get("PLAYBACK_SEED") or (datetime.now(UTC).strftime("%Y%m%d") if EVERYTHING else 1))

slow_only = pytest.mark.skipif(not EVERYTHING, reason="PLAYBACK_SLOW_TESTS=1 runs it")
"""A test that takes minutes and runs in the weekly run alone."""


def examples(count: int) -> int:
    """How many random cases are tried where every run tries `count`."""
    return 10 * count if EVERYTHING else count


def seeds(count: int) -> range:
    """The seeds of that many random cases; no two days have one in common."""
    return range(SEED * 1000, SEED * 1000 + examples(count))
