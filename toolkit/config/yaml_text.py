"""YAML 1.2 on top of PyYAML: text to nodes, and plain values to text.

PyYAML follows YAML 1.1, where `no` is false and `12:30:45` a number; here plain scalars are read by the core schema of
YAML 1.2. The parser written in C reads what is well formed and without tabs, on which the two parsers differ. The
parser written in Python reads the rest, so that results and messages are the same where there is no C parser. One
difference is left: that one refuses a plain text with a question mark between braces or brackets, such as `{a: b?c}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from msgspec import Struct, field
from yaml.composer import ComposerError
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

TAG: Final = "tag:yaml.org,2002:"
"""Prefix of the full names of YAML's own tags."""

_SCALARS: Final[dict[str, str]] = {
    "null": "|~|null|Null|NULL",
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": "[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)",
    "float": r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|\.[0-9_]+(?:[eE][-+][0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
    "merge": "<<",
}
"""Patterns of plain scalars that are not text."""

_FIRST: Final[dict[str, str]] = {
    "null": "~nN",
    "bool": "tTfF",
    "int": "-+0123456789",
    "float": "-+.0123456789",
    "merge": "<",
}


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    found: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for name, pattern in _SCALARS.items():
        for first in (*_FIRST[name], *([""] if name == "null" else [])):
            found.setdefault(first, []).append((f"{TAG}{name}", re.compile(f"(?:{pattern})\\Z")))
    return found


_RESOLVERS: Final = _resolvers()
"""Tags with their patterns, by the first character of a scalar."""


class Mark(Struct, kw_only=True):
    """A position in the text; line and column count from 0."""

    line: int
    column: int


class Node(Struct, kw_only=True):
    """A value as it stands in the text.

    Attributes:
        tag: its full tag, given or resolved.
        anchor: its name for aliases; empty when it has none.
        start: where it begins, tag and anchor included.
        end: where it ends; of a block, beyond the comments after it.
    """

    tag: str
    anchor: str
    start: Mark
    end: Mark


class Scalar(Node, kw_only=True):
    """A text, number or the like; `plain` when it is not quoted."""

    value: str
    plain: bool


class Sequence(Node, kw_only=True):
    """A list; `flow` when it is written in brackets."""

    flow: bool
    items: list[Node] = field(default_factory=list)


class Mapping(Node, kw_only=True):
    """A mapping; `flow` when it is written in braces."""

    flow: bool
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


class PythonLoader(yaml.SafeLoader):
    """PyYAML's parser in Python; it takes tabs between tokens, and `?` inside of texts, as that in C does.

    Without either, JSON that is indented by tabs and `{url: http://x/?a=b}` would be refused.
    """

    _in_text = False

    def scan_plain(self) -> Any:
        """Read a text without quotes."""
        self._in_text = True
        try:
            return super().scan_plain()
        finally:
            self._in_text = False

    def peek(self, index: int = 0) -> str:
        """Look at a character; within a text a `?` is one like any other, though YAML 1.1 has it end in braces."""
        character: str = super().peek(index)
        return "x" if self._in_text and character == "?" else character

    def scan_to_next_token(self) -> None:
        """Move to the next token; only where a tab could be taken for indentation it is left, as an error."""
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward()
            super().scan_to_next_token()


FAST_LOADER: Final[type | None] = getattr(yaml, "CSafeLoader", None)
"""PyYAML's parser in C; None where PyYAML was built without it."""


_OTHER_BREAKS: Final = re.compile("[\x85\u2028\u2029]")


class _Writer(yaml.SafeDumper):
    yaml_implicit_resolvers = _RESOLVERS

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value again wherever it stands."""
        del data
        return True

    def represent_str(self, text: str) -> yaml.ScalarNode:
        """Write a text; line breaks of other alphabets are escaped, since outside double quotes they get lost."""
        return self.represent_scalar(f"{TAG}str", text, style='"' if _OTHER_BREAKS.search(text) else None)


_Writer.add_representer(str, _Writer.represent_str)


def compose(text: str) -> Node | None:
    """Give the node of a document; None when it holds no value.

    Raises:
        YAMLError: it is not YAML, or more than one document.
        RecursionError: it is nested too deeply.
    """
    if FAST_LOADER is not None and "\t" not in text:
        try:
            return compose_with(FAST_LOADER, text)
        except (YAMLError, UnicodeError):
            pass  # the parser in Python decides, and says what is wrong
    return compose_with(PythonLoader, text)


def compose_with(loader: type, text: str) -> Node | None:
    """Give the node of a document, read by one of the two parsers."""
    events = yaml.parse(text, Loader=loader)
    return _Composer(events=events).document()


def write(value: Any, *, in_order: bool = True) -> str:
    """Plain values as YAML in block style.

    Args:
        in_order: the keys of mappings by the alphabet; else as they come.
    """
    written: str = yaml.dump(value, Dumper=_Writer, default_flow_style=False, allow_unicode=True, sort_keys=in_order)
    return written.removesuffix("...\n")


class _Composer(Struct, kw_only=True):
    """Makes nodes of the parser's events. PyYAML's own composer of the C parser ends the process on deep nesting."""

    events: Iterator[Any]
    anchors: dict[str, Node] = field(default_factory=dict)

    def document(self) -> Node | None:
        next(self.events)
        first: Any = next(self.events)
        if isinstance(first, StreamEndEvent):
            return None
        node = self.node(next(self.events))
        next(self.events)
        after = next(self.events)
        mark: Any = after.start_mark
        if isinstance(after, DocumentStartEvent):
            context, problem = "expected a single document in the stream", "but found another document"
            raise ComposerError(context, first.start_mark, problem, mark)
        return node

    def node(self, event: Any) -> Node:
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                mark: Any = event.start_mark
                raise ComposerError(None, None, f"found undefined alias {event.anchor!r}", mark)
            return self.anchors[event.anchor]
        node = _begin(event)
        if node.anchor:
            self.anchors[node.anchor] = node
        if isinstance(node, Sequence):
            while not isinstance(event := next(self.events), SequenceEndEvent):
                node.items.append(self.node(event))
        elif isinstance(node, Mapping):
            while not isinstance(event := next(self.events), MappingEndEvent):
                node.pairs.append((self.node(event), self.node(next(self.events))))
        node.end = _mark(event.end_mark)
        return node


def _begin(event: Any) -> Node:
    """The node that begins with an event; its parts and its end come later."""
    given = event.tag if event.tag != "!" else None
    common: Any = {"anchor": event.anchor or "", "start": _mark(event.start_mark), "end": _mark(event.end_mark)}
    match event:
        case ScalarEvent():
            return Scalar(tag=given or _tag(event), value=event.value, plain=not event.style, **common)
        case SequenceStartEvent():
            return Sequence(tag=given or f"{TAG}seq", flow=bool(event.flow_style), **common)
        case MappingStartEvent():
            return Mapping(tag=given or f"{TAG}map", flow=bool(event.flow_style), **common)
    raise AssertionError(event)


def _tag(event: ScalarEvent) -> str:
    if event.implicit[0] and event.tag != "!":
        for tag, pattern in _RESOLVERS.get(event.value[:1], ()):
            if pattern.match(event.value):
                return tag
    return f"{TAG}str"


def _mark(mark: Any) -> Mark:
    return Mark(line=mark.line, column=mark.column)
