"""This device's own node row after a restore: made, taken over from a peer's, and in the place of a former one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from msgspec import Struct
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.catalog import OnOtherDevice
from toolkit.model.identity import CreatedRow, NodeFate, NodeRule
from toolkit.model.manifest import KeyColumn, StoredColumn, TableEntry, table_digest
from toolkit.model.schema import Table
from toolkit.planning.accounting import Part
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key, stored_key
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.device.changes import Change, Changes, DeviceWork
from toolkit.postgres.restore.device.declared import DeclaredRow, count_rows, stage_declared
from toolkit.postgres.schema.device import may_be_own, own_first
from toolkit.postgres.schema.relation import Sql, assigned, equal, points_at, relation_of
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.decision import Device


class StagedNode(Struct, frozen=True):
    """What was done on stage to rows of the node table.

    Attributes:
        made: the node's own row was put there.
        known: rows were taken away whose node ids the target has, in rows of other keys.
    """

    made: bool = False
    known: int = 0


def stage_own_node(connection: Connection, source: Source, survey: Survey, device: Device) -> StagedNode:
    """Put the node's row on stage, as if it came with the backup, where nothing has it yet.

    So it is planned, written before the rows that point at it, and proven like any other row. Rows of other nodes that
    came along because business rows point at them stay off where the target knows these nodes.

    Raises:
        InputError: a declared value does not fit its column.
        RefusedError: the row would not be found again by `identity.node`, or another row holds its key.
    """
    node, own, node_id = survey.catalog.identity.node, device.own_row, device.decision.node_id
    if node is None or own is None:
        return StagedNode()
    table = survey.schema.tables[node.table]
    known = _take_off_known(source, survey, node, table)
    if device.decision.node not in (NodeFate.GENERATED, NodeFate.SOURCE):
        return StagedNode(known=known)
    this = sql.SQL("t.{}::text = {}").format(sql.Identifier(node.key), sql.Literal(node_id))
    if count_rows(connection, survey.schema, table, this) or _comes_along(connection, source, table, this):
        return StagedNode(known=known)
    file = survey.catalog.file
    declared = stage_declared(connection, survey.schema, own, name="declared_node", file=file)
    _check_found_again(connection, node, declared, file)
    if count_rows(connection, survey.schema, table, declared.stands_for("t")):
        raise RefusedError(
            f"the row that identity.create makes in {table.name} has a key that another row holds",
            hint=f"make its key from node_id in {file}; nothing was changed",
        )
    if table.name not in source.entries:
        source.add(_entry(table, own))
    stage = source.whole(table.name)
    names = sql.SQL(", ").join(map(sql.Identifier, stage.names))
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(stage.table, names, names, declared.staged)
    source.edit(table.name, statement)
    return StagedNode(made=True, known=known)


def _take_off_known(source: Source, survey: Survey, node: NodeRule, table: Table) -> int:
    """Each machine gives its rows of the same nodes keys of its own: what it knows of a node stays as it is."""
    entry, key = source.entries.get(table.name), sort_key(table)
    if entry is None or survey.accounting.taken.get(table.name) is not Part.REFERENCED or node.key in key.names:
        return 0
    statement = sql.SQL("DELETE FROM {} s WHERE EXISTS (SELECT 1 FROM {} t WHERE {} AND NOT ({}))").format(
        source.whole(table.name).table,
        relation_of(survey.schema.schemas, table).source,
        equal("t", [node.key], "s", [node.key], [survey.schema.key_equality(table.name, node.key)]),
        same_key(table, "t", "s"),
    )
    return source.edit(table.name, statement)


def _entry(table: Table, own: CreatedRow) -> TableEntry:
    """An empty table of the backup, with the columns that are declared; the others get their defaults."""
    return TableEntry(
        name=table.name,
        category="device",
        group="",
        columns=tuple(
            StoredColumn(name=column.name, type=column.type)
            for column in table.stored_columns
            if column.name in own.values
        ),
        key=tuple(KeyColumn(column=column.name, sort=column.sort) for column in stored_key(table)),
        rows=0,
        bytes=0,
        digest=table_digest([]),
    )


def _comes_along(connection: Connection, source: Source, table: Table, this: Sql) -> bool:
    """Whether the node's row comes with the backup."""
    entry = source.entries.get(table.name)
    if entry is None or not entry.rows:
        return False
    query = sql.SQL("SELECT 1 FROM {} t WHERE {}").format(source.whole(table.name).table, this)
    return connection.execute(query).fetchone() is not None


