"""This device's part in sync after a restore: its node row, rows of the database that hang on it, and sync state.

All of it is counted before anything is written and becomes part of the restore's plan, transaction and proof. What
gives way goes after the backup's rows are written, since until then others may point at it.
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.identity import Followed, IdentityPlan
from toolkit.model.plan import Kept, RestorePlan, RowSample, SampledAction, TablePlan
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.device.changes import Change, Changes, DeviceWork, run_changes
from toolkit.postgres.restore.device.declared import insert_declared, stage_declared
from toolkit.postgres.restore.device.own_node import StagedNode, plan_finding, plan_own_node
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.restore.plan.samples import ROWS
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Sql, columns, points_at
from toolkit.postgres.selection.row_lookup import key_columns
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.decision import Device


class SyncState:
    """Counts and makes the changes of one device decision, inside the restore's transaction.

    Args:
        followed: what was done on stage to the backup's rows.
        made_node: what was done on stage to rows of the node table, and so is part of the plan already.

    Raises:
        InputError: a declared value does not fit its column.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        source: Source,
        survey: Survey,
        device: Device,
        prepared: Prepared,
        followed: tuple[Followed, ...],
        made_node: StagedNode,
    ) -> None:
        self._followed = followed
        self._made_node = made_node
        declared = tuple(
            stage_declared(connection, survey.schema, row, name=f"declared_{number}", file=survey.catalog.file)
            for number, row in enumerate(device.rows)
            if row.table in survey.schema.tables and (device.decision.create or row.own_node)
        )
        self._changes = Changes()
        self._work = DeviceWork(
            connection=connection, source=source, survey=survey, device=device, prepared=prepared, declared=declared
        )
        rules = self._work.rules
        self._clearing = [name for name in rules.clear if name in survey.schema.tables and device.decision.clear]
        cleared = rules.node is not None and rules.node.table in self._clearing
        plan_own_node(self._work, self._changes, cleared=cleared)
        plan_finding(self._work, self._changes, made=made_node.made, cleared=cleared)
        for name in self._clearing:
            self._clear(name)
        if device.decision.create:
            self._create()
        self._sort()

    def added_to(self, plan: RestorePlan) -> RestorePlan:
        """Give the plan of a restore with all that the device decision adds to it."""
        tables = dict(plan.tables)
        for change in (*self._changes.before, *self._changes.after):
            if change.rows:
                known = tables.get(change.table) or TablePlan(table=change.table)
                tables[change.table] = replace(known, **{change.number: getattr(known, change.number) + change.rows})
        decision, node = self._work.decision, self._work.rules.node
        created = dict(self._changes.counted("created", "adopted"))
        if node is not None and self._made_node.made:
            created[node.table] = created.get(node.table, 0) + 1
        if node is not None and self._made_node.known:
            known = tables.get(node.table) or TablePlan(table=node.table)
            kept = Kept(reason="this database knows their nodes by rows of its own", rows=self._made_node.known)
            tables[node.table] = replace(known, kept=(*known.kept, kept))
        return replace(
            plan,
            tables=dict(sorted(tables.items())),
            conflicts=(*plan.conflicts, *self._changes.conflicts),
            warnings=(*plan.warnings, *decision.warnings),
            identity=IdentityPlan(
                decision=decision,
                followed=self._followed,
                cleared=self._changes.counted("cleared"),
                created=created,
                moved=self._changes.counted("moved"),
            ),
        )

    def with_samples(self, plan: RestorePlan) -> RestorePlan:
        """Give the plan with the keys of a few of the rows that are cleared, among the samples of their tables."""
        tables = dict(plan.tables)
        for change in self._changes.after:
            if change.rows and change.going is not None:
                table = self._work.table(change.table)
                query = sql.SQL("SELECT {} FROM {} t WHERE {} ORDER BY {} LIMIT {}").format(
                    key_columns(table, "t"),
                    self._work.relation(change.table).source,
                    change.going,
                    order_by(sort_key(table), "t"),
                    sql.Literal(ROWS),
                )
                rows = tuple(
                    RowSample(action=SampledAction.DELETE, key=tuple(key), values=())
                    for (key,) in self._work.connection.execute(query)
                )
                known = tables[change.table]
                tables[change.table] = replace(known, samples=(*known.samples, *rows))
        return replace(plan, tables=tables)

    @property
    def cleared(self) -> dict[str, Sql]:
        """Per table with such rows, the condition that row `t` is cleared."""
        return {each.table: each.going for each in self._changes.after if each.rows and each.going is not None}

    @property
    def made_node(self) -> bool:
        """Whether the row of this device's own node was put on stage."""
        return self._made_node.made

    def before(self) -> None:
        """Make a node row that is there this device's own."""
        run_changes(self._changes.before)

    def after(self) -> None:
        """Move what hung on an id that gives way, clear, and make the other rows."""
        run_changes(self._changes.after)

    def _sort(self) -> None:
        """Moves first, then what goes, children before parents, then what is made, parents before children."""
        order = [name for group in self._work.prepared.plan.order for name in group]
        ranks = {"moved": 0, "cleared": 1, "created": 2}

        def place(change: Change) -> tuple[int, int]:
            position = order.index(change.table)
            return ranks[change.what], -position if change.what == "cleared" else position

        self._changes.after.sort(key=place)

    def _clear(self, name: str) -> None:
        condition = self._cleared(name)
        going = sql.SQL("{} AND {}").format(condition, self._work.stays(name))
        rows = self._work.count(name, going)
        self._changes.after.append(Change(name, "cleared", rows, partial(self._work.delete, name, condition), going))
        if rows:
            self._find_dependents(name, condition)

    def _cleared(self, name: str) -> Sql:
        """The condition that row `t` of sync state goes: it is not as declared, not the node's own, not restored."""
        staying = [self._work.restored(name)]
        staying.extend(declared.same("t") for declared in self._work.declared if declared.table.name == name)
        node = self._work.rules.node
        if node is not None and node.table == name and self._work.decision.node_id is not None:
            staying.append(self._work.is_node())
        return sql.SQL("NOT ({})").format(sql.SQL(" OR ").join(staying))

    def _find_dependents(self, name: str, condition: Sql) -> None:
        """Rows of other tables that point at rows to be cleared: nothing beyond the declared tables goes with them."""
        work = self._work
        for link in work.survey.links.references:
            if link.parent != name or not link.constraint:
                continue
            pointing = sql.SQL("EXISTS (SELECT 1 FROM (SELECT {} FROM {} t WHERE {}) p WHERE {})").format(
                columns("t", link.parent_columns),
                work.relation(name).source,
                condition,
                points_at(link, "t", "p"),
            )
            staying = sql.SQL("{} AND {}").format(pointing, work.stays(link.child))
            if link.child in self._clearing:
                staying = sql.SQL("{} AND NOT ({})").format(staying, self._cleared(link.child))
            self._changes.refuse(
                link.child, work.count(link.child, staying), f"rows point at rows of {name}, which are to be cleared"
            )

    def _create(self) -> None:
        for declared in self._work.declared:
            if declared.row.own_node:
                continue
            name = declared.table.name
            there = declared.same("t") if name in self._clearing else declared.stands_for("t")
            if not self._work.count(name, there):
                make = partial(insert_declared, self._work.connection, self._work.survey.schema, declared)
                self._changes.after.append(Change(name, "created", 1, make))
