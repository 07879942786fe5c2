"""Which chunks a partial check reads, so that checks of several days read different ones."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection
from datetime import date
from typing import Self

from msgspec import Struct

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")


class Sample(Struct, frozen=True, kw_only=True):
    """Some of the chunks: one of `parts` parts of all of them, or `number` of them; which, depends on the day.

    Parts take turns, so daily checks have read everything after as many days as there are parts.
    """

    day: date
    parts: int = 0
    number: int = 0

    @classmethod
    def parse(cls, text: str, day: date) -> Self:
        """Give the sample that `5%` or a number of chunks means; ValueError for anything else."""
        if found := _PERCENT.fullmatch(text):
            if 0 < float(found[1]) <= 100:
                return cls(day=day, parts=math.ceil(100 / float(found[1]) - 1e-9))
        elif re.fullmatch(r"[0-9]{1,9}", text):
            return cls(day=day, number=int(text))
        raise ValueError(f"{text!r} is neither a percentage above 0, such as 5%, nor a number of chunks")

    def of(self, chunk_ids: Collection[str]) -> set[str]:
        """Give the chosen ones of some chunks."""
        if self.parts:
            turn = self.day.toordinal() % self.parts
            # an id is a hash, so its digits share chunks out evenly
            return {chunk_id for chunk_id in chunk_ids if int(chunk_id[:15], 16) % self.parts == turn}
        return set(sorted(chunk_ids, key=self._rank)[: self.number])

    def _rank(self, chunk_id: str) -> bytes:
        return hashlib.sha256(f"{self.day} {chunk_id}".encode()).digest()

    def __str__(self) -> str:
        if self.parts:
            return f"part {self.day.toordinal() % self.parts + 1} of {self.parts} of the chunks, by the day {self.day}"
        return f"{self.number} chunks, chosen by the day {self.day}"
