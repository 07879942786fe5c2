"""Runs one action on a host, its arguments checked as those of a playbook are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from toolkit.actions.action import Action
from toolkit.actions.context import Context
from toolkit.actions.registry import ACTIONS
from toolkit.config.inventory import LoadedInventory
from toolkit.model.host import Host
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.model.playbook import Place
from toolkit.runner.arguments import prepared
from toolkit.views.view import shown


def context_of(
    inventory: LoadedInventory,
    host: str | Host,
    *,
    playbook: str = "test",
    check: bool = False,
    diff: bool = False,
    now: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Context:
    """What an action on a host is given besides its arguments."""
    return Context(
        at_end=lambda *_: None,
        host=inventory.host(host) if isinstance(host, str) else host,
        inventory=inventory,
        playbook=playbook,
        check=check,
        diff=diff,
        now=lambda: now or datetime.now(UTC),
        progress=SilentProgress(),
        variables=variables or {},
    )


def act(action: str | Action[Any], arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Check the arguments, convert them and run the action; InputError where a playbook would be refused."""
    declared = ACTIONS[action] if isinstance(action, str) else action
    return shown(declared.run(prepared(declared, arguments, Place()), context))
