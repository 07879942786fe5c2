"""Runs one action on a host, its arguments checked as those of a playbook are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from toolkit.actions.context import Action, Context
from toolkit.actions.registry import ACTIONS
from toolkit.config.inventory import LoadedInventory
from toolkit.config.validation import check_arguments
from toolkit.model.host import Host
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.model.playbook import Place


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
        host=inventory.host(host) if isinstance(host, str) else host,
        inventory=inventory,
        playbook=playbook,
        check=check,
        diff=diff,
        now=lambda: now or datetime.now(UTC),
        progress=SilentProgress(),
        variables=variables or {},
    )


def act(action: str | Action, arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Check the arguments and run the action; AssertionError where a playbook would be refused."""
    if not isinstance(action, str):
        return action(arguments, context)
    assert check_arguments(action, arguments, Place()) == []
    return ACTIONS[action](arguments, context)
