"""`leaks`: rows that several tenants own, and rows of one that another's rows point at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.errors import ExitCode
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from toolkit.model.leak import Leaks, OwnedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `leaks` is given."""

    strict: bool = command.switch("end with exit code 6 where anything is found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Answer):
    """What ties a database's tenants together."""

    host: str
    found: Leaks
    strict: bool

    @property
    def exit_code(self) -> int:
        """0; with `strict` 6 where something was found."""
        return ExitCode.DIFFERENCES if self.strict and self.found.found else 0

    def lines(self) -> Iterator[Line]:
        """Give a table of the rows with several owners, and one of the references between tenants."""
        found = self.found
        if not found.found:
            tenants = wording.counted(len(found.tenants), "tenant")
            yield Line(f"no leaks: no row has two owners, and no row points at another tenant's ({tenants})")
            return
        if found.co_owned:
            total = wording.count(sum(each.rows for each in found.co_owned))
            yield Line(f"rows with several owners: {total} in {wording.counted(len(found.co_owned), 'table')}")
            rows = [(each.table, wording.count(each.rows), _owned(each.samples[0])) for each in found.co_owned]
            yield from _indented(wording.table(("table", "rows", "e.g."), rows, right=("rows",)))
        if found.co_owned and found.references:
            yield Line()
        if found.references:
            total = wording.count(sum(each.pairs for each in found.references))
            number = wording.counted(len(found.references), "reference")
            yield Line(f"rows that point at another tenant's rows: {total} by {number}")
            header = ("reference", "pairs", "with a common owner", "e.g.")
            pointing = [
                (
                    f"{each.table}.{', '.join(each.columns)} → {each.parent}",
                    wording.count(each.pairs),
                    wording.count(each.related),
                    " → ".join(_owned(row) for row in each.samples[0]),
                )
                for each in found.references
            ]
            yield from _indented(wording.table(header, pointing, right=header[1:3]))

    def document(self) -> Mapping[str, Any]:
        """Give all of it, with all samples."""
        import msgspec

        return {"host": self.host, **msgspec.to_builtins(self.found)}


def _indented(lines: list[str]) -> Iterator[Line]:
    return (Line(f"    {line}") for line in lines)


def _owned(row: OwnedRow) -> str:
    return f"{row.row} ({', '.join(row.owners)})"


def _leaks(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.database import opened
    from toolkit.model.scope import Demo, Scope
    from toolkit.postgres.selection.leaks import find_leaks
    from toolkit.postgres.selection.snapshot import consistent_snapshot

    with (
        opened(call) as (connection, catalog),
        consistent_snapshot(connection, catalog, Scope(demo=Demo.INCLUDE), unclassified="warn") as survey,
    ):
        found = find_leaks(survey)
    yield Report(host=call.host, found=found, strict=given.strict)


COMMAND = Command(
    name="leaks",
    summary="List rows of several businesses, and of one pointed at by another's",
    usage="--host H",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_leaks,
)
