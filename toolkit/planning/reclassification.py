"""What today's catalog file makes of a backup: tables and businesses that were something else when it was made.

Today's catalog file decides. Rows of a table that is transient or unclassified now are not written. A table whose rule
has changed, or whose ownership passes through one, loses no rows to a mirror: the backup cannot say which of the rows
that today's rule takes were there. All of it is said, with counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.drift import Answers
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.model.schema import DatabaseSchema
from toolkit.model.scope import Demo
from toolkit.planning.links import Links
from toolkit.wording import count, first_few, put_aside_text

_OPTIONAL = "optional"


class Reclassified(Struct, frozen=True, kw_only=True):
    """A backup as today's catalog file has it.

    Attributes:
        manifest: without the tables that are not restored, each in its category of today.
        passed_over: the tables that are not restored, with their rows.
        uncertain: tables of the target of which the backup cannot say which rows there were → why.
        told: what is different, as sentences.
        put_aside: table of the target, or model without one → records of an imported file that the backup lacks.
    """

    manifest: Manifest
    passed_over: Mapping[str, int]
    uncertain: Mapping[str, str]
    told: tuple[str, ...]
    put_aside: Mapping[str, int]

    @property
    def said(self) -> tuple[str, ...]:
        """All that is different, as sentences."""
        return (*_aside_said(self.put_aside), *self.told)

    def said_of(self, tables: Collection[str]) -> tuple[str, ...]:
        """Give what is different of some tables of the target."""
        told = (text for text in self.told if any(text.startswith(f"table {name} ") for name in tables))
        return (*_aside_said({name: self.put_aside[name] for name in tables if name in self.put_aside}), *told)


def rule_text(rule: TableRule, names: Mapping[str, str] | None = None) -> str:
    """Give what decides which rows of a table a scope takes, as one line.

    Args:
        names: names of tables, and of columns as `table.column`, in whose place others are written.
    """
    if rule.category is not Category.BUSINESS:
        return rule.category.value
    names, own = names or {}, rule.table

    def column(table: str, name: str) -> str:
        old = names.get(table, table)
        return f"{old}.{names.get(f'{table}.{name}', name)}"

    edges = sorted(", ".join(column(edge.table or own, name) for name in edge.columns) for edge in rule.owned_by)
    parts = [f"owned by {' or '.join(edges)}" if edges else rule.kind.value]
    parts.extend(
        f"{', '.join(column(own, name) for name in each.columns)} references"
        f" {', '.join(column(each.parent, name) for name in each.parent_columns)}"
        for each in sorted(rule.references, key=lambda each: (each.columns, each.parent))
        if each.on_restore is None  # such a one takes no rows
    )
    parts.extend([f"where {rule.where}"] if rule.where else [])
    parts.extend([f"unowned {rule.unowned}"] if rule.unowned else [])
    parts.extend([f"newest by {column(own, rule.newest_by)}"] if rule.newest_by else [])
    parts.extend([_OPTIONAL] if rule.optional else [])
    return "; ".join(parts)


def is_optional(text: str) -> bool:
    """Say whether a rule's text is that of an optional table."""
    return text.rsplit("; ", maxsplit=1)[-1] == _OPTIONAL


def reclassified(
    manifest: Manifest,
    catalog: Catalog,
    rules: Mapping[str, TableRule],
    schema: DatabaseSchema,
    links: Links,
    *,
    answers: Answers,
) -> Reclassified:
    """Give what the catalog file makes of a backup.

    Args:
        rules: of the target's tables.
        schema: the target's.
        answers: which tables and columns have another name there.
    """
    new, old = _names(manifest, answers)
    entries, passed_over, said = [], dict[str, int](), list[str]()
    for entry in manifest.tables:
        name = new.get(entry.name, entry.name)
        if name not in schema.tables:
            entries.append(entry)
            continue
        today, sentence = _today(entry, name, rules.get(name), catalog)
        said.extend([sentence] if sentence else [])
        if today is None:
            passed_over[entry.name] = entry.rows
        else:
            entries.append(today)
    before = {new.get(name, name): text for name, text in manifest.classification.items()}
    now = {name: rule_text(rule, old) for name, rule in rules.items()}
    differing = {name: text for name, text in before.items() if name in schema.tables and now.get(name) != text}
    restored = {new.get(entry.name, entry.name) for entry in entries}
    unspoken = [left.table for left in manifest.left_out if left.reason == "file"]
    put_aside = {new.get(name, name): number for name, number in manifest.put_aside.items()}
    aside = [name for name in put_aside if name in schema.tables]
    whys = {
        **{name: f"{name} is not in the imported file" for name in unspoken},
        **{name: f"records of {name} were put aside when the file was imported" for name in aside},
        **dict.fromkeys(differing, "the table was classified otherwise when the backup was made"),
    }
    uncertain = {reached: why for name, why in whys.items() for reached in _reached([name], rules, links)}
    uncertain |= {name: why for name, why in whys.items() if name not in differing}
    said.extend(
        f"table {name} was classified otherwise when the backup was made ({differing[name]}; now {now[name]}):"
        " rows that the backup lacks stay"
        for name in sorted(restored & differing.keys())
        if name in now
    )
    said.extend(_then_left_out(manifest, rules))
    if passing := sorted((uncertain.keys() - differing.keys() - {*aside}) & restored):
        said.append(f"ownership of {', '.join(passing)} passes through such tables: rows that the backup lacks stay")
    return Reclassified(
        manifest=_without(manifest, entries, passed_over),
        passed_over=passed_over,
        uncertain=uncertain,
        told=tuple(said),
        put_aside=put_aside,
    )


