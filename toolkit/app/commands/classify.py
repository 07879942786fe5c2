"""`classify`: the catalog file it would propose for a host's database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.errors import InputError, Problem
from toolkit.output.answer import WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.config.catalog_draft import Draft
    from toolkit.config.catalog_proposal import Choice
    from toolkit.model.catalog import TenantTable
    from toolkit.model.schema import DatabaseSchema
    from toolkit.planning.classification.proposals import Classification

MOST_CANDIDATES = 4
"""More other tables that might be that of the tenants are not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `classify` is given."""

    update: bool = command.switch("keep what the host's catalog file says and add what is new")
    output: str = command.text("write to this file instead of standard output; it is replaced when all is done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(Answer):
    """A proposed catalog file.

    Attributes:
        file: where it was written; empty for nowhere.
        cautions: which tables no rule can follow to their owners, and which a mirror takes more from than one wants.
        unknown_schemas: those with tables that the file does not name, with their tables.
    """

    found: Classification
    text: str
    file: str
    cautions: tuple[str, ...]
    unknown_schemas: Mapping[str, tuple[str, ...]]

    def lines(self) -> Iterator[Line]:
        """Give the text where it is in no file, and a summary on standard error."""
        if not self.file:
            yield Line(self.text.replace("\r\n", "\n").removesuffix("\n"))
        for line, style in (
            *_summary(self.found, self.file),
            *((each, WARNING) for each in self.cautions),
            *_elsewhere(self.unknown_schemas),
            *_changed(self.found),
        ):
            yield Line(line, style, error=True, foreign=True)

    def document(self) -> Mapping[str, Any]:
        """Give every proposal, and the text of the file."""
        return {
            "file": self.file,
            "text": self.text,
            "classified": self.found.kept,
            "proposals": [
                {"table": each.table, "verdict": str(each.verdict), "reason": str(each.reason)}
                for each in self.found.proposals
            ],
            "dropped": [each.table for each in self.found.dropped],
            "differences": [{"table": each.table, "why": each.why} for each in self.found.differences],
            "unknown_schemas": {name: list(tables) for name, tables in self.unknown_schemas.items()},
        }


def _tenant(draft: Draft, schema: DatabaseSchema) -> tuple[TenantTable, Choice]:
    """Give the tenant table, and why it is the one."""
    from toolkit.config.catalog_proposal import Choice, guessed
    from toolkit.planning.classification.tenants import tenant_candidates

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
        return draft.tenant, Choice(why=f"as {draft.file} says")
    candidates = tenant_candidates(schema)
    if not candidates:
        where = ", ".join(schema.schemas.covered)
        message = f"no table of schema {where} is named by others, so none looks like that of the tenants"
        raise InputError(
            [Problem(file=draft.file, path="tenant", message=message)],
            hint="write `tenant: {table: …, key: …}` into the file",
        )
    chosen, *others = candidates
    return chosen.tenant, Choice(why=guessed(chosen.why), others=tuple(others[:MOST_CANDIDATES]))


def _summary(found: Classification, file: str) -> Iterator[tuple[str, str]]:
    from toolkit.planning.classification.proposals import Verdict

    total = found.kept + len(found.proposals)
    yield f"{wording.counted(total, 'table')}: {found.kept} classified already, {len(found.proposals)} new", ""
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
        some = f"{len(undecided)} of {wording.counted(total, 'table')} ({share})"
        text = f"{some} need a person's decision{where}; {follow} follow from those"
        yield f"{text}: backups refuse to run until then", WARNING


def _elsewhere(unknown: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Say which schemas are not looked at, without a word in the file."""
    from toolkit.planning.accounting import listed

    for name, tables in unknown.items():
        yield (
            f"schema {name} ({wording.counted(len(tables), 'table')}: {listed(tables)}) is not looked at: add it to"
            " `schemas`, or to `other_schemas` with the reason why it is left out",
            WARNING,
        )


def _changed(found: Classification) -> Iterator[tuple[str, str]]:
    """Say what the file says and a fresh look at the schema does not."""
    from toolkit.config.catalog_entry import entry
    from toolkit.model.catalog import Category

    if found.differences:
        yield f"the schema speaks against {len(found.differences)} rules of the file, which stay as they are:", WARNING
    for each in found.differences:
        says = entry(found.written[each.table])
        if each.rule is None:
            yield f"  {says} cannot be followed: {each.why}", WARNING
        else:
            outside = "" if each.rule.category is Category.BUSINESS else f"under {each.rule.category}: "
            today = found.written[each.table].category
            where = "" if today is Category.BUSINESS else f", under {today}"
            yield f"  {says}{where}; a fresh look says {outside}{entry(each.rule)}: {each.why}", WARNING


def _classify(given: Options, call: Call) -> Iterator[Answer]:
    """Propose a catalog file.

    With `update` it keeps what the host's catalog file says and adds what is new; otherwise only that file's head is
    used. A file that says anything is never overwritten, but for the host's own with `update`, or as long as it has
    nothing but a head.
    """
    from msgspec.structs import replace

    from toolkit.actions.databases import open_database
    from toolkit.app.classify_target import target_of
    from toolkit.config import catalog_draft, catalog_proposal, catalog_update
    from toolkit.planning.classification.cautions import cautions
    from toolkit.planning.classification.proposing import classify
    from toolkit.postgres.schema.introspection import read_schema, schemas_with_tables
    from toolkit.postgres.session.connection import connect

    name, update = call.named_host(), given.update
    inventory = call.control.load_inventory()
    host = inventory.host(name)
    own = inventory.catalog_file(host.catalog or name)
    draft = catalog_draft.read(own, control=inventory.directory)
    if update and draft.exists and not draft.text.strip():
        message = "the catalog file is empty; was it overwritten by the output of this command?"
        raise InputError([Problem(file=draft.file, message=message)], hint="use --output, which replaces it at the end")
    target = target_of(given.output, own, draft, host=name, update=update) if given.output else None
    with connect(open_database(inventory.directory, host.database), application="playback classify") as connection:
        covered = draft.schemas or (("public",) if draft.is_begun else ())
        draft = replace(draft, schemas=covered or tuple(schemas_with_tables(connection)) or ("public",))
        found_schema = read_schema(connection, draft.schemas)
    schema = found_schema.covered()
    tenant, choice = _tenant(draft, schema)
    adding = update or (target is not None and target.is_draft)
    found = classify(draft.catalog(tenant) if adding else draft.head(tenant), schema)
    text = (catalog_update.updated_file if adding else catalog_proposal.new_file)(draft, found, choice)
    if target is not None:
        target.write(text)
    unknown = {
        name: tables
        for name, tables in found_schema.schemas.left_out.items()
        if not draft.head(tenant).leaves_out(name)
    }
    said = cautions(found, schema)
    yield Proposed(found=found, text=text, file=given.output, cautions=said, unknown_schemas=unknown)


COMMAND = Command(
    name="classify",
    summary="Propose a catalog file for a database",
    usage="--host H [--update] [--output FILE]",
    needs=(HOST, INVENTORY, JSON),
    options=Options,
    body=_classify,
)
