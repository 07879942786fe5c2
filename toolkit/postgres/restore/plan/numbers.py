"""What becomes of the rows of each table, in numbers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from toolkit.model.plan import Kept, Load, TablePlan
from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.restore.plan.kept import KeptRows
from toolkit.postgres.restore.plan.uniqueness import Release
from toolkit.postgres.write.deletion import Deletions


class Numbers(Struct, frozen=True, kw_only=True):
    """Counts them, once all is settled.

    Attributes:
        loads: how the rows of each table of the backup get into it.
        kept: what stays of the rows that the backup lacks; those that it has are added.
    """

    comparison: Comparison
    loads: Mapping[str, Load]
    kept: KeptRows

    def tables(self, deletions: Deletions, release: Release, quarantined: Mapping[str, int]) -> dict[str, TablePlan]:
        """Give what becomes of the tables of the backup, and of others that something is done to.

        Args:
            quarantined: how many rows of each table are put aside.
        """
        differences = self.comparison.differences
        for name, found in differences.items():
            self.kept.add_differing(name, found)
        estranged = self.kept.settle(differences)
        tables = {
            name: replace(
                self._of_table(name, deletions),
                kept=(*self.kept.described(name), *(self._estranged(name) if name in estranged else ())),
                quarantined=quarantined.get(name, 0),
                rewritten=release.rewritings[name].again if name in release.rewritings else 0,
            )
            for name in {**self.comparison.source.entries, **deletions.ids}
        }
        for each in deletions.releases:
            before = tables.get(each.table) or TablePlan(table=each.table)
            tables[each.table] = replace(before, set_null=before.set_null + each.rows)
        return dict(sorted(tables.items()))

    def _of_table(self, name: str, deletions: Deletions) -> TablePlan:
        entry = self.comparison.source.entries.get(name)
        found = self.comparison.differences.get(name)
        load, rows = self.loads.get(name, Load.NONE), entry.rows if entry else 0
        missing, changed = (found.count(Action.MISSING), found.count(Action.CHANGED)) if found else (0, 0)
        differing = sum(found.counts.values()) if found else 0
        return TablePlan(
            table=name,
            load=load,
            inserts=rows if load is Load.COPY else missing,
            updates=changed,
            deletes=deletions.counts.get(name, 0),
            unchanged=0 if load is Load.COPY else rows - differing,
        )

    def _estranged(self, name: str) -> tuple[Kept, ...]:
        return self.kept.estranged(
            name, self.comparison.source.staged(name).relation, self.comparison.differences[name]
        )
