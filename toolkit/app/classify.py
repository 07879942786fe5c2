"""The command `classify`: the catalog file it would propose for a host's database."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolkit.actions.plain import plain
from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.app.text import WARNING
from toolkit.config import catalog_draft, catalog_proposal
from toolkit.config.catalog_draft import Draft
from toolkit.errors import InputError, Problem, StorageError
from toolkit.model.catalog import TenantTable
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification.edges import guess_tenant
from toolkit.planning.classification.proposals import Classification, Verdict
from toolkit.planning.classification.proposing import classify as classified
from toolkit.postgres.connection import connect
from toolkit.postgres.hosts import conninfo
from toolkit.postgres.introspection import read_schema


def classify(control: Control, output: Output, *, host: str, update: bool, file: str) -> int:
    """Propose a catalog file for a host's database, on standard output or in a file; a summary on standard error.

    Args:
        update: keep what the host's catalog file says and add what is new; otherwise only its head is used.
        file: where to write the text; empty for standard output.

    Raises:
        InputError: no such host, or a catalog file that is wrong or cannot be added to.
        DatabaseError: the database cannot be read.
    """
    if not host:
        raise InputError("no host is named", hint="invoke classify --host HOST [--update] [--output FILE]")
    inventory = control.load_inventory()
    named = inventory.host(host)
    draft = catalog_draft.read(inventory.catalog_file(named.catalog or host), control=inventory.directory)
    if update and draft.exists and not draft.text.strip():
        message = "the catalog file is empty; was it overwritten by the output of this command?"
        raise InputError([Problem(file=draft.file, message=message)], hint="use --output, which replaces it at the end")
    with connect(conninfo(inventory.directory, plain(named.database)), application="playback classify") as connection:
        schema = read_schema(connection, draft.schema)
    tenant, reason = _tenant(draft, schema)
    found = classified(draft.catalog(tenant) if update else draft.head(tenant), schema)
    make = catalog_proposal.updated_file if update else catalog_proposal.new_file
    text = make(draft, found, tenant_reason=reason)
    if file:
        _write(Path(file).expanduser(), text)
    else:
        output.line(text.replace("\r\n", "\n").removesuffix("\n"))
    for line, style in _summary(found, file):
        output.error(line, style=style)
    return 0


def _tenant(draft: Draft, schema: DatabaseSchema) -> tuple[TenantTable, str]:
    """The tenant table, and why it is the one."""
    if draft.tenant is not None:
        table = schema.tables.get(draft.tenant.table)
        if table is None:
            problem = Problem(
                file=draft.file, path="tenant.table", message=f"the database has no table {draft.tenant.table}"
            )
            raise InputError([problem])
        missing = [
            Problem(file=draft.file, path=f"tenant.{key}", message=f"table {table.name} has no column {column!r}")
            for key, column in (("key", draft.tenant.key), ("label", draft.tenant.label), ("demo", draft.tenant.demo))
            if column and column not in table.column_names
        ]
        if missing:
            raise InputError(missing)
        return draft.tenant, f"as {draft.file} says"
    guess = guess_tenant(schema)
    if guess is None:
        message = f"no table of schema {schema.name} is pointed at by others, so none looks like that of the tenants"
        raise InputError(
            [Problem(file=draft.file, path="tenant", message=message)],
            hint="write `tenant: {table: …, key: …}` into the file",
        )
    tenant, number = guess
    return tenant, f"DECIDE: a guess, the table that most others name ({number}); say which one's rows are the tenants"


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that it is never half written."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
            draft.write(text.encode("utf-8"))
            draft.flush()
            os.fsync(draft.fileno())
        if path.exists():
            Path(draft.name).chmod(path.stat().st_mode)
        Path(draft.name).replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}", hint="is there such a directory?") from error


def _summary(found: Classification, file: str) -> Iterator[tuple[str, str]]:
    total = found.kept + len(found.proposals)
    yield f"{total} tables: {found.kept} classified already, {len(found.proposals)} new", ""
    for (verdict, reason), number in found.counts().items():
        yield f"  {number:4} {verdict:<8} {reason}", ""
    for each in found.proposals:
        if each.renamed_from:
            yield f"{each.table} looks like {each.renamed_from} renamed", WARNING
    for dropped in found.dropped:
        yield f"the database has no table {dropped.table}", WARNING
    undecided = found.by_verdict(Verdict.OPEN)
    if undecided:
        share = f"{100 * len(undecided) / total:.1f} %"
        follow = len(found.by_verdict(Verdict.FOLLOWS))
        where = f" (search {file} for DECIDE)" if file else ""
        text = (
            f"{len(undecided)} of {total} tables ({share}) need a person's decision{where}; {follow} follow from those"
        )
        yield f"{text}: backups refuse to run until then", WARNING
