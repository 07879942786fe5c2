"""`businesses`: what a host has to be backed up: its businesses with their rows, and its optional tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from toolkit.model.census import Business, Census, OptionalTable


LOCK_SECONDS = 30.0
"""How long tables that others hold are waited for: who only lists has others to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `businesses` is given."""

    no_rows: bool = command.switch("list them without counting the rows of each, which reads every business table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Answer):
    """The businesses and optional tables of a host's database."""

    host: str
    census: Census

    def lines(self) -> Iterator[Line]:
        """Give a table of each."""
        if not self.census.businesses:
            yield Line("there are no businesses in it")
        else:
            rows = map(_row, self.census.businesses)
            for line in wording.table(("business", "key", "demo", "rows"), rows, right=("rows",)):
                yield Line(line, foreign=True)
        if self.census.optional:
            yield Line("")
            tables = map(_table_row, self.census.optional)
            header = ("optional table", "rows", "bytes", "newest by")
            for line in wording.table(header, tables, right=("rows", "bytes")):
                yield Line(line)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        import msgspec

        return {"host": self.host, **msgspec.to_builtins(self.census)}


def _row(business: Business) -> tuple[str, ...]:
    rows = "" if business.rows is None else wording.count(business.rows)
    return wording.one_line(business.name), business.key, "demo" if business.demo else "", rows


def _table_row(table: OptionalTable) -> tuple[str, ...]:
    return table.table, rows_text(table), "" if table.bytes is None else wording.size(table.bytes), table.newest_by


def rows_text(table: OptionalTable) -> str:
    """Say how many rows an optional table has, e.g. `1,200` or `about 3,000,000`."""
    if table.rows is None:
        return "not known"
    return wording.count(table.rows) if table.counted else f"about {wording.count(table.rows)}"


def _businesses(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.database import opened
    from toolkit.model.scope import Demo, Scope
    from toolkit.postgres.selection.census import take_census
    from toolkit.postgres.selection.snapshot import consistent_snapshot

    with (
        opened(call) as (connection, catalog),
        consistent_snapshot(
            connection, catalog, Scope(demo=Demo.INCLUDE), unclassified="warn", patience=LOCK_SECONDS
        ) as survey,
    ):
        census = take_census(survey, count=not given.no_rows)
    yield Counted(host=call.host, census=census)


COMMAND = Command(
    name="businesses",
    summary="List the businesses of a host with their rows, and its optional tables",
    usage="--host H",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_businesses,
)
