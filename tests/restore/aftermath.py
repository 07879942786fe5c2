"""What becomes of a backed-up state: a business or a member is deleted, rows move to another one, values change."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.restore.spec import Row, State, World


def aftermath(random: Random, world: World, state: State, legal: Callable[[World, State], State]) -> State:
    """A state that has come of another one, as the application and its foreign keys would have it.

    Args:
        legal: lets go of references to rows that are no more, or drops the rows that have them.
    """
    after = {name: [dict(row) for row in rows] for name, rows in state.items()}
    tenants = [row["id"] for row in after[world.tenant]]
    if tenants and random.random() < 0.6:
        gone = random.choice(tenants)
        after[world.tenant] = [row for row in after[world.tenant] if row["id"] != gone]
        tenants.remove(gone)
    for table in world.tables:
        if any(source for source, _ in table.owned_by) and random.random() < 0.6:
            # members, say, are no more: what was theirs is nobody's
            after[table.name] = [row for row in after[table.name] if random.random() < 0.5]
        for reference in table.references:
            if reference.parent == world.tenant and reference.parent_columns == ("id",) and tenants:
                _move(random, after[table.name], reference.columns[0], tenants)
        for row in after[table.name]:
            if "name" in row and random.random() < 0.4:
                row["name"] = random.choice([value for value in table.values["name"] if value is not None])
    return legal(world, after)


def _move(random: Random, rows: list[Row], column: str, tenants: list[str | None]) -> None:
    for row in rows:
        if row[column] is not None and random.random() < 0.3:
            row[column] = random.choice(tenants)
