"""Views of exports."""

from __future__ import annotations

from toolkit.model.result import Exported
from toolkit.views.view import View, view
from toolkit.wording import counted, size


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
        details=(*result.chosen, *(f"not in it: {each}" for each in result.missing)),
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
