"""Views of exports."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from toolkit.model.result import Exported
from toolkit.views.view import View, view
from toolkit.wording import counted, size

LINE = 160
LINES = 8
"""What is not in an export is said in so many lines of so many characters; reports and the export itself have all."""


@view.register
def _exported(result: Exported) -> View:
    rows, tables = sum(each.rows for each in result.tables.values()), len(result.tables)
    raw = sum(each.bytes for each in result.tables.values())
    what = f"{counted(rows, 'row')} of {counted(tables, 'table')} of {result.label}"
    if result.size is None:
        message = f"would export {'at most ' if result.at_most else ''}{what} ({size(raw)} of rows) to {result.place}"
    else:
        message = f"exported {what} to {result.place} ({size(result.size)})"
    return View(
        message=message,
        details=(*result.chosen, *_missing(result)),
        facts={
            "label": result.label,
            "format": result.format,
            "path": result.place,
            "rows": rows,
            "bytes": result.size,
            "tables": {name: each.rows for name, each in result.tables.items()},
            "missing": list(result.missing),
        },
    )


def _missing(result: Exported) -> Iterator[str]:
    for each in result.missing[:LINES]:
        yield textwrap.shorten(f"not in it: {each}", LINE, placeholder=" …")
    if len(result.missing) > LINES:
        yield f"not in it: {len(result.missing) - LINES} more; the report of the run has all (--report FILE)"
