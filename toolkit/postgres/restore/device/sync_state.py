"""This device's part in sync after a restore: its node row, rows of the database that hang on it, and sync state.

All of it is counted before anything is written and becomes part of the restore's plan, transaction and proof. What
gives way goes after the backup's rows are written, since until then others may point at it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from psycopg import sql

from toolkit.model.identity import Followed, IdentityPlan
from toolkit.model.plan import Kept, RestorePlan, TablePlan
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.device.declared import insert_declared, stage_declared
from toolkit.postgres.restore.device.ground import Ground, Step, Steps, run_steps
from toolkit.postgres.restore.device.own_node import StagedNode, plan_finding, plan_own_node
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.schema.relation import Sql, columns, points_at
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
        self._steps = Steps()
        self._ground = Ground(
            connection=connection, source=source, survey=survey, device=device, prepared=prepared, declared=declared
        )
        rules = self._ground.rules
        self._clearing = [name for name in rules.clear if name in survey.schema.tables and device.decision.clear]
        cleared = rules.node is not None and rules.node.table in self._clearing
        plan_own_node(self._ground, self._steps, cleared=cleared)
        plan_finding(self._ground, self._steps, made=made_node.made, cleared=cleared)
        for name in self._clearing:
            self._clear(name)
        if device.decision.create:
            self._create()
        self._sort()

    def added_to(self, plan: RestorePlan) -> RestorePlan:
        """The plan of a restore with all that the device decision adds to it."""
        tables = dict(plan.tables)
        for step in (*self._steps.before, *self._steps.after):
            if step.rows:
                known = tables.get(step.table) or TablePlan(table=step.table)
                tables[step.table] = replace(known, **{step.number: getattr(known, step.number) + step.rows})
        decision, node = self._ground.decision, self._ground.rules.node
        created = dict(self._steps.counted("created", "adopted"))
        if node is not None and self._made_node.made:
            created[node.table] = created.get(node.table, 0) + 1
        if node is not None and self._made_node.known:
            known = tables.get(node.table) or TablePlan(table=node.table)
            kept = Kept(reason="this database knows their nodes by rows of its own", rows=self._made_node.known)
            tables[node.table] = replace(known, kept=(*known.kept, kept))
        return replace(
            plan,
            tables=dict(sorted(tables.items())),
            conflicts=(*plan.conflicts, *self._steps.conflicts),
            warnings=(*plan.warnings, *decision.warnings),
            identity=IdentityPlan(
                decision=decision,
                followed=self._followed,
                cleared=self._steps.counted("cleared"),
                created=created,
                moved=self._steps.counted("moved"),
            ),
        )

    def before(self) -> None:
        """Make a node row that is there this device's own."""
        run_steps(self._steps.before)

    def after(self) -> None:
        """Move what hung on an id that gives way, clear, and make the other rows."""
        run_steps(self._steps.after)

    def _sort(self) -> None:
        """Moves first, then what goes, children before parents, then what is made, parents before children."""
        order = [name for group in self._ground.prepared.plan.order for name in group]
        ranks = {"moved": 0, "cleared": 1, "created": 2}

        def place(step: Step) -> tuple[int, int]:
            position = order.index(step.table)
            return ranks[step.what], -position if step.what == "cleared" else position

        self._steps.after.sort(key=place)

    def _clear(self, name: str) -> None:
        condition = self._cleared(name)
        rows = self._ground.count(name, sql.SQL("{} AND {}").format(condition, self._ground.stays(name)))
        self._steps.after.append(Step(name, "cleared", rows, partial(self._ground.delete, name, condition)))
        if rows:
            self._find_dependents(name, condition)

    def _cleared(self, name: str) -> Sql:
        """The condition that row `t` of sync state goes: it is not as declared, not the node's own, not restored."""
        staying = [self._ground.restored(name)]
        staying.extend(declared.same("t") for declared in self._ground.declared if declared.table.name == name)
        node = self._ground.rules.node
        if node is not None and node.table == name and self._ground.decision.node_id is not None:
            staying.append(self._ground.is_node())
        return sql.SQL("NOT ({})").format(sql.SQL(" OR ").join(staying))

    def _find_dependents(self, name: str, condition: Sql) -> None:
        """Rows of other tables that point at rows to be cleared: nothing beyond the declared tables goes with them."""
        ground = self._ground
        for link in ground.survey.links.references:
            if link.parent != name or not link.constraint:
                continue
            pointing = sql.SQL("EXISTS (SELECT 1 FROM (SELECT {} FROM {} t WHERE {}) p WHERE {})").format(
                columns("t", link.parent_columns),
                ground.relation(name).source,
                condition,
                points_at(link, "t", "p"),
            )
            staying = sql.SQL("{} AND {}").format(pointing, ground.stays(link.child))
            if link.child in self._clearing:
                staying = sql.SQL("{} AND NOT ({})").format(staying, self._cleared(link.child))
            self._steps.refuse(
                link.child, ground.count(link.child, staying), f"rows point at rows of {name}, which are to be cleared"
            )

    def _create(self) -> None:
        for declared in self._ground.declared:
            if declared.row.own_node:
                continue
            name = declared.table.name
            there = declared.same("t") if name in self._clearing else declared.stands_for("t")
            if not self._ground.count(name, there):
                make = partial(insert_declared, self._ground.connection, self._ground.survey.schema, declared)
                self._steps.after.append(Step(name, "created", 1, make))
