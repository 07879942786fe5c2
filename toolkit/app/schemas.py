"""Writes what `schemas/` says of actions, from their declarations: `make schemas`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.actions.action import Action
from toolkit.actions.registry import ACTIONS
from toolkit.actions.schema import answers_schema, schema_of
from toolkit.config.explanation import ENDING
from toolkit.shipped import SCHEMAS

PLAYBOOK = f"playbook{ENDING}"


def schema_files(actions: Mapping[str, Action[Any]], directory: Path) -> Iterator[tuple[Path, str]]:
    """Give every file that follows from the actions, with its content; what else the playbook's says stays as it is.

    Args:
        directory: the one of all schemas.
    """
    for name, action in actions.items():
        yield directory / "actions" / f"{name}{ENDING}", _text(schema_of(action))
    yield directory / f"answers{ENDING}", _text(answers_schema())
    playbook = json.loads((directory / PLAYBOOK).read_text(encoding="utf-8"))
    task = playbook["$defs"]["task"]
    keywords = {name: written for name, written in task["properties"].items() if not _is_action(written)}
    task["properties"] = keywords | {
        name: {
            "description": action.does,
            "examples": list(action.examples),
            "$ref": f"actions/{name}{ENDING}",
        }
        for name, action in actions.items()
    }
    task["oneOf"] = [{"required": [name]} for name in actions]
    yield directory / PLAYBOOK, _text(playbook)


def main() -> None:
    """Write the files, and remove those of actions that are no more."""
    files = dict(schema_files(ACTIONS, SCHEMAS))
    for path in (SCHEMAS / "actions").glob(f"*{ENDING}"):
        if path not in files:
            path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8", newline="\n")


def _is_action(written: Mapping[str, Any]) -> bool:
    return str(written.get("$ref", "")).startswith("actions/")


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
