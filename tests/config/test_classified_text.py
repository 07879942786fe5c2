"""Proposals as the text of a catalog file: new ones, and additions to what a person wrote."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.planning.classified import TENANT, decided, schema, schemas, table
from toolkit.config import catalog as catalogs
from toolkit.config import catalog_draft
from toolkit.config.catalog_entry import scalar
from toolkit.config.catalog_proposal import Choice, new_file
from toolkit.config.catalog_update import updated_file
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog, TableRule
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.classification.proposals import Classification, Verdict
from toolkit.planning.classification.proposing import classify
from toolkit.planning.classification.settling import Settling

HEAD = "catalog: app\ntenant: {table: shops, key: id}\n"


def proposed(of: DatabaseSchema) -> tuple[str, Classification]:
    """The new file for a schema."""
    draft = replace(catalog_draft.read(Path("app.yml")), schemas=("public",))
    found = classify(draft.head(TENANT), of)
    return new_file(draft, found, Choice(why="as asked")), found


def updated(text: str, of: DatabaseSchema) -> str:
    """A file's text after an update."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "app.yml"
        path.write_bytes(text.encode("utf-8"))
        draft = replace(catalog_draft.read(path), schemas=("public",))
        return updated_file(draft, classify(draft.catalog(TENANT), of), Choice(why="as asked"))


def loaded(text: str) -> Catalog:
    """The catalog of a text."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "app.yml"
        path.write_bytes(text.encode("utf-8"))
        return catalogs.load(path)


def bare(rules: dict[str, TableRule]) -> dict[str, tuple[object, ...]]:
    """What rules say, without where they stand."""
    return {
        name: (rule.category, rule.kind, rule.owned_by, rule.references, rule.group) for name, rule in rules.items()
    }


def subsequence(lines: list[str], of: list[str]) -> bool:
    """Whether all these lines are among others, in their order."""
    rest = iter(of)
    return all(line in rest for line in lines)


@settings(max_examples=40)
@given(schemas())
def test_a_new_file_says_what_was_proposed(of: DatabaseSchema) -> None:
    """It loads, holds exactly the decided rules, and every table stands in it with a reason."""
    text, found = proposed(of)
    assert bare(dict(loaded(text).rules)) == bare(decided(found))
    for proposal in found.proposals:
        assert proposal.why
    assert all("  # " in line for line in text.splitlines() if line.startswith("    ") and line[4] != "#")


@settings(max_examples=40)
@given(
    schemas(), st.sampled_from([HEAD, f"{HEAD}business: {{}}\n", f"{HEAD}business:\n\ndevice: {{}}", "catalog: app\n"])
)
def test_updating_again_changes_nothing(of: DatabaseSchema, start: str) -> None:
    """An update of a new file, and of a file that was updated, gives the same bytes."""
    text, found = proposed(of)
    assert updated(text, of) == text
    once = updated(start, of)
    assert updated(once, of) == once
    assert bare(dict(loaded(once).rules)) == bare(decided(found))


@settings(max_examples=40)
@given(schemas(), st.data())
def test_an_update_brings_back_what_is_missing(of: DatabaseSchema, data: st.DataObject) -> None:
    """Whatever lines of rules are taken out of a file, an update keeps the others and proposes the same again."""
    text, found = proposed(of)
    lines = text.split("\n")
    rules = [number for number, line in enumerate(lines) if line.startswith("    ")]
    groups = {number for number, line in enumerate(lines) if line.startswith("  ") and line[2] not in " #"}
    gone = set(data.draw(st.lists(st.sampled_from(rules), unique=True)))
    kept = [line for number, line in enumerate(lines) if number not in gone]
    emptied = {
        each
        for each in groups
        if not any(
            number not in gone and lines[number][4] != "#"
            for number in rules
            if each < number < _next(groups, each, len(lines))
        )
    }
    kept = [line for number, line in enumerate(lines) if number not in gone | emptied]
    # a rule that leads through a table which the file does not have is an error of the file
    removed = {lines[number].strip().partition(":")[0].strip("'\"") for number in gone}
    without_quotes = [line.partition("#")[0].replace('"', "").replace("'", "") for line in kept]
    assume(not any(f"{name}." in line for name in removed for line in without_quotes))
    after = updated("\n".join(kept), of)
    assert bare(dict(loaded(after).rules)).keys() == decided(found).keys()
    standing = [line for line in kept if "# FOLLOWS" not in line]
    assert subsequence(standing, after.split("\n"))


def _next(groups: set[int], after: int, end: int) -> int:
    return min((each for each in groups if each > after), default=end)


PERSON = """\
# ours; do not touch
catalog: "app"   # it is

