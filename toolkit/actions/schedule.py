"""`schedule`: pause a scheduled playbook, or let its runs begin again."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, Text, about
from toolkit.actions.context import Context
from toolkit.actions.pin import Day
from toolkit.errors import InputError, Problem, TaskError
from toolkit.model.outcome import Outcome
from toolkit.private import pauses
from toolkit.storage.processes import who


class ScheduleArguments(Arguments, frozen=True, kw_only=True):
    """Which scheduled playbook, and whether its runs begin."""

    name: Annotated[Text, about("What it is called; `invoke schedule --list` says it.", "nightly")]
    state: Annotated[
        Literal["paused", "active"],
        about("`paused`: its timer stays, and no run begins. `active`: runs begin at their times.", "paused"),
    ]
    until: Annotated[
        Day | None, about("The last day of a pause; without it, until it is `active` again.", "2026-12-24")
    ] = None


def run(arguments: ScheduleArguments, context: Context) -> Outcome:
    """See that a scheduled playbook is paused as asked, or not at all.

    Raises:
        InputError: nothing of that name is scheduled in this control directory, or the day has passed.
        TaskError: that cannot be written down.
    """
    name, directory, now = arguments.name, context.inventory.directory, context.now().astimezone()
    until = _day(arguments)
    pauses.expect_scheduled(directory, name)
    known = pauses.pause_of(directory, name, now.date())
    if context.check:
        changed = known is not None if arguments.state == "active" else known is None or known.until != until
    else:
        try:
            changed = (
                pauses.resume(directory, name)
                if arguments.state == "active"
                else pauses.pause(directory, name, until=until, by=who(), now=now)
            )
        except OSError as error:
            raise TaskError(f"that {name} is {arguments.state} cannot be written down: {error.strerror}") from error
    return Outcome(
        changed=changed,
        message=_message(name, arguments.state, until, changed=changed, check=context.check),
        facts={"name": name, "state": arguments.state, "until": until.isoformat() if until else None},
    )


def _message(name: str, state: str, until: date | None, *, changed: bool, check: bool) -> str:
    term = f" until the end of {until}" if until else ""
    if not changed:
        return f"{name} is {state}{term} already"
    return f"{name} {'would be' if check else 'is'} {state}{term}"


def _day(arguments: ScheduleArguments) -> date | None:
    if arguments.until is None:
        return None
    if arguments.state == "active":
        raise InputError([Problem(path="schedule.until", message="a day goes with a pause, not with `state: active`")])
    try:
        return date.fromisoformat(arguments.until)
    except ValueError:
        message = f"{arguments.until!r} is not a day; write it as YYYY-MM-DD"
        raise InputError([Problem(path="schedule.until", message=message)]) from None


ACTION = Action(
    name="schedule",
    does="Pause a scheduled playbook, or let its runs begin again.",
    examples=({"name": "nightly", "state": "paused", "until": "2026-12-24"}, {"name": "nightly", "state": "active"}),
    arguments=ScheduleArguments,
    run=run,
    on_leader=True,
)
