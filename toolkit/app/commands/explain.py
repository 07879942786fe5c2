"""`explain`: whose a row, or a table's rows are, whether a scope takes them and why, and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from toolkit.model.catalog import OwnerEdge, TableRule
    from toolkit.model.explanation import Brought, Explanation, Owner, Pointing, RowKey
    from toolkit.model.scope import Scope
    from toolkit.model.table_explanation import TableExplanation, TableReference, TableStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `explain` is given."""

    row: tuple[str, ...] = command.words(
        "a table, alone or with a row's key behind it: its values in order, or column=value"
    )
    businesses: str = command.text("the scope's businesses, separated by commas (default: all)")
    demo: str = command.text("what the scope does with demo businesses: exclude (default), include or only")
    scope: str = command.text("business (default) or full-device")
    optional: str = command.text("optional tables the scope reads, separated by commas, each with =LIMIT or without")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained(Answer):
    """A row of a host's database under a scope."""

    host: str
    scope: Scope
    explanation: Explanation

    def lines(self) -> Iterator[Line]:
        """Give the row, its table, whether it is taken and why, its owners, and what hangs on it."""
        return map(Line, _lines(self.scope, self.explanation))

    def document(self) -> Mapping[str, Any]:
        """Give the same facts, with all samples."""
        import msgspec

        document: dict[str, Any] = msgspec.to_builtins(self.explanation)
        del document["values"]  # for who looks at the row itself: an explanation is often passed on
        return {
            "host": self.host,
            "scope": msgspec.to_builtins(self.scope),
            "taken": self.explanation.mark is not None,
            **document,
            "rule": _rule_document(self.explanation.rule),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTable(Answer):
    """A table of a host's database under a scope; `rows` says how many it has, in words."""

    host: str
    scope: Scope
    rows: str
    explanation: TableExplanation

    def lines(self) -> Iterator[Line]:
        """Give its rule, which rows are taken, whose they are by which way, and what points where."""
        return map(Line, _table_lines(self))

    def document(self) -> Mapping[str, Any]:
        """Give the same facts, and its columns."""
        import msgspec

        document: dict[str, Any] = msgspec.to_builtins(self.explanation)
        return {
            "host": self.host,
            "scope": msgspec.to_builtins(self.scope),
            "rows": self.rows,
            **document,
            "rule": _rule_document(self.explanation.rule),
        }


def _rule_document(rule: TableRule | None) -> dict[str, str] | None:
    if rule is None:
        return None
    return {"category": rule.category.value, "group": rule.group, "text": _rule_text(rule)}


def _table_lines(answer: ExplainedTable) -> Iterator[str]:
    from toolkit.app.scope_options import scope_text

    found = answer.explanation
    yield f"table:  {found.table}, {answer.rows}"
    yield f"rule:   {_rule_line(found.rule)}"
    yield f"key:    {', '.join(found.key) if found.unique else 'none: rows are told apart by all columns'}"
    yield f"scope:  {scope_text(answer.scope)}"
    yield f"taken:  {'yes' if found.taken else 'no'}"
    yield from (f"        {reason}" for reason in found.reasons)
    yield ""
    if not found.ways:
        yield found.nobodys
    for way in found.ways:
        yield "owned by the way" if way else "its rows are the businesses"
        yield from (f"    {_step_text(step)}" for step in way)
    for heading, references in (("it points at:", found.points_at), ("what points at it:", found.pointed_at)):
        if references:
            yield ""
            yield heading
            yield from (f"    {_reference_text(each)}" for each in references)


def _step_text(step: TableStep) -> str:
    return f"{step.table}.{_columns_text(step.columns)} = {step.owner}.{_columns_text(step.owner_columns)}"


def _reference_text(each: TableReference) -> str:
    kind = "declared reference" if each.declared else "foreign key"
    owns = f"; owns {each.owns}" if each.owns else ""
    parent = f"{each.parent}.{_columns_text(each.parent_columns)}"
    return f"{each.child}.{_columns_text(each.columns)} → {parent}: {kind}{owns}"


def _rule_line(rule: TableRule | None) -> str:
    if rule is None:
        return "not classified in the catalog file"
    text = _rule_text(rule)
    return f"{rule.category}/{rule.group}{f', {text}' if text else ''}"


def _rule_text(rule: TableRule) -> str:
    """A rule in the words of the catalog file; empty for a device or transient table."""
    from toolkit.model.catalog import Category, RuleKind

    parts = [] if rule.category is not Category.BUSINESS or rule.kind is RuleKind.OWNED else [rule.kind.value]
    if rule.owned_by:
        parts.append(f"owned_by: [{', '.join(map(_edge_text, rule.owned_by))}]")
    parts += [f"where: {rule.where}"] if rule.where else []
    parts += ["optional"] if rule.optional else []
    parts += [f"unowned: {rule.unowned}"] if rule.unowned else []
    return ", ".join(parts)


def _edge_text(edge: OwnerEdge) -> str:
    return _columns_text([f"{edge.table}.{name}" if edge.table else name for name in edge.columns])


def _columns_text(columns: Sequence[str]) -> str:
    """One column by its name, several in brackets."""
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _samples(keys: Iterable[RowKey]) -> str:
    """Give a few keys, separated by semicolons."""
    return "; ".join(str(key) for key in keys)


def _lines(scope: Scope, explanation: Explanation) -> Iterator[str]:
    from toolkit.app.scope_options import scope_text
    from toolkit.model.explanation import key_text

    key = ", ".join(f"{column}={key_text((value,))}" for column, value in explanation.key.items())
    yield f"row:    {explanation.table} {key}"
    yield f"table:  {_rule_line(explanation.rule)}"
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
            f"{each.table}.{_columns_text(each.columns)}",
            wording.count(each.rows),
            wording.count(each.taken),
            _samples(each.samples),
        )
        for each in sorted(pointing, key=lambda each: not each.taken)
    ]
    return _indented(wording.table(("by", "rows", "taken", "e.g."), rows, right=("rows", "taken")))


