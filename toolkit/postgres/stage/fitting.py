"""A backup made to fit a target whose schema has moved on, or the differences that nobody has answered yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace  # noqa: TID251 - of a Problem, which commands load without msgspec
from typing import NoReturn

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.drift import Answers, Drift, Expression, Question, Reshape
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.planning.answer_text import argument
from toolkit.planning.answers import read_answers
from toolkit.planning.drift import find_drift
from toolkit.planning.offers import Offers
from toolkit.planning.some_tables import SomeTables
from toolkit.postgres.compare.source import RowsOf, Source
from toolkit.postgres.schema.introspection import constrained_columns
from toolkit.postgres.schema.open_domains import OpenDomain
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.stage.reshaping import Reshaper

OFFERED = 5
"""How many answers a refusal offers; all of them are in the file that `--write-answers` makes."""

Ask = Callable[[Sequence[Question]], None]
"""Is told what drift asks, before a restore is refused for it."""


class Fitted(Struct, frozen=True):
    """A backup made to fit a target.

    Attributes:
        entries: its tables under the target's names, as they were before they were changed on stage.
        unfit: the tables that do not fit, with the reasons.
        converted: tables whose values became others: their chunks say nothing any more.
        dropped: tables that are not restored because the answers say so.
    """

    source: Source
    entries: Sequence[TableEntry]
    unfit: Mapping[str, tuple[Question, ...]]
    converted: frozenset[str] = frozenset()
    dropped: tuple[TableEntry, ...] = ()


def fitting_source(
    workspace: Workspace,
    manifest: Manifest,
    rows_of: RowsOf,
    answers: Answers,
    *,
    thorough: bool = False,
    ask: Ask | None = None,
    some: SomeTables | None = None,
) -> Source:
    """Give the source of a restore, under the target's names, with the rows of drifted tables converted on stage.

    Args:
        thorough: examine the values of constrained domains, which otherwise end the loading of their table.
        some: the tables that are restored, and what has to do with them; None for all. What other tables ask stands in
            the way of nothing.

    Raises:
        InputError: answers that name nothing, that nothing asks for, or whose values do not fit.
        RefusedError: drift that is not answered, all of it; nothing was changed.
    """
    concerned = None if some is None else some.concerned
    fitted = fit(workspace, manifest, rows_of, answers, action="restore", thorough=thorough, concerned=concerned)
    unfit = {name: found for name, found in fitted.unfit.items() if some is None or name in some.named}
    if questions := [question for found in unfit.values() for question in found]:
        if ask is not None:
            ask(questions)
        refuse_drift(manifest, questions)
    fitted.source.unfit = fitted.unfit
    return fitted.source


def refuse_drift(manifest: Manifest, questions: Sequence[Question]) -> NoReturn:
    """Raise RefusedError with what drift asks, and the answers that are offered."""
    raise RefusedError(
        f"the target's schema does not fit backup {manifest.metadata.label}",
        map(str, questions),
        hint=_hint(questions),
        facts={"questions": [msgspec.to_builtins(question) for question in questions]},
    )


def fit(
    workspace: Workspace,
    manifest: Manifest,
    rows_of: RowsOf,
    answers: Answers,
    *,
    action: str,
    thorough: bool = False,
    concerned: Collection[str] | None = None,
) -> Fitted:
    """Make a backup fit a target as far as it does.

    Args:
        action: whose arguments the answers are.
        concerned: the tables that are looked at, by their names in the target; None for all.

    Raises:
        InputError: answers that name nothing, that nothing asks for, or whose values do not fit.
    """
    connection, schema = workspace.connection, workspace.schema
    constrained = constrained_columns(connection, schema) if thorough else frozenset[tuple[str, str]]()
    # whether rows have to fit these is seen once it is known which ones are written
    constrained -= {(table, column) for table, columns in workspace.open_domains.items() for column in columns}
    drift = find_drift(manifest, schema, answers, constrained=constrained)
    if concerned is not None:
        drift = _of_some(drift, concerned)
    _refuse_answers(action, [*drift.problems, *_unfit_defaults(workspace, drift)])
    source = Source(workspace, drift.manifest, rows_of)
    questions = {name: list(found) for name, found in drift.questions.items()}
    offers = Offers(manifest, schema, read_answers(manifest, schema, answers))
    reshaper = Reshaper(workspace, source, rows_of, offers)
    for name, reshape in drift.reshapes.items():
        loose = _of_base_types(reshape, workspace.open_domains.get(name, {}))
        questions.setdefault(name, []).extend(reshaper.reshape(loose, blocked=name in drift.questions))
    _refuse_answers(action, reshaper.problems)
    return Fitted(
        source,
        drift.manifest.tables,
        {name: tuple(found) for name, found in sorted(questions.items()) if found},
        frozenset(name for name, reshape in drift.reshapes.items() if reshape.converted),
        drift.dropped,
    )


def _of_base_types(reshape: Reshape, domains: Mapping[str, OpenDomain]) -> Reshape:
    """The same with columns of these domains as they are on stage."""
    carried = (
        msgspec.structs.replace(each, column=msgspec.structs.replace(each.column, type=domains[each.name].base))
        if each.name in domains
        else each
        for each in reshape.carried
    )
    return msgspec.structs.replace(reshape, carried=tuple(carried)) if domains else reshape


def _of_some(drift: Drift, concerned: Collection[str]) -> Drift:
    """The drift of some tables; what is wrong with answers is wrong whatever tables are asked for."""
    tables = tuple(entry for entry in drift.manifest.tables if entry.name in concerned)
    return msgspec.structs.replace(
        drift,
        manifest=msgspec.structs.replace(drift.manifest, tables=tables),
        questions={name: found for name, found in drift.questions.items() if name in concerned},
        reshapes={name: reshape for name, reshape in drift.reshapes.items() if name in concerned},
        dropped=tuple(entry for entry in drift.dropped if entry.name in concerned),
    )


def _refuse_answers(action: str, problems: Iterable[Problem]) -> None:
    if found := [replace(problem, path=f"{action}.{problem.path}") for problem in problems]:
        raise InputError(found)


def _hint(questions: Sequence[Question]) -> str:
    offered = list(dict.fromkeys(f"`{argument(each.options[0])}`" for each in questions if each.options))
    more = f" and {len(offered) - OFFERED} more" if len(offered) > OFFERED else ""
    parts = []
    if offered:
        parts.append(
            f"answers that would do: {', '.join(offered[:OFFERED])}{more};"
            " `--check --write-answers FILE.yml` writes all of them, with others to choose from, into a file for"
            " `answers: FILE.yml`, with a shipped playbook `--extra-vars answers=FILE.yml`"
        )
    if not all(each.options for each in questions):
        parts.append("where no answer is offered, bring the target to the application version of the backup")
    return f"{'; '.join(parts)}. Nothing was changed"


def _unfit_defaults(workspace: Workspace, drift: Drift) -> Iterator[Problem]:
    """The values of `defaults` that their columns cannot hold, with what the server says."""
    connection = workspace.connection
    for name, reshape in drift.reshapes.items():
        given = {column: value for column, value in reshape.filled.items() if not isinstance(value, Expression)}
        for column, text in given.items():
            try:
                with connection.transaction(force_rollback=True):
                    stage = workspace.create("default", name)
                    statement = sql.SQL("INSERT INTO {} ({}) SELECT {}")
                    connection.execute(statement.format(stage, sql.Identifier(column), sql.Literal(text)))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                yield Problem(path=f"defaults.{name}.{column}", message=first_line(error))
