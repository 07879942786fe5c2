"""The embedded databases that are filled on first use: the reference application at a scale, and the hard schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from toolkit.demo.hard import load_hard
from toolkit.demo.load import load
from toolkit.demo.scale import SCALES

FILLED: Mapping[str, Callable[[str], object]] = {
    "demo": load,
    **{f"demo-{scale}": partial(load, scale=scale) for scale in SCALES},
    "hard": load_hard,
}
"""Name of a database → what fills it, given its conninfo."""
