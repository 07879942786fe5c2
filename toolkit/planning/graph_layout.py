"""Where the tables and references of a graph stand in a picture.

Every table has a line of its own, under the heading of its group and next to those that it owns; how far to the right
it begins says how many steps it is from the tenants. A reference runs along the child's line, on which no other table
stands, to a lane beside the parent, and along the lane to the parent. References to one parent share its lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from toolkit.planning.graph import Graph, GraphEdge, GraphTable

CHARACTER = 6.6
"""Width of a character, in pixels as everything here: that of a monospaced font of 11 px."""
LINE, BOX, HEADING, GAP, MARGIN = 18.0, 15.0, 18.0, 10.0, 14.0
PADDING, LANE, BESIDE = 6.0, 5.0, 14.0
PORTS = 9.0
"""Height of the part of a box that its references leave from, in pixels."""


class Box(Struct, frozen=True, kw_only=True):
    """A table's place; `y` is the middle of its height."""

    table: GraphTable
    x: float
    y: float
    width: float

    @property
    def right(self) -> float:
        """Its right border."""
        return self.x + self.width


class Band(Struct, frozen=True, kw_only=True):
    """A group's place."""

    group: str
    top: float
    height: float


class Route(Struct, frozen=True, kw_only=True):
    """A reference's way: from (`x`, `y`) at the child to the lane, along it, and to (`end_x`, `end_y`) at the parent.

    A reference to its own table has its lane at once beside it.
    """

    edge: GraphEdge
    x: float
    y: float
    lane: float
    end_x: float
    end_y: float


class Layout(Struct, frozen=True, kw_only=True):
    """A whole picture, in pixels."""

    width: float
    height: float
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


def lay_out(graph: Graph, *, top: float = 0) -> Layout:
    """Place everything below `top`."""
    bands, lines, bottom = _lines(graph.tables, top)
    lanes = _lanes(graph, lines)
    columns = _columns(graph.tables, lanes)
    boxes = {
        table.name: Box(table=table, x=columns[table.depth], y=lines[table.name], width=_width(table))
        for table in graph.tables
    }
    borders = {
        depth: max(box.right for box in boxes.values() if box.table.depth == depth)
        for depth in {table.depth for table in graph.tables}
    }
    beside = {name: borders[boxes[name].table.depth] + BESIDE + LANE * number for name, number in lanes.items()}
    routes = tuple(_routes(graph.edges, boxes, beside))
    right = max([*borders.values(), *beside.values()], default=0.0)
    return Layout(
        width=right + BESIDE + MARGIN,
        height=bottom + MARGIN,
        bands=bands,
        boxes=tuple(boxes[table.name] for table in graph.tables),
        routes=routes,
    )


def _width(table: GraphTable) -> float:
    return len(table.name) * CHARACTER + 2 * PADDING


def _lines(tables: Iterable[GraphTable], top: float) -> tuple[tuple[Band, ...], dict[str, float], float]:
    """The groups' places, the height at which each table stands, and where all ends."""
    bands, lines, y = [], {}, top
    for group, members in groupby(tables, key=lambda table: table.group):
        start, y = y, y + HEADING
        for table in _by_owner(list(members)):
            lines[table.name] = y + LINE / 2
            y += LINE
        bands.append(Band(group=group, top=start, height=y - start + PADDING))
        y += GAP
    return tuple(bands), lines, y


def _by_owner(tables: Sequence[GraphTable]) -> Iterator[GraphTable]:
    """The tables of a group, each followed by those that it owns."""
    names = {table.name for table in tables}
    owned: Mapping[str, list[GraphTable]] = defaultdict(list)
    for table in tables:
        owned[table.owner if table.owner in names else ""].append(table)

    def following(owner: str) -> Iterator[GraphTable]:
        for table in sorted(owned.get(owner, ()), key=lambda each: (each.depth, each.name)):
            yield table
            yield from following(table.name)

    return following("")


def _lanes(graph: Graph, lines: Mapping[str, float]) -> dict[str, int]:
    """A lane for every table that others point at, counted from its column; the shortest are nearest.

    Lanes of one column that do not meet share a place.
    """
    depths = {table.name: table.depth for table in graph.tables}
    spans: dict[str, list[float]] = defaultdict(list)
    for edge in graph.edges:
        if edge.child != edge.parent:
            spans[edge.parent] += [lines[edge.child], lines[edge.parent]]
    used: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    lanes: dict[str, int] = {}
    for name in sorted(spans, key=lambda each: (max(spans[each]) - min(spans[each]), lines[each])):
        low, high = min(spans[name]) - LINE, max(spans[name]) + LINE
        number = 0
        while any(low < other_high and other_low < high for other_low, other_high in used[depths[name], number]):
            number += 1
        used[depths[name], number].append((low, high))
        lanes[name] = number
    return lanes


def _columns(tables: Iterable[GraphTable], lanes: Mapping[str, int]) -> dict[int, float]:
    """Where the tables of each depth begin: right of the lanes of the depth before."""
    widths: dict[int, float] = defaultdict(float)
    numbers: dict[int, int] = defaultdict(int)
    for table in tables:
        widths[table.depth] = max(widths[table.depth], _width(table))
        if table.name in lanes:
            numbers[table.depth] = max(numbers[table.depth], lanes[table.name] + 1)
    columns, x = {}, 2 * MARGIN
    for depth in range(max(widths, default=0) + 1):
        columns[depth] = x
        x += widths[depth] + 2 * BESIDE + LANE * numbers[depth]
    return columns


def _routes(edges: Sequence[GraphEdge], boxes: Mapping[str, Box], beside: Mapping[str, float]) -> Iterator[Route]:
    leaving: dict[tuple[str, bool], list[GraphEdge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.child, _leaves_left(edge, boxes)].append(edge)
    for edge in edges:
        child, parent, left = boxes[edge.child], boxes[edge.parent], _leaves_left(edge, boxes)
        ports = leaving[edge.child, left]
        offset = PORTS * ((ports.index(edge) + 0.5) / len(ports) - 0.5)
        yield Route(
            edge=edge,
            x=child.x if left else child.right,
            y=child.y + offset,
            lane=child.right + BESIDE / 2 if child is parent else beside[edge.parent],
            end_x=parent.right,
            end_y=parent.y - BOX / 3 if child is parent else parent.y,
        )


def _leaves_left(edge: GraphEdge, boxes: Mapping[str, Box]) -> bool:
    return boxes[edge.child].table.depth > boxes[edge.parent].table.depth
