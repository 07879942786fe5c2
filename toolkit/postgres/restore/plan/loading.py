"""How the rows of each table of a backup get into the database; the cheapest way that is surely right."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from toolkit.model.plan import Load
from toolkit.postgres.compare.ranges import differing_rows
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.selected import Selected


def how_to_load(
    workspace: Workspace, selected: Selected, source: Source, may_be_copied: Callable[[str], bool]
) -> dict[str, Load]:
    """Choose for each table of a backup.

    Args:
        may_be_copied: whether the rows of a table may go straight into it where it is empty.
    """
    relations, entries = workspace.relations, source.entries
    having = [name for name, entry in entries.items() if entry.rows]
    loads = dict.fromkeys(entries, Load.NONE)
    some = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) q")
    filled = workspace.numbers(
        {name: some.format(relations[name].source) for name in having if may_be_copied(name)}, lambda _: 0
    )
    loads |= {name: Load.COPY for name, rows in filled.items() if not rows}
    others = [name for name in having if loads[name] is not Load.COPY]
    beside = {name: selected.taken[name].ids for name in others if name in selected.taken}
    equal = set()
    for name, found in differing_rows(workspace, source, beside):
        if found is not None and found.nothing:
            equal.add(name)
        elif found is not None:
            source.stage_differing(name, found, beside[name])
    return loads | {name: Load.STAGED for name in others if name not in equal}
