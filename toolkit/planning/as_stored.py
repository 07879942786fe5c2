"""Rows beside the chunks of a backup for as long as they are the same: then nobody has to look where chunks end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolkit.model.manifest import Chunk, chunk_id


class AsStored:
    """Compares rows with chunks, as they come in.

    Attributes:
        same: whether they are the same so far.
        passed: how many chunks are surely the same.
        rows: how many rows these have.
    """

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks
        self._held = list[bytes]()
        self._count = 0
        self.same = True
        self.passed = self.rows = 0

    def add(self, batch: Sequence[bytes | memoryview]) -> None:
        """Take the next rows; once they are not the same any more, no others are looked at."""
        while batch and self.same:
            if self.passed == len(self._chunks):
                self.same = False
                self._held = [b"".join(batch)]
                return
            chunk = self._chunks[self.passed]
            missing = chunk.rows - self._count
            part, batch = (batch, ()) if len(batch) <= missing else (batch[:missing], batch[missing:])
            self._held.append(b"".join(part))
            self._count += len(part)
            if self._count == chunk.rows:
                self._end(chunk, batch)

    def _end(self, chunk: Chunk, batch: Sequence[bytes | memoryview]) -> None:
        """Tell whether as many rows as a chunk has are that chunk."""
        if chunk_id(b"".join(self._held)) != chunk.id:
            self.same = False
            self._held.append(b"".join(batch))
            return
        self.passed += 1
        self.rows += self._count
        self._held.clear()
        self._count = 0

    @property
    def all(self) -> bool:
        """Whether these were exactly the rows of the chunks."""
        return self.same and self.passed == len(self._chunks) and not self._held

    def left(self) -> Iterator[Sequence[bytes]]:
        """Give, once, the rows that were taken and are in no chunk that is surely the same; they are let go."""
        held, self._held = self._held[::-1], []
        while held:
            yield held.pop().splitlines(keepends=True)
