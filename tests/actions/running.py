"""Runs small actions on a host, as the runner does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.acting import act as run_action
from tests.acting import context_of
from toolkit.config import inventory
from toolkit.model.outcome import Outcome
from toolkit.model.secret import Secret


def act(
    action: str,
    arguments: Mapping[str, Any],
    directory: Path,
    *,
    database: str = "embedded:none",
    check: bool = False,
    diff: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run an action on a host with that database; `directory` is the control directory."""
    folder = directory / "inventory"
    folder.mkdir(exist_ok=True)
    (folder / "hosts.yml").write_text("all: {hosts: {one: {database: 'embedded:none'}}}", encoding="utf-8")
    loaded = inventory.load(folder)
    host = replace(loaded.host("one"), database=Secret(database))
    return run_action(action, arguments, context_of(loaded, host, check=check, diff=diff, variables=variables))