def _check_found_again(connection: Connection, node: NodeRule, own: DeclaredRow, file: str) -> None:
    query = sql.SQL("SELECT 1 FROM {} WHERE {}").format(own.staged, may_be_own(node))
    if connection.execute(query).fetchone() is None:
        raise RefusedError(
            f"the row that identity.create makes in {node.table} is not one that identity.node finds",
            [f"`where: {node.where}` does not hold for it, so every restore would make another node"],
            hint=f"give the row in {file} what the condition asks for; nothing was changed",
        )


def plan_own_node(work: DeviceWork, changes: Changes, *, cleared: bool) -> None:
    """Count what else the node needs, where its id is not simply kept.

    Args:
        cleared: the node table is cleared anyway.
    """
    node, decision = work.rules.node, work.decision
    if node is None or decision.node not in (NodeFate.GENERATED, NodeFate.SOURCE):
        return
    own = next((declared for declared in work.declared if declared.row.own_node), None)
    if own is not None:
        there = sql.SQL("{} AND {}").format(work.is_node(), work.stays(node.table))
        rows = 0 if work.device.before == decision.node_id else work.count(node.table, there)
        changes.before.append(Change(node.table, "adopted", rows, partial(_adopt, work, own)))
    if work.device.before not in (None, decision.node_id):
        _plan_giving_way(work, changes, node, cleared=cleared)


def _is_former(work: DeviceWork) -> Sql:
    """The condition that row `t` of the node table is the one that was this device's own until now."""
    assert work.rules.node is not None
    return sql.SQL("t.{}::text = {}").format(sql.Identifier(work.rules.node.key), sql.Literal(work.device.before))


def plan_finding(work: DeviceWork, changes: Changes, *, made: bool, cleared: bool) -> None:
    """Refuse what would make `identity.node` find another node afterwards than the one that was decided.

    Args:
        made: the node's own row was put on stage.
        cleared: the node table is cleared, all but the node's own row.
    """
    node, decision, device = work.rules.node, work.decision, work.device
    if node is None or device.named or not device.rows or decision.node_id is None:
        return
    table = work.table(node.table)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.stored_columns)
    later = work.survey.workspace.create("nodes_afterwards", table.name)
    for rows in _rows_afterwards(work, node, made=made, cleared=cleared):
        statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}")
        work.connection.execute(statement.format(later, names, names, rows))
    query = sql.SQL("SELECT {}::text FROM {} WHERE {}{} LIMIT 1").format(
        sql.Identifier(node.key), later, may_be_own(node), own_first(node, table.column_names)
    )
    row = work.connection.execute(query).fetchone()
    found = row[0] if row else "none"
    reason = (
        f"afterwards `identity.node` would find {found}, not {decision.node_id}, for this device;"
        f" name its own in the inventory, `device: {{node: {decision.node_id}}}`"
    )
    changes.refuse(table.name, int(found != decision.node_id), reason)


def _rows_afterwards(work: DeviceWork, node: NodeRule, *, made: bool, cleared: bool) -> Iterator[Sql]:
    """What the node table will hold, as tables: rows that stay, rows of the backup, and the row made its own."""
    name = node.table
    changes = work.device.before != work.decision.node_id
    adopted = next((each for each in work.declared if each.row.own_node), None) if changes else None
    staying = [work.stays(name)]
    if changes and work.device.before is not None:
        staying.append(sql.SQL("NOT ({})").format(_is_former(work)))
    if cleared:
        staying.append(work.is_node())
    if adopted is not None:
        staying.append(sql.SQL("NOT ({})").format(work.is_node()))
    condition = sql.SQL(" AND ").join(staying)
    yield sql.SQL("(SELECT t.* FROM {} t WHERE {}) q").format(work.relation(name).source, condition)
    if (arriving := _arriving(work, name)) is not None:
        # the row that was made has no defaults on stage
        others = sql.SQL("NOT ({})").format(work.is_node("s")) if made else sql.SQL("true")
        staged = work.source.whole(name).table
        yield sql.SQL("(SELECT s.* FROM {} s WHERE {} AND {}) q").format(staged, arriving, others)
    if adopted is not None and (made or work.count(name, work.is_node())):
        yield sql.SQL("{} q").format(adopted.staged)


