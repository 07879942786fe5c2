"""Plain values, as JSON and YAML have them, become structs."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


def learn(kind: object) -> None:
    """Have msgspec learn a type while one thread runs, as a module is imported.

    It crashes where several threads are the first to convert to the same struct, as tasks on several hosts may be.
    """
    msgspec.json.Decoder(kind)


class Conversion(Generic[T]):
    """Converts to one type.

    Args:
        kind: a struct, or what holds structs. Made where a module is imported, it is learned there.
    """

    def __init__(self, kind: type[T]) -> None:
        learn(kind)
        self._kind = kind

    def __call__(self, given: object) -> T:
        """Convert; msgspec.ValidationError where something does not fit."""
        return msgspec.convert(given, self._kind)  # noqa: TID251
