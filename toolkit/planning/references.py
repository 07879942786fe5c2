"""What points at what: foreign keys, and references that only the catalog file declares."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from toolkit.errors import Problem
from toolkit.model.catalog import Catalog, Category, DeclaredReference, OnOtherDevice, OnRestore, TableRule
from toolkit.model.schema import PLAIN, DatabaseSchema, Equality, ForeignKey, Table


class ReferenceLink(Struct, frozen=True, kw_only=True):
    """Rows of `child` point at the `parent` rows with equal columns.

    Attributes:
        constraint: name of the foreign key; empty for a reference that the server does not enforce: only the catalog
            file declares it, or it is NOT ENFORCED.
        validated: the database vouches that no child row points at nothing.
        equalities: how a parent is found, per column, the parent's on the left; empty for the plain way.
        period: the last columns are ranges that overlap.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    constraint: str = ""
    validated: bool = False
    equalities: tuple[Equality, ...] = ()
    period: bool = False
    on_other_device: OnOtherDevice | None = None
    on_restore: OnRestore | None = None


def derive_references(catalog: Catalog, schema: DatabaseSchema, problems: list[Problem]) -> list[ReferenceLink]:
    """Give the references that foreign keys make and the catalog file declares; adds what is wrong with them."""
    links = []
    for table in schema.tables.values():
        rule = catalog.rules.get(table.name)
        declared = {_pairs(ref): ref for ref in rule.references} if rule else {}
        keys = {_pairs(key) for key in table.foreign_keys}
        problems.extend(_cannot_be_null(catalog, rule, table) if rule else ())
        for key in table.foreign_keys:
            extra = declared.get(_pairs(key))
            links.append(
                ReferenceLink(
                    child=table.name,
                    columns=key.columns,
                    parent=key.parent,
                    parent_columns=key.parent_columns,
                    constraint=key.name if key.enforced else "",
                    validated=key.validated,
                    equalities=key.equalities,
                    period=key.period,
                    on_other_device=extra.on_other_device if extra else None,
                    on_restore=extra.on_restore if extra else None,
                )
            )
        for ref in (ref for pairs, ref in declared.items() if pairs not in keys):
            assert rule is not None
            place = f"references.{','.join(ref.columns)}"
            missing = missing_columns(table, ref.columns)
            parent = schema.tables.get(ref.parent)
            if parent is None and ref.parent not in catalog.rules:
                why = ": it is in a schema that is left out, and no foreign key leads there"
                missing.append(f"there is no table {ref.parent!r}{why if catalog.is_left_out(ref.parent) else ''}")
            elif parent is not None:
                missing.extend(missing_columns(parent, ref.parent_columns))
            problems.extend(rule_problem(catalog, rule, place, text) for text in missing)
            if parent is not None and not missing:
                links.append(
                    ReferenceLink(
                        child=table.name,
                        columns=ref.columns,
                        parent=ref.parent,
                        parent_columns=ref.parent_columns,
                        equalities=_by_type(schema, parent, ref.parent_columns, table, ref.columns),
                        on_other_device=ref.on_other_device,
                        on_restore=ref.on_restore,
                    )
                )
    return links


def _cannot_be_null(catalog: Catalog, rule: TableRule, table: Table) -> Iterator[Problem]:
    """References that are to become NULL and cannot."""
    for ref in rule.references:
        there = [name for name in ref.columns if name in table.column_names]
        if ref.on_restore is OnRestore.NULL and there and not any(table.column(name).nullable for name in there):
            place = f"references.{','.join(ref.columns)}"
            yield rule_problem(catalog, rule, place, "on_restore: null cannot be: the column is NOT NULL")


def undecided_references(
    catalog: Catalog, rules: Mapping[str, TableRule], references: Iterable[ReferenceLink]
) -> list[str]:
    """Ask about foreign keys of business tables to transient ones of which the catalog file says nothing."""
    return [
        f"{link.child} ({', '.join(link.columns)}) points at {link.parent}, which is transient: say in {catalog.file}"
        f" what a restore does where that row is gone, `references: {{{_written(link.columns)}: {{to:"
        f" {_written(link.parent_columns, link.parent)}, on_restore: null | skip_row | refuse}}}}`"
        for link in references
        if link.constraint
        and link.on_restore is None
        and link.child in rules
        and rules[link.child].category is Category.BUSINESS
        and link.parent in rules
        and rules[link.parent].category is Category.TRANSIENT
    ]


def _written(columns: Sequence[str], table: str = "") -> str:
    """Columns as a catalog file has them, quoted where it has to be."""
    text = (f"{table}." if table else "") + ", ".join(columns)
    return text if re.fullmatch(r"[\w.]+", text) else json.dumps(text, ensure_ascii=False)


def _by_type(
    schema: DatabaseSchema, parent: Table, parent_columns: Sequence[str], child: Table, columns: Sequence[str]
) -> tuple[Equality, ...]:
    """How columns are compared of which no constraint says it: by their type, or as the server sees fit for two."""
    pairs = zip(
        (schema.equality(parent.column(name)) for name in parent_columns),
        (schema.equality(child.column(name)) for name in columns),
        strict=True,
    )
    found = tuple(theirs if theirs == ours else PLAIN for theirs, ours in pairs)
    return found if any(each != PLAIN for each in found) else ()


def _pairs(reference: DeclaredReference | ForeignKey) -> tuple[str, frozenset[tuple[str, str]]]:
    """What a reference says, in whatever order its columns are written."""
    return reference.parent, frozenset(zip(reference.columns, reference.parent_columns, strict=True))


def missing_columns(table: Table, columns: Sequence[str]) -> list[str]:
    """Give a sentence for each of these columns that the table lacks."""
    return [f"table {table.name} has no column {name!r}" for name in columns if name not in table.column_names]


def rule_problem(catalog: Catalog, rule: TableRule, key: str, message: str) -> Problem:
    """Give a problem of a rule of the catalog file at its place."""
    path = f"{rule.category.value}.{rule.group}.{rule.table}.{key}"
    return Problem(file=catalog.file, line=rule.line, path=path, message=message)
