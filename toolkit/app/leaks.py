"""The command `leaks`: rows that several tenants own, and rows of one that another's rows point at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import msgspec

from toolkit import wording
from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.app.database import opened
from toolkit.model.leak import Leaks, OwnedRow
from toolkit.model.scope import Demo, Scope
from toolkit.postgres.selection.leaks import find_leaks
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.wording import table

FOUND = 6
"""Exit code with `--strict` where there are any: as for differences that a verification found."""


def leaks(control: Control, output: Output, *, host: str, strict: bool, as_json: bool) -> int:
    """Report what ties a database's tenants together.

    Returns:
        0; with `strict` 6 where something was found.
    """
    with (
        opened(control.load_inventory(), host, command="leaks") as (connection, catalog),
        consistent_snapshot(connection, catalog, Scope(demo=Demo.INCLUDE), unclassified="warn") as survey,
    ):
        found = find_leaks(connection, survey)
    if as_json:
        output.line(json.dumps({"host": host, **msgspec.to_builtins(found)}, indent=2))
    else:
        for line in _lines(found):
            output.line(line)
    return FOUND if strict and found.found else 0


def _lines(found: Leaks) -> Iterator[str]:
    if not found.found:
        yield f"no leaks: no row has two owners, and no row points at another tenant's ({len(found.tenants)} tenants)"
        return
    if found.co_owned:
        total = wording.count(sum(each.rows for each in found.co_owned))
        yield f"rows with several owners: {total} in {len(found.co_owned)} tables"
        rows = [(each.table, wording.count(each.rows), _several(each.samples[:1])) for each in found.co_owned]
        yield from (f"    {line}" for line in table(("table", "rows", "e.g."), rows, right=("rows",)))
    if found.co_owned and found.references:
        yield ""
    if found.references:
        total = wording.count(sum(each.pairs for each in found.references))
        yield f"rows that point at another tenant's rows: {total} by {len(found.references)} references"
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
        yield from (f"    {line}" for line in table(header, pointing, right=header[1:3]))


def _several(rows: Iterable[OwnedRow]) -> str:
    return "; ".join(_owned(row) for row in rows)


def _owned(row: OwnedRow) -> str:
    return f"{row.row} ({', '.join(row.owners)})"
