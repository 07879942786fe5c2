"""`proofs`: what was tried to prove backups, how it went, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.output.answer import BAD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.app.repositories import Unread
    from toolkit.model.proof import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `proofs` is given."""

    host: str = command.text("only backups of this host")
    label: tuple[str, ...] = command.words("only these backups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt, and the repository that knows of it."""

    repository: str
    proof: Proof

    @property
    def verdict(self) -> str:
        """How it went, in a word: `proven`, `FAILED` or `hindered`."""
        if self.proof.proves:
            return "proven"
        return "FAILED" if self.proof.conclusive else "hindered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs(Answer):
    """All attempts, the newest first, and what could not be read.

    Attributes:
        others: how many there are of other hosts.
        named: only some backups were asked for.
    """

    attempts: tuple[Tried, ...]
    warnings: tuple[str, ...]
    unread: tuple[Unread, ...]
    others: int = 0
    named: bool = False

    @property
    def exit_code(self) -> int:
        """The gravest of the repositories that cannot be read."""
        from toolkit.runner.results import exit_code

        return exit_code([each.exit_code for each in self.unread])

    def lines(self) -> Iterator[Line]:
        """Give a table, and under it why attempts failed."""
        for each in self.unread:
            yield from each.lines()
        yield from (Line(f"[WARNING]: {warning}", WARNING) for warning in self.warnings)
        if not self.attempts:
            yield Line(self._nothing)
            return
        header = ("time", "verdict", "host", "label", "what", "restored in", "age", "rows", "repository")
        for line in wording.table(header, map(_row, self.attempts), right=("restored in", "age", "rows")):
            yield Line(line)
        for tried in self.attempts:
            if tried.proof.failure:
                failure = wording.one_line(tried.proof.failure)
                yield Line(f"{tried.proof.time} {tried.proof.label}: {failure}", BAD, foreign=True)

    @property
    def _nothing(self) -> str:
        if self.others:
            return f"none of {wording.counted(self.others, 'attempt')} is like that"
        which = "these backups" if self.named else "a backup"
        return f"nobody has tried to prove {which} yet: `invoke run playbooks/drill.yml` does"

    def document(self) -> Mapping[str, Any]:
        """Give every attempt with the fields of its record."""
        import msgspec

        attempts = [
            {**msgspec.to_builtins(each.proof), "repository": each.repository, "verdict": each.verdict}
            for each in self.attempts
        ]
        return {"attempts": attempts, "errors": [each.document() for each in self.unread]}


def _row(tried: Tried) -> tuple[str, ...]:
    proof = tried.proof
    return (
        f"{proof.time[: len('2026-11-20T02:03')]}Z",
        tried.verdict,
        proof.host,
        proof.label,
        ", ".join(proof.businesses) or "whole",
        wording.seconds(proof.seconds) if proof.seconds is not None else "-",
        wording.span(proof.age),
        wording.count(proof.rows),
        tried.repository,
    )


def _proofs(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, expect_host, nowhere, opened
    from toolkit.storage.proofs import read_proofs
    from toolkit.storage.remembered import memory_of

    memory = None if given.label else memory_of(call.control.directory)
    attempts: list[Tried] = []
    others, hosts, absent = 0, set[str](), set(given.label)
    warnings: list[str] = []
    unread: list[Unread] = []
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            unread.append(repository)
            continue
        found = read_proofs(repository, given.label or None, memory=memory)
        warnings += [f"{name}: {file} cannot be read" for file in found.unreadable]
        everything = [Tried(repository=name, proof=proof) for tried in found.attempts.values() for proof in tried]
        wanted = [each for each in everything if given.host in ("", each.proof.host)]
        attempts += wanted
        others += len(everything) - len(wanted)
        hosts |= {each.proof.host for each in everything}
        absent -= {*found.attempts, *repository.labels()} if absent else set()
    if not any(each.exit_code for each in unread):
        for label in given.label:
            if label in absent:
                raise nowhere(label, call.repository)
        if given.host:
            expect_host(call, given.host, hosts)
    attempts.sort(key=lambda each: (each.proof.time, each.proof.label, each.repository), reverse=True)
    yield Proofs(
        attempts=tuple(attempts),
        warnings=tuple(warnings),
        unread=tuple(unread),
        others=others,
        named=bool(given.label),
    )


COMMAND = Command(
    name="proofs",
    summary="List what was tried to prove backups",
    usage="[LABEL …] [--host H] [--repository R]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_proofs,
)
