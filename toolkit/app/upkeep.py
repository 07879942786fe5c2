"""The commands `pin`, `unpin` and `unlock`: what a person says about backups and locks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from toolkit.app.backups import one_label
from toolkit.app.console import Output
from toolkit.app.control import Control, brief_reason, is_unused, repositories, utc_now
from toolkit.app.failure import show
from toolkit.app.text import PARTIAL, WARNING
from toolkit.errors import InputError, PlaybackError
from toolkit.runner.results import exit_code
from toolkit.storage import records
from toolkit.storage.lock_files import LockFile, list_locks, read_lock
from toolkit.storage.locks import store_time
from toolkit.storage.repository import Repository


def pin(control: Control, output: Output, *, labels: tuple[str, ...], until: str, repository: str) -> int:
    """Keep a backup from being pruned, in every repository that has it; through a day, or until it is unpinned.

    Raises:
        InputError: the day is none or has passed, or there is no such backup.
    """
    label = one_label(labels, "pin")
    day = _day(until) if until else None
    code = 0
    for name, opened in _holding(control, output, label, repository):
        try:
            records.pin(opened, label, until=day, now=utc_now())
        except PlaybackError as error:  # the others must not go without for it
            output.line(f"{label} in {name} is NOT pinned", style="red")
            show(output, error)
            code = PARTIAL
            continue
        output.line(f"{label} in {name} is pinned" + (f" until the end of {day}" if day else " until it is unpinned"))
    return code


def unpin(control: Control, output: Output, *, labels: tuple[str, ...], repository: str) -> int:
    """Take a backup's pin away; InputError when there is no such backup."""
    label = one_label(labels, "unpin")
    for name, opened in _holding(control, output, label, repository):
        was = records.unpin(opened, label)
        output.line(f"{label} in {name} " + ("is not pinned any more" if was else "was not pinned"))
    return 0


def unlock(control: Control, output: Output, *, repository: str, remove: str, force: bool) -> int:
    """Show the locks of a repository, or of all; remove those that no longer count, and others that are named.

    Args:
        remove: the id of a lock to remove although it counts.
        force: remove all of the named repository.

    Raises:
        InputError: a lock is to be removed and no repository is named, or there is no such lock.
    """
    if (remove or force) and not repository:
        raise InputError("no repository is named", hint="invoke unlock --repository R shows its locks")
    codes: list[int] = []
    for name, opened in repositories(control.load_inventory(), repository):
        if isinstance(opened, PlaybackError):
            if repository:
                raise opened
            output.line(f"repository {name}: {brief_reason(opened)}", style=WARNING)
            if not is_unused(opened):
                codes.append(opened.exit_code)
        else:
            _unlock(name, opened, output, remove=remove, force=force)
    return exit_code(codes)


def _unlock(name: str, repository: Repository, output: Output, *, remove: str, force: bool) -> None:
    store = repository.store
    locks = [lock for each in list_locks(store) if (lock := read_lock(store, each))]
    if remove and remove not in [lock.id for lock in locks]:
        raise InputError(f"there is no lock {remove} in {name}", hint=f"invoke unlock --repository {name} shows them")
    if not locks:
        output.line(f"repository {name} is not locked")
        return
    now = store_time(store)
    doomed: list[LockFile] = []
    for lock in locks:
        stale = lock.stale(now)
        if stale or force or lock.id == remove:
            doomed.append(lock)
        word = f"no longer counts: {stale}" if stale else "holds the repository"
        output.line(f"{name}: {lock.id}: {lock}; {word}")
    store.delete_many([lock.name for lock in doomed])
    left = len(locks) - len(doomed)
    output.line(f"{len(doomed)} of {len(locks)} locks removed")
    if left:
        output.line(
            f"if you know that such a run has died: invoke unlock --repository {name} --remove ID", style=WARNING
        )


def _holding(control: Control, output: Output, label: str, repository: str) -> Iterator[tuple[str, Repository]]:
    """The named repository, or all of the inventory, that have a backup; InputError when none has."""
    found, failures = False, []
    for name, opened in repositories(control.load_inventory(), repository):
        if isinstance(opened, PlaybackError):
            if repository:
                raise opened
            failures.append(f"{name}: {brief_reason(opened)}")
        elif label in opened.labels():
            found = True
            yield name, opened
    for failure in failures:
        output.line(f"not looked into: {failure}", style=WARNING)
    if not found:
        where = f"repository {repository}" if repository else "any repository of the inventory"
        raise InputError(f"there is no backup {label} in {where}", hint="`invoke backups` lists the backups there are")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--until: {text!r} is not a day", hint="write it as YYYY-MM-DD, e.g. 2027-01-31") from None
    if day < utc_now().date():
        raise InputError(f"--until: {day} has passed", hint="leave --until out to pin without an end")
    return day
