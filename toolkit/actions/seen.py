"""The argument by which a restore is bound to a plan that a person has seen in check mode."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from toolkit.actions.arguments import Arguments, Text, about
from toolkit.model.seen import Seen, SeenTable

Count = Annotated[int, Meta(ge=0)]


class SeenRows(Arguments, frozen=True, kw_only=True):
    """What the plan does to one table."""

    inserts: Annotated[Count, about("Rows that come.", 3)] = 0
    updates: Annotated[Count, about("Rows that change.", 2)] = 0
    deletes: Annotated[Count, about("Rows that go.", 1)] = 0
    set_null: Annotated[Count, about("Rows whose reference to a row that goes becomes NULL.", 1)] = 0
    kept: Annotated[Count, about("Rows that stay otherwise than in the backup.", 1)] = 0
    put_aside: Annotated[Count, about("Rows of the backup that are put aside.", 1)] = 0
    rows: Annotated[Text, about("A sum over all these rows and their values.", "p-4be2a1c09f3d")] = ""


class SeenPlan(Arguments, frozen=True, kw_only=True):
    """A plan with what it is made of, so that a refusal says by table what is different."""

    digest: Annotated[Text, about("The digest of the plan.", "p-3f9a0c6d1e7b42a8b5d0f1e2c3a49687")]
    tables: Annotated[
        dict[Text, SeenRows],
        about("By table what the plan does.", {"orders": {"deletes": 1, "rows": "p-4be2a1c09f3d"}}),
    ] = msgspec.field(default_factory=dict)
    device: Annotated[Text, about("A digest of what becomes of the device.", "p-90ab12cd34ef")] = ""


PlanChoice = Annotated[Text | SeenPlan, Meta()]
"""The digest of a plan, alone or with what it is made of."""


def seen_of(choice: str | SeenPlan) -> Seen | None:
    """Give the plan that was seen; None where nobody names one."""
    if isinstance(choice, str):
        return Seen(digest=choice) if choice else None
    tables = {name: SeenTable(**asdict(table)) for name, table in choice.tables.items()}
    return Seen(digest=choice.digest, tables=tables, device=choice.device)
