"""Where things stand in the text of a catalog file: lines and columns, so that text can be added between them."""

from __future__ import annotations

from msgspec import Struct

from toolkit.config import yaml_text
from toolkit.config.yaml_text import Mapping, Node, Scalar, Sequence


class Span(Struct, frozen=True, kw_only=True):
    """One `key: value` of a mapping. Lines and columns count from 0.

    Attributes:
        first: the line of the key.
        last: the last line of the value.
        indent: the column of the key.
        block: whether its value is a mapping with entries on lines of their own.
        empty: whether its value holds nothing: `{}`, or nothing at all.
        braces: where an empty `{}` begins and ends on its line; None where there is none.
        entries: of a mapping, its entries.
    """

    first: int
    last: int
    indent: int
    block: bool
    empty: bool
    braces: tuple[int, int] | None
    entries: dict[str, Span]


def layout(text: str) -> Span | None:
    """Give the layout of a file that is known to be valid: the span of the whole; None when it holds no value."""
    node = yaml_text.compose(text)
    return None if node is None else _span(node, node, depth=4)  # all, hosts, a host, its settings


def _span(key: Node, value: Node, *, depth: int) -> Span:
    mapping = value if isinstance(value, Mapping) else None
    pairs = mapping.pairs if mapping and depth else []
    return Span(
        first=key.start.line,
        last=max(_last(key), _last(value)),
        indent=key.start.column,
        block=mapping is not None and not mapping.flow and bool(mapping.pairs),
        empty=_is_empty(value),
        braces=(mapping.start.column, mapping.end.column) if mapping and not mapping.pairs else None,
        entries={each.value: _span(each, inner, depth=depth - 1) for each, inner in pairs if isinstance(each, Scalar)},
    )


def _is_empty(value: Node) -> bool:
    match value:
        case Mapping():
            return not value.pairs
        case Sequence():
            return not value.items
        case Scalar():
            return not value.value
    return False


def _last(node: Node) -> int:
    """The last line of a value; the end of a block is beyond the comments that come after it."""
    match node:
        case Mapping(flow=False) if node.pairs:
            return max(map(_last, node.pairs[-1]))
        case Sequence(flow=False) if node.items:
            return _last(node.items[-1])
        case Scalar(value="", plain=True):
            return -1  # where nothing is written, the marks are those of what comes next
    return node.end.line - 1 if node.end.column == 0 and node.end.line > node.start.line else node.end.line
