"""`import`: a JSON backup that the application itself has made becomes an ordinary backup in a repository."""

from __future__ import annotations

import tempfile
from typing import Annotated

from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, JobName, LockWait, Names, OnError, Text, Texts, about, names
from toolkit.actions.context import Context
from toolkit.actions.destinations import destinations
from toolkit.actions.importing import Import, Wanted
from toolkit.actions.scratch import EMBEDDED, Scratch, ScratchName, borrowed, making
from toolkit.actions.set_aside import SetAside
from toolkit.actions.targets import catalog_of
from toolkit.model.outcome import Outcome
from toolkit.model.role import Role
from toolkit.planning.json_backup.document import Form
from toolkit.storage.layout import check_job

_SPOOL = 4 << 20
"""Bytes of rows put aside that are held in memory."""


class ImportArguments(Arguments, frozen=True, kw_only=True):
    """Which file becomes a backup, by which rules, and where it is stored."""

    file: Annotated[
        Text,
        about(
            "The backup, compressed by gzip or not; relative to the control directory.",
            "old/backup.json.gz",
        ),
    ]
    catalog: Annotated[
        Text,
        about("The catalog file of the application; the one of the host when left out.", "multi-business"),
    ] = ""
    into: Annotated[
        Names,
        about(
            "Where to store it: one repository or several; the host's `repository` variable when left out.",
            "local",
            ["local", "offsite"],
            role=Role.REPOSITORY,
        ),
    ] = ""
    format: Annotated[
        Form,
        about(
            "How the file is written: `json-1`, lists of records by model; `json-2.0`, with metadata, businessData and"
            " deviceData; or whichever of the two it looks like.",
            "auto",
        ),
    ] = Form.AUTO
    on_error: Annotated[
        OnError,
        about("What a record does that cannot be taken as it is: end the import, or be put aside and listed.", "abort"),
    ] = OnError.ABORT
    like: Annotated[
        Text,
        about(
            "The host whose schema says what the values mean; the host of the task when left out.",
            "till-1",
            role=Role.HOST,
        ),
    ] = ""
    on: Annotated[
        Text,
        about(
            "The server on which a database of that schema is made for it, and dropped: `embedded`, one of Playback's"
            " own; `host`, the one of the host it is like; or that of another host of the inventory.",
            "host",
        ),
    ] = EMBEDDED
    name: Annotated[ScratchName, about("The name of that database.", "import")] = "import"
    job: JobName = ""
    tags: Annotated[Texts, about("Words recorded with the backup, to find it by.", ["old-system"])] = ()
    taken: Annotated[
        Text,
        about(
            "When the backup was made, where the file does not say it. Default: when the file was last written to.",
            "2024-05-01T18:00:00Z",
        ),
    ] = ""
    lock_wait: LockWait = 0


def run(arguments: ImportArguments, context: Context) -> Outcome:
    """Make a backup of a file.

    Raises:
        InputError: the file cannot be read, or is none of the forms.
        RefusedError: something in it is not what it should be; all of that is listed, and nothing was written.
        DatabaseError: the database for it cannot be made or read.
        StorageError: the repository could not be written; no backup exists then.
    """
    job = arguments.job or context.playbook
    check_job(job)
    host = replace(context.host, catalog=arguments.catalog) if arguments.catalog else context.host
    catalog = catalog_of(context, host)
    scratch = Scratch(like=arguments.like or context.host.name, on=arguments.on, name=arguments.name, keep=False)
    # what would be dropped when the play has ended is dropped when this has
    alone = replace(context, at_end=lambda name, work: None, scratch_by="import")
    with (
        destinations(context, names(arguments.into) or ("",), lock_wait=arguments.lock_wait) as into,
        tempfile.SpooledTemporaryFile(_SPOOL) as spool,
    ):
        if context.check:
            into.look()
        else:
            into.open(create=False)
        with borrowed(alone, scratch), making(alone, catalog, scratch) as made:
            # with rows in it, it is no draft for the next one
            made.draft.chosen = made.draft.whole
            wanted = Wanted(
                path=context.inventory.directory / arguments.file,
                form=arguments.format,
                quarantine=arguments.on_error is OnError.QUARANTINE,
                job=job,
                tags=arguments.tags,
                taken=arguments.taken,
            )
            aside = SetAside(wanted.path.name, context, spool)
            return Import(wanted, context, catalog, into, aside).outcome(made.draft.unbound)


ACTION = Action(
    name="import",
    does="Make a backup of a JSON file that the application itself has written as its backup.",
    examples=(
        {"file": "old/backup.json.gz", "into": "local"},
        {"file": "old/backup.json", "catalog": "multi-business", "on_error": "quarantine", "job": "old-system"},
    ),
    arguments=ImportArguments,
    run=run,
    on_leader=True,
)