tenant:
  table: shops
  key: id

business:
    sales:   # what is sold
        'orders':  {owned_by: [ shopId ]}      # by hand
        gone:
            owned_by:
              - shopId                         # once
            where: |
              true

        # the end of sales
    core: {shops: tenant, lost: shared}
    people:
        members: {owned_by: [shopId, gone_too.memberId]}
        gone_too: {owned_by: [shopId]}

    # about nothing in particular
device: {sync: {nodes: {}, old_nodes: {}}}
transient:
  runtime:
    old_sessions: {cascade: true}   # passing
"""
TABLES: tuple[Table, ...] = (
    table("orders", "shopId -> shops"),
    table("order_items", "orderId -> orders cascade"),
    table("members", "shopId -> shops"),
    table("nodes"),
    table("shop_kinds", "name", unique=("name",)),
    table("funds", "number"),
    table("fund_sales", "fundId -> funds, shopId -> shops"),
    table("fund_deposits", "fundId -> funds cascade"),
    table("gone_by", "note"),
)
EXPECTED = """\
# ours; do not touch
catalog: "app"   # it is

tenant:
  table: shops
  key: id

business:
    sales:   # what is sold
        'orders':  {owned_by: [ shopId ]}      # by hand
        # DROPPED gone: the database has no such table
        # gone:
            # owned_by:
              # - shopId                         # once
            # where: |
              # true

        # the end of sales
        order_items: {owned_by: [orderId]}  # deleted with its orders row
    # DROPPED lost: the database has no such table
    core: {shops: tenant, lost: shared}
    people:
        members: {owned_by: [shopId, gone_too.memberId]}
        # DROPPED gone_too: the database has no such table
        gone_too: {owned_by: [shopId]}
        # DECIDE gone_by: no foreign key from or to it, and no name by which it is a list
        # gone_by: referenced  # in whole backups only
        # gone_by: shared  # every row, in every backup: each tenant's too
        # gone_by: {}  # under device: this device's own state
        # gone_by: {}  # under transient: never backed up

    # about nothing in particular

    core_added:
      shop_kinds: shared  # name is unique over all tenants

    fund:
      # FOLLOWS fund_deposits: {owned_by: [fundId]}  # a part of funds: add it when that is decided
      fund_sales: {owned_by: [shopId]}  # shopId points at the tenant
      # DECIDE funds: nothing in it says whose a row is, and fund_deposits hang on it
      # funds: {owned_by: [fund_sales.fundId]}  # fund_sales.fundId points at it
      # funds: referenced  # only rows that taken rows point at; whole backups have all
      # funds: shared  # every row, in every backup: each tenant's too
      # funds: {}  # under device: this device's own state
      # funds: {}  # under transient: never backed up
# DROPPED old_nodes: the database has no such table
device: {sync: {nodes: {}, old_nodes: {}}}
# transient:
  # runtime:
    # DROPPED old_sessions: the database has no such table
    # old_sessions: {cascade: true}   # passing
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_a_person_wrote_stays(newline: str) -> None:
    """New tables join their groups, lost ones become comments or are noted above, and all else stays byte for byte."""
    before, after = PERSON.replace("\n", newline), EXPECTED.replace("\n", newline)
    of = schema(*TABLES)
    assert updated(before, of) == after
    assert updated(after, of) == after


