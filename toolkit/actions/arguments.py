"""Arguments of actions as the model's words. Their shape has been checked against the action's schema before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.actions.plain import plain
from toolkit.model.drift import Answers
from toolkit.model.scope import BackupType, Demo, Scope


def names(value: Any) -> tuple[str, ...]:
    """One name or a list of names as a tuple; nothing as an empty one."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(str(entry) for entry in value) if isinstance(value, Sequence) else (str(value),)


def scope_of(arguments: Mapping[str, Any]) -> Scope:
    """The scope that `scope`, `businesses`, `demo` and `optional` mean."""
    optional = arguments.get("optional") or {}
    return Scope(
        type=BackupType(arguments.get("scope", BackupType.BUSINESS)),
        businesses=tuple(dict.fromkeys(names(arguments.get("businesses")))),
        demo=Demo(arguments.get("demo", Demo.EXCLUDE)),
        optional={table: (settings or {}).get("limit") for table, settings in optional.items()},
    )


def answers_of(arguments: Mapping[str, Any]) -> Answers:
    """What `rename`, `drop_columns` and `defaults` say about drift, values as their text."""
    return Answers(
        rename=dict(arguments.get("rename") or {}),
        drop_columns=tuple(dict.fromkeys(names(arguments.get("drop_columns")))),
        defaults={column: _text(value) for column, value in (arguments.get("defaults") or {}).items()},
    )


def _text(value: Any) -> str | None:
    """A value as PostgreSQL reads it; a list or mapping as JSON."""
    if value is None:
        return None
    if isinstance(value, bool | Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return plain(value)