def _aside_said(numbers: Mapping[str, int]) -> list[str]:
    if not numbers:
        return []
    what = put_aside_text(numbers)
    return [f"put aside when the file was imported: {what}; rows of these tables that the backup lacks stay"]


def _names(manifest: Manifest, answers: Answers) -> tuple[dict[str, str], dict[str, str]]:
    """Tables by their name in the target, and what tables and columns of the target are called in the backup."""
    held = {entry.name for entry in manifest.tables}
    new = {name: into for name, into in answers.rename.items() if name in held}
    old = {into: name for name, into in new.items()}
    for written, into in answers.rename.items():
        table, _, column = written.rpartition(".")
        if written not in held and table in held:
            old[f"{new.get(table, table)}.{into}"] = column
    return new, old


def _today(entry: TableEntry, name: str, rule: TableRule | None, catalog: Catalog) -> tuple[TableEntry | None, str]:
    """The entry of a table by its rule of today, None where it is not restored, and what is to be said of it."""
    if rule is None:
        return None, f"table {name} is not classified in {catalog.file}: its {entry.rows} rows in the backup stay there"
    if rule.category is Category.TRANSIENT:
        return None, f"table {name} is transient now: its {entry.rows} rows in the backup stay there"
    if rule.category.value == entry.category:
        return entry, ""
    category = "device" if rule.category is Category.DEVICE else "business"
    what = "they follow the device decision" if category == "device" else "they are restored on any device"
    today = msgspec.structs.replace(entry, category=category)
    return today, f"table {name} is {category} data now: it has {entry.rows} rows in the backup, and {what}"


def _reached(differing: Collection[str], rules: Mapping[str, TableRule], links: Links) -> frozenset[str]:
    """The tables with another rule, those that are owned through them, and `referenced` ones that they point at."""
    reached, waiting = set(differing), list(differing)
    while waiting:
        table = waiting.pop()
        pointed = (
            link.parent
            for link in links.references
            if link.child == table and link.parent in rules and rules[link.parent].kind is RuleKind.REFERENCED
        )
        owned = (link.table for link in links.owners if link.source == table)
        for name in {*pointed, *owned} - reached:
            reached.add(name)
            waiting.append(name)
    return frozenset(reached)


def _then_left_out(manifest: Manifest, rules: Mapping[str, TableRule]) -> list[str]:
    unspoken = [left.table for left in manifest.left_out if left.reason == "file"]
    are = "table is" if len(unspoken) == 1 else "tables are"
    unknown = f"{count(len(unspoken))} {are} not in the imported file and not touched: {first_few(unspoken)}"
    return [
        *([unknown] if unspoken else []),
        *_left_out_as_others(manifest, rules),
    ]


def _left_out_as_others(manifest: Manifest, rules: Mapping[str, TableRule]) -> list[str]:
    return [
        f"table {left.table} is business data now, and was left out of the backup as {left.reason}: it is not touched"
        for left in manifest.left_out
        if left.reason not in ("optional", "file")
        and left.table in rules
        and rules[left.table].category is Category.BUSINESS
        and not rules[left.table].optional
    ]


def _without(manifest: Manifest, entries: list[TableEntry], gone: Mapping[str, int]) -> Manifest:
    schema = manifest.schema
    if gone:
        tables = {name: table for name, table in schema.tables.items() if name not in gone}
        schema = msgspec.structs.replace(schema, tables=tables)
    optional = {name: limit for name, limit in manifest.metadata.optional.items() if name not in gone}
    return msgspec.structs.replace(
        manifest,
        tables=tuple(entries),
        schema=schema,
        metadata=msgspec.structs.replace(manifest.metadata, optional=optional),
        sequences=tuple(each for each in manifest.sequences if each.owned_by is None or each.owned_by[0] not in gone),
    )


class Tenants(Struct, frozen=True, kw_only=True):
    """The tenants of a target under a backup's scope.

    Attributes:
        known: all of them, key → label.
        selected: those that the restore is about.
        spared: those that the demo rule would take, and that the backup left out by it.
        held: the keys of those that the backup has.
    """

    known: Mapping[str, str]
    selected: Mapping[str, str]
    spared: Mapping[str, str]
    held: Collection[str]


def businesses_said(manifest: Manifest, tenants: Tenants, *, deleted: Collection[str] | None = None) -> tuple[str, ...]:
    """Say which businesses have become demo or real, or have come, since a whole backup was made.

    Args:
        deleted: the tenants whose rows a mirror deletes; None where nothing is mirrored.
    """
    if manifest.metadata.business_filter.business_ids:
        return ()
    demo = Demo(manifest.metadata.business_filter.demo)
    said = [
        f"business {_named(key, label)} was left out of the backup (demo: {demo}) and would be in it today: it stays"
        " as it is"
        for key, label in tenants.spared.items()
    ]
    said.extend(
        f"business {_named(key, tenants.known[key])} is in the backup, and demo: {demo} leaves it out today: it stands"
        " outside this restore; name it under `businesses` to restore it"
        for key in sorted(tenants.held)
        if key not in tenants.selected
    )
    if deleted is not None:
        said.extend(
            f"business {_named(key, label)} was not there when the backup was made: "
            + ("a mirror deletes it" if key in deleted else "its row stays, for the reason with which it is kept")
            for key, label in tenants.selected.items()
            if key not in tenants.held
        )
    return tuple(said)


def _named(key: str, label: str) -> str:
    return f"{key} ({label})" if label and label != key else key
