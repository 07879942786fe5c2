"""`backups`: list what is in the repositories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.output.answer import BAD, WARNING, Answer, Line

if TYPE_CHECKING:
    from datetime import date

    from toolkit.app.repositories import Unread
    from toolkit.errors import PlaybackError
    from toolkit.model.manifest import Metadata
    from toolkit.model.outline import Outline
    from toolkit.model.proof import Proof, Standing
    from toolkit.model.retention import Pin
    from toolkit.planning.wanted import Wanted


HOST = command.HOST._replace(help="only backups of this host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `backups` is given."""

    job: str = command.text("only backups of this job")
    scope: str = command.text("only business or only full-device backups")
    business: str = command.text("only backups with this business: its key, or a part of its name")
    tag: tuple[str, ...] = command.texts("only backups that carry this tag, or all of several")
    since: str = command.text("only backups made on this day or later, YYYY-MM-DD in UTC")
    until: str = command.text("only backups made on this day or earlier")
    proven: bool = command.switch("only backups that a restore has proven")
    unproven: bool = command.switch("only backups that no restore has proven")
    failed: bool = command.switch("only backups of which the newest restore failed")
    pinned: bool = command.switch("only pinned backups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A backup, the repository it is in, whether it is proven, and its pin there, if any."""

    repository: str
    outline: Outline
    standing: Standing
    pin: Pin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups(Answer):
    """The backups, by the time at which they were recorded, and what could not be read.

    Attributes:
        unreadable: backups that cannot be read, each with its repository.
        warnings: what else cannot be read.
        others: how many there are that were not asked for.
    """

    backups: tuple[Listed, ...]
    warnings: tuple[str, ...]
    unreadable: tuple[tuple[str, PlaybackError], ...]
    unread: tuple[Unread, ...]
    others: int

    @property
    def exit_code(self) -> int:
        """The gravest of the repositories and backups that cannot be read."""
        from toolkit.runner.results import exit_code

        codes = [error.exit_code for _, error in self.unreadable]
        return exit_code([*codes, *(each.exit_code for each in self.unread)])

    def lines(self) -> Iterator[Line]:
        """Give one table of all of them."""
        for each in self.unread:
            yield from each.lines()
        for name, error in self.unreadable:
            yield Line(f"{name}: {error}", BAD, error=True, foreign=True)
        for warning in self.warnings:
            yield Line(f"[WARNING]: {warning}", WARNING)
        if not self.backups:
            yield Line(self._nothing)
            return
        header = ("label", "repository", "host", "job", "scope", "time", "proven", "rows", "bytes", "stored")
        rows = map(_row, self.backups)
        for line in wording.table(header, rows, right=("rows", "bytes", "stored")):
            yield Line(line)

    @property
    def _nothing(self) -> str:
        if self.others:
            return f"none of {wording.counted(self.others, 'backup')} is like that"
        return "no backup can be read" if self.exit_code else "there are no backups yet"

    def document(self) -> Mapping[str, Any]:
        """Give the metadata of each, as its manifest has them, and every error."""
        import msgspec

        from toolkit.config.masking import mask

        errors = [{"repository": name, "error": mask(str(error))} for name, error in self.unreadable]
        return {
            "backups": [
                {
                    "repository": each.repository,
                    **msgspec.to_builtins(each.outline.metadata),
                    "put_aside": each.outline.put_aside,
                    **standing_document(each.standing),
                    "pinned": pin_document(each.pin),
                }
                for each in self.backups
            ],
            "errors": [*errors, *(each.document() for each in self.unread)],
        }


def pin_document(pin: Pin | None) -> dict[str, Any] | None:
    """Give until when a backup is pinned, and the same in words; None for one that is not."""
    return {"until": pin.until.isoformat() if pin.until else None, "text": str(pin)} if pin else None


def scope_text(metadata: Metadata) -> str:
    """Say what a backup covers in a few words, e.g. `business, 2 businesses` or `business, demo included`."""
    covered = metadata.business_filter
    parts: list[str] = [metadata.backup_type]
    if covered.business_ids:
        number = len(covered.business_ids)
        parts.append(covered.business_ids[0] if number == 1 else f"{number} businesses")
    if covered.demo != "exclude":
        parts.append({"include": "demo included", "only": "demo only"}[covered.demo])
    return ", ".join(parts)


def standing_text(standing: Standing) -> str:
    """Say in a few words whether a backup is proven, e.g. `2026-11-20T02:03Z`, `no`, or `2 businesses`."""
    if standing.failed is not None:
        return f"FAILED {_minute(standing.failed)}"
    if standing.proven is not None:
        return _minute(standing.proven)
    if standing.businesses:
        return wording.counted(len(standing.businesses), "business", "businesses")
    return f"no, tried {_minute(standing.hindered)}" if standing.hindered else "no"


def standing_document(standing: Standing) -> dict[str, Any]:
    """Give the newest proof that holds, that of each business, and the attempts that failed, where they did."""
    import msgspec

    return {
        "proven": msgspec.to_builtins(standing.proven),
        "proven_businesses": {business: proof.time for business, proof in standing.businesses.items()},
        "failed": msgspec.to_builtins(standing.failed),
        "hindered": msgspec.to_builtins(standing.hindered),
    }


def _minute(proof: Proof) -> str:
    return f"{proof.time[: len('2026-11-20T02:03')]}Z"


def _aside(outline: Outline) -> str:
    number = sum(outline.put_aside.values())
    return f", {wording.counted(number, 'record')} put aside" if number else ""


def _row(listed: Listed) -> tuple[str, ...]:
    metadata = listed.outline.metadata
    return (
        metadata.label,
        listed.repository,
        metadata.host,
        metadata.job,
        scope_text(metadata) + _aside(listed.outline),
        metadata.timestamp,
        standing_text(listed.standing),
        wording.count(metadata.stats.total_records),
        wording.size(metadata.stats.uncompressed_size),
        wording.size(metadata.stats.compressed_size),
    )


def wanted_of(given: Options, host: str) -> Wanted:
    """Give what the options ask for; InputError for what cannot be asked for."""
    from toolkit.errors import InputError
    from toolkit.model.scope import BackupType
    from toolkit.planning.wanted import Wanted

    if given.scope and given.scope not in list(BackupType):
        raise InputError(f"--scope: {given.scope!r} is neither business nor full-device")
    words: tuple[tuple[Literal["yes", "no", "failed"], bool], ...]
    words = ("yes", given.proven), ("no", given.unproven), ("failed", given.failed)
    asked = [word for word, given_so in words if given_so]
    if len(asked) > 1:
        raise InputError("--proven, --unproven and --failed exclude each other", hint="give one of them")
    return Wanted(
        host=host,
        job=given.job,
        scope=given.scope,
        business=given.business,
        tags=tuple(given.tag),
        since=_day("--since", given.since),
        until=_day("--until", given.until),
        proven=asked[0] if asked else "",
        pinned=given.pinned,
    )


def _day(option: str, text: str) -> date | None:
    from datetime import date

    from toolkit.errors import InputError

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"{option}: {text!r} is not a day", hint="write it as YYYY-MM-DD, e.g. 2026-11-20") from None


