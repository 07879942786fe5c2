"""Puts the hard schema and its rows into a database."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = "Odd schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardReport:
    """What was loaded."""

    skipped: dict[str, str]


def load_hard(conninfo: str, *, large_documents: bool = False) -> HardReport:
    """Fill."""
    return HardReport(skipped={})
