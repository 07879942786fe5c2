"""The picture of an application: what its graph says, and that a picture can be read."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from toolkit.model.catalog import Catalog, Category, OwnerEdge, RuleKind, TableRule, TenantTable
from toolkit.model.schema import Column, DatabaseSchema, ForeignKey, Table
from toolkit.model.schemas import Schemas
from toolkit.output.graph_svg import LEGEND, svg
from toolkit.planning.graph import Graph, GraphEdge, GraphTable, Ownership, graph_of
from toolkit.planning.graph_layout import BOX, Box, Layout, lay_out
from toolkit.planning.links import derive_links

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("a", "b & <c>", "orders", "a_table_with_a_name_of_many_characters", "ünï", "z")
KINDS = ("tenant", "owned", "shared", "referenced", "device", "transient", "unclassified")


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any tables and references."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    tables = [
        GraphTable(
            name=name,
            kind=draw(st.sampled_from(KINDS)),
            group=draw(st.sampled_from(["business/x", "device/y & z"])),
            optional=draw(st.booleans()),
            depth=draw(st.integers(0, 3)),
            owner=draw(st.sampled_from(["", *names[:number]])),
        )
        for number, name in enumerate(names)
    ]
    edge = st.builds(
        GraphEdge,
        child=st.sampled_from(names),
        columns=st.sampled_from([("x",), ("y",), ("x", "y")]),
        parent=st.sampled_from(names),
        parent_columns=st.just(("id",)),
        ownership=st.sampled_from(Ownership),
        declared=st.booleans(),
        cycle=st.booleans(),
    )
    edges = draw(st.lists(edge, max_size=12, unique=True))
    return Graph(tables=tuple(sorted(tables, key=lambda table: (table.group, table.name))), edges=tuple(edges))


@given(graph=graphs())
def test_nothing_covers_anything(graph: Graph) -> None:
    """Every table has a line and a place of its own, and a reference crosses no table but those it joins."""
    layout = lay_out(graph, top=LEGEND)
    boxes = {box.table.name: box for box in layout.boxes}
    assert boxes.keys() == {table.name for table in graph.tables}
    lines = sorted(box.y for box in layout.boxes)
    assert all(after - before > BOX for before, after in pairwise(lines))
    for band in layout.bands:
        within = [box for box in layout.boxes if box.table.group == band.group]
        assert all(band.top < box.y - BOX / 2 and box.y + BOX / 2 < band.top + band.height for box in within)
    assert [route.edge for route in layout.routes] == list(graph.edges)
    for route in layout.routes:
        others = [box for name, box in boxes.items() if name not in (route.edge.child, route.edge.parent)]
        child, parent = boxes[route.edge.child], boxes[route.edge.parent]
        assert abs(route.y - child.y) < BOX / 2
        assert route.x in (child.x, child.right)
        assert (route.end_x, abs(route.end_y - parent.y) < BOX / 2) == (parent.right, True)
        way = (
            (route.x, route.y, route.lane, route.y),
            (route.lane, route.y, route.lane, route.end_y),
            (route.lane, route.end_y, route.end_x, route.end_y),
        )
        assert not any(crosses(box, segment) for box in others for segment in way)
        assert not crosses(child, way[1])
        assert not crosses(parent, way[1])
    assert_lanes_are_apart(layout)
    assert_inside(layout)


def assert_lanes_are_apart(layout: Layout) -> None:
    """Only references to the same table meet in a lane."""
    spans: dict[tuple[float, str], list[float]] = defaultdict(list)
    for route in layout.routes:
        if route.edge.child != route.edge.parent:
            spans[route.lane, route.edge.parent] += [route.y, route.end_y]
    for (lane, parent), ys in spans.items():
        for (other_lane, other), other_ys in spans.items():
            if lane == other_lane and parent != other:
                assert max(ys) < min(other_ys) or max(other_ys) < min(ys)


def crosses(box: Box, segment: tuple[float, float, float, float]) -> bool:
    """Whether a level or upright line from one point to another goes through a box."""
    x, y, end_x, end_y = segment
    return (
        min(x, end_x) < box.right
        and box.x < max(x, end_x)
        and min(y, end_y) < box.y + BOX / 2
        and box.y - BOX / 2 < max(y, end_y)
    )


def assert_inside(layout: Layout) -> None:
    """Nothing stands outside of the picture."""
    assert all(box.x > 0 and box.right < layout.width and box.y + BOX < layout.height for box in layout.boxes)
    assert all(0 < route.lane < layout.width for route in layout.routes)


@given(graph=graphs())
def test_a_picture_is_valid_and_names_everything_once(graph: Graph) -> None:
    """It is XML, names every table once and draws every reference, with what it is in words."""
    text = svg(lay_out(graph, top=LEGEND), "a & <b>")
    root = ET.fromstring(text)
    shown = [each.text for each in root.iter(f"{SVG}text") if each.get("class") == "table"]
    assert Counter(shown) == Counter(table.name for table in graph.tables)
    drawn = [(path, path.find(f"{SVG}title")) for path in root.iter(f"{SVG}path")]
    titles = Counter(title.text for _, title in drawn if title is not None)
    assert titles == Counter(edge.text for edge in graph.edges)
    assert svg(lay_out(graph, top=LEGEND), "a & <b>") == text


def column(name: str) -> Column:
    """A column that may not be NULL."""
    return Column(name=name, type="integer", nullable=False)


def table(name: str, **pointing: str) -> Table:
    """A table with a key `id` and columns with foreign keys to tables."""
    return Table(
        name=name,
        columns=tuple(column(each) for each in sorted(["id", *pointing])),
        primary_key=("id",),
        foreign_keys=tuple(
            ForeignKey(name=f"{name}_{each}", columns=(each,), parent=parent, parent_columns=("id",))
            for each, parent in pointing.items()
        ),
    )


def rule(name: str, *owned_by: OwnerEdge, kind: RuleKind = RuleKind.OWNED) -> TableRule:
    """A rule of the group `all`."""
    return TableRule(table=name, category=Category.BUSINESS, group="all", kind=kind, owned_by=owned_by)


def test_depth_ownership_and_cycles() -> None:
    """Depth counts links from the tenants, ownership has its direction, and cycles are marked, self-references too."""
    tables = [
        table("shops", parent="shops"),
        table("members", shop="shops", user="users"),
        table("users", home="addresses"),
        table("addresses", user="users"),
        table("notes"),
    ]
    rules = [
        rule("shops", kind=RuleKind.TENANT),
        rule("members", OwnerEdge(columns=("shop",))),
        rule("users", OwnerEdge(columns=("user",), table="members")),
        rule("addresses", OwnerEdge(columns=("user",))),
    ]
    catalog = Catalog(
        name="c",
        file="c.yml",
        schemas=("public",),
        tenant=TenantTable(table="shops", key="id"),
        rules={each.table: each for each in rules},
    )
    schema = DatabaseSchema(
        schemas=Schemas(covered=("public",)), tables={each.name: each for each in sorted(tables, key=lambda t: t.name)}
    )
    links, problems = derive_links(catalog, schema)
    assert problems == []
    graph = graph_of(catalog, schema, links)
    assert {each.name: (each.depth, each.owner) for each in graph.tables} == {
        "shops": (0, ""),
        "members": (1, "shops"),
        "users": (2, "members"),
        "addresses": (3, "users"),
        "notes": (0, ""),
    }
    assert graph.tables[-1].kind == "unclassified"
    assert {(each.child, each.columns[0]): (each.ownership, each.cycle) for each in graph.edges} == {
        ("shops", "parent"): (Ownership.NONE, True),
        ("members", "shop"): (Ownership.TO_CHILD, False),
        ("members", "user"): (Ownership.TO_PARENT, False),
        ("users", "home"): (Ownership.NONE, True),
        ("addresses", "user"): (Ownership.TO_CHILD, True),
    }
