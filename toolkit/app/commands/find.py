"""`find`: tables by a part of their name, and rows by their key or by what stands in their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from toolkit.model.row_search import FoundRow, RowSearch


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `find` is given."""

    text: tuple[str, ...] = command.words("a part of a table's name, a row's key, or a text that stands in a row")
    table: str = command.text("look in this table alone, however large it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Answer):
    """What a text was found in.

    Attributes:
        tables: tables with the text in their name.
    """

    host: str
    tables: tuple[str, ...]
    search: RowSearch

    def lines(self) -> Iterator[Line]:
        """Give the tables, the rows with what was found in them, and where was searched."""
        if self.tables:
            yield Line(f"tables: {', '.join(self.tables)}")
        if self.search.rows:
            rows = [(each.table, _key(each), each.column, wording.one_line(each.value)) for each in self.search.rows]
            yield from map(Line, wording.table(("row of", "key", "found in", "text"), rows))
        if self.search.more:
            yield Line("there are more rows; say more of the text, or name a table with --table")
        if not (self.tables or self.search.rows):
            yield Line(f"nothing is called {self.search.text!r}")
        yield Line(self.searched)

    @property
    def searched(self) -> str:
        """Where was searched, and where was not, in a sentence."""
        found = self.search
        parts = [f"searched by key: {wording.counted(len(found.by_key), 'table')}"]
        if found.by_text or not found.rows:
            parts.append(f"in texts: {wording.counted(len(found.by_text), 'table')}")
        parts += [f"not {wording.first_few(tables)} ({reason})" for reason, tables in self.passed_over.items()]
        return "; ".join(parts)

    @property
    def passed_over(self) -> Mapping[str, list[str]]:
        """The tables that were not searched, by the reason."""
        reasons: dict[str, list[str]] = {}
        for table, reason in sorted(self.search.unsearched.items()):
            reasons.setdefault(reason, []).append(table)
        return reasons

    def document(self) -> Mapping[str, Any]:
        """Give the same facts, with every table that was or was not searched."""
        import msgspec

        return {"host": self.host, "tables": list(self.tables), **msgspec.to_builtins(self.search)}


def _key(row: FoundRow) -> str:
    from toolkit.model.explanation import key_text

    return key_text(row.key)


def _find(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.database import opened
    from toolkit.model.catalog import Category
    from toolkit.model.scope import Scope
    from toolkit.postgres.selection.row_lookup import table_named
    from toolkit.postgres.selection.row_search import search_rows, tables_named
    from toolkit.postgres.selection.snapshot import surveyed

    text = " ".join(given.text).strip()
    if not text:
        raise InputError("no text is named", hint=call.command.invocation)
    with opened(call) as (connection, catalog):
        found = surveyed(connection, catalog, Scope(), unclassified="warn")
        names = tables_named(found.schema.covered().tables, text)
        rules = found.accounting.rules
        within = [name for name in found.schema.covered().tables if name in rules]
        # rows that no backup has are looked for only where somebody asks for them
        kept = [name for name in within if rules[name].category is not Category.TRANSIENT]
        if given.table:
            names, kept = [], [table_named(found.schema, given.table).name]
        search = search_rows(connection, found.schema, kept, text)
    yield Found(host=call.host, tables=tuple(names), search=search)


COMMAND = Command(
    name="find",
    summary="Find tables by name, and rows by key or text",
    usage="--host H [--table T] TEXT",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_find,
)
