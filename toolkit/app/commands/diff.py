"""`diff`: what differs between two backups, or between a backup and a database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.errors import ExitCode, InputError
from toolkit.output.answer import GOOD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.model.difference import Difference, TableDifference

SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `diff` is given."""

    labels: tuple[str, ...] = command.words("the labels of two backups, the earlier one first, or of one beside --host")
    rows: bool = command.switch("show rows with the columns that differ")
    limit: str = command.text("how many rows of each kind and table are shown (default: 10)")
    business: str = command.text("only rows that belong to this business")
    tables: str = command.text("only these tables, separated by commas; patterns such as `order*` are allowed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing(Answer):
    """What differs.

    Attributes:
        names: what was compared, the earlier one first.
    """

    names: tuple[str, str]
    business: str
    found: Difference

    @property
    def exit_code(self) -> int:
        """6 when anything differs."""
        return ExitCode.OK if self.found.nothing else ExitCode.DIFFERENCES

    def lines(self) -> Iterator[Line]:
        """Give what differs beside rows, a table of numbers, and the rows that were asked for."""
        from toolkit.views.plan_text import sampled

        yield Line(f"from {self.names[0]} to {self.names[1]}{f', business {self.business}' if self.business else ''}")
        yield from (Line(note, WARNING) for note in self.found.notes)
        yield from map(Line, self.found.remarks)
        yield from (
            Line(f"table {table.table}: rows not compared: {table.reason}", WARNING)
            for table in self.found.tables
            if table.reason
        )
        changed = [table for table in self.found.tables if table.changes]
        yield from map(Line, _numbers(changed))
        for table in changed:
            yield from (Line(sampled(table.table, sample), foreign=True) for sample in table.samples)
        yield Line(_summary(self.found), GOOD if self.found.nothing else "")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts, rows with their values."""
        chunks, read = self.found.chunks
        return {
            "from": self.names[0],
            "to": self.names[1],
            "business": self.business or None,
            "equal": self.found.nothing,
            "notes": list(self.found.notes),
            "remarks": list(self.found.remarks),
            "tables": [_document(table) for table in self.found.tables],
            "chunks": chunks,
            "chunks_read": read,
        }


def _document(table: TableDifference) -> dict[str, Any]:
    from msgspec.structs import asdict

    return {
        "table": table.table,
        "inserts": table.inserts,
        "updates": table.updates,
        "deletes": table.deletes,
        "unchanged": table.unchanged,
        "reason": table.reason or None,
        "rows": [
            {
                "action": sample.action.value,
                "key": list(sample.key),
                "columns": [{k: v for k, v in asdict(value).items() if k != "quoted"} for value in sample.values],
            }
            for sample in table.samples
        ],
    }


def _numbers(changed: list[TableDifference]) -> list[str]:
    if not changed:
        return []
    header = ["inserts", "updates", "deletes"]
    counts = [[wording.count(number) for number in (each.inserts, each.updates, each.deletes)] for each in changed]
    if all(each.unchanged is not None for each in changed):
        header.append("unchanged")
        for numbers, each in zip(counts, changed, strict=True):
            numbers.append(wording.count(each.unchanged or 0))
    rows = [[each.table, *numbers] for each, numbers in zip(changed, counts, strict=True)]
    return wording.table(["table", *header], rows, right=header)


def _summary(found: Difference) -> str:
    kinds = (("insert", "inserts"), ("update", "updates"), ("delete", "deletes"))
    numbers = [wording.counted(sum(getattr(table, name) for table in found.tables), kind) for kind, name in kinds]
    chunks, read = found.chunks
    changed = sum(1 for table in found.tables if table.changes)
    rows = (
        f"{', '.join(numbers)} in {changed} of {wording.counted(len(found.tables), 'table')}"
        if changed
        else f"no rows differ in {wording.counted(len(found.tables), 'table')}"
    )
    return f"{rows}; read {wording.count(read)} of {wording.counted(chunks, 'chunk')}"


def _diff(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.differing import Asked, opened
    from toolkit.app.running import progress_of
    from toolkit.app.scope_options import names

    labels = given.labels
    if len(labels) != (1 if call.host else 2):
        what = f"{wording.counted(len(labels), 'backup')} {'is' if len(labels) == 1 else 'are'} named"
        raise InputError(what, hint=f"{COMMAND.invocation}; `invoke backups` lists the labels")
    asked = Asked(
        labels=labels,
        host=call.host,
        business=given.business,
        tables=names(given.tables, "--tables"),
        shown=_limit(given.limit) if given.rows else 0,
    )
    if given.limit and not given.rows:
        raise InputError("--limit says how many rows are shown", hint="ask for them with --rows")
    with opened(call, asked) as sides, progress_of(call, "diff") as progress:
        found = sides.compare(progress)
        titles = (sides.before.title, sides.after.title)
    yield Differing(names=titles, business=given.business, found=found)


def _limit(text: str) -> int:
    if text and not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise InputError(f"--limit: expected a number of rows, not {text!r}")
    return int(text or SHOWN)


COMMAND = Command(
    name="diff",
    summary="Compare two backups, or a backup with a database",
    usage="LABEL [LABEL | --host H] [--rows] [--business B]",
    needs=(HOST._replace(help="compare with the database of this host"), REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_diff,
)
