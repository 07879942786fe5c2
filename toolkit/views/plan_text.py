"""The plan of a restore for people: lines under the task's status, the same in check mode and after applying."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.model.explanation import key_text
from toolkit.model.plan import RestorePlan, RowSample, SampledAction, SampledValue, TablePlan
from toolkit.wording import count, counted, one_line
from toolkit.wording import table as aligned

LONGEST = 40
"""Characters of a value that are printed."""

ROWS = 3
"""Rows of a table that are printed of each kind of change."""

VALUES = 4
"""Columns of a row that comes or goes which are printed beside its key."""

SIGNS = {SampledAction.INSERT: "+", SampledAction.UPDATE: "~", SampledAction.DELETE: "-"}


def summary(plan: RestorePlan) -> str:
    """Give the numbers of a plan in one line."""
    changes = [counted(plan.total(f"{what}s"), what) for what in ("insert", "update", "delete")]
    rest = [(plan.total("set_null"), "set null")] if plan.total("set_null") else []
    rest += [(plan.total("unchanged"), "unchanged"), (sum(plan.kept.values()), "kept")]
    return ", ".join((*changes, *(f"{count(rows)} {what}" for rows, what in rest)))


def plan_lines(plan: RestorePlan, *, tables: bool, samples: bool) -> Iterator[str]:
    """Further lines.

    Args:
        tables: a table with the numbers of every table that is not as in the backup.
        samples: a few rows of each of them, with the columns that differ.
    """
    if plan.identity:
        yield from plan.identity.sentences()
    if plan.locking:
        yield plan.locking
    yield from plan.rebuilding
    yield from (f"cannot be foreseen: {each}" for each in plan.unforeseen)
    yield from (f"conflict in {conflict}" for conflict in plan.conflicts)
    yield from (f"put aside from {conflict}" for conflict in plan.quarantined)
    yield from (f"brought along: {each}" for each in plan.along)
    yield from (f"not brought back: {each}" for each in plan.left_behind)
    if plan.named:
        others = counted(len(plan.not_touched), "other table")
        are = "is" if len(plan.not_touched) == 1 else "are"
        how = "touched by triggers and rules at most" if plan.heard else "not touched"
        how = "proven to be as before" if plan.proven else how
        yield f"restored: rows of {', '.join(plan.named)}; {others} {are} {how}"
    if plan.untouched is not None:
        verb = "is" if plan.untouched == 1 else "are"
        yield f"{counted(plan.untouched, 'row')} outside the restore {verb} proven to be as before"
    if tables:
        yield from _numbers(plan)
    for table in plan.tables.values():
        yield from (f"kept {table.table}: {kept}" for kept in table.kept)
    if samples:
        for table in plan.tables.values():
            yield from (sampled(table.table, sample) for sample in _first(table.samples))
    if plan.sequences:
        yield f"sequences moved forward: {', '.join(map(str, plan.sequences))}"


def _numbers(plan: RestorePlan) -> Iterator[str]:
    conflicts = plan.conflicting
    shown = [each for each in plan.tables.values() if each.changes or each.kept or each.table in conflicts]
    shown = [each for each in plan.tables.values() if each in shown or each.quarantined]
    if not shown:
        return
    columns = {
        "inserts": [each.inserts for each in shown],
        "updates": [each.updates for each in shown],
        "deletes": [each.deletes for each in shown],
        "set NULL": [each.set_null for each in shown],
        "unchanged": [each.unchanged for each in shown],
        "kept": [sum(kept.rows for kept in each.kept) for each in shown],
        "conflicts": [conflicts.get(each.table, 0) for each in shown],
        "quarantined": [each.quarantined for each in shown],
    }
    rare = ("set NULL", "quarantined")
    header = [name for name, numbers in columns.items() if name not in rare or any(numbers)]
    rows = [[each.table, *(count(columns[name][at]) for name in header)] for at, each in enumerate(shown)]
    yield from aligned(["table", *header], rows, right=header)
    if others := [each for each in plan.tables.values() if each not in shown]:
        yield f"{counted(len(others), 'other table')}: {counted(_unchanged(others), 'row')} unchanged"


def _first(samples: tuple[RowSample, ...]) -> Iterator[RowSample]:
    """The first of each kind of change; why rows are kept or in conflict is said in lines of their own."""
    for action in SIGNS:
        yield from [sample for sample in samples if sample.action is action][:ROWS]


def _unchanged(tables: list[TablePlan]) -> int:
    return sum(each.unchanged for each in tables)


def sampled(table: str, sample: RowSample) -> str:
    """Give a row that differs in one line, e.g. `~ orders 42: price 1.00 → 2.00`."""
    values = []
    for value in sample.values if sample.action is SampledAction.UPDATE else sample.values[:VALUES]:
        if sample.action is SampledAction.UPDATE:
            values.append(f"{value.column} {' → '.join(_differing(value))}")
        else:
            shown = value.after if sample.action is SampledAction.INSERT else value.before
            values.append(f"{value.column} {_shown(shown, 0, quoted=value.quoted)}")
    row = f"{SIGNS[sample.action]} {table} {key_text(sample.key)}"
    return f"{row}: {', '.join(values)}" if values else row


def _differing(value: SampledValue) -> tuple[str, str]:
    """Both values, cut so that the place where they begin to differ is seen."""
    before, after = value.before or "", value.after or ""
    shorter = min(len(before), len(after))
    common = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), shorter)
    if value.before == value.after:
        return _shown(value.before, 0, quoted=value.quoted), "(differs further on)"
    start = max(0, common - LONGEST // 2) if max(len(before), len(after)) > LONGEST else 0
    return _shown(value.before, start, quoted=value.quoted), _shown(value.after, start, quoted=value.quoted)


def _shown(text: str | None, start: int, *, quoted: bool) -> str:
    if text is None:
        return "NULL"
    part = f"{'…' if start else ''}{text[start : start + LONGEST]}{'…' if len(text) > start + LONGEST else ''}"
    line = one_line(part) or part
    return f"'{line}'" if quoted else line
