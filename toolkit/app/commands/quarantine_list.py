"""`quarantine.list`: the rows that restores have put aside, by restore, table and reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command, NoOptions
from toolkit.output.answer import GOOD, Answer, Line

if TYPE_CHECKING:
    from toolkit.model.quarantine import QuarantinedRow
    from toolkit.storage.quarantine import Origin

SHOWN = 5
"""Rows of one reason that the text lists one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAside(Answer):
    """The rows that one restore put aside and that are still in quarantine."""

    repository: str
    origin: Origin
    rows: tuple[QuarantinedRow, ...]

    def lines(self) -> Iterator[Line]:
        """Give the restore, then for each table and reason some rows."""
        origin = self.origin
        asked = f" ({_asked(origin.request)})" if origin.request else ""
        restore = f"{self.repository}: {origin.label} into {origin.host}{asked}, {origin.time}"
        yield Line(f"{restore}: {wording.counted(len(self.rows), 'row')}")
        for (table, reason), group in groupby(self.rows, key=lambda row: (row.table, row.reason)):
            rows = list(group)
            count = wording.counted(len(rows), "row")
            yield Line(f"    {table}: {reason} (SQLSTATE {rows[0].sqlstate}): {count}")
            for row in rows[:SHOWN]:
                waits = f", waits for {row.waits_for}" if row.waits_for else ""
                yield Line(f"        {row.key}{waits}")
            if len(rows) > SHOWN:
                yield Line(f"        … {wording.count(len(rows) - SHOWN)} more")

    def document(self) -> Mapping[str, Any]:
        """Give the restore and every row, without its columns."""
        return {
            "repository": self.repository,
            "label": self.origin.label,
            "host": self.origin.host,
            "time": self.origin.time,
            "request": self.origin.request,
            "rows": [
                {
                    "table": row.table,
                    "key": row.key,
                    "reason": row.reason,
                    "sqlstate": row.sqlstate,
                    "constraint": row.constraint,
                    "waits_for": row.waits_for,
                }
                for row in self.rows
            ],
        }


class Nothing(Answer):
    """No repository that could be read has rows in quarantine."""

    __slots__ = ()

    def lines(self) -> Iterator[Line]:
        """Say so."""
        yield Line("no rows are in quarantine", GOOD)


def _asked(request: Mapping[str, Any]) -> str:
    """Give the mode, and what else the restore was asked for."""
    others = (f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in request.items())
    return ", ".join(each.removeprefix("mode ") for each in others)


def _list(given: NoOptions, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, opened
    from toolkit.storage.quarantine import quarantines, read_rows

    del given
    told = False
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            told = told or bool(repository.exit_code)
            yield repository
            continue
        for quarantine in quarantines(repository):
            told = True
            rows = tuple(read_rows(repository, quarantine))
            yield PutAside(repository=name, origin=quarantine.origin, rows=rows)
    if not told and not call.as_json:
        yield Nothing()


COMMAND = Command(
    name="quarantine.list",
    summary="List the rows that restores have put aside",
    usage="[--repository R]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=NoOptions,
    body=_list,
    listing="quarantines",
)
