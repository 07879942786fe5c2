"""What an export holds: out of the backup alone, or by way of a scratch database that tells what the text does not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from msgspec import Struct, structs
from msgspec.structs import replace

from toolkit.actions import restore
from toolkit.actions.context import Context
from toolkit.actions.restore import RestoreArguments
from toolkit.actions.scratch import Scratch, borrowed
from toolkit.actions.targets import catalog_of, conninfo_of
from toolkit.actions.verify import host_named
from toolkit.config.masking import mask
from toolkit.errors import InputError, Problem, RefusedError
from toolkit.formats.contents import Contents, ExportedTable
from toolkit.model.manifest import Manifest, SequenceEntry, StoredColumn, TableEntry
from toolkit.model.plan import Mode
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.load_order import unmet_keys
from toolkit.planning.picked_by_text import PickedByText, check_businesses, is_everything
from toolkit.planning.rows_along import RowsAlong
from toolkit.planning.some_tables import named_tables
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.selection.chosen_rows import check_where, chosen_rows
from toolkit.postgres.session.connection import Connection, connect
from toolkit.storage.backup_reader import BackupReader
from toolkit.wording import counted, left_out_text, meant, put_aside_text

SCRATCH = "export"
"""The name of the scratch database that an export makes, and drops."""

_LACKS = "the host of `like` has no such table"

REMEDY = (
    "name a host with the application's schema, `like: HOST`: a scratch database made like its own tells them apart"
)


_ANSWERS = "name a host with the application's schema, `like: HOST`: a scratch database made like its own answers it"


class Wanted(Struct, frozen=True, kw_only=True):
    """What is exported.

    Attributes:
        tables: names, or glob patterns; empty for all.
        where: table → a condition on its rows.
        referenced: rows of other tables come along that those of `tables` point at.
        like: the host whose schema a scratch database gets; empty for none.
        on: the server that this is made on.
    """

    businesses: tuple[str, ...]
    tables: tuple[str, ...]
    where: Mapping[str, str]
    like: str
    on: str
    repository: str
    referenced: bool

    @property
    def by_scratch(self) -> bool:
        """Whether a scratch database chooses the rows."""
        return bool(self.like and (self.businesses or self.where))


@contextmanager
def contents_of(manifest: Manifest, wanted: Wanted, reader: BackupReader, context: Context) -> Iterator[Contents]:
    """Give what is exported, whose rows can be read within the block.

    In check mode no scratch database is made: all the rows are there out of which it would choose.

    Raises:
        InputError: the backup has no such table, or a condition is none.
        RefusedError: the backup lacks a business, or nothing tells its rows.
        DatabaseError: the scratch database cannot be made or read.
    """
    names = named_tables(manifest, wanted.tables, action="export") or [entry.name for entry in manifest.tables]
    _check_tables(manifest, wanted, names)
    if wanted.where and not wanted.like:
        raise InputError("export.where: a condition is SQL, which a database has to answer", hint=_ANSWERS)
    check_businesses(manifest, wanted.businesses)
    if wanted.where:
        _check_where(wanted, context)
    if wanted.by_scratch and not context.check:
        with _by_scratch(manifest, wanted, names, context) as contents:
            yield contents
        return
    rows_of = reader.rows_of
    if wanted.businesses and not wanted.by_scratch:
        rows_of = PickedByText(manifest, wanted.businesses, reader.rows_of, remedy=REMEDY).rows
    tables = [
        ExportedTable(
            columns=entry.columns,
            table=manifest.schema.tables[entry.name],
            category=entry.category,
            runs=partial(rows_of, entry),
            at_most=entry.bytes,
        )
        for entry in manifest.tables
    ]
    yield _contents(manifest, wanted, names, tables)


def _check_where(wanted: Wanted, context: Context) -> None:
    """Try the conditions where the schema comes from, before anything is made."""
    host = context.inventory.host(wanted.like)
    with connect(conninfo_of(context, host), application="playback export") as connection:
        schema = read_schema(connection, catalog_of(context, context.host).schemas)
        absent = sorted(wanted.where.keys() - schema.tables.keys())
        lacking = [Problem(path=f"export.where.{each}", message=_LACKS) for each in absent]
        if lacking:
            raise InputError(
                lacking, hint=f"name a host by `like` that has the schema of the backup; {host.name} does not"
            )
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            check_where(connection, schema, wanted.where, "export.where")


@contextmanager
def _by_scratch(manifest: Manifest, wanted: Wanted, names: Sequence[str], context: Context) -> Iterator[Contents]:
    """Restore into a scratch database, and read there."""
    scratch = Scratch(like=wanted.like, on=wanted.on, name=SCRATCH, keep=False)
    request = RestoreArguments(
        repository=wanted.repository,
        backup=manifest.metadata.label,
        mode=Mode.MIRROR,
        businesses=wanted.businesses,
        scratch=scratch,
    )
    # what the restore would drop when the play has ended is dropped when this block has
    own = replace(context, at_end=lambda name, work: None, scratch_by="export")
    with borrowed(own, scratch) as name:
        restored = restore.run(request, own)
        if restored.exit_code:
            raise RefusedError(
                f"backup {manifest.metadata.label} does not go into a database like {wanted.like} as it is",
                hint="`restore` with `scratch` says what stands against it",
            )
        host = host_named(context, name)
        with connect(conninfo_of(context, host), application="playback export") as connection:
            schema = read_schema(connection, catalog_of(context, host).schemas)
            if gone := [each for each in names if each not in schema.tables]:
                raise InputError(f"host {wanted.like} has no table {', '.join(gone)}, which is in the backup")
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                tables = [
                    _in_scratch(connection, schema, entry, wanted.where.get(entry.name, ""))
                    for entry in manifest.tables
                    if entry.name in schema.tables
                ]
                contents = _contents(structs.replace(manifest, schema=schema), wanted, names, tables)
                yield replace(contents, warnings=restored.warnings)


def _in_scratch(connection: Connection, schema: DatabaseSchema, entry: TableEntry, where: str) -> ExportedTable:
    """A table of the scratch database."""
    table = schema.tables[entry.name]
    return ExportedTable(
        columns=tuple(StoredColumn(name=column.name, type=column.type) for column in table.stored_columns),
        table=table,
        category=entry.category,
        runs=partial(chosen_rows, connection, schema, table, where),
        at_most=2 * entry.bytes,
    )


def _check_tables(manifest: Manifest, wanted: Wanted, names: Collection[str]) -> None:
    """See that what is said of tables is of some that are exported."""
    known = [entry.name for entry in manifest.tables]
    problems = []
    for name in wanted.where:
        if name not in known:
            message = f"backup {manifest.metadata.label} has no table {name}{meant(name, known)}"
            problems.append(Problem(path=f"export.where.{name}", message=message))
        elif name not in names:
            problems.append(Problem(path=f"export.where.{name}", message=f"{name} is not among the `tables`"))
    if problems:
        raise InputError(problems)


def _contents(manifest: Manifest, wanted: Wanted, names: Collection[str], tables: Sequence[ExportedTable]) -> Contents:
    """Give what is exported of all tables there are."""
    exported = {table.name: table for table in tables if table.name in names}
    along = _along(manifest, names, tables) if wanted.referenced and wanted.tables else None
    for table in tables if along else ():
        if along and table.name in along.tables:
            exported[table.name] = structs.replace(table, runs=partial(along.rows, table.name))
    chosen = [exported[name] for name in sorted(exported)]
    unmet = (key.sentence for key in unmet_keys(chosen, wanted.where))
    return Contents(
        manifest=manifest,
        tables=chosen,
        sequences=[each for each in manifest.sequences if _goes_along(each, exported, wanted)],
        chosen=[*_chosen(manifest, wanted), *(_said_of(along) if along else ())],
        missing=[*_missing(manifest, wanted, exported), *unmet],
    )


def _along(manifest: Manifest, names: Collection[str], tables: Sequence[ExportedTable]) -> RowsAlong:
    entries = {entry.name: entry for entry in manifest.tables}
    runs = {table.name: table.runs for table in tables}
    there = {table.name: structs.replace(entries[table.name], columns=table.columns) for table in tables}
    return RowsAlong(manifest, there, lambda name: runs[name](), names)


def _said_of(along: RowsAlong) -> Iterator[str]:
    if some := sorted(along.tables - set(along.whole)):
        yield f"of {', '.join(some)} the rows that these point at"
    if along.whole:
        yield f"of {', '.join(along.whole)} all rows, since their text does not tell which ones these point at"


def _goes_along(sequence: SequenceEntry, names: Collection[str], wanted: Wanted) -> bool:
    return sequence.owned_by[0] in names if sequence.owned_by else not wanted.tables


def _chosen(manifest: Manifest, wanted: Wanted) -> Iterator[str]:
    """Say how rows were chosen."""
    tenants = manifest.selection.tenants
    if wanted.businesses:
        named = ", ".join(_called(key, tenants[key]) for key in sorted(wanted.businesses))
        whole = is_everything(manifest, wanted.businesses)
        yield f"businesses: {named}, {'all that the backup is of' if whole else 'as a backup of their own would hold'}"
    elif manifest.metadata.business_filter.business_ids:
        yield f"businesses: {', '.join(_called(*each) for each in sorted(tenants.items()))}, all that the backup is of"
    if wanted.tables:
        yield f"tables: {', '.join(wanted.tables)}"
    yield from (f"rows of {name} where {mask(condition)}" for name, condition in sorted(wanted.where.items()))


def _called(key: str, label: str) -> str:
    return f"{key} ({label})" if label and label != key else key


def _missing(manifest: Manifest, wanted: Wanted, names: Collection[str]) -> Iterator[str]:
    """Say what is not in an export."""
    whys: dict[str, list[str]] = {}
    for left in manifest.left_out:
        whys.setdefault(left.reason, []).append(left.table)
    for why, tables in sorted(whys.items()):
        number, reason = counted(len(tables), "table"), left_out_text(why)
        yield f"{number} that the backup left out ({reason}): {', '.join(sorted(tables))}"
    if manifest.put_aside:
        yield f"{put_aside_text(manifest.put_aside)} of the imported file that were put aside"
    if other := [entry.name for entry in manifest.tables if entry.name not in names]:
        yield f"{counted(len(other), 'table')} not asked for: {', '.join(other)}"
    if manifest.selection.left_out and not wanted.businesses:
        demo = sorted(manifest.selection.left_out.items())
        yield f"businesses that the backup left out as demo: {', '.join(_called(*each) for each in demo)}"
    for name, (limit, _) in sorted(manifest.selection.limits.items()):
        if name in names:
            yield f"rows of {name} beyond the newest {limit}, at which the backup ended"
    if manifest.schema.not_covered:
        yield f"what no backup holds: {', '.join(manifest.schema.not_covered)}"
