"""Every action by the name it has in a playbook."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.actions.assert_ import assert_
from toolkit.actions.backup import backup
from toolkit.actions.command import command
from toolkit.actions.context import Action
from toolkit.actions.copy import copy
from toolkit.actions.debug import debug
from toolkit.actions.http import http
from toolkit.actions.orphans import orphans
from toolkit.actions.prune import prune
from toolkit.actions.restore import restore
from toolkit.actions.seed import seed
from toolkit.actions.set_fact import set_fact
from toolkit.actions.sql import sql
from toolkit.actions.verify import verify
from toolkit.actions.wait_for import wait_for

ACTIONS: Mapping[str, Action] = {
    "assert": assert_,
    "backup": backup,
    "command": command,
    "copy": copy,
    "debug": debug,
    "http": http,
    "orphans": orphans,
    "prune": prune,
    "restore": restore,
    "seed": seed,
    "set_fact": set_fact,
    "sql": sql,
    "verify": verify,
    "wait_for": wait_for,
}
