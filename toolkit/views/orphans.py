"""Views of orphans."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.model.orphan import OrphanRemoval, OrphanReport, Orphans
from toolkit.model.result import OrphansFound
from toolkit.views.view import View, view
from toolkit.wording import count, counted


@view.register
def _found(result: OrphansFound) -> View:
    report, removal = result.report, result.removal
    lines = [str(each) for each in report.references]
    facts: dict[str, object] = {
        "rows": sum(report.rows.values()),
        "tables": dict(report.rows),
        "references": [_reference(each) for each in report.references],
    }
    if removal is None:
        return View(message=_report_text(report), details=tuple(lines), facts=facts)
    facts |= {
        "deletes": dict(removal.deletes),
        "set_null": dict(removal.set_null),
        "kept": {table: dict(reasons) for table, reasons in removal.kept.items()},
    }
    return View(
        message=_removal_text(removal, check=result.check) if report.rows else _report_text(report),
        details=(*lines, *_removal_lines(removal)),
        facts=facts,
    )


def _report_text(report: OrphanReport) -> str:
    if not report.rows:
        return "no orphans: every reference leads to a row"
    return f"{counted(sum(report.rows.values()), 'orphan')} in {counted(len(report.rows), 'table')}"


def _removal_text(removal: OrphanRemoval, *, check: bool) -> str:
    verb = "would delete" if check else "deleted"
    orphaned, deleted = sum(removal.orphans.values()), sum(removal.deletes.values())
    kept = sum(rows for reasons in removal.kept.values() for rows in reasons.values())
    along = deleted - orphaned
    also = f" and {counted(along, 'row')} that {'goes' if along == 1 else 'go'} with them" if along > 0 else ""
    return f"{verb} {counted(orphaned, 'orphan')}{also} of {counted(len(removal.deletes), 'table')}, {count(kept)} kept"


def _removal_lines(removal: OrphanRemoval) -> Iterator[str]:
    for table, rows in removal.deletes.items():
        own = removal.orphans.get(table, 0)
        along = f", {count(rows - own)} of them because of rows that they point at" if rows > own else ""
        yield f"delete {table}: {counted(rows, 'row')}{along}"
    for table, rows in removal.set_null.items():
        yield f"set to NULL {table}: {counted(rows, 'reference')}"
    for table, reasons in removal.kept.items():
        yield from (f"kept {table}: {counted(rows, 'row')}: {reason}" for reason, rows in reasons.items())


def _reference(each: Orphans) -> dict[str, object]:
    return {
        "table": each.table,
        "columns": list(each.columns),
        "parent": each.parent,
        "parent_columns": list(each.parent_columns),
        "rows": each.rows,
        "samples": [{"key": list(one.row.values), "values": list(one.values)} for one in each.samples],
    }
