"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from toolkit.wording import counted


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [(0, "", "0 entrys"), (1, "", "1 entry"), (1, "entries", "1 entry"), (1234, "entries", "1,234 entries")],
)
def test_a_noun_agrees_with_its_number(number: int, plural: str, text: str) -> None:
    """One thing is singular, none and several are plural, with an s or as given."""
    assert counted(number, "entry", plural) == text
