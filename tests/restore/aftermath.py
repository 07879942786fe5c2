"""What becomes of a backed-up state: a business or a member is deleted, rows move to another one, values change."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.restore.spec import Reference, Row, State, World


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
    handed_over = bool(tenants) and random.random() < 0.7
    for table in world.tables:
        led_to = any(source for source, _ in table.owned_by)
        to_tenants = [each for each in table.references if _is_to_tenant(world, each)]
        if (led_to and random.random() < 0.6) or (handed_over and table.owned_by and not to_tenants):
            # members, say, are no more, and what was theirs is nobody's; or what hung on rows that are another's now
            after[table.name] = [row for row in after[table.name] if random.random() < 0.5]
        for reference in to_tenants if tenants else ():
            _move(random, after[table.name], reference.columns[0], tenants, 0.9 if handed_over else 0.3)
        for row in after[table.name]:
            if "name" in row and random.random() < 0.4:
                row["name"] = random.choice([value for value in table.values["name"] if value is not None])
    return legal(world, after)


def _move(random: Random, rows: list[Row], column: str, tenants: list[str | None], share: float) -> None:
    for row in rows:
        if row[column] is not None and random.random() < share:
            row[column] = random.choice([each for each in tenants if each != row[column]] or tenants)


def _is_to_tenant(world: World, reference: Reference) -> bool:
    return reference.parent == world.tenant and reference.parent_columns == ("id",)
