"""The conditions that catalog authors put on rows of tables: `where`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg
from psycopg import sql

from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Catalog, TableRule
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.session.qualifying import Verbatim


def check_conditions(
    workspace: Workspace, catalog: Catalog, rules: Mapping[str, TableRule], tables: Iterable[str]
) -> None:
    """Try every `where` on its table without reading a row.

    Raises:
        InputError: some are no conditions on their tables (all of them).
    """
    problems = []
    for name in tables:
        rule = rules[name]
        if not rule.where:
            continue
        query = sql.SQL("SELECT 1 FROM {} t WHERE {} LIMIT 0").format(
            workspace.relations[name].source, condition_of(rule)
        )
        try:
            with workspace.connection.transaction():
                workspace.connection.execute(query)
        except psycopg.Error as error:
            # a lost connection, a cancellation or a lock that cannot be had says nothing of the condition
            if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
                raise
            place = f"{rule.category.value}.{rule.group}.{name}.where"
            problems.append(Problem(file=catalog.file, line=rule.line, path=place, message=first_line(error)))
    if problems:
        raise InputError(problems)


def condition_of(rule: TableRule) -> Sql:
    """Give a rule's `where` as SQL (true without one). It is the catalog author's own text."""
    return sql.SQL("({})").format(Verbatim(rule.where)) if rule.where else sql.SQL("true")
