"""`graph`: the tables and references of a database under its catalog file, or of a backup, as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import Answer, Line

if TYPE_CHECKING:
    from toolkit.model.catalog import Catalog
    from toolkit.planning.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `graph` is given."""

    label: tuple[str, ...] = command.words("the label of a backup, whose tables are drawn in place of a database's")
    output: str = command.text("the SVG file to write")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Answer):
    """A file that was written, and how much is drawn in it.

    Attributes:
        catalog: the name of the catalog file, or the label of the backup.
        cycles: references on cycles or to their own table.
    """

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


def graph_of_label(label: str, call: Call) -> Graph:
    """Give the graph of the tables of a backup."""
    from toolkit.app.repositories import find_backup
    from toolkit.planning.backup_graph import graph_of_backup

    return graph_of_backup(find_backup(call.control.load_inventory(), label, call.repository)[2])


def drawn_of(graph: Graph, what: str, *, file: str = "") -> Drawn:
    """Say how much a picture of a graph shows; `what`: of which catalog file or backup."""
    return Drawn(
        file=file,
        catalog=what,
        tables=len(graph.tables),
        references=len(graph.edges),
        cycles=sum(edge.cycle for edge in graph.edges),
    )


def picture(graph: Graph, title: str) -> str:
    """Give the picture of a graph as SVG."""
    from toolkit.output.graph_svg import LEGEND, svg
    from toolkit.planning.graph_layout import lay_out

    return svg(lay_out(graph, top=LEGEND), title)


def _graph(given: Options, call: Call) -> Iterator[Answer]:
    from pathlib import Path

    if not given.output:
        raise InputError("no file is named", hint="invoke graph --host HOST --output FILE.svg")
    if given.label:
        what = call.one_label(given.label)
        graph = graph_of_label(what, call)
    else:
        catalog, graph = graph_asked(call)
        what = catalog.name
    drawn = drawn_of(graph, what, file=given.output)
    try:
        Path(given.output).expanduser().write_text(picture(graph, drawn.title), encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"--output: cannot write {given.output}: {error.strerror or error}") from error
    yield drawn


COMMAND = Command(
    name="graph",
    summary="Draw tables, references and ownership",
    usage="[LABEL] [--host H] --output FILE.svg",
    needs=(HOST, REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_graph,
)
