"""The command `graph`: a database's tables and references under its catalog file, as a picture."""

from __future__ import annotations

from pathlib import Path

from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.app.database import opened
from toolkit.app.graph_svg import LEGEND, svg
from toolkit.errors import InputError
from toolkit.model.scope import Scope
from toolkit.planning.graph import graph_of
from toolkit.planning.graph_layout import lay_out
from toolkit.postgres.selection.snapshot import survey


def graph(control: Control, output: Output, *, host: str, file: str) -> int:
    """Draw the graph of a host's database into an SVG file, below the working directory unless it is absolute.

    Raises:
        InputError: no file is named, or it cannot be written.
    """
    if not file:
        raise InputError("no file is named", hint="invoke graph --host HOST --output FILE.svg")
    with opened(control.load_inventory(), host, command="graph") as (connection, catalog):
        found = survey(connection, catalog, Scope(), unclassified="warn")
    drawn = graph_of(catalog, found.schema, found.links)
    title = f"{catalog.name}: {len(drawn.tables)} tables, {len(drawn.edges)} references"
    path = Path(file).expanduser()
    try:
        path.write_text(svg(lay_out(drawn, top=LEGEND), title), encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"--output: cannot write {file}: {error.strerror or error}") from error
    cycles = sum(edge.cycle for edge in drawn.edges)
    output.line(f"{file}: {title}, {cycles} of them on cycles or to their own table")
    return 0
