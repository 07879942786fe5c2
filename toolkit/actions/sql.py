"""The action `sql`: run statements on a database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from toolkit.actions.action import Action, ExactlyOne
from toolkit.actions.arguments import COMMON, Arguments, Text, about, shaped
from toolkit.actions.context import Context
from toolkit.actions.databases import open_database
from toolkit.actions.saving import save_rows
from toolkit.actions.targets import conninfo_of
from toolkit.errors import InputError
from toolkit.model.outcome import Outcome
from toolkit.model.role import Role
from toolkit.postgres.session import statements
from toolkit.postgres.session.connection import connect, session
from toolkit.postgres.write.fate import Deed
from toolkit.postgres.write.recovery import told_transaction
from toolkit.wording import counted

_DEED = Deed(
    does="in which the statements ran",
    done="what the statements did is done",
    again="look whether the statements took effect before you run them again",
)

Database = Annotated[str, shaped({"anyOf": [{"type": "string", "minLength": 1}, {"$ref": f"{COMMON}/secret"}]})]


class SqlArguments(Arguments, frozen=True, kw_only=True):
    """The statements, and where they run."""

    query: Annotated[
        Text,
        about(
            "The statements. Values are given by `args`, never by templates in the text.",
            "SELECT count(*) FROM businesses",
        ),
    ] = ""
    file: Annotated[
        Text,
        about(
            "A file with the statements; relative to the control directory.",
            "sql/after-restore.sql",
            role=Role.FILE,
        ),
    ] = ""
    args: Annotated[
        Any,
        shaped({"type": ["array", "object"]}),
        about(
            "Values for the placeholders: a list for `%s`, a mapping for `%(name)s`.",
            ["b-harbour"],
            {"id": "b-harbour"},
        ),
    ] = None
    save: Annotated[
        Text,
        about(
            "A file to write every row of the last statement to that gives any, as JSON Lines; relative to the control"
            " directory. It is there before the transaction is committed.",
            ".playback/reports/sync-events.jsonl",
        ),
    ] = ""
    database: Annotated[
        Database,
        about(
            "Another database than the host's: a libpq URI or conninfo, `embedded:NAME`, or where it is to be found.",
            "embedded:demo",
            {"env": "DATABASE_URL"},
        ),
    ] = ""


def run(arguments: SqlArguments, context: Context) -> Outcome:
    """Run the statements of `query` or `file` in one transaction, on the host's database or on `database`.

    With `save`, every row of the last statement that gives any is in that file before the transaction is committed.
    In check mode they run in a transaction that may only read; statements that write are skipped, no file is written.

    Returns:
        Facts `rows` (of the last statement that gives any, at most 1,000), `truncated` and `rowcount`; changed when
        the transaction wrote. With `save` also `saved`, the number of rows in the file.

    Raises:
        InputError: the file cannot be read.
        TaskError: the file to save to cannot be written.
        CommittedError: the statements ended their transaction themselves.
        DatabaseError: the server cannot be reached or refuses a statement; nothing is kept then.
        UndecidedError: the connection was lost in the commit, and nobody can say how it ended.
    """
    text = _statements(arguments, context)
    own = not arguments.database
    database = (
        conninfo_of(context, context.host) if own else open_database(context.inventory.directory, arguments.database)
    )
    saved: list[int] = []

    def keep(rows: Sequence[Mapping[str, Any]]) -> None:
        saved.append(len(rows))
        if not context.check:
            save_rows(context.inventory.directory / arguments.save, rows)

    with connect(database, application="playback sql") as connection:
        try:
            answer = statements.run(
                connection,
                text,
                _values(arguments.args),
                read_only=context.check,
                keep=keep if arguments.save else None,
                transaction=told_transaction(connection, lambda: session(database, application="playback sql"), _DEED),
            )
        except statements.WriteRefusedError:
            return Outcome(skipped="check mode: the statements would write")
    if not answer.status:
        raise InputError(f"sql.{'query' if arguments.query else 'file'}: there is no statement in it")
    verb = "would be saved" if context.check else "saved"
    said = f"; {counted(saved[0], 'row')} {verb} in {arguments.save}" if saved else ""
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


def _statements(arguments: SqlArguments, context: Context) -> str:
    if arguments.query:
        return arguments.query
    path = context.inventory.directory / arguments.file
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"sql.file: {path} cannot be read: {reason}") from error


def _values(args: Any) -> Any:
    if isinstance(args, Mapping):
        return {name: _value(value) for name, value in args.items()}
    return None if args is None else [_value(value) for value in args]


def _value(value: Any) -> Any:
    """A value for a statement: lists as arrays, mappings as JSON text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else value


ACTION = Action(
    name="sql",
    does="Run SQL statements on the host's database, in one transaction.",
    examples=({"query": "SELECT count(*) AS n FROM orders WHERE status = %s", "args": ["OPEN"]},),
    arguments=SqlArguments,
    run=run,
    rules=(ExactlyOne(("query", "file")),),
    asks_others=True,
    writes=True,
    on_leader=("file", "save"),
)
