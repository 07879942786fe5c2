"""Rows of other tables that rows of some tables point at, and what these point at in turn, told by their text.

With them the foreign keys of the tables hold. Where equal values may have other texts, all rows of the table that is
pointed at come along: more than needed, and never less.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from toolkit.errors import RefusedError
from toolkit.model.catalog import TenantTable
from toolkit.model.manifest import Manifest, RuleEntry, TableEntry
from toolkit.planning.candidates import Candidates, TooMuchError, Wider
from toolkit.planning.links import Links
from toolkit.planning.picking import Picking, links_of
from toolkit.planning.told_by_text import ToldByText, loosely_compared


class RowsAlong:
    """The rows that come along.

    Args:
        entries: all tables there are.
        rows_of: gives the rows of a table, run by run.
        named: the tables of which all rows are taken.

    Attributes:
        tables: those that rows may come along from.
        whole: those of them of which all rows do.

    Raises:
        RefusedError: more values would have to be held than is worth it.
    """

    def __init__(
        self,
        manifest: Manifest,
        entries: Mapping[str, TableEntry],
        rows_of: Callable[[str], Iterator[bytes]],
        named: Collection[str],
    ) -> None:
        links = Links(owners=(), references=links_of(manifest).references)
        self.tables = _reached(named, links)
        reached = {name: entries[name] for name in entries if name in named or name in self.tables}
        picking = Picking(
            tenant=TenantTable(table="", key=""),
            rules={name: RuleEntry(kind="shared" if name in named else "") for name in reached},
            links=links,
            owners={},
            referenced={},
            limits={},
        )
        schema = manifest.schema
        text = ToldByText(entries=reached, target=schema, recorded=schema, loose=loosely_compared(schema))
        self._rows_of = rows_of
        self._found = Candidates(Wider(entries=reached, picking=picking, links=links, text=text, tenants=()))
        self.whole = sorted(self.tables & set(self._found.whole))
        try:
            for name in self._found.turns():
                for data in rows_of(name):
                    self._found.among(name, data)
        except TooMuchError:
            raise RefusedError(
                "there are more rows that others point at than can be told from the rest in memory",
                hint="name the tables that they are in under `tables`, too",
            ) from None

    def rows(self, name: str) -> Iterator[bytes]:
        """Give the rows of a table that come along, in its order."""
        if name in self._found.tables:
            for data in self._rows_of(name):
                if found := self._found.found(name, data):
                    yield b"".join(found)


def _reached(named: Collection[str], links: Links) -> frozenset[str]:
    """The tables, others than these, to which references lead from some."""
    found, waiting = set(named), list(named)
    while waiting:
        child = waiting.pop()
        for link in links.references:
            if link.child == child and link.parent not in found:
                found.add(link.parent)
                waiting.append(link.parent)
    return frozenset(found - set(named))
