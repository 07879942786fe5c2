"""The command `explain`: whose a row is, whether a scope takes it and why, and what hangs on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from toolkit import wording
from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.app.database import opened
from toolkit.app.scope_options import ScopeOptions, scope_text
from toolkit.errors import InputError
from toolkit.model.catalog import Category, OwnerEdge, RuleKind, TableRule
from toolkit.model.explanation import Brought, Explanation, Owner, Pointing, RowKey, key_text
from toolkit.model.scope import Scope
from toolkit.postgres.selection.explanation import Explainer
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.wording import table

USAGE = "invoke explain --host HOST TABLE KEY"


def explain(
    control: Control, output: Output, *, host: str, words: tuple[str, ...], options: ScopeOptions, as_json: bool
) -> int:
    """Explain one row under a scope; prints text, or JSON.

    Args:
        words: the table, then what names the row.
    """
    if len(words) < 2:
        raise InputError("no row is named" if words else "no table and no row are named", hint=USAGE)
    scope = options.scope_meant()
    with (
        opened(control.load_inventory(), host, command="explain") as (connection, catalog),
        # tables that nobody has classified yet are no reason to explain nothing
        consistent_snapshot(connection, catalog, scope, unclassified="warn") as survey,
    ):
        explanation = Explainer(connection, survey).explain(words[0], words[1:])
    if as_json:
        output.line(json.dumps(_document(host, scope, explanation), indent=2))
        return 0
    for line in _lines(scope, explanation):
        output.line(line)
    return 0


def one_line(text: str) -> str:
    """A text of the database on one line."""
    return " ".join(text.split())


def samples(keys: Iterable[RowKey]) -> str:
    """A few keys, separated by semicolons."""
    return "; ".join(str(key) for key in keys)


def _document(host: str, scope: Scope, explanation: Explanation) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(explanation)
    rule = explanation.rule
    document["rule"] = None if rule is None else {**_classified(rule), "text": rule_text(rule)}
    return {
        "host": host,
        "scope": msgspec.to_builtins(scope),
        "taken": explanation.mark is not None,
        **document,
    }


def _classified(rule: TableRule) -> dict[str, str]:
    return {"category": rule.category.value, "group": rule.group}


def rule_text(rule: TableRule) -> str:
    """A rule in the words of the catalog file; empty for a device or transient table."""
    parts = [] if rule.category is not Category.BUSINESS or rule.kind is RuleKind.OWNED else [rule.kind.value]
    if rule.owned_by:
        parts.append(f"owned_by: [{', '.join(map(_edge_text, rule.owned_by))}]")
    parts += [f"where: {rule.where}"] if rule.where else []
    parts += ["optional"] if rule.optional else []
    parts += [f"unowned: {rule.unowned}"] if rule.unowned else []
    return ", ".join(parts)


def _edge_text(edge: OwnerEdge) -> str:
    return columns_text([f"{edge.table}.{name}" if edge.table else name for name in edge.columns])


def columns_text(columns: Sequence[str]) -> str:
    """One column by its name, several in brackets."""
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _lines(scope: Scope, explanation: Explanation) -> Iterator[str]:
    key = ", ".join(f"{column}={key_text((value,))}" for column, value in explanation.key.items())
    yield f"row:    {explanation.table} {key}"
    rule = explanation.rule
    if rule is None:
        yield "table:  not classified in the catalog file"
    else:
        text = rule_text(rule)
        yield f"table:  {rule.category}/{rule.group}{f', {text}' if text else ''}"
    yield f"scope:  {scope_text(scope)}"
    yield f"taken:  yes, as {explanation.mark}" if explanation.mark else "taken:  no"
    yield from (f"        {reason}" for reason in explanation.reasons)
    yield ""
    yield from _owner_lines(explanation.owners)
    if explanation.pointing:
        yield ""
        yield "rows that point at it:"
        yield from _pointing_lines(explanation.pointing)
    yield ""
    if explanation.brings:
        yield "what it brings in:" if explanation.mark else "what it would bring in:"
        yield from _brought_lines(explanation.brings)
    else:
        yield "it brings in no other row"


def _pointing_lines(pointing: Iterable[Pointing]) -> Iterator[str]:
    rows = [
        (
            f"{each.table}.{columns_text(each.columns)}",
            wording.count(each.rows),
            wording.count(each.taken),
            samples(each.samples),
        )
        for each in sorted(pointing, key=lambda each: not each.taken)
    ]
    return _indented(table(("by", "rows", "taken", "e.g."), rows, right=("rows", "taken")))


def _brought_lines(brought: Iterable[Brought]) -> Iterator[str]:
    rows = [
        (each.table, wording.count(each.rows), wording.count(each.only_referenced), samples(each.samples))
        for each in brought
    ]
    header = ("table", "rows", "taken only as referenced", "e.g.")
    return _indented(table(header, rows, right=header[1:3]))


def _owner_lines(owners: tuple[Owner, ...]) -> Iterator[str]:
    if not owners:
        yield "owned by nobody"
    for owner in owners:
        notes = [note for note, holds in (("demo", owner.demo), ("selected", owner.selected)) if holds]
        name = f"{one_line(owner.label)} ({owner.tenant})" if owner.label else owner.tenant
        yield f"owned by {name}" + (f" [{', '.join(notes)}]" if notes else "")
        if not owner.path:
            yield "    it is the row itself"
        for step in owner.path:
            own = f"{step.row.table}.{columns_text(step.columns)}"
            yield f"    {own} = {step.owner.table}.{columns_text(step.owner_columns)}, row {step.owner}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
