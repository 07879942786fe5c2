"""`explain`: whose a row is, whether a scope takes it and why, and what hangs on it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `explain` is given."""

    row: tuple[str, ...] = command.words("a table, then the row's key: its values in order, or column=value")
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
        rule = self.explanation.rule
        classified = rule and {"category": rule.category.value, "group": rule.group, "text": _rule_text(rule)}
        return {
            "host": self.host,
            "scope": msgspec.to_builtins(self.scope),
            "taken": self.explanation.mark is not None,
            **document,
            "rule": classified,
        }


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
    rule = explanation.rule
    if rule is None:
        yield "table:  not classified in the catalog file"
    else:
        text = _rule_text(rule)
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
    from toolkit.app.database import opened
    from toolkit.app.scope_options import scope_meant
    from toolkit.postgres.selection.explanation import Explainer
    from toolkit.postgres.selection.snapshot import consistent_snapshot

    if len(given.row) < 2:
        what = "no row is named" if given.row else "no table and no row are named"
        raise InputError(what, hint=call.command.invocation)
    scope = scope_meant(businesses=given.businesses, demo=given.demo, scope=given.scope, optional=given.optional)
    with (
        opened(call) as (connection, catalog),
        # tables that nobody has classified yet are no reason to explain nothing
        consistent_snapshot(connection, catalog, scope, unclassified="warn") as survey,
    ):
        explanation = Explainer(connection, survey).explain(given.row[0], given.row[1:])
    yield Explained(host=call.host, scope=scope, explanation=explanation)


COMMAND = Command(
    name="explain",
    summary="Say whose a row is and whether a scope takes it",
    usage="--host H TABLE KEY",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_explain,
)
