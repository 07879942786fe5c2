"""Tables in an order that their links allow; those on a common cycle stay together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

Group = tuple[str, ...]
"""Nodes that lead to each other, sorted by name."""


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Groups of nodes on common cycles, in an order in which every edge leads to the same or a later group.

    The order depends on names only, not on the order of the arguments: of the groups that may come next it is the first
    by name. Single nodes are groups of one.
    """
    known = set(nodes)
    between = sorted({(a, b) for a, b in edges if a in known and b in known and a != b})
    try:
        return _in_order([(node,) for node in known], [((a,), (b,)) for a, b in between])
    except CycleError:
        import networkx  # noqa: PLC0415 - a tenth of a second, which only who has cycles is to spend

        graph: networkx.DiGraph[str] = networkx.DiGraph(between)
        graph.add_nodes_from(known)
        groups = [tuple(sorted(group)) for group in networkx.strongly_connected_components(graph)]
        of = {node: group for group in groups for node in group}
        return _in_order(groups, {(of[a], of[b]) for a, b in between if of[a] != of[b]})


def _in_order(groups: Iterable[Group], edges: Iterable[tuple[Group, Group]]) -> list[Group]:
    """Sort groups; raises CycleError where edges make a cycle."""
    sorter = TopologicalSorter[Group](dict.fromkeys(groups, ()))
    for start, end in edges:
        sorter.add(end, start)
    sorter.prepare()
    ordered, ready = list[Group](), sorted(sorter.get_ready())
    while ready:
        ordered.append(heappop(ready))
        sorter.done(ordered[-1])
        for group in sorter.get_ready():
            heappush(ready, group)
    return ordered


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
