"""JSON Lines: a file per table, a line per row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO

from toolkit.formats.contents import Contents, ExportedTable, Target
from toolkit.formats.file_names import file_names
from toolkit.formats.json_values import HOW, JSON, encoder
from toolkit.formats.readme import readme
from toolkit.formats.targets import README
from toolkit.planning.copy_text import values


class JsonLinesForm:
    """Writes a file per table, and the README."""

    def write(self, contents: Contents, target: Target) -> None:
        """Write all of them."""
        names = file_names((table.name for table in contents.tables), ".jsonl")
        for table in contents.tables:
            with target.file(names[table.name]) as file:
                _write_table(table, file)
        called = {table: target.called(name) for table, name in names.items()}
        with target.file(README) as file:
            file.write(readme(contents, called, HOW))

    def remarks(self) -> Sequence[str]:
        """Nothing is to be said."""
        return ()


def _write_table(table: ExportedTable, file: BinaryIO) -> None:
    columns = [
        (f"{json.dumps(column.name, ensure_ascii=False)}: ", encoder(column.type), column.type in JSON)
        for column in table.columns
    ]
    for data in table.read():
        lines = []
        for line in data.splitlines():
            row = values(line) if columns else []
            members = (
                f"{name}{'null' if value is None else encode(value)}"
                for (name, encode, is_json), value in zip(columns, row, strict=True)
                if value is not None or not is_json
            )
            lines.append(f"{{{', '.join(members)}}}\n")
        file.write("".join(lines).encode())
