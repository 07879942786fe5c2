"""Whether a database has the rows of some businesses, and no others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import Catalog, Category
from toolkit.model.manifest import Manifest
from toolkit.model.scope import Demo
from toolkit.postgres.schema.relation import scalar
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.request import scope_on_target


class Alone(Struct, frozen=True, kw_only=True):
    """The rows of a database.

    Attributes:
        rows: per table that is not transient, how many there are.
        others: of the tables with rows that a backup of the businesses would not take, how many.
    """

    rows: Mapping[str, int]
    others: Mapping[str, int]


def rows_alone(connection: Connection, catalog: Catalog, manifest: Manifest, businesses: Collection[str]) -> Alone:
    """Count the rows that a database has, and those that are not of these businesses of a backup.

    What is theirs is found as a backup of theirs would find it, in the database itself: it says nothing of how the
    rows came there.
    """
    scope = scope_on_target(manifest, catalog, unlimited=False)
    named = replace(scope, businesses=tuple(businesses), demo=Demo.INCLUDE, without=())
    rows: dict[str, int] = {}
    others: dict[str, int] = {}
    with consistent_snapshot(connection, catalog, named, unclassified="warn") as survey:
        selected = survey.select(strict=False)
        for name, rule in survey.accounting.rules.items():
            if rule.category is Category.TRANSIENT:
                continue
            relation, taken = survey.workspace.relations[name], selected.taken.get(name)
            count = sql.SQL("SELECT count(*) FROM {} q")
            rows[name] = scalar(connection, count.format(relation.source))
            theirs = 0 if taken is None else rows[name]
            if taken is not None and taken.ids is not None:
                theirs = scalar(connection, count.format(taken.ids))
            if rows[name] != theirs:
                others[name] = rows[name] - theirs
    return Alone(rows=rows, others=others)
