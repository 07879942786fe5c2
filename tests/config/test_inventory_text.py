"""Hosts and repositories as lines that are added to what a person wrote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.config import document, validation
from toolkit.config.inventory_text import entry, host_name, is_host_name, with_host, with_repository

VALUES = st.text(max_size=12) | st.from_regex(r"\A[./\w-]{1,12}\Z") | st.integers(0, 70000)
SETTINGS = st.dictionaries(
    st.sampled_from(["database", "catalog", "device"]), VALUES | st.dictionaries(st.just("id"), VALUES)
)
NOTES = {"catalog": "what it is"}


def parsed(text: str) -> Any:
    """What a text says."""
    return document.parse(text, file="x.yml").value


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=12).filter(is_host_name), SETTINGS)
def test_an_entry_says_what_it_was_given(name: str, values: dict[str, Any]) -> None:
    """Whatever characters are in names and values."""
    assert parsed("\n".join(entry(name, values, NOTES, indent=2))) == {name: values or None}


@settings(max_examples=100)
@given(st.text(max_size=12))
def test_a_host_can_be_called_after_any_database(name: str) -> None:
    """A name is made of it that the inventory takes."""
    made = host_name(name)
    assert is_host_name(made)
    assert not list(validation.check({"all": {"hosts": {made: None}}}, "inventory"))


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("all:\n  hosts: {}\n", True),
        ("all:\n  hosts:\n", True),
        ("# a\nall:\r\n    hosts:\r\n        one: {a: 1}  # b\r\n    vars: {c: 2}\r\n", True),
        ("all:\n  hosts:\n    one:\n      a: |\n        text\n\n      # b\n  children: {}\n# end", True),
        ("all: {hosts: {one: {a: 1}}}\n", False),
        ("all:\n  hosts: {one: {a: 1}}\n", False),
        ("tills:\n  hosts:\n    one: {}\n", False),
    ],
)
def test_a_host_more(text: str, added: bool) -> None:
    """The file says what it said, and the new host; where that cannot be done by lines alone, nothing is."""
    new = with_host(text, entry("two", {"database": "embedded:two"}, {}, indent=0))
    assert (new is not None) == added
    if new is not None:
        before, after = parsed(text), parsed(new)
        assert after["all"]["hosts"].pop("two") == {"database": "embedded:two"}
        assert after == {"all": {**before["all"], "hosts": before["all"]["hosts"] or {}}}


@pytest.mark.parametrize("text", ["", "# none\n", "{}\n", "a: {type: local, path: x}\n# end\n", "a:\n    type: local"])
def test_a_repository_more(text: str) -> None:
    """It is added to a file of any length."""
    new = with_repository(text, entry("b", {"type": "local"}, {}, indent=0))
    assert new is not None
    assert parsed(new) == {**(parsed(text) or {}), "b": {"type": "local"}}
