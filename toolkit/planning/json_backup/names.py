"""What models and fields of a JSON backup are called in the database.

A name means, first of all, what the catalog file says of it; else what is called exactly so; else what is called so in
another style of case: `businessProducts` and `BusinessProducts` both mean `business_products`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

_WORDS = re.compile(r"[^A-Za-z0-9]+")


class AmbiguousError(Exception):
    """A name means several things; `meant` are those."""

    def __init__(self, meant: tuple[str, ...]) -> None:
        super().__init__(f"it may mean {' or '.join(meant)}")
        self.meant = meant


class Names:
    """Finds what is meant by a name.

    Args:
        known: what there is.
        said: name → what it means, where a person has said so.
    """

    def __init__(self, known: Iterable[str], said: Mapping[str, str] | None = None) -> None:
        self._known = frozenset(known)
        self._said = said or {}
        styles = defaultdict[str, list[str]](list)
        for name in sorted(self._known):
            for style in {camel_case(name), pascal_case(name)}:
                styles[style].append(name)
        self._styles = styles

    def find(self, name: str) -> str | None:
        """Give what a name means; None where it means nothing.

        Raises:
            AmbiguousError: it is the style of several names, and none is called exactly so.
        """
        if name in self._said:
            return self._said[name]
        if name in self._known:
            return name
        found = self._styles.get(name, [])
        if len(found) > 1:
            raise AmbiguousError(tuple(found))
        return found[0] if found else None


def camel_case(name: str) -> str:
    """`business_products` as `businessProducts`."""
    pascal = pascal_case(name)
    return pascal[:1].lower() + pascal[1:]


def pascal_case(name: str) -> str:
    """`business_products` as `BusinessProducts`."""
    return "".join(word[:1].upper() + word[1:] for word in _WORDS.split(name) if word)
