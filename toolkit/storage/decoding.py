"""Reading small JSON files that anybody may have written: whatever is in them, the answer is a value or one error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from toolkit.errors import DamageError, MissingError
from toolkit.storage.prefetch import prefetch
from toolkit.storage.store import Store

SMALL = 1024 * 1024
"""The most bytes a file has that says something about a backup or a lock."""

_Value = TypeVar("_Value")


def decoded(decoder: msgspec.json.Decoder[_Value], data: bytes) -> _Value:
    """Give the value in a JSON text.

    Raises:
        msgspec.DecodeError: it is none of that type, whatever else is wrong with it.
    """
    try:
        return decoder.decode(data)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error
    except (UnicodeDecodeError, ValueError, OverflowError) as error:
        if isinstance(error, msgspec.DecodeError):
            raise
        raise msgspec.DecodeError(str(error)) from error


def read_small(store: Store, name: str) -> bytes:
    """Give the content of a file that is small; raises as `Store.get` does."""
    return store.get(name, limit=SMALL)


def read_each(store: Store, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
    """Read small files, several at once.

    Yields:
        Each name, in order, with the content: None for a file that is gone, empty for one that is no small file.
    """

    def read(name: str) -> tuple[str, bytes | None]:
        try:
            return name, read_small(store, name)
        except MissingError:
            return name, None
        except DamageError:
            return name, b""

    return prefetch(names, read, size=lambda _: 1, workers=store.parallel, in_flight=2 * store.parallel)
