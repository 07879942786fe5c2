"""What names of tables and columns suggest, in camelCase or snake_case; evidence, never proof."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
_UNWRITABLE = re.compile(r"[.,\s*?\[\]]")
_LIST_WORDS = frozenset(("name", "title", "label"))
_STATE_WORDS = frozenset("sync session queue offline device token cache presence heartbeat lock".split())
"""Words in names of tables that hold a device's own or passing state. Business tables have them too, so they only make
a table whose owner is not sure a person's to decide."""


def words(name: str) -> list[str]:
    """The words of a name, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def plain(name: str) -> str:
    """A name without case and separators: `businessId` and `business_id` are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def singulars(word: str) -> set[str]:
    """What the singular of an English plural may be, the word itself included."""
    found = {word}
    if word.endswith("s"):
        found.add(word[:-1])
    if word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("ies"):
        found.add(f"{word[:-3]}y")
    return found


def own_names(table: str) -> set[str]:
    """What one row of a table may be called, plain: `order_items` gives `orderitem`."""
    parts = words(table)
    return {"".join(parts[:-1]) + word for word in singulars(parts[-1])} if parts else {plain(table)}


def names_parent(column: str, parent: str, key: str) -> bool:
    """Whether a column is called after the table it points at: `productId` for `business_products`.

    A column that says more or something else (`createdBy`, `primaryBusinessId`) tells a role, not the parent.
    """
    parts = words(parent)
    called = {"".join(parts[start:-1]) + word for start in range(len(parts)) for word in singulars(parts[-1])}
    return plain(column) in {name + ending for name in called for ending in ("", "id", plain(key))}


def reads_like_state(table: str) -> str:
    """The word of a table's name that suggests a device's own or passing state; empty without one."""
    return next((word for word in words(table) if singulars(word) & _STATE_WORDS), "")


def reads_like_list_key(column: str) -> bool:
    """Whether a column is what the entries of a list are called by, e.g. `name`."""
    return words(column)[-1:] != [] and words(column)[-1] in _LIST_WORDS


def writable(names: Sequence[str]) -> bool:
    """Whether names can stand in a rule: they have no blanks, dots, commas or glob characters."""
    return all(name and not _UNWRITABLE.search(name) for name in names)
