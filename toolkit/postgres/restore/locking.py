"""Which tables others have to wait for while a restore writes, and how that is said."""

from __future__ import annotations

from collections.abc import Collection

from toolkit.model.plan import RestorePlan
from toolkit.planning.some_tables import SomeTables
from toolkit.postgres.restore.rebuilding import Rebuilding
from toolkit.postgres.selection.snapshot import WRITING_LOCK, Survey
from toolkit.postgres.stage.request import Request, some_on_target
from toolkit.postgres.write.triggers import tables_to_alter, tables_with_rules


class Locking:
    """What one attempt at a restore keeps others from.

    Args:
        contended: tables whose rows others kept writing, so that now their writers wait for the whole restore.
        bypass: triggers are kept silent by the replica role, which suspends foreign keys too.
    """

    def __init__(self, request: Request, rebuilding: Rebuilding, *, contended: Collection[str], bypass: bool) -> None:
        self._request = request
        self._rebuilding = rebuilding
        self._contended = contended
        self._bypass = bypass

    def unwritten(self, survey: Survey) -> Collection[str]:
        """Give the tables that others may not write to until the restore ends.

        They are locked before the snapshot is taken and before anything else is, so that nobody waits in a circle.
        """
        request = self._request
        if request.check or not request.atomic:
            return []
        some = some_on_target(request, survey)
        if self._bypass or request.exclusive:
            return sorted(survey.schema.tables if some is None else some.held)
        contended = _may_lock(survey, self._contended)
        return contended if request.fire else contended | self._altered(survey, some)

    def unread(self, survey: Survey) -> Collection[str]:
        """Give the tables that others may not even read: the server disables a rule, and drops an index, only so."""
        self._rebuilding.choose(survey)
        if self._request.check or not self._request.atomic:
            return []
        ruled = set() if self._request.fire else self._ruled(survey, some_on_target(self._request, survey))
        return ruled | set(self._rebuilding.alone)

    def said(self, survey: Survey, plan: RestorePlan) -> str:
        """Say how triggers are kept silent, and what other sessions will wait for; nothing where nothing changes."""
        if not plan.changed:
            return ""
        request = self._request
        some = some_on_target(request, survey)
        how = self._silence_said(survey, some)
        if self._bypass or (request.exclusive and request.atomic):
            alone = self._rebuilding.alone
            reading = f", and to read {', '.join(alone)}" if alone else ""
            any_of = f"any of the {len(survey.schema.tables)} tables of the schema"
            return f"{how}; other sessions wait to write to {', '.join(sorted(some.held)) if some else any_of}{reading}"
        if self._contended:
            names = sorted(self.unwritten(survey))
            return f"{how}; others kept writing the same rows, so they wait to write to {', '.join(names)}"
        if request.fire:
            return f"{how}; other sessions wait for the rows that change"
        names = sorted(self._altered(survey, some))
        if not names:
            return f"{how}: there are none; other sessions wait for the rows that change"
        return f"{how}; other sessions wait to write to {', '.join(names)}"

    def _silence_said(self, survey: Survey, some: SomeTables | None) -> str:
        if self._request.fire:
            return "user triggers fire"
        how = f"user triggers are kept silent by {'the replica role' if self._bypass else 'disabling them'}"
        ruled = self._ruled(survey, some)
        more = f"; rules are disabled, and other sessions wait to read {', '.join(sorted(ruled))}" if ruled else ""
        return how + more

    def _altered(self, survey: Survey, some: SomeTables | None) -> set[str]:
        """Tables whose triggers are disabled: to do so is to lock the table."""
        return tables_to_alter(survey.workspace.connection, survey.schema, _written(survey, some), bypass=False)

    def _ruled(self, survey: Survey, some: SomeTables | None) -> set[str]:
        """Tables whose rules are disabled."""
        connection = survey.workspace.connection
        return tables_with_rules(connection, survey.schema, _written(survey, some), bypass=self._bypass)


def _written(survey: Survey, some: SomeTables | None) -> Collection[str]:
    """The tables that may be written to."""
    taken = survey.accounting.taken
    return taken if some is None else [name for name in taken if name in some.named | some.parents]


def _may_lock(survey: Survey, tables: Collection[str]) -> set[str]:
    """Those of these tables that this role can lock against writers."""
    lacking = {each.name for each in survey.workspace.lacking((WRITING_LOCK, name) for name in tables)}
    return set(tables) - lacking
