"""A JSON document read piece by piece, each value as the bytes that stand in it, with the place where it begins.

Values are cut out, not decoded: the text of a number, of a string and the order of names stay as they are, and a
document of any length takes no more memory than its largest value. Whoever takes a value decodes it, which is where
anything that is wrong within one shows.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

LARGEST: int = 64 << 20
"""Bytes of one value, at most, that is taken as a whole."""

_SPACE = re.compile(rb"[ \t\r\n]*+")
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb'[^"{}\[\]]*+'
_STRING = re.compile(_TEXT, re.DOTALL)
_PIECE = re.compile(rb"%s(?:%s%s)*+([{}\[\]\"])" % (_PLAIN, _TEXT, _PLAIN), re.DOTALL)
_DEPTH = 4
_WORD = re.compile(rb'[^ \t\r\n,:{}\[\]"]++')

_OPENING = b"{["


class DocumentError(Exception):
    """The document itself is broken, so that nothing behind the place can be trusted.

    Attributes:
        offset: the byte, from 0.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Value(Struct, frozen=True):
    """A value as it stands in the document; `offset` is the place of its first byte, from 0."""

    text: bytes
    offset: int


def _nested_to(depth: int) -> bytes:
    """The pattern of an object or list that has no more than so many levels; whether brackets fit shows later."""
    inner = _TEXT if not depth else rb"(?:%s|%s)" % (_TEXT, _nested_to(depth - 1))
    return rb"[{\[]%s(?:%s%s)*+[}\]]" % (_PLAIN, inner, _PLAIN)


_SHALLOW = re.compile(_nested_to(_DEPTH), re.DOTALL)


class Scanner:
    """Takes a document apart; raises DocumentError where it is not what it has to be."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._buffer = b""
        self._at = 0
        self._base = 0
        self._ended = False
        self._grow()
        if self._buffer.startswith(codecs.BOM_UTF8):
            self._at = len(codecs.BOM_UTF8)

    @property
    def offset(self) -> int:
        """The place of the next byte."""
        return self._base + self._at

    def peek(self) -> bytes:
        """Give the next byte that is no white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._grow():
                return b""

    def take(self, wanted: bytes) -> None:
        """Take one byte, which has to be this one."""
        found = self.peek()
        if found != wanted:
            what = "the file ends" if not found else f"{_shown(found)} stands"
            raise DocumentError(f"{what} where {_shown(wanted)} is needed", self.offset)
        self._at += 1

    def end(self) -> None:
        """See that nothing follows."""
        if found := self.peek():
            raise DocumentError(f"the document ends before, and {_shown(found)} follows", self.offset)

    def members(self) -> Iterator[Value]:
        """Give the names of an object, each as JSON text, with the value behind it as what is to be taken next."""
        yield from self._listed(b"{", b"}", named=True)

    def items(self) -> Iterator[Value]:
        """Stop before each item of a list, which is what is to be taken next; gives an empty value with its place."""
        yield from self._listed(b"[", b"]", named=False)

    def _listed(self, opening: bytes, closing: bytes, *, named: bool) -> Iterator[Value]:
        self.take(opening)
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            self.peek()
            name = Value(b"", self.offset)
            if named:
                name = self._string()
                self.take(b":")
                self.peek()
            yield name
            if self.peek() == closing:
                self._at += 1
                return
            self.take(b",")

    def value(self) -> Value:
        """Take one value whole."""
        first = self.peek()
        offset = self.offset
        if first == b'"':
            return self._string()
        if first and first in _OPENING:
            return Value(self._cut(self._nested()), offset)
        while True:
            found = _WORD.match(self._buffer, self._at)
            if found is None:
                what = "the file ends" if not first else f"{_shown(first)} stands"
                raise DocumentError(f"{what} where a value is needed", offset)
            if found.end() < len(self._buffer) or not self._grow():
                return Value(self._cut(found.end()), offset)

    def records(self) -> Iterator[Value]:
        """Take the items of a list one by one, each whole."""
        for _ in self.items():
            yield self.value()

    def _string(self) -> Value:
        if self.peek() != b'"':
            found = self.peek()
            what = "the file ends" if not found else f"{_shown(found)} stands"
            raise DocumentError(f"{what} where a name is needed", self.offset)
        offset = self.offset
        while (string := _STRING.match(self._buffer, self._at)) is None:
            self._grow_within(offset)
        return Value(self._cut(string.end()), offset)

    def _nested(self) -> int:
        """Find the end of the object or list that begins here, in the buffer."""
        if shallow := _SHALLOW.match(self._buffer, self._at):
            return shallow.end()
        offset, begun, depth = self.offset, self._at, 0
        where = begun
        while True:
            # a string that does not end within the buffer counts from its quote
            while (piece := _PIECE.match(self._buffer, where)) and (token := piece[1]) != b'"':
                where = piece.end()
                depth += 1 if token in _OPENING else -1
                if not depth:
                    return where
            where = piece.start(1) if piece else where
            before = self._at
            self._grow_within(offset)
            where -= before - self._at

    def _grow_within(self, offset: int) -> None:
        if not self._grow():
            raise DocumentError("the file ends within what begins here", offset)
        if self.offset == offset and len(self._buffer) - self._at > LARGEST:
            raise DocumentError(f"a value is longer than {LARGEST >> 20} MiB", offset)

    def _cut(self, end: int) -> bytes:
        text = self._buffer[self._at : end]
        self._at = end
        return text

    def _grow(self) -> bool:
        """Read on; what was taken is let go. False at the end of the document."""
        if self._ended:
            return False
        block = next(self._blocks, b"")
        read = self._base + len(self._buffer)
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise DocumentError("this is not UTF-8", read - pending + error.start) from error
        self._ended = not block
        self._base += self._at
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        return not self._ended


def _shown(byte: bytes) -> str:
    return repr(byte.decode("utf-8", "backslashreplace"))
