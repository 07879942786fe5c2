"""Business rows that point at device rows, restored on another device: rewritten or skipped on stage, as declared.

The rule `on_other_device` of a reference holds for every row that has one, also where the target happens to have a
device row with the same key: ids of devices are given out by each device for itself, so it need not be the same thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.catalog import Category, OnOtherDevice
from toolkit.model.identity import Followed, Following
from toolkit.model.schema import Table
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.compare.comparison import sample_keys
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.relation import Sql, assigned, relation_of, row_text, scalar
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import type_name
from toolkit.postgres.stage.decision import Device
from toolkit.postgres.stage.skipping import Skipping


def follow(
    connection: Connection, source: Source, survey: Survey, device: Device, *, strict: bool = True
) -> tuple[Followed, ...]:
    """Make the staged business rows follow their `on_other_device` rules, and say which did.

    Args:
        strict: a rule that is missing or cannot be followed is refused; otherwise its rows stay as they are.

    Raises:
        RefusedError: rows point at device rows without a rule, or their rule cannot be followed; all are listed.
    """
    if device.decision.device_data:
        return ()
    return _Following(connection, source, survey, device).follow(strict=strict)


class _Following:
    def __init__(self, connection: Connection, source: Source, survey: Survey, device: Device) -> None:
        self._connection = connection
        self._source = source
        self._survey = survey
        self._device = device
        self._skipping = Skipping(connection, source, survey)
        self._rewritten: list[Followed] = []

    def follow(self, *, strict: bool) -> tuple[Followed, ...]:
        links = [link for link in self._survey.links.references if self._leads_to_device(link)]
        obstacles = {link: list(self._obstacles(link)) for link in links if self._count(link)}
        if strict:
            self._refuse([reason for reasons in obstacles.values() for reason in reasons])
        links = [link for link in links if not obstacles.get(link)]
        self._skip([link for link in links if link.on_other_device is OnOtherDevice.SKIP_ROW])
        for link in links:
            if link.on_other_device is OnOtherDevice.NULL:
                nothing = {name: None for name in link.columns if self._table(link).column(name).nullable}
                self._rewrite(link, nothing, Following.NULL)
            elif link.on_other_device is OnOtherDevice.CURRENT_NODE and self._count(link):
                self._rewrite(link, self._current(link), Following.CURRENT_NODE)
        if strict:
            self._refuse([reason for link in links for reason in self._doubled(link)])
        return (*self._skipping.followed, *self._rewritten)

    def _skip(self, links: Sequence[ReferenceLink]) -> None:
        by_child = {link.child: [each for each in links if each.child == link.child] for link in links}
        for several in by_child.values():
            self._skipping.skip(several[0], sql.SQL(" OR ").join(map(self._pointing, several)))
        self._skipping.settle()

    def _leads_to_device(self, link: ReferenceLink) -> bool:
        entry, rule = self._source.entries.get(link.child), self._survey.accounting.rules.get(link.parent)
        return entry is not None and bool(entry.rows) and rule is not None and rule.category is Category.DEVICE

    def _obstacles(self, link: ReferenceLink) -> Iterator[str]:
        """Why the rule of a reference that rows have cannot be followed."""
        what = f"{link.child} ({', '.join(link.columns)}): {self._count(link)} rows point at {link.parent}"
        table, node = self._table(link), self._survey.catalog.identity.node
        if link.on_other_device is None:
            yield f"{what}, and the catalog file does not say what becomes of them on another device"
        elif link.on_other_device is OnOtherDevice.NULL and not any(table.column(n).nullable for n in link.columns):
            yield f"{what}, and on_other_device: null cannot be: the column is NOT NULL"
        elif link.on_other_device is OnOtherDevice.CURRENT_NODE:
            if node is None or node.table != link.parent:
                yield f"{what}, which is not the table of identity.node, so there is no current node among them"
            elif self._device.own_row is None:
                yield f"{what}, and this device has no node to point at"
            elif not self._current(link):
                yield f"{what} by columns whose values the row of identity.create for this node does not give"

    def _refuse(self, reasons: list[str]) -> None:
        if reasons:
            raise RefusedError(
                f"backup {self._source.manifest.metadata.label} comes from another device,"
                " and rows of it cannot follow this one",
                reasons,
                hint=f"say it in {self._survey.catalog.file}: `references: {{column: {{to: table.column,"
                " on_other_device: current_node | null | skip_row}}`; or take the device over with `identity: source`."
                " Nothing was changed",
            )

    def _table(self, link: ReferenceLink) -> Table:
        return self._survey.schema.tables[link.child]

    def _pointing(self, link: ReferenceLink) -> Sql:
        """The condition that staged row `s` has this reference."""
        filled = (sql.SQL("s.{} IS DISTINCT FROM NULL").format(sql.Identifier(name)) for name in link.columns)
        return sql.SQL("({})").format(sql.SQL(" AND ").join(filled))

    def _count(self, link: ReferenceLink) -> int:
        query = sql.SQL("SELECT count(*) FROM {} s WHERE {}")
        return scalar(self._connection, query.format(self._source.whole(link.child).table, self._pointing(link)))

    def _current(self, link: ReferenceLink) -> Mapping[str, object]:
        """What the columns of a reference to the current node hold; empty when that cannot be known."""
        node, own = self._survey.catalog.identity.node, self._device.own_row
        assert node is not None
        assert own is not None
        names = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in link.parent_columns)
        relation = relation_of(self._survey.schema.schemas, self._survey.schema.tables[node.table])
        query = sql.SQL("SELECT {} FROM {} t WHERE t.{}::text = {}").format(
            names, relation.source, sql.Identifier(node.key), sql.Literal(self._device.decision.node_id)
        )
        # the node's row may be there already, with other values than the catalog file would give it
        row = self._connection.execute(query).fetchone()
        values = row or tuple(own.values.get(name) for name in link.parent_columns)
        return {} if None in values else dict(zip(link.columns, values, strict=True))

    def _rewrite(self, link: ReferenceLink, values: Mapping[str, object], what: Following) -> None:
        stage = self._source.whole(link.child).table
        table = self._table(link)
        given = {name: _typed(value, table.column(name).type) for name, value in values.items()}
        differing = sql.SQL(" OR ").join(
            sql.SQL("{} <> ROW({})::text").format(row_text("s", [name]), value) for name, value in given.items()
        )
        restored = self._skipping.restored(link.child)
        condition = sql.SQL("{} AND ({}) AND {}").format(self._pointing(link), differing, restored)
        rows = sql.SQL("(SELECT * FROM {} s WHERE {}) s").format(stage, condition)
        samples = sample_keys(self._connection, table, "s", rows)
        changes = sql.SQL(", ").join(assigned(name, value) for name, value in given.items())
        statement = sql.SQL("UPDATE {} s SET {} WHERE {}").format(stage, changes, condition)
        if touched := self._source.edit(link.child, statement):
            self._rewritten.append(
                Followed(table=link.child, columns=link.columns, what=what, rows=touched, samples=samples)
            )

    def _doubled(self, link: ReferenceLink) -> list[str]:
        """Unique keys whose values are no longer unique, now that several nodes have become one."""
        table, stage = self._table(link), self._source.whole(link.child).table
        keys: Sequence[tuple[str, ...]] = [table.primary_key, *(k.columns for k in table.unique_keys if not k.partial)]
        reasons = []
        for key in keys:
            if not set(key) & set(link.columns):
                continue
            names = sql.SQL(", ").join(map(sql.Identifier, key))
            filled = sql.SQL(" AND ").join(
                sql.SQL("{} IS DISTINCT FROM NULL").format(sql.Identifier(name)) for name in key
            )
            query = sql.SQL(
                "SELECT coalesce(sum(n), 0)"
                " FROM (SELECT count(*) AS n FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1) q"
            ).format(stage, filled, names)
            if rows := scalar(self._connection, query):
                reasons.append(
                    f"{table.name}: {rows} rows would have the same ({', '.join(key)}) at this device's node"
                )
        return reasons


def _typed(value: object, kind: str) -> Sql:
    """A value, given as text, in the type of its column."""
    if value is None:
        return sql.SQL("NULL")
    return sql.SQL("CAST({} AS {})").format(sql.Literal(str(value)), type_name(kind))
