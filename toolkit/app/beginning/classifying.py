"""The catalog file of a database: what it says for itself, and what a person answers about the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from toolkit import wording
from toolkit.app.beginning.asking import LATER, Asker, Choice, Question
from toolkit.config import catalog_proposal, catalog_update
from toolkit.config.catalog_draft import Draft
from toolkit.config.catalog_entry import entry
from toolkit.config.catalog_proposal import Choice as TenantChoice
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Category, TenantTable
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import listed
from toolkit.planning.classification.cautions import cautions
from toolkit.planning.classification.proposals import Classification, Option, Proposal, Verdict
from toolkit.planning.classification.proposing import classify
from toolkit.planning.classification.settling import Settling
from toolkit.planning.classification.tenants import Candidate, tenant_candidates
from toolkit.planning.classification.whole import classify_whole, stand_in
from toolkit.postgres.schema.granting import grants
from toolkit.postgres.schema.introspection import read_schema, schemas_with_tables
from toolkit.postgres.schema.row_counts import Rows, count_rows
from toolkit.postgres.schema.sequences import recorded
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import Connection

_ONE = "the database is of one business: this table stands in the place of a list of them"
_CANDIDATES = 5
"""More tables that might be that of the tenants are not offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """A catalog file to be.

    Attributes:
        text: all of it.
        open: the tables that are still to be decided, or cannot be.
        said: what was found, as sentences.
        warnings: what to look at.
    """

    text: str
    open: tuple[str, ...]
    said: tuple[str, ...]
    warnings: tuple[str, ...]


def fitting(connection: Connection, inventory: LoadedInventory) -> str:
    """Give the catalog of the inventory that classifies every table of a database, and no other; empty for none."""
    for name in inventory.catalogs:
        try:
            catalog = inventory.catalog(name)
        except InputError:
            continue
        schema = read_schema(connection, catalog.schemas)
        if catalog.tenant.table not in schema.tables:
            continue
        strange = [each for each in schema.schemas.left_out if not catalog.leaves_out(each)]
        found = classify(catalog, schema.covered())
        if not (strange or found.proposals or found.dropped):
            return name
    return ""


def classified(connection: Connection, draft: Draft, asker: Asker) -> Classified:
    """Classify a database, asking about what it does not say for itself.

    Args:
        draft: the catalog file as far as it goes; all that it says stays.

    Raises:
        InputError: there are no tables, or the file does not fit the database.
    """
    draft = _with_schemas(connection, draft, asker)
    schema = read_schema(connection, draft.schemas).covered()
    hidden = _hidden(connection, schema)
    draft = _confirmed(connection, draft, schema, asker)
    tenant, choice = _tenant(connection, draft, schema, asker)
    if tenant is None:
        return _whole(connection, draft, schema, choice, hidden)
    settling = Settling(catalog=draft.catalog(tenant), schema=schema)
    while (proposal := settling.next()) is not None:
        settling.settle(proposal, _answer(connection, schema, proposal, asker))
    found = settling.result()
    if draft.written:
        text = catalog_update.updated_file(draft, found, choice, answered=settling.decided)
    else:
        text = catalog_proposal.new_file(draft, found, choice)
    said = (f"the rows of {tenant.table} are the businesses: {choice.why}", _summary(found, len(settling.settled)))
    return Classified(text=text, open=_open(found), said=said, warnings=(*hidden, *_cautions(found, schema)))


def _hidden(connection: Connection, schema: DatabaseSchema) -> list[str]:
    """Say what this role may not read, and what no role can, so that no backup can either."""
    user, workspace = connection.info.user, Workspace(connection, schema)
    sequences = recorded(connection, schema.schemas, schema.tables)
    lacking = workspace.lacking(("SELECT", name) for name in (*sorted(schema.tables), *sequences))
    said = []
    if lacking:
        what = f"role {user} lacks what every backup needs: {listed(list(map(str, lacking)))}"
        said.append(f"{what}; {grants(user, lacking)}")
    said.extend(
        f"column {name}.{column.name} is of type {column.type}, whose values mean something else in another database:"
        " no backup is made while its table is not `transient`"
        for name, table in sorted(schema.tables.items())
        for column in table.stored_columns
        if column.object_ids
    )
    return said


def _with_schemas(connection: Connection, draft: Draft, asker: Asker) -> Draft:
    """The draft with the schemas that it covers, and those that a person leaves out."""
    if draft.schemas or draft.is_begun:
        return replace(draft, schemas=draft.schemas or ("public",))
    names = schemas_with_tables(connection)
    if not names:
        raise InputError(
            f"database {connection.info.dbname} has no tables that role {connection.info.user} can see",
            hint="is it the right database? The application makes its tables; GRANT USAGE ON SCHEMA … shows them",
        )
    covered: list[str] = []
    left_out: dict[str, str] = {}
    for name in names:
        schema = read_schema(connection, (name,)).covered() if len(names) > 1 else None
        if schema is None or not _left_out(connection, schema, asker, last=name == names[-1] and not covered):
            covered.append(name)
        else:
            left_out[name] = "left out when this file was made"
    return replace(draft, schemas=tuple(covered), other_schemas=left_out)


def _left_out(connection: Connection, schema: DatabaseSchema, asker: Asker, *, last: bool) -> bool:
    if last:
        return False
    rows = count_rows(connection, schema, schema.tables).values()
    total = sum(each.number or 0 for each in rows)
    what = f"{wording.counted(len(schema.tables), 'table')}: {listed(sorted(schema.tables))}"
    question = Question(
        subject=f"schema {schema.schemas.first} ({what}; {wording.counted(total, 'row')})",
        reason="the database has several schemas, and not each of them need be of the application",
        choices=(Choice(title="back it up"), Choice(title="leave it out", meaning="no backup has its rows")),
    )
    return asker.ask(question) == 1


