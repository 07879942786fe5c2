"""The action `seed`: see that rows are in a table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from toolkit.actions.action import Action, ExactlyOne
from toolkit.actions.arguments import Arguments, Text, Texts, UniqueTexts, about, shaped
from toolkit.actions.context import Context
from toolkit.actions.targets import conninfo_of
from toolkit.config.row_files import MappedRows, open_rows
from toolkit.errors import InputError
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.role import Role
from toolkit.model.seeding import Ids, Lookup, RowSource, Sample, Seeded, Seeding
from toolkit.postgres.seed.upsert import seed
from toolkit.postgres.session.connection import connect, session
from toolkit.shipped import found_file
from toolkit.wording import count

Columns = Annotated[dict[Text, Text], Meta(min_length=1)]


class LookupArguments(Arguments, frozen=True, kw_only=True):
    """A row of another table, found by its own natural key."""

    table: Annotated[Text, about("The other table.", "business_categories")]
    key: Annotated[
        Columns,
        about(
            "Its columns, each with the column of a row, or of `set`, that has the value.",
            {"name": "category", "businessId": "businessId"},
        ),
    ]
    column: Annotated[
        Text,
        about("What is taken of the row found. Default: what a foreign key points at, else the primary key.", "id"),
    ] = ""


class SeedArguments(Arguments, frozen=True, kw_only=True):
    """Which rows, and where."""

    table: Annotated[Text, about("The table; of another schema than the first, `schema.table`.", "business_products")]
    key: Annotated[UniqueTexts, about("The columns by which a row is found again.", ["businessId", "sku"])]
    file: Annotated[
        Text,
        about(
            "A file with the rows: .csv, .tsv, .yml or .json; relative to the control directory, else a shipped one.",
            "playbooks/seeds/clothing.csv",
            role=Role.SHIPPED_FILE,
        ),
    ] = ""
    rows: Annotated[
        tuple[dict[Text, Any], ...],
        Meta(min_length=1),
        about("The rows themselves.", [{"sku": "A-1", "name": "Shirt", "price": "9.90"}]),
    ] = ()
    set: Annotated[
        dict[Text, Any], about("Columns that are the same for every row.", {"businessId": "{{ business }}"})
    ] = msgspec.field(default_factory=dict)
    lookup: Annotated[
        dict[Text, LookupArguments],
        about(
            "Columns whose value is found in another table.",
            {"categoryId": {"table": "business_categories", "key": {"name": "category"}}},
        ),
    ] = msgspec.field(default_factory=dict)
    update: Annotated[
        Literal["never", "all"] | Texts,
        shaped(
            {
                "anyOf": [
                    {"enum": ["never", "all"]},
                    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                ]
            }
        ),
        about(
            "Which columns of rows that are there are set where they differ: none, all that are given, or these.",
            "never",
            ["name", "basePrice"],
        ),
    ] = "never"
    ids: Annotated[
        Ids,
        about(
            "The primary key of new rows: derived from table and natural key (a UUIDv5, the same on every machine),"
            " kept as the rows have it, or left to the database.",
            "derived",
        ),
    ] = Ids.DERIVED


def run(arguments: SeedArguments, context: Context) -> Outcome:
    """See that the rows are in the table.

    Returns:
        Facts `rows`, `there`, `inserted`, `updated`, `kept` and `renamed`; changed where a row was written.

    Raises:
        InputError: the file, the rows or the arguments do not fit the table; every problem.
        RefusedError: the natural key does not tell rows of the table apart.
        DatabaseError: the server cannot be reached or refuses a row; nothing is kept then.
        UndecidedError: the connection was lost in the commit, and nobody can say how it ended.
    """
    started = time.monotonic()
    source = _source(arguments, context)
    seeding = Seeding(
        table=arguments.table,
        key=arguments.key,
        source=source,
        fixed=arguments.set,
        lookups={
            name: Lookup(table=each.table, key=each.key, column=each.column) for name, each in arguments.lookup.items()
        },
        update=None if arguments.update == "all" else () if arguments.update == "never" else tuple(arguments.update),
        ids=arguments.ids,
    )
    host = context.host
    schemas = context.inventory.catalog(host.catalog).schemas if host.catalog else ("public",)
    conninfo = conninfo_of(context, host)
    with connect(conninfo, application="playback seed") as connection:
        done = seed(
            connection,
            lambda: session(conninfo, application="playback seed"),
            seeding,
            schemas=schemas,
            progress=context.progress,
            check=context.check,
            samples=context.diff,
        )
    if not done.rows:
        raise InputError([source.problem(0, "", "there is no row in it")])
    return _outcome(arguments.table, done, check=context.check, seconds=time.monotonic() - started)


def _source(arguments: SeedArguments, context: Context) -> RowSource:
    if arguments.rows:
        return MappedRows(arguments.rows)
    directory = context.inventory.directory
    return open_rows(found_file(directory, arguments.file), control=directory)


def _outcome(table: str, done: Seeded, *, check: bool, seconds: float) -> Outcome:
    would = "would be " if check else ""
    message = (
        f"{table}: {count(done.there)} of {count(done.rows)} are there: {count(done.inserted)} {would}inserted,"
        f" {count(done.updated)} {would}updated, {count(done.kept)} kept as refined"
    )
    if done.renamed:
        message += f", {count(done.renamed)} there under another key"
    written = done.inserted + done.updated
    moved = Moved(what=f"seed {table}", tables=1, rows=written, bytes=0, seconds=seconds)
    return Outcome(
        changed=bool(written),
        message=message,
        details=tuple(_lines(done)),
        warnings=done.warnings,
        facts={name: getattr(done, name) for name in ("rows", "there", "inserted", "updated", "kept", "renamed")},
        moved=(moved,) if written and not check else (),
    )


def _lines(done: Seeded) -> Iterator[str]:
    for kind, total in (
        ("insert", done.inserted),
        ("update", done.updated),
        ("keep", done.kept),
        ("rename", done.renamed),
    ):
        samples = [sample for sample in done.samples if sample.kind == kind]
        for sample in samples:
            yield f"{_SIGNS[kind]} {', '.join(sample.key)}{_columns(sample)}"
        if samples and total > len(samples):
            yield f"{_SIGNS[kind]} {count(total - len(samples))} more"


_LONGEST = 40
"""Characters of a value of an inserted row that are printed."""
_SIGNS = {"insert": "+", "update": "~", "keep": "=", "rename": "="}


def _columns(sample: Sample) -> str:
    parts = [f"{name} {_value(there)} → {_value(given)}" for name, there, given in sample.columns]
    if sample.kind == "keep":
        parts = [f"{name} {_value(there)} stays, not {_value(given)}" for name, there, given in sample.columns]
    if sample.kind == "insert":
        parts = [f"{name} {_cut(_value(given))}" for name, _, given in sample.columns]
    if sample.kind == "rename":
        return ": its id is there under another key"
    return f": {', '.join(parts)}" if parts else ""


def _cut(text: str) -> str:
    return f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text


def _value(text: str | None) -> str:
    return "NULL" if text is None else text


ACTION = Action(
    name="seed",
    does="See that rows are in a table, found again by their natural key.",
    examples=(
        {
            "table": "business_products",
            "key": ["businessId", "sku"],
            "file": "playbooks/seeds/clothing.csv",
            "set": {"businessId": "{{ business }}"},
            "update": "never",
        },
    ),
    arguments=SeedArguments,
    run=run,
    rules=(ExactlyOne(("file", "rows")),),
    asks_others=True,
    writes=True,
    on_leader=("file",),
)
