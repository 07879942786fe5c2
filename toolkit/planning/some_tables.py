"""Some tables out of a backup: which ones are named, and which others have to do with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Category, TableRule
from toolkit.model.manifest import Manifest
from toolkit.planning.links import Links
from toolkit.wording import left_out_text, meant


class SomeTables(Struct, frozen=True, kw_only=True):
    """The tables that are restored, and what has to do with them.

    Attributes:
        named: those that a person has named, by their names in the target.
        parents: others that rows of these point at, or may point at through such rows: rows may come along from them.
        owners: others through which rows of all these are known to be a business's.
        children: others whose rows point at rows of the named ones.
    """

    named: frozenset[str]
    parents: frozenset[str]
    owners: frozenset[str]
    children: frozenset[str]

    @property
    def concerned(self) -> frozenset[str]:
        """All of them."""
        return self.named | self.parents | self.owners | self.children

    @property
    def held(self) -> frozenset[str]:
        """The tables that others may not write to where foreign keys are suspended meanwhile."""
        return self.named | self.parents | self.children


def named_tables(manifest: Manifest, patterns: Sequence[str], *, action: str) -> tuple[str, ...]:
    """Give the tables of a backup that are named; none where no pattern is given.

    Args:
        patterns: names, or glob patterns of them.
        action: whose argument `tables` they are.

    Raises:
        InputError: some fit no table of the backup; all of them, with what is near or why it is not there.
    """
    held = [entry.name for entry in manifest.tables]
    problems = [
        Problem(
            path=f"{action}.tables[{number}]",
            message=_unknown(pattern, held, manifest, action),
        )
        for number, pattern in enumerate(patterns)
        if not any(fnmatchcase(name, pattern) for name in held)
    ]
    if problems:
        raise InputError(problems)
    return tuple(name for name in held if any(fnmatchcase(name, pattern) for pattern in patterns))


def _unknown(pattern: str, held: Collection[str], manifest: Manifest, action: str) -> str:
    left_out = {each.table: each.reason for each in manifest.left_out}
    label = manifest.metadata.label
    if reasons := sorted(
        {f"{name} ({left_out_text(reason)})" for name, reason in left_out.items() if fnmatchcase(name, pattern)}
    ):
        return f"backup {label} has left {', '.join(reasons)} out, so that there is nothing to {action}"
    return f"backup {label} has no table {pattern}{meant(pattern, held)}"


def of_tables(manifest: Manifest, tables: Collection[str]) -> Manifest:
    """Give a backup as if it had these tables alone, with the sequences that are theirs or nobody's."""
    return msgspec.structs.replace(
        manifest,
        tables=tuple(entry for entry in manifest.tables if entry.name in tables),
        sequences=tuple(each for each in manifest.sequences if each.owned_by is None or each.owned_by[0] in tables),
    )


def some_tables(named: Iterable[str], links: Links, rules: Mapping[str, TableRule]) -> SomeTables:
    """Give what has to do with the named tables.

    Args:
        named: by their names in the target.
        rules: of the target's tables.
    """
    chosen = frozenset(named)
    pairs = {(link.child, link.parent) for link in links.references}
    upward = {(child, parent) for child, parent in pairs if _may_come_along(rules.get(parent))}
    parents = _reached(chosen, upward) - chosen
    owners = _reached(chosen | parents, {(link.table, link.source) for link in links.owners})
    children = {child for child, parent in pairs if parent in chosen}
    return SomeTables(
        named=chosen,
        parents=parents,
        owners=owners - chosen - parents,
        children=frozenset(children) - chosen,
    )


def _may_come_along(rule: TableRule | None) -> bool:
    return rule is not None and rule.category is not Category.TRANSIENT


def _reached(start: Iterable[str], edges: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The nodes that edges lead to from some, these included."""
    found, waiting, following = set(start), list(start), dict[str, list[str]]()
    for one, other in edges:
        following.setdefault(one, []).append(other)
    while waiting:
        for other in following.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return frozenset(found)
