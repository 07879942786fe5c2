"""`graph`: a database's tables and references under its catalog file, as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from toolkit.model.catalog import Catalog
    from toolkit.planning.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `graph` is given."""

    output: str = command.text("the SVG file to write")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Answer):
    """A file that was written, and how much is drawn in it; `cycles` are references on cycles or to their own table."""

    file: str
    catalog: str
    tables: int
    references: int
    cycles: int

    @property
    def title(self) -> str:
        """What stands above the picture."""
        tables, references = wording.counted(self.tables, "table"), wording.counted(self.references, "reference")
        return f"{self.catalog}: {tables}, {references}"

    def lines(self) -> Iterator[Line]:
        """Say it in a line."""
        yield Line(f"{self.file}: {self.title}, {self.cycles} of them on cycles or to their own table")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return asdict(self)


def graph_asked(call: Call) -> tuple[Catalog, Graph]:
    """Give the graph of the database of the host that a command was given, with the catalog file."""
    from toolkit.app.database import opened
    from toolkit.model.scope import Scope
    from toolkit.planning.graph import graph_of
    from toolkit.postgres.selection.snapshot import surveyed

    with opened(call) as (connection, catalog):
        found = surveyed(connection, catalog, Scope(), unclassified="warn")
    return catalog, graph_of(catalog, found.schema, found.links)


def _graph(given: Options, call: Call) -> Iterator[Answer]:
    from pathlib import Path

    from toolkit.output.graph_svg import LEGEND, svg
    from toolkit.planning.graph_layout import lay_out

    if not given.output:
        raise InputError("no file is named", hint="invoke graph --host HOST --output FILE.svg")
    catalog, graph = graph_asked(call)
    drawn = Drawn(
        file=given.output,
        catalog=catalog.name,
        tables=len(graph.tables),
        references=len(graph.edges),
        cycles=sum(edge.cycle for edge in graph.edges),
    )
    try:
        text = svg(lay_out(graph, top=LEGEND), drawn.title)
        Path(given.output).expanduser().write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"--output: cannot write {given.output}: {error.strerror or error}") from error
    yield drawn


COMMAND = Command(
    name="graph",
    summary="Draw tables, references and ownership",
    usage="--host H --output FILE.svg",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_graph,
)
