"""A laid-out graph as SVG text: the same graph gives the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from toolkit.planning.graph import UNCLASSIFIED, GraphEdge, Ownership
from toolkit.planning.graph_layout import BOX, CHARACTER, MARGIN, PADDING, Band, Box, Layout, Route

LEGEND = 118.0
"""Pixels at the top that the title and the legend take."""

FILLS = {
    "tenant": "#ffd33d",
    "owned": "#dbeafe",
    "shared": "#dcfce7",
    "referenced": "#ede9fe",
    "device": "#ffedd5",
    "transient": "#f3f4f6",
    UNCLASSIFIED: "#ffffff",
}
_KINDS = {
    "tenant": "tenant table",
    "owned": "owned by tenants",
    "shared": "shared",
    "referenced": "referenced",
    "device": "device",
    "transient": "transient",
    UNCLASSIFIED: "not classified",
}
_LINES = {
    "ref": "foreign key",
    "ref child": "ownership passes to the table that points",
    "ref parent": "ownership passes to the table that is pointed at",
    "ref declared": "reference that only the catalog file declares",
    "ref cycle": "on a cycle, or to its own table",
}
_PLAIN = {
    "tenant": "the businesses",
    "owned": "belongs to a business",
    "shared": "shared",
    "referenced": "goes along",
    "device": "this computer",
    "transient": "never backed up",
    UNCLASSIFIED: "not decided",
    "ref": "points at",
    "ref child": "belongs to whoever it points at",
    "ref parent": "whoever points at it owns it",
    "ref declared": "said in the catalog file alone",
    "ref cycle": "in a circle, or to its own table",
}
"""The same in words of whoever knows no database, for pages."""
_STYLE = """
text { font: 11px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #111827; }
.title { font-size: 16px; font-weight: bold; }
.group { font-weight: bold; fill: #4b5563; }
.band { fill: #f9fafb; stroke: #e5e7eb; }
.box { stroke: #6b7280; }
.box.optional { stroke-dasharray: 3 2; }
.box.unclassified { stroke: #dc2626; stroke-width: 2; }
.ref { fill: none; stroke: #9ca3af; stroke-width: 0.9; }
.ref.child { stroke: #2563eb; stroke-width: 2.2; }
.ref.parent { stroke: #9333ea; stroke-width: 2.2; }
.ref.declared { stroke-dasharray: 5 3; }
.ref.cycle { stroke: #dc2626; stroke-width: 1.8; }
.ref:hover { stroke: #000000; stroke-width: 3; }
"""
_DARK = "@media (prefers-color-scheme: dark) { svg.graph { filter: invert(0.88) hue-rotate(180deg); } }\n"
_ARROWS = {"ref": "#9ca3af", "child": "#2563eb", "parent": "#9333ea", "cycle": "#dc2626"}
_RADIUS = 4.0


def svg(layout: Layout, title: str) -> str:
    """Give the picture, with room for the legend above (`lay_out(…, top=LEGEND)`)."""
    return _picture(layout, title, f"<style>{_STYLE}</style>", _box, words={**_KINDS, **_LINES})


def svg_within(layout: Layout, title: str, *, link: Callable[[str], str], zoom: float = 1.0) -> str:
    """Give the same for a page that has `style_within`, each table with a link.

    Args:
        link: gives the address of a table's page.
        zoom: 2 for twice as large.
    """

    def linked(box: Box) -> str:
        # the page has a list of the same links, for whoever goes from one to the next by the keyboard
        return f'<a href={quoteattr(link(box.table.name))} tabindex="-1">{_box(box)}</a>'

    return _picture(layout, title, "", linked, words=_PLAIN, zoom=zoom)


def style_within() -> str:
    """Give the style of a picture within a page, which speaks of nothing else there."""
    rules = (rule for rule in _STYLE.strip().splitlines() if rule)
    return "".join(f"svg.graph {rule}\n" for rule in rules) + _DARK


def _picture(
    layout: Layout,
    title: str,
    style: str,
    box: Callable[[Box], str],
    *,
    words: Mapping[str, str],
    zoom: float = 1.0,
) -> str:
    width, kind = max(layout.width, 900.0), 'role="img"' if style else 'class="graph"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(layout.height)}"'
        f' width="{_n(width * zoom)}" height="{_n(layout.height * zoom)}" {kind}>',
        f"<title>{escape(title)}</title>",
        *([style] if style else []),
        "<defs>" + "".join(_marker(name, colour) for name, colour in _ARROWS.items()) + "</defs>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text class="title" x="{_n(MARGIN)}" y="28">{escape(title)}</text>',
        *_legend(words),
        *(_band(band, width) for band in layout.bands),
        # thin lines first, so that what matters lies above them
        *(_route(route) for route in sorted(layout.routes, key=lambda route: _weight(route.edge))),
        *(box(each) for each in layout.boxes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _marker(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="6" markerHeight="6" orient="auto"'
        f' markerUnits="userSpaceOnUse"><path d="M0 0 L6 3 L0 6 z" fill="{colour}"/></marker>'
    )


def _legend(words: Mapping[str, str]) -> Iterator[str]:
    x = MARGIN
    for kind in _KINDS:
        text = words[kind]
        yield f'<rect class="box {kind}" x="{_n(x)}" y="46" width="14" height="12" fill="{FILLS[kind]}"/>'
        yield f'<text x="{_n(x + 19)}" y="56">{text}</text>'
        x += 34 + CHARACTER * len(text)
    for line, names in enumerate((("ref", "ref child", "ref parent"), ("ref declared", "ref cycle"))):
        x, y = MARGIN, 72 + 18 * line
        for name in names:
            yield f'<path class="{name}" d="M{_n(x)} {y} h26" marker-end="url(#{_arrow(name.split())})"/>'
            yield f'<text x="{_n(x + 32)}" y="{y + 4}">{words[name]}</text>'
            x += 56 + CHARACTER * len(words[name])


def _arrow(names: list[str]) -> str:
    """The arrow of a line with these class names."""
    return next((name for name in ("cycle", "child", "parent") if name in names), "ref")


def _band(band: Band, width: float) -> str:
    return (
        f'<rect class="band" x="{_n(MARGIN / 2)}" y="{_n(band.top)}" width="{_n(width - MARGIN)}"'
        f' height="{_n(band.height)}" rx="4"/>'
        f'<text class="group" x="{_n(MARGIN)}" y="{_n(band.top + 13)}">{escape(band.group)}</text>'
    )


def _box(box: Box) -> str:
    table = box.table
    names = " ".join(["box", table.kind, *(["optional"] if table.optional else [])])
    return (
        f'<rect class="{names}" x="{_n(box.x)}" y="{_n(box.y - BOX / 2)}" width="{_n(box.width)}" height="{_n(BOX)}"'
        f' rx="3" fill="{FILLS[table.kind]}"/>'
        f'<text class="table" x="{_n(box.x + PADDING)}" y="{_n(box.y + 4)}">{escape(table.name)}</text>'
    )


def _route(route: Route) -> str:
    edge = route.edge
    names = ["ref"]
    names += {Ownership.TO_CHILD: ["child"], Ownership.TO_PARENT: ["parent"]}.get(edge.ownership, [])
    names += ["declared"] if edge.declared else []
    names += ["cycle"] if edge.cycle else []
    return (
        f'<path class="{" ".join(names)}" d="{_way(route)}" marker-end="url(#{_arrow(names)})">'
        f"<title>{escape(edge.text)}</title></path>"
    )


def _way(route: Route) -> str:
    """Along the line to the lane, along the lane, and back to the parent, with round corners."""
    down = 1 if route.end_y > route.y else -1
    radius = min(_RADIUS, abs(route.end_y - route.y) / 2)
    out = 1 if route.lane > route.x else -1
    return (
        f"M{_n(route.x)} {_n(route.y)} H{_n(route.lane - out * radius)}"
        f" Q{_n(route.lane)} {_n(route.y)} {_n(route.lane)} {_n(route.y + down * radius)}"
        f" V{_n(route.end_y - down * radius)}"
        f" Q{_n(route.lane)} {_n(route.end_y)} {_n(route.lane - radius)} {_n(route.end_y)} H{_n(route.end_x)}"
    )


def _weight(edge: GraphEdge) -> int:
    return 2 * edge.cycle + (edge.ownership is not Ownership.NONE)


def _n(value: float) -> str:
    """A number without needless digits, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
