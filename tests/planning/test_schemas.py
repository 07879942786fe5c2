"""How things of several schemas are named by text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toolkit.model.schemas import Schemas

names = st.text("ab.", min_size=1, max_size=4)
schemas = st.lists(names, min_size=1, max_size=5, unique=True).flatmap(
    lambda found: st.integers(1, len(found)).map(
        lambda n: Schemas(covered=tuple(found[:n]), others=dict.fromkeys(found[n:], ()))
    )
)


@given(schemas, names)
def test_a_name_without_dots_leads_back(found: Schemas, relation: str) -> None:
    """A thing of any schema is found by its name, where neither has a dot in it; others are found as something."""
    for schema in found.all:
        place = found.place(found.name(schema, relation))
        if "." not in relation and not any("." in each for each in found.all):
            assert place == (schema, relation)
        assert found.name(*place) == found.name(schema, relation)
    assert found.covers(found.name(found.first, "x"))
