"""What became of the tables of a catalog file: groups for new ones, dropped ones, and likely renames."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from toolkit.model.catalog import Catalog, Category, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import names
from toolkit.planning.classification.proposals import Dropped

ALIKE = 0.5
"""Least likeness, by difflib's ratio from 0 to 1, of an old name and its new one."""
FAMILY = 3
"""Least number of tables with the same first word that make a group of their own."""


def dropped(catalog: Catalog, schema: DatabaseSchema) -> tuple[Dropped, ...]:
    """Give the tables of a catalog file that the schema lacks, by name."""
    gone = sorted(set(catalog.rules) - set(schema.tables))
    needed = set(_needed(catalog))
    return tuple(Dropped(table=table, needed=table in needed) for table in gone)


def renames(catalog: Catalog, schema: DatabaseSchema, new: Sequence[str]) -> Mapping[str, str]:
    """New table → the dropped table that it looks like: alike in name, with every column that the old rule names."""
    pairs = sorted(
        (-_alike(old, table), table, old)
        for old in set(catalog.rules) - set(schema.tables)
        for table in new
        if _alike(old, table) >= ALIKE and _columns(catalog, old) <= set(schema.tables[table].column_names)
    )
    found: dict[str, str] = {}
    for _, table, old in pairs:
        if table not in found and old not in found.values():
            found[table] = old
    return found


def groups(catalog: Catalog, parents: Mapping[str, Sequence[str]], listed: Sequence[str]) -> dict[str, str]:
    """Give the group of every new table.

    That of known tables whose names begin alike, else of its parent; else one by its name's first word; else `core`
    for the tenant table, `reference` for lists and `other` for the rest.

    Args:
        parents: new table → the tables through which it is owned.
        listed: the new tables that are lists.
    """
    known = {table: rule.group for table, rule in catalog.rules.items() if rule.category is Category.BUSINESS}
    alike: dict[str, set[str]] = defaultdict(set)
    for each in known:
        for word in _families(each):
            alike[word].add(each)
    families = Counter(family for table in parents for family in _families(table))
    found: dict[str, str] = {}
    for table in sorted(parents):
        family = min(_families(table), key=lambda name: (-families[name], name))
        beside = _beside(table, alike, known)
        # nearly everything is the tenant's: that says nothing about what belongs together
        near = [parent for parent in parents[table] if parent in known and parent != catalog.tenant.table]
        owner = known[near[0]] if near else ""
        fallback = "core" if table == catalog.tenant.table else "reference" if table in listed else "other"
        found[table] = beside or owner or (family if families[family] >= FAMILY else fallback)
    return found


def _beside(table: str, alike: Mapping[str, set[str]], known: Mapping[str, str]) -> str:
    """The group of the known tables that share most leading words; empty when none shares any.

    Args:
        alike: a first word → the known tables that begin with it.
    """
    wanted = names.words(table)
    near = {each for word in _families(table) for each in alike.get(word, ())}
    shared = {each: _common(wanted, names.words(each)) for each in near}
    most = max(shared.values(), default=0)
    if not most:
        return ""
    counted = Counter(known[each] for each, length in shared.items() if length == most)
    return min(counted, key=lambda group: (-counted[group], group))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if not names.singulars(left) & names.singulars(right):
            break
        length += 1
    return length


def _families(table: str) -> set[str]:
    """The first word of a name, as it is and as a singular."""
    return {word for word in names.singulars((names.words(table) or ("other",))[0]) if word}


def _alike(one: str, other: str) -> float:
    # autojunk and argument order would make the ratio depend on more than the two names
    first, second = sorted((names.plain(one), names.plain(other)))
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


def _columns(catalog: Catalog, table: str) -> set[str]:
    """The columns of a table that its own rule, and the rules of others, name."""
    rule = catalog.rules[table]
    own = {column for edge in rule.owned_by if not edge.table for column in edge.columns}
    own |= {column for reference in rule.references for column in reference.columns}
    others = {
        column
        for each in catalog.rules.values()
        for edge in each.owned_by
        if edge.table == table
        for column in edge.columns
    }
    return own | others | ({rule.newest_by} if rule.newest_by else set())


def _needed(catalog: Catalog) -> Iterator[str]:
    """Tables that other parts of the file name, so that it would not load without their entries."""
    yield catalog.tenant.table
    for table, rule in catalog.rules.items():
        yield from (name for name in _named(rule) if name != table)
    identity = catalog.identity
    yield from (identity.node.table,) if identity.node else ()
    yield from identity.clear
    yield from (each.table for each in identity.create)


def _named(rule: TableRule) -> Iterator[str]:
    yield from (edge.table for edge in rule.owned_by if edge.table)
    yield from (reference.parent for reference in rule.references)
