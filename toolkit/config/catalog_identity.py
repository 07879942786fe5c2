"""The `identity:` section of a catalog file: what is wrong with it, and its templates rendered for one restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from toolkit.config import validation
from toolkit.config.document import Document, Keys, below
from toolkit.config.templates import Templates, is_template
from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Catalog, Category
from toolkit.model.host import Host
from toolkit.model.identity import CreatedRow, IdentityRules, Value
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret
from toolkit.planning.clock import stamp

_LATER = timedelta(days=400, hours=1, minutes=1, seconds=1, milliseconds=1)
"""Another time, that differs from any in every part: what templates make of it shows which values follow `now`."""


def identity_problems(document: Document, catalog: Catalog) -> Iterator[Problem]:
    """Find what is wrong with the section: tables not listed or of the wrong kind, templates that do not parse."""
    rules = catalog.identity
    device, own = (Category.DEVICE,), (Category.DEVICE, Category.TRANSIENT)
    if rules.node is not None:
        yield from not_listed(document, catalog, rules.node.table, ("identity", "node", "table"), device)
    for index, table in enumerate(rules.clear):
        yield from not_listed(document, catalog, table, ("identity", "clear", index), own)
    for index, row in enumerate(rules.create):
        yield from not_listed(document, catalog, row.table, ("identity", "create", index, "table"), own)
    templates = Templates()
    for path, text in _texts(rules):
        if message := templates.syntax_problem(text):
            yield document.problem(path, message)


def not_listed(
    document: Document, catalog: Catalog, table: str, path: Keys, categories: tuple[Category, ...]
) -> Iterator[Problem]:
    """Problems of a table's name: the file does not list it, or lists it in another category."""
    rule = catalog.rules.get(table)
    if rule is None:
        yield document.problem(path, validation.unknown(table, catalog.rules, "table"))
    elif rule.category not in categories:
        wanted = " or ".join(categories)
        yield document.problem(path, f"the table {table} is {rule.category}; it must be {wanted} here")


def _texts(rules: IdentityRules) -> Iterator[tuple[Keys, str]]:
    if rules.node is not None:
        yield ("identity", "node", "where"), rules.node.where
        yield ("identity", "node", "generate"), rules.node.generate
    for index, row in enumerate(rules.create):
        for column, value in row.row.items():
            if isinstance(value, str):
                yield ("identity", "create", index, "row", column), value


def with_own_node(catalog: Catalog, host: Host, env: Mapping[str, str]) -> Catalog:
    """Give the catalog with the condition of `identity.node` as it is for one host.

    Quotes in what a template brings in are doubled, so that it stays within the quotes around it.

    Raises:
        InputError: the template does not render; the inventory may not say what it asks for.
    """
    node = catalog.identity.node
    if node is None or not is_template(node.where):
        return catalog
    known = {"id": host.device_id, "name": host.device_name, "node": host.device_node}
    device = {name: _in_quotes(value) for name, value in known.items() if value is not None}
    variables = {"device": device, "env": {name: _in_quotes(value) for name, value in env.items()}, "host": host.name}
    place = Place(file=catalog.file, path="identity.node.where")
    try:
        made = Templates().render(node.where, variables, place)
    except InputError as error:
        hint = f"give host {host.name} a `device` in the inventory, with what the condition asks for"
        raise InputError(error.problems, hint=hint) from error
    where = made.reveal() if isinstance(made, Secret) else str(made)
    return replace(catalog, identity=replace(catalog.identity, node=replace(node, where=where)))


def _in_quotes(value: str) -> str:
    return value.replace("'", "''")


class IdentityTemplates(Struct, frozen=True, kw_only=True):
    """Renders the templates of one catalog file for one restore.

    Attributes:
        host: name of the host restored into.
        now: the time of the restore; templates see it as UTC text with milliseconds.
        env: the environment variables that templates may read.
    """

    catalog: Catalog
    host: str
    device_id: str | None
    device_name: str | None
    device_node: str | None
    now: datetime
    env: Mapping[str, str]

    def node_id(self) -> str:
        """Give a new node id.

        Raises:
            InputError: the template does not render, or gives nothing.
        """
        node = self.catalog.identity.node
        place = Place(file=self.catalog.file, path="identity.node.generate")
        made = Templates().render(node.generate if node else "", self._variables(self.now), place)
        text = made.reveal() if isinstance(made, Secret) else str(made if made is not None else "").strip()
        if not text:
            raise InputError(f"{self.catalog.file}: {place.path}: the template gives no node id")
        return text

    def rows(self, node_id: str) -> tuple[CreatedRow, ...]:
        """Give the rows of `identity.create` for a node, its own first; where none is listed, one with the id alone.

        Raises:
            InputError: every template that does not render.
        """
        rendered, later = (self._rendered(moment, node_id) for moment in (self.now, self.now + _LATER))
        rules, node = self.catalog.identity.create, self.catalog.identity.node
        rows = [
            CreatedRow(
                number=number,
                table=rule.table,
                values=values,
                volatile=frozenset(name for name, value in values.items() if value != other[name]),
                own_node=bool(node and rule.table == node.table and str(values.get(node.key)) == node_id),
            )
            for number, (rule, values, other) in enumerate(zip(rules, rendered, later, strict=True))
        ]
        if node and not any(row.own_node for row in rows):
            rows.append(CreatedRow(number=-1, table=node.table, values={node.key: node_id}, own_node=True))
        return tuple(sorted(rows, key=lambda row: not row.own_node))

    def _rendered(self, moment: datetime, node_id: str) -> list[dict[str, Value]]:
        place = Place(file=self.catalog.file, path="identity.create")
        variables = {**self._variables(moment), "node_id": node_id}
        problems: list[Problem] = []
        rows: list[dict[str, Value]] = []
        for number, rule in enumerate(self.catalog.identity.create):
            try:
                made = Templates().render(rule.row, variables, below(place, f"[{number}].row"))
                rows.append({name: _value(value) for name, value in made.items()})
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(problems)
        return rows

    def _variables(self, moment: datetime) -> dict[str, Any]:
        text = stamp(moment, "milliseconds")
        device = {"id": self.device_id, "name": self.device_name, "node": self.device_node}
        return {"now": text, "host": self.host, "device": device, "env": dict(self.env)}


def _value(value: Any) -> Value:
    if isinstance(value, Secret):
        return value.reveal()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
