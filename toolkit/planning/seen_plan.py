"""What binds a restore to a plan that a person has seen, and how two plans differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import asdict

from toolkit.model.identity import IdentityPlan, NodeFate
from toolkit.model.plan import LEFT_BY_MERGE, RestorePlan, TablePlan
from toolkit.model.seen import Seen, SeenTable
from toolkit.wording import counted

PREFIX = "p-"
"""A digest begins with it, so that YAML never takes one for a number."""

SHOWN = 12
"""So many hexadecimal digits of the sum of one table."""

NUMBERS = {
    "inserts": "insert",
    "updates": "update",
    "deletes": "delete",
    "set_null": "reference set to NULL",
    "kept": "row kept",
    "put_aside": "row put aside",
}


def seen(plan: RestorePlan, sums: Mapping[str, tuple[str, ...]]) -> Seen:
    """Give what has to be the same for a plan to be the same.

    What no row of the target depends on is no part of it: sequences only move forward, and rows that a merge leaves
    because the backup does not have them are other people's work.

    Args:
        sums: per table, sums over the rows that are written, with the values that they have and get.
    """
    tables = {name: _table(table, sums.get(name, ())) for name, table in plan.tables.items()}
    tables = {name: table for name, table in sorted(tables.items()) if table != SeenTable()}
    device = _digest(_device(plan.identity)) if plan.identity else ""
    whole = [plan.label, str(plan.mode), {name: asdict(each) for name, each in tables.items()}, device]
    return Seen(digest=_digest([*whole, list(plan.unforeseen)], 32), tables=tables, device=device)


def differences(before: Seen, now: Seen) -> tuple[str, ...]:
    """Say by table what is different now, as lower-case facts; empty where the plans are the same."""
    if before.digest == now.digest:
        return ()
    if not before.tables and not before.device:
        return tuple(f"{name}: {_numbers(table)}" for name, table in now.tables.items()) or ("nothing would change",)
    lines = list(_by_table(before.tables, now.tables))
    if before.device != now.device:
        lines.append("what becomes of this device's identity and sync state is not what it was")
    return tuple(lines) or ("the backup, the mode, or what triggers may do is not what it was",)


def _by_table(before: Mapping[str, SeenTable], now: Mapping[str, SeenTable]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        old, new = before.get(name, SeenTable()), now.get(name, SeenTable())
        if old == new:
            continue
        numbers = [
            f"{counted(getattr(new, field), what)}, {getattr(old, field)} in the plan that was seen"
            for field, what in NUMBERS.items()
            if getattr(new, field) != getattr(old, field)
        ]
        yield f"{name}: {'; '.join(numbers) or 'as many rows, but other rows or other values'}"


def _numbers(table: SeenTable) -> str:
    numbers = ((getattr(table, field), what) for field, what in NUMBERS.items())
    return ", ".join(counted(rows, what) for rows, what in numbers if rows)


def _table(table: TablePlan, sums: tuple[str, ...]) -> SeenTable:
    kept = [each for each in table.kept if each.reason != LEFT_BY_MERGE]
    seen = SeenTable(
        inserts=table.inserts,
        updates=table.updates,
        deletes=table.deletes,
        set_null=table.set_null,
        kept=sum(each.rows for each in kept),
        put_aside=table.quarantined,
    )
    if seen == SeenTable():
        return seen
    rows = [*sums, *(f"{each.reason} {each.rows} {each.digest}" for each in kept)]
    return msgspec.structs.replace(seen, rows=_digest(rows))


def _device(plan: IdentityPlan) -> list[object]:
    decision = plan.decision
    made = decision.node is NodeFate.GENERATED  # each look would make another one
    return [
        decision.same_device,
        decision.device_data,
        str(decision.node),
        None if made else decision.node_id,
        decision.clear,
        decision.create,
        sorted((each.table, each.columns, str(each.what), each.rows) for each in plan.followed),
        sorted(plan.moved.items()),
        sorted(plan.created.items()),
    ]


def _digest(value: object, shown: int = SHOWN) -> str:
    return PREFIX + hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:shown]
