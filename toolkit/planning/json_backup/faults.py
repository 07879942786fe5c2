"""All that is wrong with a JSON backup, counted by kind and place of it, with the first few places of each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from toolkit.wording import counted, one_line

_PLACES = 3
"""Places that are named of each kind of fault."""

GROUPS = 200
"""Kinds of faults, at most, that are told apart."""

_SHOWN = 60
"""Characters of a key that are shown."""


class Where(Struct, frozen=True, kw_only=True):
    """A place in the file.

    Attributes:
        number: of the record in its list, from 1; 0 for none.
        key: the record's key, as text; empty where it is not known.
        offset: the byte, from 0; -1 where it is not known.
    """

    number: int = 0
    key: str = ""
    offset: int = -1

    def __str__(self) -> str:
        key = one_line(self.key)
        parts = (
            f"record {self.number}" if self.number else "",
            f"key {key if len(key) <= _SHOWN else f'{key[:_SHOWN]}…'}" if key else "",
            f"byte {self.offset:,}" if self.offset >= 0 else "",
        )
        return ", ".join(filter(None, parts))


class Fault(Struct, kw_only=True):
    """One kind of fault of one model or field.

    Attributes:
        subject: what is at fault: a model, a field of one, or a part of the file.
        reason: a lower-case fact, as it is of the first place.
        held: the records that have it can be put aside.
    """

    subject: str
    reason: str
    held: bool
    count: int = 0
    places: list[Where] = field(default_factory=list)

    def __str__(self) -> str:
        places = "; ".join(filter(None, map(str, self.places)))
        more = self.count - len(self.places)
        often = f"{counted(self.count, 'time')}: " if self.count > 1 and places else ""
        found = f" ({often}{places}{f'; and {more:,} more' if places and more > 0 else ''})" if places else ""
        return f"{self.subject}: {self.reason}{found}"


class Faults:
    """Collects faults; takes no more memory for many of them than for some."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], Fault] = {}
        self.total = 0
        self._others = 0

    def add(self, kind: str, subject: str, reason: str, where: Where | None = None, *, held: bool = False) -> None:
        """Add a fault.

        Args:
            kind: what tells it from other faults of the same subject.
            held: the record that has it can be put aside, and the rest be taken without it.
        """
        self.total += 1
        fault = self._groups.get((kind, subject))
        if fault is None:
            if len(self._groups) >= GROUPS and held:
                self._others += 1
                return
            fault = self._groups[kind, subject] = Fault(subject=subject, reason=reason, held=held)
        fault.count += 1
        if where is not None and len(fault.places) < _PLACES:
            fault.places.append(where)

    @property
    def final(self) -> list[str]:
        """Those that nothing can be put aside for, as sentences."""
        return [str(each) for each in self._groups.values() if not each.held]

    def __iter__(self) -> Iterator[str]:
        yield from map(str, self._groups.values())
        if self._others:
            yield f"and {self._others:,} faults of other fields"

    def __len__(self) -> int:
        return self.total
