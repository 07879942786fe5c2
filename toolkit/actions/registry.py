"""Every action by the name it has in a playbook."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.actions.assert_ import assert_
from toolkit.actions.command import command
from toolkit.actions.context import Action
from toolkit.actions.debug import debug
from toolkit.actions.set_fact import set_fact

ACTIONS: Mapping[str, Action] = {
    "assert": assert_,
    "command": command,
    "debug": debug,
    "set_fact": set_fact,
}

NOT_IN_THIS_VERSION = frozenset({"prune", "copy", "orphans"})
"""Actions whose playbooks are understood and checked, but which cannot run yet."""
