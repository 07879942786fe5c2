"""The action `sql`: run statements on a database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.actions.context import Context
from toolkit.actions.databases import open_database
from toolkit.actions.plain import plain
from toolkit.actions.saving import save_rows
from toolkit.errors import InputError
from toolkit.model.outcome import Outcome
from toolkit.model.secret import Secret
from toolkit.postgres.session import statements
from toolkit.postgres.session.connection import connect


def sql(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Run the statements of `query` or `file` in one transaction, on the host's database or on `database`.

    With `save`, every row of the last statement that gives any is in that file before the transaction is committed.
    In check mode they run in a transaction that may only read; statements that write are skipped, no file is written.

    Returns:
        Facts `rows` (of the last statement that gives any, at most 1,000), `truncated` and `rowcount`; changed when
        the transaction wrote. With `save` also `saved`, the number of rows in the file.

    Raises:
        InputError: the file cannot be read.
        TaskError: the file to save to cannot be written.
        DatabaseError: the server cannot be reached or refuses a statement; nothing is kept then.
    """
    text = _statements(arguments, context)
    database = open_database(context.inventory.directory, plain(arguments.get("database", context.host.database)))
    saved: list[int] = []

    def keep(rows: Sequence[Mapping[str, Any]]) -> None:
        saved.append(len(rows))
        if not context.check:
            save_rows(context.inventory.directory / Path(str(arguments["save"])), rows)

    with connect(database, application="playback sql") as connection:
        try:
            answer = statements.run(
                connection,
                text,
                _revealed(arguments.get("args")),
                read_only=context.check,
                keep=keep if "save" in arguments else None,
            )
        except statements.WriteRefusedError:
            return Outcome(skipped="check mode: the statements would write")
    verb = "would be saved" if context.check else "saved"
    said = f"; {saved[0]} rows {verb} in {arguments['save']}" if saved else ""
    return Outcome(
        changed=answer.wrote,
        message=f"{answer.status}{said}",
        facts={
            "rows": [dict(row) for row in answer.rows],
            "truncated": answer.truncated,
            "rowcount": answer.rowcount,
            **({"saved": saved[0]} if saved else {}),
        },
    )


def _statements(arguments: Mapping[str, Any], context: Context) -> str:
    if "query" in arguments:
        return plain(arguments["query"])
    path = context.inventory.directory / Path(str(arguments["file"]))
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"sql.file: {path} cannot be read: {reason}") from error


def _revealed(args: Any) -> Any:
    if isinstance(args, Mapping):
        return {name: _value(value) for name, value in args.items()}
    return None if args is None else [_value(value) for value in args]


def _value(value: Any) -> Any:
    """A value for a statement: secrets revealed, lists as arrays, mappings as JSON text."""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return plain(value) if isinstance(value, Secret) else value
