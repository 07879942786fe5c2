"""The action `pin`: keep a backup from being pruned, or let it be pruned again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, BackupChoice, BackupFilter, RepositoryName, Text, about, matching
from toolkit.actions.choosing import backup_of
from toolkit.actions.context import Context
from toolkit.actions.targets import repository_of
from toolkit.errors import InputError, Problem
from toolkit.model.outcome import Outcome
from toolkit.model.retention import Pin
from toolkit.planning.choice import LATEST
from toolkit.storage import records
from toolkit.storage.layout import pin_name
from toolkit.storage.repository import Repository

ABSENT = "absent"

Day = Annotated[Text, matching(r"^\d{4}-\d{2}-\d{2}$", "a day is written as YYYY-MM-DD, e.g. 2027-01-31")]


class PinArguments(Arguments, frozen=True, kw_only=True):
    """Which backup, and how long it stays."""

    backup: Annotated[
        BackupChoice,
        about(
            "Which backup: `latest` (the default), a label, or a mapping that narrows down which newest one is meant.",
            "20261120T020000Z-nightly-business",
            {"job": "nightly", "tags": ["before-migration"]},
        ),
    ] = "latest"
    repository: RepositoryName = ""
    until: Annotated[Day | None, about("The last day it is kept; without it, until it is unpinned.", "2027-01-31")] = (
        None
    )
    state: Annotated[
        Literal["present", "absent"], about("Whether it is to be pinned; `absent` takes its pin away.", "absent")
    ] = "present"


def run(arguments: PinArguments, context: Context) -> Outcome:
    """See that a backup is pinned as asked, or not at all.

    Raises:
        InputError: there is no such backup, or the day has passed.
        RefusedError: it cannot be told which backup is the newest.
        LockedError, StorageError: the repository cannot be read or written.
    """
    absent = arguments.state == ABSENT
    if absent and arguments.until:
        raise InputError([Problem(path="pin.until", message="a day goes with a pin, not with `state: absent`")])
    until = day_of(arguments.until, context.now(), where="pin.until") if arguments.until else None
    repository = repository_of(context, arguments.repository)
    label = _label(context, repository, arguments.backup)
    wanted = None if absent else Pin(until=until)
    known = records.read_records(repository, label)
    there = known.pins.get(label)
    changed = there != wanted or pin_name(label) in known.unreadable
    if changed and not context.check:
        if wanted is None:
            records.unpin(repository, label)
        else:
            records.pin(repository, label, until=until, now=context.now())
    return Outcome(
        changed=changed,
        message=_said(label, wanted, changed=changed, check=context.check),
        facts={"label": label, "pinned": wanted is not None, "until": until.isoformat() if until else None},
    )


def day_of(text: str, now: datetime, *, where: str) -> date:
    """Give the day through which a backup is to be kept.

    Args:
        where: what was given the text, for the error.

    Raises:
        InputError: it is no day, or has passed.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a day", hint="write it as YYYY-MM-DD, e.g. 2027-01-31") from None
    if day < now.date():
        raise InputError(f"{where}: {day} has passed", hint=f"leave {where} out to pin without an end")
    return day


def how_long(until: date | None) -> str:
    """Say how long a pin holds."""
    return f"until the end of {until}" if until else "until it is unpinned"


def _label(context: Context, repository: Repository, choice: str | BackupFilter) -> str:
    """The label of the backup that is meant; one that is named is not read, for a damaged one may be pinned too."""
    if not isinstance(choice, str) or choice == LATEST:
        return backup_of(context, repository, choice).metadata.label
    if choice not in repository.labels(choice):
        raise InputError(
            f"there is no backup {choice} in {repository.place}", hint="`invoke backups` lists the backups there are"
        )
    return choice


def _said(label: str, wanted: Pin | None, *, changed: bool, check: bool) -> str:
    if not changed:
        return f"{label} is pinned {how_long(wanted.until)}" if wanted else f"{label} is not pinned"
    if wanted:
        return f"{'would pin' if check else 'pinned'} {label} {how_long(wanted.until)}"
    return f"{'would unpin' if check else 'unpinned'} {label}"


ACTION = Action(
    name="pin",
    does="Keep a backup from being pruned, or let it be pruned again.",
    examples=(
        {"backup": "20261120T020000Z-nightly-business", "until": "2027-01-31"},
        {"backup": "20261120T020000Z-nightly-business", "state": "absent"},
    ),
    arguments=PinArguments,
    run=run,
)
