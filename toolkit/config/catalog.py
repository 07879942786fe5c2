"""Catalog files as data: the schema's shape, then what only a look at the whole file can say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace  # noqa: TID251 - of a Problem, which commands load without msgspec
from pathlib import Path
from typing import Any

from toolkit.config import document as documents
from toolkit.config import patterns, validation
from toolkit.config.catalog_identity import identity_problems, not_listed
from toolkit.config.document import Document, Keys
from toolkit.errors import InputError, Problem
from toolkit.model.catalog import (
    Catalog,
    Category,
    DeclaredReference,
    OnOtherDevice,
    OnRestore,
    OwnerEdge,
    RuleKind,
    TableRule,
    TenantTable,
)
from toolkit.model.identity import CreateRule, IdentityRules, NodeRule

_QUOTED = re.compile(r'(?:(.*)\.)?"((?:[^"]|"")+)"')


def load(path: Path, *, control: Path | None = None) -> Catalog:
    """Read and check a catalog file; `control` is the control directory, for file names in problems.

    Raises:
        InputError: every problem the file has.
    """
    return of_document(documents.read(path, control=control), path.stem)


def of_document(document: Document, stem: str) -> Catalog:
    """Check a catalog file that has been read; `stem` is the file's name without ending. Raises as `load` does."""
    problems = validation.check_document(document, "catalog")
    if problems:
        raise InputError(replace(each, message=_BARE) if each.message == _NO_TABLES else each for each in problems)
    reader = _Reader(document)
    catalog = reader.catalog()
    problems = [*reader.problems, *_whole(document, catalog, stem)]
    if problems:
        raise InputError(sorted(problems, key=lambda problem: problem.line))
    return catalog


_NO_TABLES = "the key business is missing"
_BARE = f"{_NO_TABLES}: let the database propose it: invoke classify --host HOST --update"


class _Reader:
    """Builds the model from a document whose shape has been checked."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._first: dict[str, int] = {}
        self.problems: list[Problem] = []

    def catalog(self) -> Catalog:
        written = self._document.value
        version = written.get("schema_version")
        rules = [rule for category in Category for rule in self._category(category)]
        return Catalog(
            name=written["catalog"],
            file=self._document.file,
            schemas=tuple(written.get("schemas", [written.get("schema", "public")])),
            other_schemas=written.get("other_schemas", {}),
            tenant=TenantTable(**written["tenant"]),
            rules={rule.table: rule for rule in rules if not patterns.GLOB.search(rule.table)},
            patterns=tuple(rule for rule in rules if patterns.GLOB.search(rule.table)),
            schema_version=(version["table"], version["column"]) if version else None,
            identity=_identity_rules(written.get("identity", {})),
            models=written.get("models", {}),
        )

    def _category(self, category: Category) -> Iterator[TableRule]:
        for group, tables in self._document.value.get(category.value, {}).items():
            for table, written in tables.items():
                path: Keys = (category.value, group, table)
                line = self._document.line(path)
                if table in self._first:
                    message = f"the table stands in the file twice (first on line {self._first[table]})"
                    self.problems.append(self._document.problem(path, message))
                    continue
                self._first[table] = line
                if category is Category.BUSINESS:
                    yield self._business(table, group, written, path)
                else:
                    # which rows does not arise: a device table is taken whole, a transient one never
                    kind, cascade = RuleKind.SHARED, written.get("cascade", False)
                    yield TableRule(table=table, category=category, group=group, kind=kind, cascade=cascade, line=line)

    def _business(self, table: str, group: str, written: Any, path: Keys) -> TableRule:
        if isinstance(written, str):
            written = {"rule": written}
        edges = enumerate(written.get("owned_by", ()))
        references = written.get("references", {}).items()
        return TableRule(
            table=table,
            category=Category.BUSINESS,
            group=group,
            kind=RuleKind(written.get("rule", RuleKind.OWNED)),
            owned_by=tuple(self._edge(edge, (*path, "owned_by", index)) for index, edge in edges),
            references=tuple(self._reference(key, value, (*path, "references", key)) for key, value in references),
            where=written.get("where", ""),
            optional=written.get("optional", False),
            newest_by=written.get("newest_by", ""),
            unowned=written.get("unowned", ""),
            line=self._document.line(path),
        )

    def _edge(self, written: str | list[str], path: Keys) -> OwnerEdge:
        parts = [_place(part) for part in ([written] if isinstance(written, str) else written)]
        tables = {table for table, _ in parts}
        if len(tables) > 1:
            self.problems.append(self._document.problem(path, "the columns of a composite key are of one table"))
        return OwnerEdge(table=parts[0][0], columns=tuple(column for _, column in parts))

    def _reference(self, key: str, written: Any, path: Keys) -> DeclaredReference:
        target = written if isinstance(written, str) else written["to"]
        first, comma, more = target.partition(",")
        parent, column = _place(first)
        parent_columns = f"{column}{comma}{more}"
        reference = DeclaredReference(
            columns=_columns(key),
            parent=parent,
            parent_columns=_columns(parent_columns),
            on_other_device=_on_other_device(written) if isinstance(written, Mapping) else None,
            on_restore=_on_restore(written) if isinstance(written, Mapping) else None,
        )
        if len(reference.columns) != len(reference.parent_columns):
            count = f"{len(reference.columns)} and {len(reference.parent_columns)}"
            message = f"as many columns must stand on both sides; there are {count}"
            self.problems.append(self._document.problem(path, message))
        return reference


def _identity_rules(written: Mapping[str, Any]) -> IdentityRules:
    return IdentityRules(
        node=NodeRule(**written["node"]) if "node" in written else None,
        clear=tuple(written.get("clear", ())),
        create=tuple(CreateRule(table=row["table"], row=dict(row["row"])) for row in written.get("create", ())),
    )


def _place(written: str) -> tuple[str, str]:
    """The table, empty for the rule's own, and the column; one with a dot in its name is quoted as in SQL."""
    if found := _QUOTED.fullmatch(written):
        return found[1] or "", found[2].replace('""', '"')
    table, _, column = written.rpartition(".")
    return table, column


