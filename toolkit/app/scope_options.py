"""The options that say a scope on the command line: `--businesses`, `--demo`, `--scope`, `--optional`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from toolkit.errors import InputError, Problem
from toolkit.model.scope import BackupType, Demo, Scope

Choice = TypeVar("Choice", bound=StrEnum)


def scope_meant(*, businesses: str, demo: str, scope: str, optional: str) -> Scope:
    """Read a scope from the options as a person wrote them; empty where they were left out.

    Raises:
        InputError: every option that is not right.
    """
    problems: list[Problem] = []
    meant = Scope(
        type=_choice("--scope", scope, BackupType.BUSINESS, problems),
        businesses=tuple(dict.fromkeys(names(businesses, "--businesses"))),
        demo=_choice("--demo", demo, Demo.EXCLUDE, problems),
        optional=_optional(optional, problems),
    )
    if problems:
        raise InputError(problems)
    return meant


def names(text: str, option: str = "") -> tuple[str, ...]:
    """Split a list at its commas; spaces around the names do not count.

    Args:
        option: the option that is to name something; empty where a list may be of nothing.

    Raises:
        InputError: the option was given and names nothing, which would leave out no more than if it were not there.
    """
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if option and text and not found:
        raise InputError(f"{option}: {text!r} names nothing", hint=f"name something, or leave {option} out")
    return found


def _choice(option: str, text: str, default: Choice, problems: list[Problem]) -> Choice:
    kind = type(default)
    if not text:
        return default
    if text not in [member.value for member in kind]:
        listed = ", ".join(member.value for member in kind)
        problems.append(Problem(message=f"{option}: expected one of {listed}, not {text!r}"))
        return default
    return kind(text)


def _optional(text: str, problems: list[Problem]) -> dict[str, int | None]:
    """`table` or `table=LIMIT`, several separated by commas."""
    found: dict[str, int | None] = {}
    for entry in names(text, "--optional"):
        table, equals, limit = entry.partition("=")
        if equals and not re.fullmatch(r"[1-9][0-9]{0,11}", limit):
            problems.append(
                Problem(message=f"--optional: the limit of {table} is a whole number of rows, not {limit!r}")
            )
        else:
            found[table] = int(limit) if equals else None
    return found


def scope_text(scope: Scope) -> str:
    """Give a scope in a few words, e.g. `business, all businesses, demo: exclude`."""
    covered = ", ".join(scope.businesses) or "all businesses"
    optional = [table if limit is None else f"{table} (newest {limit})" for table, limit in scope.optional.items()]
    return ", ".join((scope.type.value, covered, f"demo: {scope.demo.value}", *optional))
