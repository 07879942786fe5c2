"""Rules as lines of a catalog file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from toolkit.model.catalog import (
    Category,
    DeclaredReference,
    OwnerEdge,
    RuleKind,
    TableRule,
    TenantTable,
)

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)?")
_NOT_TEXT = frozenset("null true false yes no on off y n".split())
"""Words that one or another version of YAML takes for something else than text."""


def entry(rule: TableRule) -> str:
    """Give a rule as an entry of its group, `table: rule`."""
    return f"{scalar(rule.table)}: {_rule(rule)}"


def tenant_section(tenant: TenantTable) -> str:
    """Give the tenant section, in one line."""
    parts = {"table": tenant.table, "key": tenant.key, "label": tenant.label, "demo": tenant.demo}
    return f"tenant: {_flow({key: scalar(value) for key, value in parts.items() if value})}"


def scalar(text: str) -> str:
    """Give a text in YAML, quoted unless it is a plain word."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT else quoted(text)


def quoted(text: str) -> str:
    """Give a text in double quotes, on one line whatever is in it."""
    dumped = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in dumped)


def comment(text: str) -> str:
    """Give a text as a comment: on one line whatever names are in it."""
    return "# " + "".join(each if each.isprintable() else "?" for each in text)


def _rule(rule: TableRule) -> str:
    if rule.category is not Category.BUSINESS:
        return "{cascade: true}" if rule.cascade else "{}"
    parts = dict(_parts(rule))
    return rule.kind.value if list(parts) == ["rule"] else _flow(parts)


def _parts(rule: TableRule) -> Iterator[tuple[str, str]]:
    if rule.kind is RuleKind.OWNED:
        yield "owned_by", f"[{', '.join(map(_way, rule.owned_by))}]"
    else:
        yield "rule", rule.kind.value
    if rule.references:
        yield "references", _flow({scalar(",".join(each.columns)): _reference(each) for each in rule.references})
    if rule.where:
        yield "where", quoted(rule.where)
    if rule.optional:
        yield "optional", "true"
    if rule.newest_by:
        yield "newest_by", scalar(rule.newest_by)
    if rule.unowned:
        yield "unowned", rule.unowned


def _way(edge: OwnerEdge) -> str:
    columns = [_dotted(edge.table, column) for column in edge.columns]
    return columns[0] if len(columns) == 1 else f"[{', '.join(columns)}]"


def _reference(reference: DeclaredReference) -> str:
    target = _dotted(reference.parent, ",".join(reference.parent_columns))
    rules = {"on_other_device": reference.on_other_device, "on_restore": reference.on_restore}
    said = {name: choice.value for name, choice in rules.items() if choice is not None}
    return _flow({"to": target, **said}) if said else target


def _dotted(table: str, column: str) -> str:
    if "." in column and "," not in column:
        column = '"{}"'.format(column.replace('"', '""'))
    if not table:
        return scalar(column)
    plain = _PLAIN.fullmatch(table) and _PLAIN.fullmatch(column)
    return f"{table}.{column}" if plain else quoted(f"{table}.{column}")


def _flow(parts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}"
