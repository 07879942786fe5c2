"""`orphans`: rows whose references lead nowhere, reported, or deleted in one transaction."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from toolkit.actions.action import Action
from toolkit.actions.arguments import Businesses, DemoArguments, UniqueTexts, about
from toolkit.actions.context import Context
from toolkit.actions.targets import catalog_of, conninfo_of
from toolkit.model.outcome import Outcome
from toolkit.model.result import OrphansFound
from toolkit.model.scope import Scope
from toolkit.postgres.orphans.transaction import find_orphans
from toolkit.postgres.session.connection import explaining, session


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
        CommittedError: they are deleted, and something failed after that.
        UndecidedError: the connection was lost in the commit, and nobody can say how it ended.
    """
    scope = Scope(
        businesses=arguments.businesses,
        demo=arguments.demo,
        optional=dict.fromkeys(arguments.optional),
    )
    conninfo = conninfo_of(context, context.host)
    with explaining(conninfo):
        found = find_orphans(
            lambda: session(conninfo, application="playback orphans"),
            catalog_of(context, context.host),
            scope,
            context.progress,
            delete=arguments.action is Deed.DELETE,
            check=context.check,
        )
    return Outcome(
        changed=found.removal is not None and found.removal.changed,
        result=OrphansFound(report=found.report, removal=found.removal, check=context.check),
        warnings=found.warnings,
    )


ACTION = Action(
    name="orphans",
    does="Find rows whose references lead nowhere, and report or delete them.",
    examples=({"action": "report"}, {"action": "delete", "businesses": ["b-harbour"]}),
    arguments=OrphansArguments,
    run=run,
    writes=True,
)