def _confirmed(connection: Connection, draft: Draft, schema: DatabaseSchema, asker: Asker) -> Draft:
    """The draft, without the mark of a guess where a person takes the tenant table in it for the right one."""
    if draft.tenant is None or draft.tenant.table not in schema.tables or not catalog_proposal.is_guessed(draft.text):
        return draft
    table = draft.tenant.table
    rows = count_rows(connection, schema, [table])[table]
    question = Question(
        subject=f"are the rows of {table} ({rows}) the businesses (tenants)?",
        reason=f"{draft.file} has it as a guess, and all that it says of other tables goes by it",
        choices=(Choice(title="yes"), Choice(title="no", meaning="begin the file anew")),
    )
    answer = asker.ask(question)
    if answer == 1:
        hint = f"delete {draft.file}, if all in it was proposed, and run this again: it asks which table they are"
        raise InputError([Problem(file=draft.file, path="tenant.table", message=f"{table} is not the one")], hint=hint)
    return draft if answer is None else replace(draft, text=catalog_proposal.confirmed(draft.text))


def _tenant(
    connection: Connection, draft: Draft, schema: DatabaseSchema, asker: Asker
) -> tuple[TenantTable | None, TenantChoice]:
    """The tenant table, and why it is the one; None where the database is of one business."""
    if draft.tenant is not None:
        if draft.tenant.table not in schema.tables:
            message = f"the database has no table {draft.tenant.table}"
            raise InputError([Problem(file=draft.file, path="tenant.table", message=message)])
        return draft.tenant, TenantChoice(why=f"as {draft.file} says")
    candidates = tenant_candidates(schema)[:_CANDIDATES]
    if not candidates:
        return None, TenantChoice(why=_ONE)
    rows = count_rows(connection, schema, [each.tenant.table for each in candidates])
    choices = [Choice(title=each.tenant.table, meaning=f"{rows[each.tenant.table]}; {each.why}") for each in candidates]
    none = Choice(title="none of them", meaning="the database is of one business: all of it is backed up, whole")
    offered = [(choice, each) for choice, each in zip(choices, candidates, strict=True)]
    answers: list[tuple[Choice, Candidate | None]] = [*offered, (none, None)]
    if not candidates[0].likely:
        answers = [(none, None), *offered]
    question = Question(
        subject="which table's rows are the businesses (tenants)?",
        reason="each can be backed up and restored without touching the others; names and references only suggest one",
        choices=[choice for choice, _ in answers],
    )
    answer = asker.ask(question)
    chosen = answers[answer or 0][1]
    why = chosen.why if chosen is not None else _ONE
    if answer is not None:
        return chosen.tenant if chosen is not None else None, TenantChoice(why=why)
    others = tuple(each for each in candidates if each is not chosen)
    return chosen.tenant if chosen is not None else None, TenantChoice(why=catalog_proposal.guessed(why), others=others)


def _answer(connection: Connection, schema: DatabaseSchema, proposal: Proposal, asker: Asker) -> Option | None:
    if not proposal.options:
        return None
    rows = count_rows(connection, schema, [proposal.table])
    choices = [_choice(each) for each in proposal.options]
    later = Choice(title=LATER, meaning="marked in the catalog file; no backup runs until then")
    question = Question(
        subject=f"whose are the rows of {proposal.table} ({rows[proposal.table]})?",
        reason=proposal.why,
        choices=(*choices, later),
    )
    answer = asker.ask(question)
    return proposal.options[answer] if answer is not None and answer < len(proposal.options) else None


def _choice(option: Option) -> Choice:
    category = option.rule.category
    if category is Category.BUSINESS:
        return Choice(title=entry(option.rule).partition(": ")[2], meaning=option.meaning)
    return Choice(title=category.value, meaning=option.meaning.partition(": ")[2])


def _whole(
    connection: Connection, draft: Draft, schema: DatabaseSchema, choice: TenantChoice, hidden: Sequence[str]
) -> Classified:
    """The catalog file of a database of one business."""
    counted: Mapping[str, Rows] = count_rows(connection, schema, schema.tables)
    tenant = stand_in(schema, {name: each.number or 0 for name, each in counted.items()})
    if tenant is None:
        raise InputError(
            "no table looks like that of the tenants, and none can stand in its place: no table has a primary key of"
            " one column",
            hint="make a table of one row, e.g. CREATE TABLE business (id int PRIMARY KEY, name text), and begin again",
        )
    found = classify_whole(tenant, schema)
    text = catalog_proposal.new_file(draft, found, choice)
    said = (
        f"{wording.counted(len(schema.tables), 'table')}: the database is of one business, so every backup has all of"
        f" them, whole ({tenant.table} stands in the place of a table of businesses)"
    )
    return Classified(text=text, open=_open(found), said=(said,), warnings=(*hidden, *_cautions(found, schema)))


def _open(found: Classification) -> tuple[str, ...]:
    return tuple(each.table for each in found.proposals if each.verdict is not Verdict.DECIDED)


def _summary(found: Classification, answered: int) -> str:
    total = found.kept + len(found.proposals)
    decided = len(found.by_verdict(Verdict.DECIDED)) - answered
    parts = [
        f"{found.kept} as the catalog file says" if found.kept else "",
        f"{decided} by keys and references" if decided else "",
        f"{answered} by answers" if answered else "",
        f"{len(_open(found))} to be decided" if _open(found) else "",
    ]
    return f"{wording.counted(total, 'table')} classified: {', '.join(part for part in parts if part)}"


def _cautions(found: Classification, schema: DatabaseSchema) -> list[str]:
    gone = (f"the database has no table {each.table}, which the catalog file names" for each in found.dropped)
    return [*cautions(found, schema), *gone]
