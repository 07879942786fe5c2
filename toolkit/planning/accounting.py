"""Strict accounting: every table of the database and of the catalog file has exactly one fate in a scope."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.manifest import LeftOut
from toolkit.model.schema import DatabaseSchema
from toolkit.model.scope import BackupType, Scope
from toolkit.planning.links import Links
from toolkit.wording import counted

OTHER_SCHEMAS = "other_schemas"
"""The heading of tables in schemas that are left out."""

REPEATED = 3
"""So many schemas with the same tables are taken for one per tenant."""

SAMPLES = 5
"""Names, at most, that a sentence lists."""


class Part(StrEnum):
    """Why a table takes part in a scope."""

    RULE = "rule"
    WHOLE = "whole"
    REFERENCED = "referenced"
    """Only for rows that taken rows point at: device tables, and optional tables that no task asked for."""


class Accounting(Struct, frozen=True, kw_only=True):
    """The fate of every table.

    Attributes:
        taken: table → why it takes part; its rows are in the backup.
        left_out: tables of the database that are not, with the reason.
        absent: tables of the catalog file that the database lacks.
        rules: the rule of each table of the database (patterns resolved).
    """

    taken: Mapping[str, Part]
    left_out: tuple[LeftOut, ...]
    absent: tuple[str, ...]
    rules: Mapping[str, TableRule]


def account(
    catalog: Catalog, schema: DatabaseSchema, scope: Scope, links: Links, *, unclassified: str = "fail"
) -> Accounting:
    """Settle the fate of every table.

    Args:
        unclassified: `fail` refuses tables that the catalog file does not name; `warn` leaves them out.

    Raises:
        RefusedError: the database has tables that the catalog file does not classify.
        InputError: the scope names an optional table that is not one.
    """
    _check_optional(catalog, scope)
    rules = {table: rule for table in schema.tables if (rule := _rule(catalog, schema, table)) is not None}
    unknown = [table for table in schema.tables if schema.schemas.covers(table) and table not in rules]
    unknown_schemas = [name for name in schema.schemas.left_out if not catalog.leaves_out(name)]
    if unclassified != "warn":
        _refuse_unknown_schemas(catalog, schema, unknown_schemas)
        _refuse_unknown(catalog, unknown)
    taken = {table: part for table, rule in rules.items() if (part := _own_part(rule, scope)) is not None}
    _add_referenced(taken, rules, links)
    left_out = [LeftOut(table=table, reason="unclassified") for table in unknown]
    for name, tables in schema.schemas.left_out.items():
        reason: Literal["unclassified", "schema"] = "unclassified" if name in unknown_schemas else "schema"
        left_out.extend(LeftOut(table=schema.schemas.name(name, table), reason=reason) for table in tables)
    for table, rule in rules.items():
        if table not in taken and schema.schemas.covers(table):
            left_out.append(LeftOut(table=table, reason="optional" if rule.optional else rule.category.value))  # type: ignore[arg-type]  # a business table that is left out is optional
    return Accounting(
        taken=dict(sorted(taken.items())),
        left_out=tuple(sorted(left_out, key=lambda entry: entry.table)),
        absent=tuple(sorted(set(catalog.rules) - set(schema.tables))),
        rules=rules,
    )


def rule_of(catalog: Catalog, table: str) -> TableRule | None:
    """Give the rule of a table: its own, else the first pattern that fits."""
    if table in catalog.rules:
        return catalog.rules[table]
    return next((rule for rule in catalog.patterns if fnmatchcase(table, rule.table)), None)


def _rule(catalog: Catalog, schema: DatabaseSchema, table: str) -> TableRule | None:
    """The rule of a table; one of a schema that is left out is as one of transient rows: never read, never written."""
    if schema.schemas.covers(table):
        return rule_of(catalog, table)
    return TableRule(table=table, category=Category.TRANSIENT, group=OTHER_SCHEMAS, kind=RuleKind.SHARED)


def _refuse_unknown(catalog: Catalog, unknown: Sequence[str]) -> None:
    if unknown:
        raise RefusedError(
            f"{counted(len(unknown), 'table')} of the database {'is' if len(unknown) == 1 else 'are'} not classified in"
            f" {catalog.file}",
            sorted(unknown),
            hint="add each to a category of the catalog file, or let `invoke classify --host HOST --update` propose it;"
            " nothing was read",
        )


def _refuse_unknown_schemas(catalog: Catalog, schema: DatabaseSchema, unknown: Sequence[str]) -> None:
    if not unknown:
        return
    tables = {name: schema.schemas.others[name] for name in unknown}
    alike = Counter(found for found in tables.values() if len(found) > 1)
    repeated = next((found for found, number in alike.items() if number >= REPEATED), None)
    said = ""
    if repeated is not None:
        same = [name for name, found in tables.items() if found == repeated]
        said = (
            f" {len(same)} of them hold the same tables ({listed(same)}): where every tenant has a schema of its own,"
            " tenants cannot be told apart by rows, and no single one can be backed up or restored; list such schemas"
            " in a catalog file each, or leave them out by a pattern;"
        )
    are = "is" if len(unknown) == 1 else "are"
    raise RefusedError(
        f"{counted(len(unknown), 'schema')} of the database with tables {are} not in {catalog.file}",
        [f"{name} ({counted(len(found), 'table')}: {listed(found)})" for name, found in tables.items()],
        hint=f"add {'it' if len(unknown) == 1 else 'each'} to `schemas`, with a rule for its tables, or to"
        f" `other_schemas` with the reason why it is left out;{said} nothing was read",
    )


def listed(names: Sequence[str]) -> str:
    """Give some names of many, as text."""
    more = len(names) - SAMPLES
    return ", ".join(names[:SAMPLES]) + (f" and {more} more" if more > 0 else "")


def _own_part(rule: TableRule, scope: Scope) -> Part | None:
    if rule.category is Category.BUSINESS:
        return None if rule.optional and rule.table not in scope.optional else Part.RULE
    if rule.category is Category.DEVICE and scope.type is BackupType.FULL_DEVICE:
        return Part.WHOLE
    return None


def _add_referenced(taken: dict[str, Part], rules: Mapping[str, TableRule], links: Links) -> None:
    parents = defaultdict[str, list[str]](list)
    for link in links.references:
        parents[link.child].append(link.parent)
    waiting = list(taken)
    while waiting:
        for parent in parents[waiting.pop()]:
            rule = rules.get(parent)
            if parent not in taken and rule is not None and rule.category is not Category.TRANSIENT:
                taken[parent] = Part.REFERENCED
                waiting.append(parent)


def _check_optional(catalog: Catalog, scope: Scope) -> None:
    problems = []
    for table, limit in scope.optional.items():
        rule = catalog.rules.get(table)
        if rule is None or not rule.optional:
            known = ", ".join(sorted(rule.table for rule in catalog.rules.values() if rule.optional)) or "none"
            problems.append(
                Problem(path=f"optional.{table}", message=f"not an optional table of the catalog; they are: {known}")
            )
        elif limit is not None and not rule.newest_by:
            text = f"a limit needs `newest_by` in the rule of {table} ({catalog.file}:{rule.line})"
            problems.append(Problem(path=f"optional.{table}.limit", message=text))
    if problems:
        raise InputError(problems)
