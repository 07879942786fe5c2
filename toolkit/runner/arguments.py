"""From an action's rendered arguments to what it runs with: checked once, revealed once, converted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace  # noqa: TID251 - of a Problem, which commands load without msgspec
from typing import Any

from toolkit.actions.action import A, Action
from toolkit.actions.schema import schema_of
from toolkit.config.secrets import plain
from toolkit.config.validation import check_arguments
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place


def prepared(action: Action[A], rendered: Any, place: Place) -> A:
    """Give the arguments of an action, ready to run with.

    Secrets are text in them, so that no action has to know of secrets, unless it shows its arguments.

    Args:
        rendered: the arguments without templates.
        place: the task's.

    Raises:
        InputError: every problem they have; of one that a secret causes, where it is and not what it holds.
    """
    if problems := _problems(action, rendered, place):
        raise InputError(problems)
    if action.shows_arguments:
        return action.convert(rendered)
    revealed = plain(rendered)
    if revealed != rendered and (problems := _problems(action, revealed, place)):
        hidden = "what the secret holds does not fit here"
        raise InputError(dict.fromkeys(replace(problem, message=hidden) for problem in problems))
    return action.convert(revealed)


def _problems(action: Action[A], arguments: Any, place: Place) -> Sequence[Problem]:
    return check_arguments(action.name, schema_of(action), arguments, place)
