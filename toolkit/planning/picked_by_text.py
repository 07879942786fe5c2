"""Single businesses out of a wider backup without a database: exactly what their own backup would hold, or refused.

The rules of the backup decide, as in a restore. A restore lets the server pick out of what the text of the rows lets
through; here the text has to tell every row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from toolkit.errors import RefusedError, none_or_some
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.planning.answers import Names
from toolkit.planning.business_names import listed, not_known
from toolkit.planning.candidates import Candidates, TooMuchError, Wider
from toolkit.planning.copy_text import copy_text
from toolkit.planning.picking import Picking, links_of, picking_of, refuse_unspoken
from toolkit.planning.told_by_text import ToldByText, loosely_compared

RowsOf = Callable[[TableEntry], Iterator[bytes]]


class PickedByText:
    """The rows of some businesses in a backup.

    Args:
        rows_of: gives the rows of a table, or those that support it, run by run.
        remedy: what to do where text does not tell.

    Raises:
        RefusedError: the backup lacks some of the businesses, or rows do not show by their text whose they are.
    """

    def __init__(self, manifest: Manifest, businesses: Collection[str], rows_of: RowsOf, *, remedy: str) -> None:
        self._manifest = manifest
        self._businesses = businesses
        self._rows_of = rows_of
        self._remedy = remedy
        check_businesses(manifest, businesses)
        self._all = is_everything(manifest, businesses)
        if not self._all:
            refuse_unspoken(manifest)
            self._picking = picking_of(manifest, Names(), manifest.schema, links_of(manifest))
            self._candidates = self._read()

    def rows(self, entry: TableEntry) -> Iterator[bytes]:
        """Give the rows of a table that are theirs, or that theirs need, in the order of the backup."""
        if self._all:
            yield from self._rows_of(entry)
        elif entry.rows:
            for data in self._rows_of(entry):
                if found := self._candidates.found(entry.name, data):
                    yield b"".join(found)

    def _read(self) -> Candidates:
        manifest, picking, schema = self._manifest, self._picking, self._manifest.schema
        entries = {entry.name: entry for entry in manifest.tables}
        text = ToldByText(entries=entries, target=schema, recorded=schema, loose=loosely_compared(schema))
        tenants = {copy_text([key]).removesuffix(b"\n") for key in self._businesses}
        try:
            found = Candidates(Wider(entries=entries, picking=picking, links=picking.links, text=text, tenants=tenants))
            self._refuse(_untold(found, picking, manifest))
            for name, support in found.supports():
                for data in self._rows_of(support.entry):
                    found.support(name, support, data.splitlines(keepends=True))
            for name in found.turns():
                for data in self._rows_of(entries[name]):
                    found.among(name, data)
        except TooMuchError:
            self._refuse(["there are more values by which rows hang together than fit into memory"])
        return found

    def _refuse(self, reasons: Sequence[str]) -> None:
        if reasons:
            named, label = ", ".join(sorted(self._businesses)), self._manifest.metadata.label
            text = f"the rows of {named} cannot be told in backup {label} without a database"
            raise RefusedError(text, reasons, hint=self._remedy)


def check_businesses(manifest: Manifest, businesses: Collection[str]) -> None:
    """See that a backup has some businesses.

    Raises:
        InputError: it has none of them.
        RefusedError: it lacks one of them.
    """
    tenants = manifest.selection.tenants
    missing = sorted(set(businesses) - tenants.keys())
    if not missing:
        return
    raise none_or_some(missing, businesses)(
        f"backup {manifest.metadata.label} does not have the businesses {', '.join(missing)}",
        hint=f"{not_known(missing, tenants, manifest.selection.left_out)}it has {listed(tenants)}",
    )


def is_everything(manifest: Manifest, businesses: Collection[str]) -> bool:
    """Tell whether these are all businesses of a backup that was made of named ones: nothing has to be picked then."""
    named = manifest.metadata.business_filter.business_ids
    return bool(named) and manifest.metadata.backup_type == "business" and set(businesses) == set(named)


def _untold(found: Candidates, picking: Picking, manifest: Manifest) -> list[str]:
    """Say of which tables text does not tell all that there is to know."""
    reasons = []
    for name in found.whole:
        rule = picking.rules.get(name)
        if rule is None or rule.kind != "shared":
            always = rule is not None and rule.unowned == "always"
            why = "a rule takes rows that nobody owns" if always else "equal values may have other texts"
            reasons.append(f"{name}: {why}")
    reasons += [f"{name}: only others brought some of its rows" for name in picking.referenced]
    cut = {entry.name: [who or "nobody" for who in entry.cut] for entry in manifest.tables if entry.cut}
    reasons += [f"{name}: its limit cut rows of {', '.join(who)}" for name, who in cut.items()]
    return sorted(reasons)
