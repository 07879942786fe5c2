"""Business rows that point at transient rows which the target does not have: settled on stage, as declared.

No backup has transient rows. Where the target has the row that is pointed at, the reference stays as it is: so a
restore over the same data changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.catalog import OnRestore
from toolkit.model.identity import Followed, Following
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.compare.comparison import sample_keys
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.relation import Sql, assigned, filled, points_at
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.skipping import Skipping


def leave_transient(
    connection: Connection, source: Source, survey: Survey, *, strict: bool = True
) -> tuple[Followed, ...]:
    """Make the staged business rows follow their `on_restore` rules, and say which did.

    Args:
        strict: rows whose rule is `refuse` are refused; otherwise they stay as they are.

    Raises:
        RefusedError: such rows, or a transient table that the role may not read; nothing was changed.
    """
    links = {
        link: link.on_restore
        for link in survey.links.references
        if link.on_restore is not None and link.child in source.entries and source.entries[link.child].rows
    }
    _refuse_hidden(survey, links)
    gone = {link: _points_at_nothing(survey, link) for link in links}
    if strict:
        _refuse(connection, source, survey, [link for link, rule in links.items() if rule is OnRestore.REFUSE])
    skipping = Skipping(connection, source, survey)
    for link in (link for link, rule in links.items() if rule is OnRestore.SKIP_ROW):
        skipping.skip(link, gone[link], Following.LEFT_OUT)
    skipping.settle()
    forgot = [
        found
        for link, rule in links.items()
        if rule is OnRestore.NULL
        and (found := _forget(connection, source, survey, link, skipping.restored(link.child)))
    ]
    return (*skipping.followed, *forgot)


def _forget(
    connection: Connection, source: Source, survey: Survey, link: ReferenceLink, restored: Sql
) -> Followed | None:
    """Let a reference that leads nowhere be NULL."""
    table, stage = survey.schema.tables[link.child], source.whole(link.child).table
    condition = sql.SQL("{} AND {}").format(_points_at_nothing(survey, link), restored)
    samples = sample_keys(connection, table, "s", sql.SQL("(SELECT * FROM {} s WHERE {}) s").format(stage, condition))
    nullable = (name for name in link.columns if table.column(name).nullable)
    changes = sql.SQL(", ").join(assigned(name, sql.SQL("NULL")) for name in nullable)
    touched = source.edit(link.child, sql.SQL("UPDATE {} s SET {} WHERE {}").format(stage, changes, condition))
    if not touched:
        return None
    return Followed(table=link.child, columns=link.columns, what=Following.FORGOT, rows=touched, samples=samples)


def _points_at_nothing(survey: Survey, link: ReferenceLink) -> Sql:
    """The condition that staged row `s` has this reference, and the target no row that it leads to."""
    return sql.SQL("({} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}))").format(
        filled("s", link.columns), survey.workspace.relations[link.parent].source, points_at(link, "s", "p")
    )


def _refuse(connection: Connection, source: Source, survey: Survey, links: list[ReferenceLink]) -> None:
    reasons = []
    for link in links:
        rows = sql.SQL("(SELECT * FROM {} s WHERE {}) s").format(
            source.whole(link.child).table, _points_at_nothing(survey, link)
        )
        if samples := sample_keys(connection, survey.schema.tables[link.child], "s", rows):
            reasons.append(
                f"{link.child} ({', '.join(link.columns)}): rows point at rows of {link.parent}, which is transient,"
                f" that the target does not have, e.g. {'; '.join(samples)}"
            )
    if reasons:
        raise RefusedError(
            f"rows of backup {source.manifest.metadata.label} point at transient rows that are gone",
            reasons,
            hint=f"bring those back first, or say `on_restore: null` or `skip_row` in {survey.catalog.file};"
            " nothing was changed",
        )


def _refuse_hidden(survey: Survey, links: Mapping[ReferenceLink, OnRestore]) -> None:
    if lacking := survey.workspace.lacking(("SELECT", link.parent) for link in links):
        raise RefusedError(
            f"role {survey.workspace.connection.info.user} cannot see which transient rows there are",
            map(str, lacking),
            hint="GRANT what is missing, or run as the owner of the tables; nothing was changed",
        )
