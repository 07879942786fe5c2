"""`export`: rows out of a backup for other programs, as SQL, CSV or JSON Lines, without the database they came from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec.structs import replace

from toolkit.actions.action import Action, ExactlyOne, Needs
from toolkit.actions.arguments import (
    Arguments,
    BackupChoice,
    Businesses,
    LockWait,
    RepositoryName,
    Text,
    UniqueTexts,
    about,
    repository_name,
)
from toolkit.actions.choosing import backup_of
from toolkit.actions.context import Context
from toolkit.actions.exporting import Wanted, contents_of
from toolkit.actions.locking import shared_lock
from toolkit.actions.scratch import EMBEDDED
from toolkit.actions.targets import catalog_of, known_repositories, repository_config, repository_of
from toolkit.errors import InputError, Problem, TaskError
from toolkit.formats.contents import Contents, ExportedTable
from toolkit.formats.forms import Format, form_of
from toolkit.formats.options import CsvOptions, JsonOptions
from toolkit.formats.targets import is_compressed, is_zip, other_thing, target_at
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.result import Exported, ExportedRows
from toolkit.model.role import Role
from toolkit.planning.choice import LATEST
from toolkit.planning.load_order import UnmetKey, unmet_keys
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.open import open_store
from toolkit.storage.repository import Repository
from toolkit.wording import counted


class ExportArguments(Arguments, frozen=True, kw_only=True):
    """What is exported, in which form, and where to."""

    format: Annotated[
        Format,
        about(
            "The form: `sql`, INSERT statements that psql and others load into an empty schema; `copy`, the same with"
            " COPY, quicker and for psql alone; `csv`, a file per table; `jsonl`, JSON Lines, a file per table;"
            " `json-2.0`, a backup as the application itself writes it, which `import` reads back.",
            "sql",
        ),
    ]
    backup: Annotated[BackupChoice, about("Which backup.", LATEST, {"job": "nightly", "host": "till-1"})] = LATEST
    repository: RepositoryName = ""
    file: Annotated[
        Text,
        about(
            "The file to write; relative to the control directory. One that ends in `.gz` is compressed. For `csv` and"
            " `jsonl` a `.zip` that holds all files.",
            "exports/shop.sql.gz",
        ),
    ] = ""
    directory: Annotated[
        Text, about("The directory to make for `csv` and `jsonl`; relative to the control directory.", "exports/shop")
    ] = ""
    compress: Annotated[bool, about("Whether the files of a directory are compressed by gzip.", True)] = False
    overwrite: Annotated[
        bool, about("Whether an export that is there is replaced, once the new one is complete.", True)
    ] = False
    businesses: Annotated[
        Businesses,
        about("Only these businesses: exactly what their own backup would hold, or nothing.", ["b-harbour"]),
    ] = ()
    tables: Annotated[
        UniqueTexts, about("Only these tables: names, or glob patterns of them.", ["products", "order*"])
    ] = ()
    referenced: Annotated[
        bool,
        about(
            "Whether rows of other tables come along that those of `tables` point at, and what these point at in turn,"
            " so that foreign keys hold.",
            True,
        ),
    ] = False
    where: Annotated[
        Mapping[str, Text],
        about(
            "Table → a condition in SQL on its rows; those of other tables stay. It needs `like`.",
            {"orders": "\"createdAt\" >= '2026-01-01'"},
        ),
    ] = msgspec.field(default_factory=dict)
    like: Annotated[
        Text,
        about(
            "A host with the application's schema. A scratch database is made like its own, and dropped at the end, for"
            " `where`, and for businesses whose rows do not show by their text whose they are.",
            "till-1",
            role=Role.HOST,
        ),
    ] = ""
    on: Annotated[
        Text,
        about(
            "The server that the scratch database is made on: `embedded`, one of Playback's own; `host`, the one of"
            " `like`; or that of another host.",
            "host",
        ),
    ] = EMBEDDED
    null_text: Annotated[str, about("What stands for NULL in `csv`; nothing at all unless it is given.", "NULL")] = ""
    bom: Annotated[bool, about("Whether files of `csv` begin with a byte order mark, for Excel.", True)] = False
    safe_for_spreadsheets: Annotated[
        bool,
        about(
            "Whether texts of `csv` that a spreadsheet takes for formulas get a ' in front, which changes them.", True
        ),
    ] = False
    lock_wait: LockWait = 0


def run(arguments: ExportArguments, context: Context) -> Outcome:
    """Export. What is written appears under its name once all of it is there.

    Raises:
        InputError: there is no such backup, business or table, or something else is at the place.
        RefusedError: the rows of the businesses cannot be told from others.
        DamageError: the backup is damaged; nothing is left of the export.
        TaskError: the place cannot be written.
    """
    place = _place(arguments, context)
    config = repository_config(context, arguments.repository)
    if context.check and known_repositories(context).open_if_there(config) is None:
        return Outcome(skipped=f"there is no repository at {open_store(config).place} yet")
    repository = repository_of(context, arguments.repository)
    if context.check:
        return _export(arguments, context, repository, place)
    with shared_lock(context, repository, "export", wait=arguments.lock_wait, reading=True) as lock:
        outcome = _export(arguments, context, repository, place)
    return replace(outcome, warnings=(*lock.warnings, *outcome.warnings))


def _place(arguments: ExportArguments, context: Context) -> Path:
    """Where the export goes.

    Raises:
        InputError: it does not go there.
    """
    several, said = arguments.format.several_files, arguments.file or arguments.directory
    path = context.inventory.directory / said
    problems = []
    if arguments.directory and not several:
        problems.append(("directory", f"{arguments.format} is one file; name it by `file`"))
    if arguments.file and several and not is_zip(path):
        problems.append(("file", f"{arguments.format} has a file per table; name a `directory`, or a file.zip"))
    if arguments.compress and not arguments.directory:
        problems.append(("compress", "it is for directories; a file is compressed when its name ends in .gz or .zip"))
    if arguments.format is not Format.CSV:
        given = {
            "null_text": arguments.null_text,
            "bom": arguments.bom,
            "safe_for_spreadsheets": arguments.safe_for_spreadsheets,
        }
        problems += [(name, "it is for `format: csv`") for name, value in given.items() if value]
    if arguments.where and arguments.format is Format.JSON_BACKUP:
        problems.append(
            ("where", "it is not for `json-2.0`: read back, rows that are left out would have been deleted")
        )
    if any(each in arguments.null_text for each in '",\r\n'):
        problems.append(("null_text", "it has no quotes, commas and line ends"))
    try:
        if problem := _in_the_way(path, arguments, context.inventory.directory):
            problems.append(("file" if arguments.file else "directory", problem))
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror}") from error
    if problems:
        raise InputError([Problem(path=f"export.{name}", message=text) for name, text in problems])
    return path


def _in_the_way(path: Path, arguments: ExportArguments, inside: Path) -> str:
    """What is at a place already that may not be replaced, or what it lacks; empty for nothing.

    Args:
        inside: the control directory, in which directories are made. Elsewhere one that is missing is a stick that is
            not plugged in.
    """
    if not path.exists():
        there = path.parent.exists() or path.resolve().is_relative_to(inside.resolve())
        return "" if there else f"there is no directory {path.parent}; plug in or mount what it is on, or make it"
    if arguments.file:
        if not path.is_file():
            return f"{path} is no file"
        return "" if arguments.overwrite else f"{path} is there already; `overwrite: true` replaces it"
    if not path.is_dir():
        return f"{path} is no directory"
    if other := other_thing(path):
        return f"{path} holds {other}, which is no part of an export; name a new or empty directory"
    empty = not any(path.iterdir())
    return "" if arguments.overwrite or empty else f"{path} is there already; `overwrite: true` replaces it"


def _export(arguments: ExportArguments, context: Context, repository: Repository, place: Path) -> Outcome:
    clock = time.monotonic()
    manifest = backup_of(context, repository, arguments.backup)
    wanted = Wanted(
        businesses=arguments.businesses,
        tables=arguments.tables,
        where=arguments.where,
        like=arguments.like,
        on=arguments.on,
        repository=repository_name(arguments.repository),
        referenced=arguments.referenced,
    )
    with BackupReader(repository, manifest) as reader, contents_of(manifest, wanted, reader, context) as contents:
        unmet = unmet_keys(contents.tables, wanted.where) if arguments.format.is_sql else ()
        if context.check:
            counts = _counts(
                contents,
                manifest,
                counting=bool(arguments.businesses or arguments.referenced) and not wanted.by_scratch,
            )
            result = _result(arguments, contents, place, counts, at_most=wanted.by_scratch)
            return Outcome(changed=True, result=result)
        warnings = _written(arguments, context, contents, place, unmet)
        counts = {table.name: ExportedRows(rows=table.rows, bytes=table.size) for table in contents.tables}
        size = _size(place)
    moved = Moved(
        what=f"export {manifest.metadata.label} → {place.name}",
        tables=len(counts),
        rows=sum(each.rows for each in counts.values()),
        bytes=sum(each.bytes for each in counts.values()),
        seconds=time.monotonic() - clock,
        stored=size,
    )
    result = _result(arguments, contents, place, counts, size=size)
    return Outcome(changed=True, result=result, warnings=tuple(warnings), moved=(moved,))


def _written(
    arguments: ExportArguments, context: Context, contents: Contents, place: Path, unmet: Sequence[UnmetKey]
) -> list[str]:
    """Write all of it; gives what is to be said of it."""
    csv = CsvOptions(null=arguments.null_text, bom=arguments.bom, safe=arguments.safe_for_spreadsheets)
    models = catalog_of(context, context.host).models if context.host.catalog else {}
    form = form_of(arguments.format, csv, JsonOptions(models=models, businesses=arguments.businesses))
    context.progress.start("export", bytes=sum(table.at_most for table in contents.tables))
    for table in contents.tables:
        _watch(table, context, [key for key in unmet if key.table == table.name])
    compress = arguments.compress or (bool(arguments.file) and is_compressed(place))
    try:
        with target_at(place, several=arguments.format.several_files, compress=compress) as target:
            form.write(contents, target)
    except OSError as error:
        hint = "what was there before is there still"
        raise TaskError(f"{place} cannot be written: {error.strerror or error}", hint=hint) from error
    return [*contents.warnings, *form.remarks(), *(_refused(key) for key in unmet if key.rows)]


def _refused(key: UnmetKey) -> str:
    """Say that a file of SQL does not go in where a key is in place."""
    what = f"{counted(key.rows, 'row')} of {key.table} ({', '.join(key.key.columns)})"
    if key.certain:
        return f"{what} point at rows of {key.key.parent}, which are not in it: the key {key.key.name} refuses the file"
    return (
        f"{what} may point at rows of {key.key.parent} that are not in it: the key {key.key.name} refuses the file then"
    )


def _watch(table: ExportedTable, context: Context, keys: Sequence[UnmetKey]) -> None:
    """Have the progress of reading a table shown, and rows counted that point at others by some keys."""
    runs = table.runs

    def watched() -> Iterator[bytes]:
        context.progress.note(table.name)
        for data in runs():
            yield data
            for key in keys:
                key.count(data)
            context.progress.advance(rows=data.count(b"\n"), bytes=len(data))

    table.runs = watched


def _counts(contents: Contents, manifest: Manifest, *, counting: bool) -> Mapping[str, ExportedRows]:
    """How much would be exported.

    Args:
        counting: rows are chosen, so that they have to be read to be counted.
    """
    if counting:
        for table in contents.tables:
            for _ in table.read():
                continue
        return {table.name: ExportedRows(rows=table.rows, bytes=table.size) for table in contents.tables}
    names = {table.name for table in contents.tables}
    entries = (entry for entry in manifest.tables if entry.name in names)
    return {entry.name: ExportedRows(rows=entry.rows, bytes=entry.bytes) for entry in entries}


def _size(place: Path) -> int:
    files = [place] if place.is_file() else [each for each in place.iterdir() if each.is_file()]
    return sum(each.stat().st_size for each in files)


def _result(
    arguments: ExportArguments,
    contents: Contents,
    place: Path,
    counts: Mapping[str, ExportedRows],
    *,
    size: int | None = None,
    at_most: bool = False,
) -> Exported:
    return Exported(
        label=contents.manifest.metadata.label,
        format=arguments.format,
        place=str(place),
        size=size,
        tables=counts,
        chosen=contents.chosen,
        missing=contents.missing,
        at_most=at_most,
    )


ACTION = Action(
    name="export",
    does="Write rows out of a backup for other programs, as SQL, CSV or JSON Lines; no database is needed.",
    examples=(
        {"backup": "latest", "format": "sql", "file": "exports/shop.sql"},
        {"format": "csv", "directory": "exports/b-harbour", "businesses": ["b-harbour"], "tables": ["order*"]},
    ),
    arguments=ExportArguments,
    run=run,
    rules=(ExactlyOne(("file", "directory")), Needs("referenced", "tables")),
    writes=True,
    on_leader=True,
)
