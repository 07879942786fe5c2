"""Views of verifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from toolkit.model.plan import Conflict
from toolkit.model.result import AfterRestore, KeptOthers, Undone, VerifiedDatabase, VerifiedRepository
from toolkit.model.verdict import TableVerdict
from toolkit.views.view import View, view
from toolkit.wording import count, counted


@view.register
def _database(result: VerifiedDatabase) -> View:
    differing = result.differing
    both, tables = f"{result.label} and {result.host}", len(result.verdicts)
    if result.after is not None and result.explained:
        message, details = f"{both} are equal{_explained(result.after)}", tuple(_kept(result.after))
    elif differing:
        beyond = map(_beyond, result.after.beyond) if result.after else ()
        message = f"{both} differ in {len(differing)} of {counted(tables, 'table')}"
        details = (*_followed(result), *map(str, differing), *beyond)
    else:
        rows = counted(sum(verdict.rows for verdict in result.verdicts), "row")
        message, details = f"{both} are equal: {tables} of {counted(tables, 'table')} exact, {rows}", _followed(result)
    if result.others:
        others = counted(result.others, "other table")
        details = (*details, f"{others} of the backup {'was' if result.others == 1 else 'were'} not compared")
    return View(
        message=message,
        details=details,
        facts={
            "label": result.label,
            "host": result.host,
            "exact": not differing,
            "not_compared": list(result.device_tables) if result.identity else [],
            "tables": {verdict.table: _counts(verdict) for verdict in differing},
        },
    )


@view.register
def _repository(result: VerifiedRepository) -> View:
    findings, chunks = counted(len(result.findings), "finding"), counted(result.chunks, "chunk")
    return View(
        message=f"{result.label} in {result.place}: {findings}, {chunks} read and checked",
        details=tuple(result.findings),
        facts={"label": result.label, "findings": list(result.findings)},
    )


def _counts(verdict: TableVerdict) -> Mapping[str, int | str | None]:
    """The numbers of a table; of one whose rows could not be compared nobody knows them, and why stands there."""
    if verdict.reason and not verdict.missing:
        return {"missing": None, "extra": None, "changed": None, "reason": verdict.reason}
    return {"missing": verdict.missing, "extra": verdict.extra, "changed": verdict.changed}


def _explained(after: AfterRestore) -> str:
    rows = sum(each.rows for each in after.kept)
    where = " in the businesses that were restored" if after.businesses else ""
    return where + (f" but for the {counted(rows, 'row')} that the restore has kept" if rows else "")


def _kept(after: AfterRestore) -> Iterator[str]:
    yield from (f"kept {each.table}: {counted(each.rows, 'row')}: {each.reason}" for each in after.kept)


def _beyond(each: Undone | KeptOthers | Conflict) -> str:
    if isinstance(each, Conflict):
        return f"conflict in {each}"
    if isinstance(each, Undone):
        verb = "differs" if each.rows == 1 else "differ"
        return f"{each.table}: {counted(each.rows, 'row')} {verb} that the restore has not kept"
    return (
        f"{each.table}: the restore kept {counted(each.kept, 'row')}, and {count(each.differing)} differ now,"
        " which are not the same ones"
    )


def _followed(result: VerifiedDatabase) -> tuple[str, ...]:
    """What was compared otherwise than it is stored: on another device, and where transient rows are gone."""
    transient = tuple(map(str, result.followed))
    if result.identity is None:
        return transient
    tables = counted(len(result.device_tables), "device table")
    names = ", ".join(result.device_tables)
    said = [f"{result.identity.decision.facts[0]}; {tables} not compared: {names}"] if names else []
    return (*said, *map(str, result.identity.followed), *transient)
