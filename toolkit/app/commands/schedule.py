"""`schedule`: have a playbook run by itself, by what the machine has for that; show, install, pause and list it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from toolkit.app.command import INVENTORY, JSON, Call, Command
from toolkit.app.scheduling.asked import Asked
from toolkit.errors import InputError
from toolkit.output.answer import Answer

if TYPE_CHECKING:
    from toolkit.app.scheduling.kind import Kind


def _schedule(given: Asked, call: Call) -> Iterator[Answer]:
    from toolkit.app.scheduling.kinds import kind_named

    asked = [f"--{name}" for name in ("install", "remove", "list", "pause", "resume") if getattr(given, name)]
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)}: give one of them")
    if given.until and not given.pause:
        raise InputError("--until goes with --pause")
    kind = kind_named(given.kind)
    if given.list:
        from toolkit.app.scheduling.listing import listed

        yield listed(call.control.directory)
    elif given.pause or given.resume:
        yield _paused(given, call)
    elif given.remove:
        yield _removed(given, call, kind)
    else:
        yield _planned(given, call, kind)


def _paused(given: Asked, call: Call) -> Answer:
    from toolkit.app.scheduling import names
    from toolkit.app.scheduling.answers import Paused
    from toolkit.private import pauses
    from toolkit.storage.processes import who

    if len(given.playbook) != 1 and not given.name:
        raise InputError("nothing to pause or to resume is named", hint="invoke schedule NAME --pause")
    directory, now = call.control.directory, names.local_now()
    name = given.name or given.playbook[0]
    if name not in pauses.scheduled_names(directory):
        name = names.default(name)
    pauses.expect_scheduled(directory, name)
    if given.resume:
        return Paused(name=name, pause=None, changed=pauses.resume(directory, name))
    until = names.day(given.until) if given.until else None
    changed = pauses.pause(directory, name, until=until, by=who(), now=now)
    return Paused(name=name, pause=pauses.pause_of(directory, name, now.date()), changed=changed)


def _removed(given: Asked, call: Call, kind: Kind) -> Answer:
    from toolkit.app.scheduling import names, record
    from toolkit.app.scheduling.answers import Removed
    from toolkit.app.scheduling.kinds import kind_named

    if len(given.playbook) != 1 and not given.name:
        raise InputError("no playbook is named", hint="invoke schedule PLAYBOOK --remove")
    name = names.checked(given.name) if given.name else names.default(given.playbook[0])
    directory = call.control.directory
    known = record.read(directory, name)
    by = kind_named(known.kind) if known is not None and known.kind and not given.kind else kind
    found = by.remove(name, directory)
    if not found and known is None:
        raise InputError(f"nothing called {name} is scheduled in {directory}", hint="invoke schedule --list")
    record.forget(directory, name)
    return Removed(name=name, kind=by, found=found)


def _planned(given: Asked, call: Call, kind: Kind) -> Answer:
    from toolkit.app.scheduling import names, record
    from toolkit.app.scheduling.answers import Planned
    from toolkit.app.scheduling.kinds import kind_named
    from toolkit.app.scheduling.plan import job_of, warnings_of
    from toolkit.errors import PlaybackError
    from toolkit.private.files import make_directory
    from toolkit.private.pauses import pause_of

    job = job_of(given, call)
    now, directory = names.local_now(), call.control.directory
    known = record.read(directory, job.name)
    if known is not None and known.kind and known.playbook != job.playbook:
        raise InputError(
            f"{job.name} is scheduled already, for {known.playbook}", hint="choose another --name, or remove that one"
        )
    pause = pause_of(directory, job.name, now.date())
    still_paused = (
        (f"{job.name} is paused {pause.term}; `invoke schedule {job.name} --resume` ends it",) if pause else ()
    )
    planned = Planned(
        job=job,
        kind=kind,
        now=now,
        overlap=given.overlap,
        warnings=(*warnings_of(given, call, job, kind, now), *still_paused),
        made=kind.made(job),
        installed=given.install,
    )
    if given.install:
        make_directory(directory / record.LOGS)
        if known is not None and known.kind not in ("", kind.name):
            # else both would run it
            kind_named(known.kind).remove(job.name, directory)
        try:
            kind.install(job)
        except PlaybackError:
            if not call.as_json:
                for line in planned.files():
                    call.output.line(line.text)
            raise
        fresh = record.Record(name=job.name, playbook=job.playbook, since=now)
        asked = {"at": given.at, "on": given.on, "every": given.every, "options": job.options}
        record.change(directory, fresh, playbook=job.playbook, kind=kind.name, since=now, **asked)
    return planned


COMMAND = Command(
    name="schedule",
    summary="Have a playbook run by itself, and say how such runs ended",
    usage="PLAYBOOK --at 02:00 [--install | --remove | --list | --pause | --resume]",
    needs=(INVENTORY, JSON),
    options=Asked,
    body=_schedule,
)
