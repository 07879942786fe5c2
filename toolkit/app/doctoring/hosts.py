"""A host: its database, the role, the catalog file, clocks, and what a scratch database would need."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from toolkit.actions.databases import open_database
from toolkit.app.beginning.proving import BESIDE, EMBEDDED, Original
from toolkit.config.inventory import LoadedInventory
from toolkit.config.secrets import SourcedSecret
from toolkit.config.templates import is_template
from toolkit.errors import InputError, PlaybackError, UnsetError
from toolkit.model.catalog import Catalog
from toolkit.model.finding import Examined, Finding, Level, Measure
from toolkit.model.host import EmbeddedDatabase, Host
from toolkit.planning.accounting import listed
from toolkit.planning.clock import SKEW
from toolkit.postgres.restore.outlook import Outlook, outlook
from toolkit.postgres.servers.embedded import directory_of
from toolkit.postgres.servers.programs import fitting
from toolkit.postgres.session.connection import connect
from toolkit.wording import counted, span

OLDEST, NEWEST = 14, 18
"""The major versions of PostgreSQL that this version is tested with."""

_NOTICED = timedelta(seconds=30)
"""By how much clocks differ before somebody should look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVisit:
    """A host, and how it is looked at.

    Attributes:
        began: when it was `now`, by the clock of `time.monotonic`.
    """

    inventory: LoadedInventory
    host: Host
    now: datetime
    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def about(self) -> str:
        """What findings are about."""
        return f"host {self.host.name}"

    def finding(self, check: str, message: str, level: Level = Level.OK, hint: str = "") -> Finding:
        """Make a finding about it."""
        return Finding(about=self.about, check=check, message=message, level=level, hint=hint)


def examine_host(visit: HostVisit) -> Examined:
    """Look at a host; raises nothing of what a person can meet."""
    try:
        found = tuple(_examined(visit))
    except UnsetError as error:
        return Examined(findings=(visit.finding("database", error.brief),))
    except PlaybackError as error:
        found = (visit.finding("database", error.message, Level.CRITICAL, error.hint),)
    findings = (*_secret_files(visit), *(each for each in found if isinstance(each, Finding)))
    measures = tuple(each for each in found if isinstance(each, Measure))
    failed = any(each.check == "database" and each.level is Level.CRITICAL for each in findings)
    up = Measure(name="host_up", value=0 if failed else 1, labels={"host": visit.host.name})
    return Examined(findings=findings, measures=(up, *measures))


def unanswered_host(host: str, seconds: float) -> Examined:
    """Give what is said of a host that does not answer in time."""
    finding = Finding(
        about=f"host {host}",
        check="database",
        message=f"no answer within {seconds:g} s",
        level=Level.CRITICAL,
        hint="is the server overloaded, or is something in between swallowing packets? `--timeout` waits longer",
    )
    return Examined(findings=(finding,), measures=(Measure(name="host_up", value=0, labels={"host": host}),))


def _examined(visit: HostVisit) -> Iterator[Finding | Measure]:
    host, control = visit.host, visit.inventory.directory
    if (missing := _not_made(visit, control)) is not None:
        yield missing
        return
    catalog, unfit = None, None
    try:
        catalog = visit.inventory.catalog(host.catalog) if host.catalog else None
    except InputError as error:
        unfit = visit.finding("catalog", error.message, Level.CRITICAL, "correct it: `invoke lint` says the same")
    seen = outlook(open_database(control, host.database), catalog, seconds=visit.seconds)
    role = f"as {seen.user}{', a standby' if seen.standby else ''}"
    yield visit.finding("database", f"database {seen.database} of PostgreSQL {seen.version} answers, {role}")
    if not OLDEST <= seen.major <= NEWEST:
        text = f"PostgreSQL {seen.major} is not among the versions that this was tested with, {OLDEST} to {NEWEST}"
        yield visit.finding("version", text, Level.WARNING, "upgrade the older of the two")
    yield from _clock(visit, seen)
    if unfit is not None:
        yield unfit
        return
    if catalog is None:
        hint = f"`invoke classify --host {host.name}` proposes one"
        level = Level.CRITICAL if host.expect else Level.WARNING
        yield visit.finding("catalog", "it has no catalog file, so nothing of it is backed up", level, hint)
        return
    yield from _catalog(visit, catalog, seen)
    yield from _rights(visit, seen)
    yield from _scratch(visit, seen)


def _not_made(visit: HostVisit, control: Path) -> Finding | None:
    """A private database that is made when it is first used, which is not now."""
    database = visit.host.database
    embedded = EmbeddedDatabase.of(database) if isinstance(database, str) else None
    if embedded is None or (directory_of(control, embedded) / "data" / "PG_VERSION").exists():
        return None
    return visit.finding("database", f"embedded:{embedded.name} is made when it is first used")


