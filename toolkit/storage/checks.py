"""What is remembered of checks: `checks/<time>-<id>.json`, a file for each, so that two at once lose nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import msgspec
from msgspec import Struct

from toolkit.model.check import CheckRecord
from toolkit.planning.clock import compact_stamp, instant, is_future
from toolkit.storage.decoding import decoded, read_each
from toolkit.storage.layout import CHECKS, check_time_of
from toolkit.storage.repository import Repository

KEPT = timedelta(days=366)
"""How long a check stays known."""

_AT_ONCE = 20
"""How many are read before it is asked whether more are needed."""

_RECORD = msgspec.json.Decoder(CheckRecord)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


class LastChecks(Struct, frozen=True, kw_only=True):
    """The newest check of a repository, and the newest that read everything; None where nothing is known of one."""

    any: CheckRecord | None = None
    whole: CheckRecord | None = None


def record_check(repository: Repository, record: CheckRecord) -> None:
    """Remember a check, but in no bundle, which is only read; StorageError where that cannot be written."""
    if repository.store.one_file:
        return
    name = f"{CHECKS}{compact_stamp(instant(record.time))}-{secrets.token_hex(4)}.json"
    repository.store.put(name, msgspec.json.encode(record))


def checks(repository: Repository, *, most: int | None = None) -> Iterator[CheckRecord]:
    """Give what is remembered of checks, the newest first; files that cannot be understood are passed over.

    Raises:
        StorageError: they cannot be listed or read.
    """
    names = iter(
        sorted((each.name for each in repository.store.list(CHECKS) if check_time_of(each.name)), reverse=True)
    )
    left = most
    while some := list(islice(names, _AT_ONCE if left is None else min(left, _AT_ONCE))):
        left = None if left is None else left - len(some)
        found = [record for _, data in read_each(repository.store, some) if data and (record := _record_in(data))]
        # names tell seconds apart, and nothing less
        yield from sorted(found, key=lambda each: instant(each.time), reverse=True)


def last_checks(repository: Repository, *, now: datetime) -> LastChecks:
    """Give the newest checks; one from the future, when a clock was wrong, says nothing.

    Raises:
        StorageError: they cannot be listed or read.
    """
    newest: CheckRecord | None = None
    for record in checks(repository):
        if is_future(instant(record.time), now):
            continue
        newest = newest or record
        if not record.subset:
            return LastChecks(any=newest, whole=record)
    return LastChecks(any=newest)


def forgotten(repository: Repository, now: datetime) -> list[str]:
    """Give the files of checks that nobody asks for any more: all that are old but the newest of them.

    Args:
        now: by the store's clock.
    """
    listed = sorted(
        (time, each.name) for each in repository.store.list(CHECKS) if (time := check_time_of(each.name)) is not None
    )
    return [name for time, name in listed[:-1] if time < now - KEPT]


def _record_in(data: bytes) -> CheckRecord | None:
    """The record in a file; None where it is not what was written."""
    try:
        record = decoded(_RECORD, data)
        instant(record.time)
    except ValueError:  # DecodeError is one
        return None
    return record
