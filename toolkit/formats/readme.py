"""The README that goes with the files of an export: what they are, and how their values are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit import wording
from toolkit.formats.contents import Contents, ExportedTable
from toolkit.formats.targets import TITLE


def readme(contents: Contents, names: Mapping[str, str], how: Sequence[str]) -> bytes:
    """Give the README.

    Args:
        names: the file of each table.
        how: how values are written, in sentences.
    """
    metadata = contents.manifest.metadata
    rows = wording.counted(sum(table.rows for table in contents.tables), "row")
    tables = wording.counted(len(contents.tables), "table")
    lines = [
        f"{TITLE.decode()}{metadata.label}",
        "",
        f"The backup is of host {_text(metadata.host)}, at {metadata.timestamp} (UTC), by {_text(metadata.tool)} out of"
        f" PostgreSQL {_text(metadata.postgres_version)}. Here are {rows} of {tables}.",
        *_section("Which rows", contents.chosen),
        *_section("What is not here", contents.missing),
        *_section("How values are written", how),
        "",
        "## Tables",
        "",
        "| file | table | rows | sorted by |",
        "|---|---|---|---|",
        *(_table(table, names[table.name], contents) for table in contents.tables),
    ]
    for table in contents.tables:
        lines += ["", f"### {_text(table.name)}", "", "| column | type |", "|---|---|"]
        lines += [f"| {_text(column.name)} | {_text(column.type)} |" for column in table.columns]
        if left_out := [column.name for column in table.table.columns if column.generated]:
            lines += ["", f"Not here, since the database computes it: {_text(', '.join(left_out))}"]
    return ("\n".join(lines) + "\n").encode()


def _section(title: str, sentences: Sequence[str]) -> Sequence[str]:
    return ["", f"## {title}", "", *(f"- {_text(each)}" for each in sentences)] if sentences else []


def _table(table: ExportedTable, file: str, contents: Contents) -> str:
    entry = contents.manifest.table(table.name)
    key = ", ".join(column.column for column in entry.key) if entry else ""
    return f"| {_text(file)} | {_text(table.name)} | {table.rows} | {_text(key)} |"


def _text(text: str) -> str:
    """Text that stays within its line and its cell."""
    return wording.one_line(text).replace("|", "\\|")
