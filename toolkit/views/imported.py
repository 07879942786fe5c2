"""Views of imports."""

from __future__ import annotations

from toolkit.model.result import Imported
from toolkit.views.view import View, view
from toolkit.wording import counted, one_line


@view.register
def _imported(result: Imported) -> View:
    aside = sum(result.aside.values())
    rest = f", {counted(aside, 'record')} put aside" if aside else ""
    what = f"{counted(result.rows, 'row')} of {counted(result.tables, 'table')}"
    names = sorted(one_line(name) or key for key, name in result.businesses.items())
    failed = "".join(f"; {name} FAILED: {error.message}" for name, error in result.failed.items())
    facts: dict[str, object] = {
        "rows": result.rows,
        "tables": result.tables,
        "businesses": list(result.businesses),
        "quarantined": dict(result.aside),
    }
    if result.manifest is None:
        message = f"would import {result.file}: {what}{rest}"
    else:
        message = f"{result.manifest.metadata.label}: {what} of {result.file}{rest}{failed}"
        facts |= {
            "label": result.manifest.metadata.label,
            "new_chunks": sum(each.chunks for each in result.stored),
            "new_bytes": sum(each.bytes for each in result.stored),
            "repositories": [each.repository for each in result.stored],
            "failed_repositories": {name: error.message for name, error in result.failed.items()},
        }
    details = [f"businesses: {', '.join(names) or 'none'}"]
    details += [f"{table}: {counted(number, 'record')} put aside" for table, number in sorted(result.aside.items())]
    return View(message=message, details=tuple(details), facts=facts)
