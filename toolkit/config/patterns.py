"""Ansible's host patterns: names, groups, globs, `a:b` or `a,b` for both, `&b` for only those, `!b` for without."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence

from toolkit.wording import meant

GLOB = re.compile(r"[*?\[]")


def terms(pattern: str) -> list[str]:
    """Give the parts of a pattern, signs included, as written."""
    # a colon within brackets would be a range of Ansible's; names cannot hold one
    return [term for part in re.split(r"[,:]", pattern) if (term := part.strip())]


def select(pattern: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Give the hosts that a pattern picks out, in the inventory's order.

    Args:
        groups: the hosts of every group, `all` among them.
    """
    written = terms(pattern)
    chosen = {host for term in written if term[0] not in "!&" for host in _matching(term, groups)}
    if written and all(term[0] in "!&" for term in written):
        chosen = set(groups["all"])
    for term in written:
        if term[0] == "&":
            chosen &= set(_matching(term[1:], groups))
    for term in written:
        if term[0] == "!":
            chosen -= set(_matching(term[1:], groups))
    return [host for host in groups["all"] if host in chosen]


def unknown_names(pattern: str, groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Give a message for every part of a pattern that names nothing: the nearest name and the known ones."""
    known = [*groups["all"], *(name for name in groups if name not in groups["all"])]
    if not terms(pattern):
        yield f"the host pattern is empty; known hosts and groups: {', '.join(known)}"
    for term in terms(pattern):
        name = term.lstrip("!&")
        if name and (name in known or _matching(name, groups)):
            continue
        what = "no host or group matches" if GLOB.search(name) else "unknown host or group"
        yield f"{what} {name}{meant(name, known) or ';'} known: {', '.join(known)}"


def _matching(name: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    if name in groups:
        return list(groups[name])
    if name in groups["all"]:
        return [name]
    if not GLOB.search(name):
        return []
    by_group = [host for group, hosts in groups.items() if fnmatch.fnmatchcase(group, name) for host in hosts]
    return [*by_group, *(host for host in groups["all"] if fnmatch.fnmatchcase(host, name))]
