"""Settling open tables one after the other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.planning.classified import catalog, schema, schemas, table
from toolkit.model.catalog import Catalog
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification.proposals import Proposal
from toolkit.planning.classification.proposing import classify
from toolkit.planning.classification.settling import Settling


def afresh(settling: Settling, of: DatabaseSchema) -> dict[str, Proposal]:
    """What is proposed of each table when the schema is looked at anew, with all answers; without groups."""
    rules = {name: each.options[0].rule for name, each in settling.settled.items()}
    known: Catalog = replace(settling.catalog, rules={**settling.catalog.rules, **rules})
    return {each.table: ungrouped(each) for each in classify(known, of).proposals}


def ungrouped(proposal: Proposal) -> Proposal:
    """A proposal without its group, which is for people and made when it is first asked about."""
    options = tuple(replace(each, rule=replace(each.rule, group="")) for each in proposal.options)
    return replace(proposal, group="", options=options)


@settings(max_examples=25)
@given(of=schemas(), data=st.data())
def test_what_is_asked_is_what_a_fresh_look_proposes(of: DatabaseSchema, data: st.DataObject) -> None:
    """After any answers, the next question has the options that follow from all of them, and none is left out."""
    settling = Settling(catalog=catalog(), schema=of)
    asked = set()
    while (proposal := settling.next()) is not None:
        assert ungrouped(proposal) == afresh(settling, of)[proposal.table]
        asked.add(proposal.table)
        options = [*proposal.options, None]
        settling.settle(proposal, data.draw(st.sampled_from(options)))
    assert {name for name, each in afresh(settling, of).items() if each.verdict.value == "open"} <= asked


def test_tables_without_a_link_are_asked_about_after_one_look() -> None:
    """The schema is not looked at again for each of many tables that have nothing to do with each other."""
    of = schema(*(table(f"alone{number}", "amount") for number in range(40)))
    settling = Settling(catalog=catalog(), schema=of)
    looks = set()
    while (proposal := settling.next()) is not None:
        settling.settle(proposal, proposal.options[0])
        looks.add(id(settling._known))
    assert len(settling.settled) == 40
    assert len(looks) <= 2
