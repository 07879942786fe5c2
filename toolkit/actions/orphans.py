"""`orphans`: rows whose references lead nowhere, reported, or deleted in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from toolkit.actions.action import Action
from toolkit.actions.arguments import Businesses, DemoArguments, UniqueTexts, about
from toolkit.actions.context import Context
from toolkit.actions.targets import catalog_of, connection_to
from toolkit.model.orphan import OrphanReport, Orphans, Removal
from toolkit.model.outcome import Outcome
from toolkit.model.scope import Scope
from toolkit.postgres.orphans.transaction import Found, find_orphans


class Deed(StrEnum):
    """What becomes of orphans."""

    REPORT = "report"
    DELETE = "delete"


class OrphansArguments(DemoArguments, frozen=True, kw_only=True):
    """Where orphans are looked for, and what becomes of them."""

    action: Annotated[
        Deed,
        about(
            "`report` lists them; `delete` removes them with what belongs to them, in one transaction.",
            "report",
            "delete",
        ),
    ] = Deed.REPORT
    businesses: Annotated[
        Businesses,
        about(
            "Look at rows of these tenants only. Without it the scope is whole: all tenants, shared rows and rows of"
            " nobody.",
            ["b-harbour"],
            "{{ chosen }}",
        ),
    ] = ()
    optional: Annotated[UniqueTexts, about("Optional tables to look at as well.", ["audit_logs"])] = ()


def run(arguments: OrphansArguments, context: Context) -> Outcome:
    """Look for the orphans among the rows that a backup of the same scope takes; delete them where told so.

    Raises:
        InputError: a named optional table is none, or the catalog file does not fit the database.
        RefusedError: a privilege is missing, or a named business does not exist; nothing was changed.
        DatabaseError: deleting failed; everything was rolled back.
    """
    scope = Scope(
        businesses=arguments.businesses,
        demo=arguments.demo,
        optional=dict.fromkeys(arguments.optional),
    )
    with connection_to(context, context.host, "orphans") as connection:
        found = find_orphans(
            connection,
            catalog_of(context, context.host),
            scope,
            context.progress,
            delete=arguments.action is Deed.DELETE,
            check=context.check,
        )
    return _outcome(found, context)


def _outcome(found: Found, context: Context) -> Outcome:
    removal = found.removal
    message = _found_text(found.report)
    details = [str(each) for each in found.report.references]
    if removal is not None:
        message = _removal_text(removal, check=context.check) if found.report.rows else message
        details.extend(_removal_lines(removal))
    return Outcome(
        changed=removal is not None and removal.changed,
        message=message,
        details=tuple(details),
        warnings=found.warnings,
        facts=_facts(found.report, removal),
    )


def _found_text(report: OrphanReport) -> str:
    if not report.rows:
        return "no orphans: every reference leads to a row"
    return f"{sum(report.rows.values())} orphans in {len(report.rows)} tables"


def _removal_text(removal: Removal, *, check: bool) -> str:
    verb = "would delete" if check else "deleted"
    orphaned, deleted = sum(removal.orphans.values()), sum(removal.deletes.values())
    kept = sum(rows for reasons in removal.kept.values() for rows in reasons.values())
    also = f" and {deleted - orphaned} rows that go with them" if deleted > orphaned else ""
    return f"{verb} {orphaned} orphans{also} of {len(removal.deletes)} tables, {kept} kept"


def _removal_lines(removal: Removal) -> Iterator[str]:
    for table, rows in removal.deletes.items():
        own = removal.orphans.get(table, 0)
        along = f", {rows - own} of them because of rows that they point at" if rows > own else ""
        yield f"delete {table}: {rows} rows{along}"
    for table, rows in removal.set_null.items():
        yield f"set to NULL {table}: {rows} references"
    for table, reasons in removal.kept.items():
        yield from (f"kept {table}: {rows} rows: {reason}" for reason, rows in reasons.items())


def _facts(report: OrphanReport, removal: Removal | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "rows": sum(report.rows.values()),
        "tables": dict(report.rows),
        "references": [_reference(each) for each in report.references],
    }
    if removal is not None:
        facts |= {
            "deletes": dict(removal.deletes),
            "set_null": dict(removal.set_null),
            "kept": {table: dict(reasons) for table, reasons in removal.kept.items()},
        }
    return facts


def _reference(each: Orphans) -> dict[str, object]:
    return {
        "table": each.table,
        "columns": list(each.columns),
        "parent": each.parent,
        "parent_columns": list(each.parent_columns),
        "rows": each.rows,
        "samples": [{"key": list(one.row.values), "values": list(one.values)} for one in each.samples],
    }


ACTION = Action(
    name="orphans",
    does="Find rows whose references lead nowhere, and report or delete them.",
    examples=({"action": "report"}, {"action": "delete", "businesses": ["b-harbour"]}),
    arguments=OrphansArguments,
    run=run,
)