def _columns(text: str) -> tuple[str, ...]:
    return tuple(column.strip() for column in text.split(","))


def _on_other_device(written: Mapping[str, Any]) -> OnOtherDevice | None:
    if "on_other_device" not in written:
        return None
    # YAML's own null is what people write for it
    return OnOtherDevice(written["on_other_device"] or "null")


def _on_restore(written: Mapping[str, Any]) -> OnRestore | None:
    return OnRestore(written["on_restore"] or "null") if "on_restore" in written else None


def _whole(document: Document, catalog: Catalog, stem: str) -> Iterator[Problem]:
    """What concerns several parts of the file at once."""
    if catalog.name != stem:
        yield document.problem(("catalog",), f"the catalog {catalog.name} must be in a file {catalog.name}.yml")
    if "schemas" in document.value and "schema" in document.value:
        yield document.problem(("schema",), "`schemas` lists all schemas; leave `schema` out")
    for name in catalog.schemas:
        if name in catalog.other_schemas:
            yield document.problem(("other_schemas", name), f"schema {name} is covered: it stands under `schemas`, too")
    for rule in catalog.rules.values():
        if catalog.is_left_out(rule.table):
            path: Keys = (rule.category.value, rule.group, rule.table)
            schema = rule.table.partition(".")[0]
            yield document.problem(path, f"schema {schema} is left out under `other_schemas`: its tables have no rules")
    tenant = catalog.rules.get(catalog.tenant.table)
    if tenant is None or tenant.category is not Category.BUSINESS:
        message = f"the tenant table {catalog.tenant.table} is not listed under business; list it with the rule tenant"
        yield document.problem(("tenant", "table"), message)
    for rule in catalog.rules.values():
        if rule.category is Category.BUSINESS:
            yield from _rule(document, catalog, rule)
    for model, table in catalog.models.items():
        yield from not_listed(document, catalog, table, ("models", model), tuple(Category))
    yield from identity_problems(document, catalog)


def _rule(document: Document, catalog: Catalog, rule: TableRule) -> Iterator[Problem]:
    path: Keys = (Category.BUSINESS.value, rule.group, rule.table)
    if rule.table == catalog.tenant.table and rule.kind is not RuleKind.TENANT:
        yield document.problem(path, "the tenant table has the rule tenant")
    if rule.kind is RuleKind.TENANT and rule.table != catalog.tenant.table:
        yield document.problem(path, f"the rule tenant is for the tenant table, {catalog.tenant.table}, only")
    for index, edge in enumerate(rule.owned_by):
        if edge.table:
            yield from not_listed(document, catalog, edge.table, (*path, "owned_by", index), (Category.BUSINESS,))
    for reference in rule.references:
        at = (*path, "references", next(key for key in _keys(document, path) if _columns(key) == reference.columns))
        left_out = catalog.is_left_out(reference.parent)
        if not left_out:
            yield from not_listed(document, catalog, reference.parent, at, tuple(Category))
        parent = catalog.rules.get(reference.parent)
        if reference.on_other_device and parent and parent.category is not Category.DEVICE:
            message = f"on_other_device is for references to device tables; {reference.parent} is {parent.category}"
            yield document.problem(at, message)
        category = Category.TRANSIENT if left_out else parent.category if parent else None
        if category and (message := _about_restore(reference, category)):
            yield document.problem(at, message)
        node = catalog.identity.node
        if reference.on_other_device is OnOtherDevice.CURRENT_NODE and node and node.table != reference.parent:
            message = f"current_node is for references to {node.table}, the table of identity.node"
            yield document.problem(at, message)


def _about_restore(reference: DeclaredReference, category: Category) -> str:
    """What is wrong with what a reference says of restores."""
    transient = category is Category.TRANSIENT
    if reference.on_restore and not transient:
        return f"on_restore is for references to transient tables; {reference.parent} is {category}"
    if transient and not reference.on_restore:
        return (
            f"{reference.parent} is transient, so no backup has the row that is pointed at: say what a restore does"
            " where it is gone, `on_restore: null | skip_row | refuse`"
        )
    return ""


def _keys(document: Document, path: Keys) -> list[str]:
    value = document.value
    for part in path:
        value = value[part]
    return list(value["references"])
