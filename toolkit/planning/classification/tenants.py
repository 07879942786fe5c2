"""Which tables might hold the tenants, and which of them most likely does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct, field

from toolkit.model.catalog import TenantTable
from toolkit.model.schema import DatabaseSchema, ForeignKey, Table
from toolkit.planning.classification import names

MOST_NAMED = 3
"""More tables than these are only counted."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A table that might be that of the tenants.

    Attributes:
        why: what speaks for it, a few words.
        likely: its name, people tied to it, or many tables speak for it; otherwise others merely point at it.
    """

    tenant: TenantTable
    why: str
    likely: bool = False


class _Evidence(Struct, kw_only=True):
    """Tables that point at one table, without those that only mention it."""

    required: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)
    keys: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def tenant_candidates(schema: DatabaseSchema) -> tuple[Candidate, ...]:
    """Give the tables that might hold the tenants, the likeliest first; equal ones by name.

    What counts: tables that cannot be without one of its rows, tables that may name one, a table that ties people to
    it, and its name. A table that is itself a part of such a one is none, and neither are people and lists.
    """
    found = _evidence(schema)
    scores = {table: _score(schema, table, found) for table in found}
    ranked = sorted((name for name in scores if scores[name] > 0), key=lambda name: (-scores[name], name))
    chosen = ranked[:1] + [name for name in ranked[1:] if not _leads_to(found, name, ranked[0])]
    best = scores[chosen[0]] if chosen else 0.0
    return tuple(
        Candidate(
            tenant=_tenant(schema.tables[name], found[name]),
            why=_why(schema, name, found[name]),
            likely=_is_likely(schema, name, found[name]),
        )
        for name in chosen
        # what hardly anything speaks for beside the best one is no candidate worth a person's time
        if scores[name] * 8 >= best
    )


def _is_likely(schema: DatabaseSchema, table: str, evidence: _Evidence) -> bool:
    enough = len(evidence.required | evidence.optional) >= MOST_NAMED
    return enough or bool(names.reads_like_tenants(table)) or bool(_members(schema, table, evidence))


def _leads_to(found: Mapping[str, _Evidence], table: str, top: str) -> bool:
    """Whether rows of a table may be parts, or parts of parts, of rows of another."""
    reached, waiting = {table}, [table]
    while waiting:
        child = waiting.pop()
        above = {parent for parent, each in found.items() if child in each.required | each.optional} - reached
        reached |= above
        waiting += above
    return top in reached


def _evidence(schema: DatabaseSchema) -> Mapping[str, _Evidence]:
    found: dict[str, _Evidence] = defaultdict(_Evidence)
    names_of = names.own_names_of(sorted(schema.tables))
    for table in schema.tables.values():
        # a table without any foreign key says by names what others say by keys
        for parent, column, key in _points(schema, table) if table.foreign_keys else _names(schema, table, names_of):
            required = not table.column(column).nullable
            called = names.names_parent(column, parent, key)
            if parent == table.name or (not called and names.mentions(column, required=required)):
                continue
            (found[parent].required if required else found[parent].optional).add(table.name)
            found[parent].keys[key] += 1
    return found


def _points(schema: DatabaseSchema, table: Table) -> list[tuple[str, str, str]]:
    return [
        (key.parent, key.columns[0], key.parent_columns[0])
        for key in table.foreign_keys
        if key.parent in schema.tables and len(key.columns) == 1 and _is_key(schema.tables[key.parent], key)
    ]


def _is_key(parent: Table, key: ForeignKey) -> bool:
    keys = (parent.primary_key, *(each.columns for each in parent.unique_keys if not each.partial))
    return key.parent_columns in keys


def _names(schema: DatabaseSchema, table: Table, names_of: Mapping[str, frozenset[str]]) -> list[tuple[str, str, str]]:
    """Columns called after a table and its key."""
    found = []
    for parent in schema.tables.values():
        keys = [parent.primary_key, *(each.columns for each in parent.unique_keys if not each.partial)]
        singles = [key[0] for key in keys if len(key) == 1]
        called = {stem + names.plain(key): key for stem in names_of[parent.name] for key in singles}
        # keys that have the table's name in them: store.store_id
        called |= {
            names.plain(key): key for key in singles if names.plain(key).removesuffix("id") in names_of[parent.name]
        }
        for column in table.column_names:
            key = called.get(names.plain(column), "")
            mine = table.primary_key == (column,) or (parent.name == table.name)
            if key and not mine and table.column(column).type == parent.column(key).type:
                found.append((parent.name, column, key))
    return found


def _score(schema: DatabaseSchema, table: str, found: Mapping[str, _Evidence]) -> float:
    of, evidence = schema.tables[table], found[table]
    hint = names.reads_like_tenants(table)
    score = len(evidence.required) + len(evidence.optional - evidence.required) / 2
    score += 2 * bool(_members(schema, table, evidence))
    score *= 1 + hint / 2
    if not hint and names.reads_like_state(table):
        return 0
    if not hint and names.reads_like_people(table):
        score *= 0.1
    if not hint and _is_list(of):
        score *= 0.1
    if any(_is_above(schema, found, parent, table) for parent in _required_parents(of) if parent in found):
        score *= 0.05
    return score


def _required_parents(table: Table) -> set[str]:
    """The tables without a row of which no row of this one can be."""
    return {
        key.parent
        for key in table.foreign_keys
        if key.parent != table.name and not any(table.column(name).nullable for name in key.columns)
    }


def _is_above(schema: DatabaseSchema, found: Mapping[str, _Evidence], parent: str, table: str) -> bool:
    """Whether a table is rather a part of this parent than a table of tenants itself."""
    if table not in found[parent].required:
        return False
    if names.reads_like_tenants(parent):
        return True
    as_much = 2 * len(found[parent].required) >= len(found[table].required)
    is_thing = not _is_list(schema.tables[parent]) and not names.reads_like_people(parent)
    return as_much and is_thing and not names.reads_like_tenants(table)


def _is_list(table: Table) -> bool:
    return names.reads_like_lookup(table.name) or any(
        not key.partial and len(key.columns) == 1 and names.reads_like_list_key(key.columns[0], table.name)
        for key in table.unique_keys
    )


def _members(schema: DatabaseSchema, table: str, evidence: _Evidence) -> str:
    """A table that ties people to this one; empty without one."""
    for name in sorted(evidence.required):
        parents = {key.parent for key in schema.tables[name].foreign_keys}
        if any(parent != table and names.reads_like_people(parent) for parent in parents) and (
            names.reads_like_members(name) or names.own_names(table) & set(map(names.plain, names.words(name)))
        ):
            return name
    return ""


def _why(schema: DatabaseSchema, table: str, evidence: _Evidence) -> str:
    pointing = sorted(evidence.required) + sorted(evidence.optional - evidence.required)
    more = f" and {len(pointing) - MOST_NAMED} more" if len(pointing) > MOST_NAMED + 1 else ""
    shown = pointing[:MOST_NAMED] if more else pointing
    members = _members(schema, table, evidence)
    tie = f"; {members} ties people to it" if members else ""
    return f"named by {', '.join(shown)}{more}{tie}"


def _tenant(table: Table, evidence: _Evidence) -> TenantTable:
    key = min(evidence.keys, key=lambda name: (-evidence.keys[name], name))
    labels = [
        name for wanted in ("name", "title", "label") for name in table.column_names if names.plain(name) == wanted
    ]
    demos = [column.name for column in table.columns if column.type == "boolean" and "demo" in names.words(column.name)]
    return TenantTable(table=table.name, key=key, label=labels[0] if labels else "", demo=min(demos, default=""))
