"""Tables in an order that their links allow; those on a common cycle stay together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Groups of nodes on common cycles, in an order in which every edge leads to the same or a later group.

    The order depends on names only, not on the order of the arguments. Single nodes are groups of one.
    """
    import networkx  # noqa: PLC0415 - a tenth of a second, which only who asks for an order is to spend

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(sorted(set(nodes)))
    graph.add_edges_from(sorted({(a, b) for a, b in edges if a in graph and b in graph and a != b}))
    condensed = networkx.condensation(graph)
    members = {number: tuple(sorted(condensed.nodes[number]["members"])) for number in condensed}
    ordered = networkx.lexicographical_topological_sort(condensed, key=lambda number: members[number])
    return [members[number] for number in ordered]


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
