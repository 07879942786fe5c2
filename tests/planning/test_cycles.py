"""Orders of tables, beside their definition."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from toolkit.planning.cycles import components

nodes_strategy = st.lists(st.sampled_from("abcdefgh"), unique=True)
edges_strategy = st.lists(st.tuples(st.sampled_from("abcdefghx"), st.sampled_from("abcdefgh")))


def reachable(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Where each node leads to, itself included."""
    found = {node: {node} for node in nodes}
    for _ in nodes:
        for start, end in edges:
            if start in found and end in found:
                found[start] |= found[end]
    return found


@given(nodes_strategy, edges_strategy)
def test_groups_and_their_order_are_as_defined(nodes: list[str], edges: list[tuple[str, str]]) -> None:
    """Nodes that lead to each other are a group, and the next one is always the first by name that may come."""
    leads = reachable(nodes, edges)
    groups = {tuple(sorted(b for b in nodes if b in leads[a] and a in leads[b])) for a in nodes}
    expected = []
    while groups:
        free = [
            group for group in groups if not any(other != group and group[0] in leads[other[0]] for other in groups)
        ]
        expected.append(min(free))
        groups.remove(expected[-1])
    assert components(nodes, edges) == expected
    mixed = random.Random(1)
    assert components(mixed.sample(nodes, len(nodes)), mixed.sample(edges, len(edges))) == expected


def test_long_chains_are_followed() -> None:
    """A chain and a circle of many thousand nodes need no recursion."""
    chain = [(f"{number:05}", f"{number + 1:05}") for number in range(5000)]
    nodes = [f"{number:05}" for number in range(5001)]
    assert components(nodes, chain) == [(node,) for node in nodes]
    assert components(nodes, [*chain, (nodes[-1], nodes[0])]) == [tuple(nodes)]
