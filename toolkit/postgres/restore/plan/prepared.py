"""A plan with what carrying it out needs."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.plan import Load, RestorePlan
from toolkit.postgres.compare.comparison import Comparison, Differences
from toolkit.postgres.restore.plan.obstacles import Obstacle
from toolkit.postgres.restore.plan.uniqueness import Release
from toolkit.postgres.write.deletion import Deletions


class Prepared(Struct, frozen=True):
    """A plan with the temporary tables that say which rows it means."""

    plan: RestorePlan
    comparison: Comparison
    deletions: Deletions
    release: Release
    obstacles: tuple[Obstacle, ...]

    @property
    def copies(self) -> bool:
        """Whether rows of some table go into it without being compared."""
        return any(table.load is Load.COPY for table in self.plan.tables.values())

    @property
    def differences(self) -> dict[str, Differences]:
        """Per staged table, the rows that are not so on the target."""
        return self.comparison.differences
