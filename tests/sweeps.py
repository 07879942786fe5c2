"""How much of what could be tried is tried: a sample in every run, all of it in the weekly one.

PLAYBACK_SLOW_TESTS=1 tries everything, and at least ten times as many random cases. Their seed is the day then, so that
every week tries other ones; the head of the output says it, and PLAYBACK_SEED=N with the same switch tries them again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import cycle, islice, product
from random import Random
from typing import Any, Final

import pytest

EVERYTHING: Final = os.environ.get("PLAYBACK_SLOW_TESTS") == "1"
SEED: Final = int(os.environ.get("PLAYBACK_SEED") or (datetime.now(UTC).strftime("%Y%m%d") if EVERYTHING else 1))

slow_only = pytest.mark.skipif(not EVERYTHING, reason="PLAYBACK_SLOW_TESTS=1 runs it")
"""A test that takes minutes and runs in the weekly run alone."""


def examples(count: int, swept: int = 0) -> int:
    """How many random cases are tried where every run tries `count`: in a sweep `swept`, or ten times as many."""
    return (swept or 10 * count) if EVERYTHING else count


def seeds(count: int, swept: int = 0) -> range:
    """The seeds of that many random cases; no two days have one in common."""
    return range(SEED * 1000, SEED * 1000 + examples(count, swept))


def sampled(cases: Sequence[Any], count: int) -> list[Any]:
    """Give that many of the cases, drawn and the same every time; with PLAYBACK_SLOW_TESTS=1 all of them."""
    return list(cases) if EVERYTHING else Random(0).sample(cases, count)


def covering(*axes: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Give combinations in which every value of every axis occurs; with PLAYBACK_SLOW_TESTS=1 all of them.

    There are as many as the longest axis has values; which ones meet is drawn, and the same every time.
    """
    if EVERYTHING:
        return list(product(*axes))
    length = max(map(len, axes))
    drawn = [list(islice(cycle(axis), length)) for axis in axes]
    for number, values in enumerate(drawn):
        Random(number).shuffle(values)
    return list(zip(*drawn, strict=True))
