"""Where things stand in the text of a catalog file: lines and columns, so that text can be added between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
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
    entries: Mapping[str, Span]


def layout(text: str) -> Span | None:
    """The layout of a file that is known to be valid: the span of the whole; None when it holds no value."""
    node = YAML(typ="safe", pure=True).compose(text)
    return None if node is None else _span(node, node, depth=3)


def _span(key: Node, value: Node, *, depth: int) -> Span:
    pairs = value.value if isinstance(value, MappingNode) and depth else []
    entries = {str(each.value): _span(each, inner, depth=depth - 1) for each, inner in pairs}
    return Span(
        first=key.start_mark.line,
        last=max(_last(key), _last(value)),
        indent=key.start_mark.column,
        block=isinstance(value, MappingNode) and not value.flow_style and bool(value.value),
        empty=not value.value,
        braces=(value.start_mark.column, value.end_mark.column)
        if isinstance(value, MappingNode) and not value.value
        else None,
        entries=entries,
    )


def _last(node: Node) -> int:
    """The last line of a value; the end mark of a block is beyond the comments that come after it."""
    if isinstance(node, CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return max(map(_last, last)) if isinstance(last, tuple) else _last(last)
    nothing = isinstance(node, ScalarNode) and not node.value and not node.style
    # where nothing is written, the marks are those of what comes next
    return -1 if nothing else _end(node)


def _end(node: Node) -> int:
    line = int(node.end_mark.line)
    return line - 1 if node.end_mark.column == 0 and line > node.start_mark.line else line