def test_a_decision_brings_what_follows() -> None:
    """Uncommenting an option and updating puts the tables that waited for it in, in place of their comments."""
    text, _ = proposed(schema(*TABLES))
    chosen = text.replace("# funds: {owned_by:", "funds: {owned_by:")
    after = updated(chosen, schema(*TABLES))
    assert "FOLLOWS fund_deposits" not in after
    assert loaded(after).rules["fund_deposits"].owned_by[0].columns == ("fundId",)
    rest = [line for line in chosen.split("\n") if "FOLLOWS fund_deposits" not in line]
    assert subsequence(rest, after.split("\n"))


def test_hostile_names_stay_names() -> None:
    """Names with quotes, breaks, colons or words of YAML neither break the file nor write other rules into it."""
    odd: tuple[str, ...] = (
        "null",
        "x: shared",
        "a\n  evil",
        'q"uote',
        "tab\there",
        "hash # mark",
        "emoji😀",
        "ünï",
        "-dash",
        "dot.ted",
    )
    odd += ("yes", "No", "on", "1", "1e3", "~", "App", "two words", "a,b", "{x}", "&a", "!t", "business", "%d")
    tables = [table("y", "shopId -> shops"), *(table(name, "shopId -> shops") for name in odd)]
    tables.append(table("child", "z?", unique=()))
    text, found = proposed(schema(*tables))
    assert bare(dict(loaded(text).rules)) == bare(decided(found))
    assert set(odd) <= decided(found).keys()
    by_yaml_1_1 = yaml.safe_load(text)
    named = {name for tables in by_yaml_1_1["business"].values() for name in tables}
    assert set(odd) <= named
    assert updated(text, schema(*tables)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{catalog: app, tenant: {table: shops, key: id}, business: {}}", "one entry per line"),
        (f"{HEAD}business: {{core: {{shops: tenant}}}}", "one entry per line"),
        ("catalog: app\nbusiness:\n  core: &core {shops: tenant}\n---\n", "not valid YAML"),
        ("- catalog", "a catalog file is a mapping"),
        ("catalog: other\ntenant: {table: shops, key: id}\nbusiness: {}\n", "must be in a file other.yml"),
        (f"{HEAD}business:\n  core:\n    orders: sharde\n", "sharde"),
        ("catalog: app\ntenant: {table: shops}\n", "key"),
    ],
)
def test_files_that_cannot_be_added_to(text: str, message: str) -> None:
    """They are refused with the place and the reason; nothing is guessed."""
    with pytest.raises(InputError, match=message):
        updated(text, schema(table("orders", "shopId -> shops")))


@settings(max_examples=40, derandomize=True)
@given(schemas(), st.data())
def test_whatever_is_answered_is_what_the_file_says(of: DatabaseSchema, data: st.DataObject) -> None:
    """Answers and what follows from them stand in a file that loads, be they given at once or later on.

    What is left open stays marked. A rule that names a table left open waits for it.
    """
    draft = replace(catalog_draft.read(Path("app.yml")), schemas=("public",))
    text = ""
    for final in (False, True):
        settling = Settling(catalog=draft.catalog(TENANT), schema=of)
        while (proposal := settling.next()) is not None:
            options = [*proposal.options, *([] if final else [None])]
            settling.settle(proposal, data.draw(st.sampled_from(options)) if options else None)
        found = settling.result()
        if text:
            text = updated_file(draft, found, Choice(why="as asked"), answered=settling.decided)
        else:
            text = new_file(draft, found, Choice(why="as asked"))
        rules = loaded(text).rules
        assert bare({**settling.catalog.rules, **decided(found)}) == bare(dict(rules))
        assert all(f"DECIDE {scalar(each.table)}:" in text for each in found.by_verdict(Verdict.OPEN))
        assert not any(f"DECIDE {scalar(table)}:" in text for table in settling.decided)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "app.yml"
            path.write_text(text, encoding="utf-8")
            draft = replace(catalog_draft.read(path), schemas=("public",))
    assert not found.by_verdict(Verdict.FOLLOWS)
    assert rules.keys() == of.tables.keys()
