"""Which rows that the backup lacks are deleted, and which stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.plan import LEFT_BY_MERGE, Mode
from toolkit.planning.some_tables import SomeTables
from toolkit.postgres.compare.comparison import Comparison
from toolkit.postgres.restore.plan.extras import ExtraRows
from toolkit.postgres.restore.plan.gaining import Gaining
from toolkit.postgres.restore.plan.kept import KeptRows
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.write.deletion import DeletionPlanner, Deletions


class Leaving(Struct, frozen=True, kw_only=True):
    """Decides about them; anew each time, as rows that are written may be put aside in between.

    Attributes:
        gaining: finds rows that are the restored businesses' only once all is written.
        kept: is told which rows stay, and why.
        uncertain: tables of which the backup cannot say which rows there were → why: none of their rows is deleted.
        some: the tables that are restored, and what has to do with them; None for all.
    """

    comparison: Comparison
    survey: Survey
    mode: Mode
    gaining: Gaining
    kept: KeptRows
    uncertain: Mapping[str, str]
    some: SomeTables | None

    def foreseen(self) -> Mapping[str, Sql]:
        """Give, per table, a query of the ids of rows that are deleted unless a reference holds them."""
        return {} if self.mode is Mode.MERGE else self._candidates(lambda *_: None)

    def deletions(self) -> Deletions:
        """Give what is deleted, and what becomes of rows that point at it."""
        self.kept.clear()
        candidates = self._candidates(self.kept.add)
        if self.mode is Mode.MERGE:
            for name, query in candidates.items():
                self.kept.add(name, LEFT_BY_MERGE, query)
            return Deletions()
        comparison = self.comparison
        planner = DeletionPlanner(
            comparison.workspace,
            rules=self.survey.accounting.rules,
            links=self.survey.links.references,
            differences=comparison.differences,
            arriving={
                name: sql.SQL("(SELECT s.* FROM {})").format(comparison.written(name))
                for name in comparison.differences
                if comparison.writes(name)
            },
            within=None if self.some is None else self.some.named,
        )
        deletions = planner.plan(candidates)
        for name, reasons in deletions.kept.items():
            for reason in reasons:
                self.kept.add(name, reason, planner.kept_for(name, reason))
        return deletions

    def _candidates(self, keep: Callable[[str, str, Sql], None]) -> dict[str, Sql]:
        """Per table, a query of the ids of rows that the backup lacks and that nothing but references holds."""
        gained = self.gaining.find()
        source, differences = self.comparison.source, self.comparison.differences
        extras = ExtraRows(
            self.comparison.connection,
            survey=self.survey,
            selected=self.gaining.added_to(gained),
            gained=gained,
            found={name: found.lines for name, found in differences.items()},
            source=source,
            uncertain=self.uncertain,
            keep=keep,
        )
        # a table that is empty, or holds exactly the rows of the backup, has no others
        looked_at = [
            name
            for name, entry in source.entries.items()
            if self.some is None or name in self.some.named
            if not entry.rows or name in differences or name in gained
        ]
        return {name: query for name in looked_at if (query := extras.deletable(name)) is not None}
