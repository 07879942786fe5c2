"""`/verify/differences`: which rows of a backup and a database differ, and in which columns."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.commands import diff
from toolkit.app.console.answers import answer_of
from toolkit.app.console.site import site_of
from toolkit.config.masking import mask
from toolkit.errors import InputError
from toolkit.model.difference import TableDifference
from toolkit.model.plan import SampledAction

PATIENCE: Final = 30.0
"""Seconds that the page waits: all rows of the backup's tables are read in the database."""

ROWS: Final = 25
"""Rows of each kind that are shown."""

KINDS: Final = {
    SampledAction.INSERT: "Only in your data",
    SampledAction.UPDATE: "Different",
    SampledAction.DELETE: "Only in the backup",
}


def differences(request: Request) -> Response:
    """Show how many rows of each table differ; of one table, the rows, which htmx puts into the page."""
    site, query = site_of(request), request.query_params
    repository, _, label = query.get("of", "").rpartition("/")
    label = label or query.get("backup", "")
    host, business, table = query.get("host", ""), query.get("business", ""), query.get("table", "")
    if not label or not host:
        raise InputError("no backup, or no computer, is chosen", hint="choose both on the page Verify")
    asked = diff.Options(
        labels=(label,),
        business=business,
        tables=table or query.get("tables", ""),
        rows=bool(table),
        limit=str(ROWS) if table else "",
    )
    answer: diff.Differing = answer_of(
        site, diff.COMMAND, asked, host=host, repository=repository or query.get("repository", ""), seconds=PATIENCE
    )
    same = {"of": query.get("of", "") or label, "host": host, "business": business}
    changed = [each for each in answer.found.tables if each.changes or each.reason]
    shown = changed if table else sorted(changed, key=lambda each: -each.changes)
    data: dict[str, Any] = {"same": same, "rows": _rows(shown) if table else [], "limit": ROWS}
    if table and request.headers.get("HX-Request"):
        return site.part(request, "differences_rows.html", **data)
    return site.page(
        request,
        "differences.html",
        title="Differences",
        label=label,
        host=host,
        business=business,
        table=table,
        found=answer.found,
        changed=shown,
        equal=answer.found.nothing,
        **data,
    )


def _rows(tables: list[TableDifference]) -> list[dict[str, object]]:
    """The rows of the kinds that there are, with their values as they may be shown."""
    return [
        {
            "kind": KINDS[sample.action],
            "updated": sample.action is SampledAction.UPDATE,
            "key": [_shown(each) for each in sample.key],
            "columns": [(each.column, _shown(each.before), _shown(each.after)) for each in sample.values],
        }
        for table in tables
        for sample in table.samples
    ]


def _shown(value: str | None) -> str:
    return "empty" if value is None else mask(value)


ROUTES = (Route("/verify/differences", differences, name="verify.differences"),)