def _backups(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.labels_seen import remember
    from toolkit.app.repositories import Unread, expect_host, opened
    from toolkit.storage.local import LocalStore
    from toolkit.storage.outlines import read_outlines
    from toolkit.storage.proofs import read_proofs
    from toolkit.storage.records import read_pins
    from toolkit.storage.remembered import memory_of

    wanted = wanted_of(given, call.host)
    memory = memory_of(call.control.directory)
    others = 0
    hosts: set[str] = set()
    backups: list[Listed] = []
    warnings: list[str] = []
    unreadable: list[tuple[str, PlaybackError]] = []
    unread: list[Unread] = []
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            unread.append(repository)
            continue
        found = read_outlines(repository, memory=memory)
        if not isinstance(repository.store, LocalStore):
            remember(call.control.directory, {name: sorted(found.outlines)})
        unreadable += [(name, error) for error in found.unreadable.values()]
        proofs, pins = read_proofs(repository, found.outlines, memory=memory), read_pins(repository)
        warnings += [f"{name}: {file} cannot be read" for file in (*proofs.unreadable, *pins.unreadable)]
        hosts |= {outline.metadata.host for outline in found.outlines.values()}
        for label, outline in found.outlines.items():
            standing, pin = proofs.standing(outline), pins.pins.get(label)
            if wanted.takes(outline, standing, pin):
                backups.append(Listed(repository=name, outline=outline, standing=standing, pin=pin))
            else:
                others += 1
    if not unreadable and not any(each.exit_code for each in unread):
        expect_host(call, call.host, hosts)
    backups.sort(key=lambda each: each.outline.metadata.timestamp)
    yield Backups(
        backups=tuple(backups),
        warnings=tuple(warnings),
        unreadable=tuple(unreadable),
        unread=tuple(unread),
        others=others,
    )


COMMAND = Command(
    name="backups",
    summary="List the backups",
    usage="[--repository R] [--host H]",
    needs=(HOST, REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_backups,
)