def _brought_lines(brought: Iterable[Brought]) -> Iterator[str]:
    rows = [
        (each.table, wording.count(each.rows), wording.count(each.only_referenced), _samples(each.samples))
        for each in brought
    ]
    header = ("table", "rows", "taken only as referenced", "e.g.")
    return _indented(wording.table(header, rows, right=header[1:3]))


def _owner_lines(owners: tuple[Owner, ...]) -> Iterator[str]:
    if not owners:
        yield "owned by nobody"
    for owner in owners:
        notes = [note for note, holds in (("demo", owner.demo), ("selected", owner.selected)) if holds]
        name = f"{wording.one_line(owner.label)} ({owner.tenant})" if owner.label else owner.tenant
        yield f"owned by {name}" + (f" [{', '.join(notes)}]" if notes else "")
        if not owner.path:
            yield "    it is the row itself"
        for step in owner.path:
            own = f"{step.row.table}.{_columns_text(step.columns)}"
            yield f"    {own} = {step.owner.table}.{_columns_text(step.owner_columns)}, row {step.owner}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _explain(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.scope_options import scope_meant

    if not given.row:
        raise InputError("no table and no row are named", hint=call.command.invocation)
    scope = scope_meant(businesses=given.businesses, demo=given.demo, scope=given.scope, optional=given.optional)
    yield _table(given.row[0], scope, call) if len(given.row) == 1 else _row(given.row, scope, call)


def _table(name: str, scope: Scope, call: Call) -> ExplainedTable:
    from toolkit.app.database import opened
    from toolkit.planning.table_explanation import explain_table
    from toolkit.postgres.schema.row_counts import count_rows
    from toolkit.postgres.selection.row_lookup import table_named
    from toolkit.postgres.selection.snapshot import surveyed

    with opened(call) as (connection, catalog):
        found = surveyed(connection, catalog, scope, unclassified="warn")
        table = table_named(found.schema, name).name
        rows = count_rows(connection, found.schema, [table])[table]
    explanation = explain_table(
        table, catalog=catalog, schema=found.schema, links=found.links, accounting=found.accounting, scope=scope
    )
    return ExplainedTable(host=call.host, scope=scope, rows=str(rows), explanation=explanation)


def _row(words: Sequence[str], scope: Scope, call: Call) -> Explained:
    from toolkit.app.database import opened
    from toolkit.postgres.selection.explanation import Explainer
    from toolkit.postgres.selection.snapshot import LOCK_SECONDS, consistent_snapshot
    from toolkit.postgres.session.hurrying import limit

    with (
        opened(call) as (connection, catalog),
        # tables that nobody has classified yet are no reason to explain nothing
        consistent_snapshot(
            connection, catalog, scope, unclassified="warn", patience=call.seconds or LOCK_SECONDS
        ) as survey,
    ):
        limit(connection, call.seconds)
        explanation = Explainer(connection, survey).explain(words[0], words[1:])
    return Explained(host=call.host, scope=scope, explanation=explanation)


COMMAND = Command(
    name="explain",
    summary="Say whose a row, or a table's rows are and whether a scope takes them",
    usage="--host H TABLE [KEY]",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_explain,
)
