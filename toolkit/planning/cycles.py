"""Tables in an order that their links allow; those on a common cycle stay together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Groups of nodes on common cycles, in an order in which every edge leads to the same or a later group.

    The order depends on names only, not on the order of the arguments: of the groups that may come next it is the first
    by name. Single nodes are groups of one.
    """
    after: dict[str, list[str]] = {node: [] for node in sorted(set(nodes))}
    for start, end in sorted(set(edges)):
        if start in after and end in after:
            after[start].append(end)
    group_of = _groups(after)
    following = {group: set[tuple[str, ...]]() for group in group_of.values()}
    for start, ends in after.items():
        following[group_of[start]].update(group_of[end] for end in ends)
    waiting = Counter(group for start, ends in following.items() for group in ends if group != start)
    ready = sorted(group for group in following if not waiting[group])
    ordered = []
    while ready:
        ordered.append(heappop(ready))
        for group in following[ordered[-1]] - {ordered[-1]}:
            waiting[group] -= 1
            if not waiting[group]:
                heappush(ready, group)
    return ordered


def _groups(after: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Node → the nodes on common cycles with it, itself included, sorted.

    H. N. Gabow, Path-based depth-first search for strong and biconnected components, 2000; without recursion.
    """
    number: dict[str, int] = {}
    found: dict[str, tuple[str, ...]] = {}
    path, bounds = list[str](), list[str]()  # nodes in no group yet; those that may begin one
    for root in after:
        work = [root] if root not in number else []
        rest = {node: iter(after[node]) for node in work}
        while work:
            node = work[-1]
            if node not in number:
                number[node] = len(number)
                path.append(node)
                bounds.append(node)
            for end in rest[node]:
                if end not in number:
                    work.append(end)
                    rest[end] = iter(after[end])
                    break
                while end not in found and number[bounds[-1]] > number[end]:
                    bounds.pop()
            else:
                work.pop()
                if bounds[-1] == node:
                    bounds.pop()
                    start = len(path) - 1
                    while path[start] != node:
                        start -= 1
                    found.update(dict.fromkeys(path[start:], tuple(sorted(path[start:]))))
                    del path[start:]
    return found


def levels(nodes: Iterable[str], edges: Sequence[tuple[str, str]]) -> list[list[tuple[str, ...]]]:
    """The same groups by level: every edge between two of them leads to a later level."""
    groups = components(nodes, edges)
    of = {name: group for group in groups for name in group}
    before: dict[tuple[str, ...], set[tuple[str, ...]]] = {group: set() for group in groups}
    for start, end in edges:
        if start in of and end in of and of[start] != of[end]:
            before[of[end]].add(of[start])
    level_of: dict[tuple[str, ...], int] = {}
    found: list[list[tuple[str, ...]]] = []
    for group in groups:
        level_of[group] = max((level_of[each] + 1 for each in before[group]), default=0)
        if level_of[group] == len(found):
            found.append([])
        found[level_of[group]].append(group)
    return found
