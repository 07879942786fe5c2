"""The action `assert`: stop when something is not as expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.actions.context import Context
from toolkit.config.templates import Templates
from toolkit.errors import TaskError
from toolkit.model.outcome import Outcome
from toolkit.model.playbook import Place

PASSED = "all assertions passed"


def assert_(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Check that every condition of `that` (one or a list) holds.

    Raises:
        TaskError: one or more do not; `fail_msg` and every condition that does not hold.
        InputError: a condition cannot be decided.
    """
    that = arguments["that"]
    conditions = that if isinstance(that, list | tuple) else [that]
    templates = Templates()
    broken = [
        str(condition).lower() if isinstance(condition, bool) else str(condition)
        for index, condition in enumerate(conditions)
        if not templates.condition(condition, context.variables, Place(path=f"assert.that[{index}]"))
    ]
    if broken:
        reasons = "\n".join(f"  - {condition}" for condition in broken)
        message = arguments.get("fail_msg") or f"{len(broken)} of {len(conditions)} assertions failed"
        raise TaskError(f"{message}\n{reasons}")
    return Outcome(message=str(arguments.get("success_msg") or PASSED))
