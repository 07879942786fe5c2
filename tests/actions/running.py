"""Runs small actions on a host, as the runner does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from toolkit.actions.context import Context
from toolkit.actions.registry import ACTIONS
from toolkit.config import inventory
from toolkit.config.validation import check_arguments
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret


def act(
    action: str,
    arguments: Mapping[str, Any],
    directory: Path,
    *,
    database: str = "embedded:none",
    check: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run an action on a host with that database; `directory` is the control directory."""
    assert check_arguments(action, arguments, Place()) == []
    folder = directory / "inventory"
    folder.mkdir(exist_ok=True)
    (folder / "hosts.yml").write_text("all: {hosts: {one: {database: 'embedded:none'}}}", encoding="utf-8")
    loaded = inventory.load(folder)
    context = Context(
        host=replace(loaded.host("one"), database=Secret(database)),
        inventory=loaded,
        playbook="test",
        check=check,
        diff=False,
        now=lambda: datetime.now(UTC),
        progress=SilentProgress(),
        variables=variables or {},
    )
    return ACTIONS[action](arguments, context)
