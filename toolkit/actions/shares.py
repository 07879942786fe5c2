"""A share of a backup's reading, which another process does: it reads, cuts, hashes, compresses and stores.

What passes is JSON: whose snapshot, which statements, which repositories by name; back come the entries of the chunks
that are stored. Rows go from the database to the repository, never through the process that leads.
"""

from __future__ import annotations

from contextlib import closing

import msgspec
from msgspec import Struct

from toolkit.actions.context import Context
from toolkit.actions.destinations import Destination, Destinations, Placed, destinations
from toolkit.actions.targets import conninfo_of
from toolkit.errors import PlaybackError, StorageError
from toolkit.model.manifest import Chunk
from toolkit.planning.chunking import ChunkSizes, RawChunk
from toolkit.planning.copy_text import key_values
from toolkit.planning.seams import Key, Piece, piece
from toolkit.postgres.schema.rows import read_copies
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import as_sent
from toolkit.postgres.session.readers import NotTakenError, Snapshot, sharing
from toolkit.storage.chunk_writer import StoredChunk


class Part(Struct, frozen=True):
    """A chunk that has been read: the keys at its borders, and what becomes of it in each destination.

    A chunk of supporting rows has no keys.
    """

    first: Key
    last: Key
    placed: Placed

    @classmethod
    def of(cls, raw: RawChunk, positions: tuple[int, ...], placed: Placed) -> Part:
        """Give a chunk with its keys, which stand at these positions of a row."""
        return cls(key_values(raw.first_row, positions), key_values(raw.last_row, positions), placed)

    def entry(self, destination: Destination) -> Chunk:
        """Give the manifest's entry of the chunk as that destination has it, counted there."""
        stored = self.placed[destination].result()
        destination.count(stored)
        return Chunk(
            id=stored.id,
            rows=stored.rows,
            raw=stored.raw,
            stored=stored.stored,
            first=self.first,
            last=self.last,
            pack=destination.pack_of(stored),
            at=stored.place.at if stored.place else 0,
        )


class WantedTable(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table that are to be read.

    Attributes:
        query: of its rows, or of those of a part, in the order of the repository.
        positions: of the key in a row.
    """

    name: str
    query: str
    positions: tuple[int, ...]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is to read.

    Attributes:
        snapshot: the leader's.
        repositories: name → identity of those that are written to.
        tables: those that are read, in one message.
        first, last: it begins, or ends, with the table; both unless it is a part of one table.
        sizes: those of chunks.
    """

    snapshot: Snapshot
    repositories: dict[str, str]
    tables: tuple[WantedTable, ...]
    first: bool
    last: bool
    sizes: ChunkSizes


class _There(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk, with what `StoredChunk` says of it in each repository."""

    first: Key
    last: Key
    stored: dict[str, StoredChunk]


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of a table, or of a part; as `Piece` has it."""

    found: bool
    after: Key
    end: Key
    chunks: list[_There]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of a share.

    Attributes:
        failed: name → message and hint of repositories that could not be written.
        not_taken: why nothing was made of it, though nothing is wrong with the backup.
    """

    tables: list[_Read] = []
    failed: dict[str, tuple[str, str]] = {}
    not_taken: str = ""


_SHARE = msgspec.json.Decoder(Share)
_ANSWER = msgspec.json.Decoder(_Answer)


def asked(share: Share) -> str:
    """Give a share as JSON."""
    return msgspec.json.encode(share).decode()


def read_share(text: str, context: Context) -> str:
    """Read a share for the process that leads; both as JSON.

    Raises:
        PlaybackError: the backup cannot come to be.
    """
    share = _SHARE.decode(text)
    try:
        answer = _read(share, context)
    except NotTakenError as error:
        answer = _Answer(not_taken=str(error))
    return msgspec.json.encode(answer).decode()


def _read(share: Share, context: Context) -> _Answer:
    with destinations(context, tuple(share.repositories), lock_wait=0) as into:
        _open(into, share)
        with sharing(conninfo_of(context, context.host), share.snapshot) as connection, into.writing(leads=False):
            read = [_piece(connection, wanted, share, into, context) for wanted in share.tables]
        return _Answer(
            tables=[
                _Read(
                    found=each.found,
                    after=each.after,
                    end=each.end,
                    chunks=[_there(part) for part in each.made],
                )
                for each in read
            ],
            failed={name: (error.message, error.hint) for name, error in into.failed.items()},
        )


def _open(into: Destinations, share: Share) -> None:
    """Open the leader's repositories; NotTakenError where they are not there."""
    try:
        into.open(create=False)
    except PlaybackError as error:
        raise NotTakenError(error.message) from error
    for each in into.all:
        if each.repository is None or each.repository.id != share.repositories[each.name]:
            raise NotTakenError(f"repository {each.name} is another one there: do they share the disk?")


def _piece(
    connection: Connection, wanted: WantedTable, share: Share, into: Destinations, context: Context
) -> Piece[Part]:
    def store(raw: RawChunk) -> Part:
        context.progress.advance(rows=raw.rows, bytes=len(raw.data), table=wanted.name)
        return Part.of(raw, wanted.positions, into.submit(raw))

    with closing(read_copies(connection, [as_sent(wanted.query)])) as copies:
        return piece(
            (batch for _, batch in copies),
            first=share.first,
            last=share.last,
            key=lambda row: key_values(row, wanted.positions),
            make=store,
            sizes=share.sizes,
        )


def _there(part: Part) -> _There:
    stored = {each.name: future.result() for each, future in part.placed.items() if each.error is None}
    return _There(first=part.first, last=part.last, stored=stored)


def answered(text: str, into: Destinations) -> list[Piece[Part]]:
    """Give what another process made of a share, its chunks in the destinations that they are stored in.

    Raises:
        NotTakenError: nothing was made of it, and another one can do it.
        PlaybackError: no destination is left.
    """
    answer = _ANSWER.decode(text)
    if answer.not_taken:
        raise NotTakenError(answer.not_taken)
    into.fail({name: StorageError(message, hint=hint) for name, (message, hint) in answer.failed.items()})
    named = {each.name: each for each in into.left}
    return [
        Piece(found=each.found, after=each.after, end=each.end, made=[_part(chunk, named) for chunk in each.chunks])
        for each in answer.tables
    ]


def _part(chunk: _There, named: dict[str, Destination]) -> Part:
    placed: Placed = {}
    for name, stored in chunk.stored.items():
        if name in named and (writer := named[name].writer):
            placed[named[name]] = writer.adopt(stored)
    return Part(chunk.first, chunk.last, placed)
