"""What a person has chosen on the page that restores, as a form says it, as a playbook says it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.app.console import composing
from toolkit.config import document
from toolkit.errors import InputError
from toolkit.model.plan import Mode

ANSWERS = ("rename", "drop_tables", "drop_columns", "defaults", "convert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A restore that somebody is about to ask for.

    Attributes:
        host: whose database it goes to, or for a scratch database whose tables that gets.
        businesses: those to be restored; empty for all of the backup.
        takeover: this machine takes the place of the one that was backed up, and its identity.
        aside: rows that the database cannot take are put aside.
        answers: what was said about drift, by the argument that takes it.
    """

    backup: str
    repository: str
    host: str = ""
    scratch: bool = False
    businesses: tuple[str, ...] = ()
    mode: Mode = Mode.MERGE
    takeover: bool = False
    aside: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it goes, in words."""
        return f"a trial database like {self.host}" if self.scratch else self.host

    def playbook(self, seen: Mapping[str, Any] | None = None) -> str:
        """Write the playbook that does it.

        Args:
            seen: the plan that it is bound to.
        """
        given: dict[str, Any] = {"from": self.backup, "repository": self.repository, "mode": str(self.mode)}
        if self.businesses:
            given["businesses"] = list(self.businesses)
        if self.takeover:
            given["identity"] = "source"
        if self.aside:
            given["on_error"] = "quarantine"
        if self.scratch:
            given["scratch"] = {"like": self.host}
        given |= self.answers
        if seen is not None:
            given["plan"] = dict(seen)
        name = f"Restore {self.backup} into {self.place}"
        return composing.playbook(name, self.host, [{"name": "Restore", "restore": given}])

    def answered(self, more: Mapping[str, Any]) -> Wanted:
        """Give the same with further answers to drift."""
        answers = dict(self.answers)
        for name, value in more.items():
            before = answers.get(name)
            if isinstance(value, Mapping):
                answers[name] = {**(before or {}), **value}
            else:
                answers[name] = list(dict.fromkeys([*(before or []), *value]))
        return replace(self, answers=answers)


def wanted_of(playbook: str, run: str) -> tuple[Wanted, Mapping[str, Any] | None]:
    """Read back what `Wanted.playbook` wrote, and the plan that it is bound to; InputError for anything else."""
    try:
        (play,) = document.parse(playbook, file=run).value
        (task,) = play["tasks"]
        given = composing.unescaped(task["restore"])
        known = {"from", "repository", "mode", "businesses", "identity", "on_error", "scratch", "plan", *ANSWERS}
        if set(given) - known or not isinstance(given["from"], str) or not isinstance(given["repository"], str):
            raise InputError(run)  # noqa: TRY301 - one message for all that it is not
        wanted = Wanted(
            backup=given["from"],
            repository=given["repository"],
            host=play["hosts"],
            scratch="scratch" in given,
            businesses=tuple(given.get("businesses", ())),
            mode=Mode(given["mode"]),
            takeover=given.get("identity") == "source",
            aside=given.get("on_error") == "quarantine",
            answers={name: given[name] for name in ANSWERS if name in given},
        )
        return wanted, given.get("plan")
    except (InputError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"run {run} is no restore that was prepared on this page", hint="begin again with Restore in the menu"
        ) from error
