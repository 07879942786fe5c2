"""A scheduled run that does not begin, since its inventory or its options are wrong: told all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from toolkit.actions.registry import ACTIONS
from toolkit.app.command import Call
from toolkit.app.control import utc_now
from toolkit.config import playbook as playbooks
from toolkit.config.templates import Templates
from toolkit.errors import InputError, PlaybackError
from toolkit.model.host import Host
from toolkit.output.text import TextReporter
from toolkit.runner.interruption import PROCESS
from toolkit.runner.options import RunOptions
from toolkit.runner.preparation import HostInventory
from toolkit.runner.run import Runner


def tell(call: Call, playbook: str, options: RunOptions, error: PlaybackError) -> None:
    """Tell that a run was refused, by `on_failure` of its plays; nobody where the playbook itself cannot be read.

    Without an inventory that can be read, its variables are not there: what tells needs none of them, or stands in
    `vars` of the play.
    """
    control = call.control
    try:
        loaded = playbooks.load(control.playbook(playbook), control=control.directory)
    except PlaybackError:
        return
    inventory: HostInventory
    try:
        inventory = control.load_inventory()
    except InputError as problem:
        inventory = _Unreadable(directory=control.directory, error=problem)
    Runner(
        inventory=inventory,
        actions=ACTIONS,
        templates=Templates(),
        reporter=TextReporter(call.output, debug=call.debug),
        now=utc_now,
        interruption=PROCESS,
    ).tell_refused(loaded, options, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unreadable:
    """Stands for an inventory that cannot be read: it knows the control directory alone."""

    directory: Path
    error: InputError

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        return {}

    def select(self, pattern: str) -> list[Host]:
        raise self.error

    def host(self, name: str) -> NoReturn:
        raise self.error

    def repository(self, name: str) -> NoReturn:
        raise self.error

    def catalog(self, name: str) -> NoReturn:
        raise self.error
