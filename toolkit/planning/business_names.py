"""Names that no business has: which one may be meant, and which there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from toolkit.wording import count, nearest

_LISTED = 20


def not_known(names: Sequence[str], known: Mapping[str, str], left_out: Collection[str] = ()) -> str:
    """Say what may be meant by names that are no keys, as the beginning of a hint; empty where nobody can tell.

    Args:
        known: key → label of the businesses that there are.
        left_out: keys of those that a backup left out as demo.
    """
    said = []
    for name in names:
        called = sorted(key for key, label in known.items() if label.casefold() == name.casefold())
        if called:
            said.append(f"{name} is the name of {' or '.join(called)}")
        elif name in left_out:
            said.append(f"it left {name} out as demo")
        elif near := nearest(name, known):
            said.append(f"did you mean {near} in place of {name}?")
    return f"{', '.join(said)}: " if said else ""


def listed(known: Collection[str]) -> str:
    """Give the keys of the businesses that there are, cut short where they are many."""
    more = f" and {count(len(known) - _LISTED)} more" if len(known) > _LISTED else ""
    return (", ".join(sorted(known)[:_LISTED]) or "none") + more