def _secret_files(visit: HostVisit) -> Iterator[Finding]:
    """Files of secrets that others on this machine may read; on Windows it is the directory that says who may."""
    if os.name != "posix":
        return
    written = [visit.host.variables.get(key) for key in ("database", "direct")]
    values = [value for each in written for value in (each.values() if isinstance(each, Mapping) else (each,))]
    for value in values:
        source = value.written.source if isinstance(value, SourcedSecret) and value.written else {}
        path = visit.inventory.directory / Path(str(source.get("file", ""))).expanduser()
        if path.is_file() and path.stat().st_mode & 0o077:
            text = f"others than its owner may read or change {path}, which holds a secret"
            yield visit.finding("secret", text, Level.WARNING, f"chmod 600 {shlex.quote(str(path))}")


def _clock(visit: HostVisit, seen: Outlook) -> Iterator[Finding | Measure]:
    skew = seen.clock - visit.now - timedelta(seconds=seen.asked - visit.began)
    yield Measure(name="host_clock_skew_seconds", value=skew.total_seconds(), labels={"host": visit.host.name})
    if abs(skew) < _NOTICED:
        return
    which = "ahead of" if skew > timedelta() else "behind"
    text = f"the server's clock is {span(abs(skew).total_seconds())} {which} this machine's"
    level = Level.CRITICAL if abs(skew) > SKEW else Level.WARNING
    yield visit.finding("clock", text, level, "let both follow a time server (NTP): ages of backups are told by them")


def _catalog(visit: HostVisit, catalog: Catalog, seen: Outlook) -> Iterator[Finding]:
    update = f"`invoke classify --host {visit.host.name} --update` proposes what is missing"
    if seen.rules:
        text = f"the catalog file does not fit the database: {'; '.join(seen.rules)}"
        yield visit.finding("catalog", text, Level.CRITICAL, f"correct {catalog.file}; backups stop until then")
    if seen.unclassified:
        number = len(seen.unclassified)
        text = f"{counted(number, 'table or schema', 'tables or schemas')} not classified: {listed(seen.unclassified)}"
        yield visit.finding("unclassified", text, Level.CRITICAL, f"{update}; backups stop until then")
    if seen.vanished:
        text = f"{counted(len(seen.vanished), 'table')} of the catalog file not there: {listed(seen.vanished)}"
        hint = f"take them out of {catalog.file}, or find out where they went"
        yield visit.finding("vanished", text, Level.WARNING, hint)
    if not (seen.rules or seen.unclassified or seen.vanished):
        yield visit.finding("catalog", f"every table is classified in {catalog.file}")


def _rights(visit: HostVisit, seen: Outlook) -> Iterator[Finding]:
    for each in seen.backup:
        text = f"{each.message}: {listed(each.reasons)}" if each.reasons else each.message
        yield visit.finding("backup", text, Level.CRITICAL, each.hint)
    if seen.backup:
        return
    if not seen.rules:
        yield visit.finding("backup", f"role {seen.user} may back it up")
    if not visit.host.restored or seen.rules:
        return
    if seen.restore:
        text = f"role {seen.user} cannot restore into it: {listed(seen.restore)}"
        hint = f"{seen.remedy}; where nothing is to be restored here, say `expect: {{restore: false}}`"
        yield visit.finding("restore", text, Level.WARNING, hint)
    else:
        yield visit.finding("restore", f"role {seen.user} may restore into it")


def _scratch(visit: HostVisit, seen: Outlook) -> Iterator[Finding]:
    """PostgreSQL's own programs, without which there are no scratch databases; an alarm only where some are needed."""
    level = Level.WARNING if any(each.proven is not None for each in visit.host.expect) else Level.OK
    try:
        programs = next(fitting(visit.host.programs, source=seen.major, target=max(seen.major, NEWEST)), None)
    except InputError as error:
        yield visit.finding("scratch", error.message, Level.WARNING, error.hint)
        return
    except PlaybackError as error:
        yield visit.finding("scratch", f"no scratch database can be like this one: {error.message}", level, error.hint)
        return
    on = visit.host.variables.get("scratch_on", EMBEDDED)
    looked = isinstance(on, str) and not is_template(on) and (level is Level.WARNING or on != EMBEDDED)
    if looked and (lacks := _place_lacks(visit, str(on))):
        text = f"no backup can be proven: for scratch databases, {on} lacks {'; '.join(lacks)}"
        hint = f"mend that, then `invoke init --host {visit.host.name}`, which finds the server that can hold them"
        yield visit.finding("scratch", text, Level.CRITICAL if level is Level.WARNING else Level.OK, hint)
    elif programs is not None:
        what = "scratch databases can be like it, by" if looked else "scratch databases would be made by"
        yield visit.finding("scratch", f"{what} pg_dump {programs.version} of {programs.directory}")


def _place_lacks(visit: HostVisit, on: str) -> list[str]:
    """What the server lacks on which the host's scratch databases are made, as the nightly will find it."""
    host, control = visit.host, visit.inventory.directory
    server = ""
    try:
        if on not in (EMBEDDED, BESIDE):
            other = visit.inventory.host(on)
            server = open_database(control, other.direct or other.database)
        address = open_database(control, host.direct or host.database)
        with connect(address, application="playback doctor") as connection:
            original = Original(connection=connection, address=address, host=host.name, control=control)
            return original.lacks(on, server)
    except PlaybackError as error:
        return [error.message]
