"""What is inferred of a single table on the way to a proposal."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from toolkit.model.catalog import Category
from toolkit.planning.classification.edges import Edge
from toolkit.planning.classification.proposals import Reason

ONE, FEW, MANY = 2, 1, 0
"""Ranks of how many tenants a row has: always one; usually one, or none; several, as people have."""


class Kind(Enum):
    """What is known of a table while others are inferred."""

    OWNED = "owned"
    LISTED = "shared by all"
    OUTSIDE = "device or transient"
    POINTED_AT = "referenced, as the catalog file says"
    PATHLESS = "no way to an owner, but rows point at it"
    WAITING = "owned as another table is, which is not known"
    OPEN = "a person has to say, and may say that it is owned"
    STATE = "a person has to say, but it has no owner"


class Finding(Struct, frozen=True, kw_only=True):
    """What was inferred of one table.

    Attributes:
        edges: the ways to owners: references that the table holds, and references of other tables that lead to it. Of
            an open or waiting table, the possible ones.
        level: of an owned table, how many tenants a row has.
        follows: tables without an owner of their own through which this one may be owned, so that it waits for them.
        category: device or transient, of a table that is outside the business data or a part of one that is.
    """

    kind: Kind
    reason: Reason = Reason.UNCLEAR
    why: str = ""
    edges: tuple[Edge, ...] = ()
    level: int = MANY
    follows: tuple[str, ...] = ()
    category: Category = Category.BUSINESS


def listed(why: str) -> Finding:
    """Give the finding of a list for all."""
    return Finding(kind=Kind.LISTED, reason=Reason.LISTED, why=why)
