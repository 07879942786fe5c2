"""The action `assert`: stop when something is not as expected."""

from __future__ import annotations

from typing import Annotated, Literal

from toolkit.actions.action import Action
from toolkit.actions.arguments import COMMON, Arguments, Hideable, about, shaped
from toolkit.actions.context import Context
from toolkit.config.templates import Templates
from toolkit.errors import ExitCode, InputError, TaskError
from toolkit.model.outcome import Outcome
from toolkit.model.playbook import Place
from toolkit.model.role import Role

PASSED = "all assertions passed"


class AssertArguments(Arguments, frozen=True, kw_only=True):
    """What has to hold, and what is said of it."""

    that: Annotated[
        str | bool | tuple[str | bool, ...],
        shaped({"$ref": f"{COMMON}/conditions"}),
        about(
            "Conditions: Jinja2 expressions without braces.",
            "backup.rows > 0",
            ["backup.changed", "backup.rows > 0"],
            role=Role.EXPRESSION,
        ),
    ]
    fail_msg: Annotated[Hideable, about("What to say when one does not hold.", "nothing was backed up")] = ""
    exit_code: Annotated[
        Literal[1, 2],
        about("What the run ends with when one does not hold: 2 where whoever began the run made a mistake.", 2),
    ] = 1
    success_msg: Annotated[Hideable, about("What to say when all hold.", "all rows are there")] = PASSED


def run(arguments: AssertArguments, context: Context) -> Outcome:
    """Check that every condition of `that` (one or a list) holds.

    Raises:
        TaskError: one or more do not; `fail_msg` and every condition that does not hold.
        InputError: the same, where `exit_code` is 2; or a condition cannot be decided.
    """
    conditions = arguments.that if isinstance(arguments.that, tuple) else (arguments.that,)
    templates = Templates()
    broken = [
        str(condition).lower() if isinstance(condition, bool) else condition
        for index, condition in enumerate(conditions)
        if not templates.condition(condition, context.variables, Place(path=f"assert.that[{index}]"))
    ]
    if broken:
        reasons = "\n".join(f"  - {condition}" for condition in broken)
        message = arguments.fail_msg or f"{len(broken)} of {len(conditions)} assertions failed"
        raise (InputError if ExitCode(arguments.exit_code) is ExitCode.INPUT else TaskError)(f"{message}\n{reasons}")
    return Outcome(message=str(arguments.success_msg))


ACTION = Action(
    name="assert",
    does="Fail unless every condition holds.",
    examples=({"that": ["backup.rows > 0"], "fail_msg": "nothing was backed up"},),
    arguments=AssertArguments,
    run=run,
    shows_arguments=True,
    judges=True,
    on_leader=True,
)