def _arriving(work: DeviceWork, name: str) -> Sql | None:
    """The condition that staged row `s` of a table is written; None where none is."""
    entry, differences = work.source.entries.get(name), work.prepared.differences.get(name)
    if entry is None or not entry.rows:
        return None
    if differences is None:  # loaded as it is into an empty table, or equal as it stands
        return None if work.count(name, sql.SQL("true")) else sql.SQL("true")
    return sql.SQL(
        'EXISTS (SELECT 1 FROM {} d WHERE d.stage_id = s.ctid AND d.action = ANY (ARRAY[{}, {}]::"char"[]))'
    ).format(differences.lines, sql.Literal(Action.MISSING), sql.Literal(Action.CHANGED))


def _adopt(work: DeviceWork, own: DeclaredRow) -> int:
    """Make a node row that is there, as a peer's was, this device's own."""
    names = [name for name in own.row.values if name not in own.table.primary_key]
    statement = sql.SQL("UPDATE {} t SET {} FROM {} c WHERE {}").format(
        work.relation(own.table.name).source,
        sql.SQL(", ").join(assigned(name, sql.Identifier("c", name)) for name in names),
        own.staged,
        work.is_node(),
    )
    return work.connection.execute(statement).rowcount


def _plan_giving_way(work: DeviceWork, changes: Changes, node: NodeRule, *, cleared: bool) -> None:
    """The former own row goes; rows that point at it move to the new node where their rule says so."""
    table, former = node.table, _is_former(work)
    kept = sql.SQL("{} AND {} AND {}").format(former, work.restored(table), work.stays(table))
    reason = "is another device's node in the backup, and this device's own here"
    changes.refuse(table, work.count(table, kept), reason)
    gone = sql.SQL("{} AND NOT {}").format(former, work.restored(table))
    staying = sql.SQL("{} AND {}").format(gone, work.stays(table))
    rows = sql.SQL("SELECT t.* FROM {} t WHERE {}").format(work.relation(table).source, staying)
    giving_way = work.survey.workspace.keep("giving_way", rows)
    for link in work.survey.links.references:
        if link.parent == table:
            _plan_moving(work, changes, link, giving_way)
    if not cleared:
        changes.after.append(
            Change(table, "cleared", work.count(table, staying), partial(work.delete, table, gone), staying)
        )


def _plan_moving(work: DeviceWork, changes: Changes, link: ReferenceLink, giving_way: Sql) -> None:
    pointing = sql.SQL("EXISTS (SELECT 1 FROM {} g WHERE {})").format(giving_way, points_at(link, "t", "g"))
    entry = work.source.entries.get(link.child)
    if entry is not None and entry.rows and work.decision.device_data:
        query = sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(work.source.whole(link.child).table, pointing)
        row = work.connection.execute(query).fetchone()
        reason = f"rows of the backup point at this device's own row of {link.parent}, which gives way"
        changes.refuse(link.child, row[0] if row else 0, reason)
    if work.decision.clear and link.child in work.rules.clear:
        return
    rows = work.count(link.child, sql.SQL("{} AND {}").format(pointing, work.stays(link.child)))
    if link.on_other_device is OnOtherDevice.CURRENT_NODE:
        changes.after.append(Change(link.child, "moved", rows, partial(_move, work, link, pointing)))
    else:
        reason = f"rows point at this device's own row of {link.parent}, which gives way to another node id"
        changes.refuse(link.child, rows, reason)


def _move(work: DeviceWork, link: ReferenceLink, pointing: Sql) -> int:
    node = work.rules.node
    assert node is not None
    pairs = zip(link.columns, link.parent_columns, strict=True)
    statement = sql.SQL("UPDATE {} t SET {} FROM {} n WHERE n.{}::text = {} AND {}").format(
        work.relation(link.child).source,
        sql.SQL(", ").join(assigned(a, sql.Identifier("n", b)) for a, b in pairs),
        work.relation(link.parent).source,
        sql.Identifier(node.key),
        sql.Literal(work.decision.node_id),
        pointing,
    )
    return work.connection.execute(statement).rowcount
