"""Every action by the name it has in a playbook."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from toolkit.actions.action import Action

_MODULES: Final = (
    "assert_",
    "backup",
    "check",
    "command",
    "copy",
    "debug",
    "demo",
    "drill",
    "export",
    "http",
    "import_",
    "mail",
    "orphans",
    "pin",
    "prune",
    "restore",
    "schedule",
    "seed",
    "set_fact",
    "sql",
    "unlock",
    "verify",
    "wait_for",
)
"""The modules beside this one that declare an action of their name."""


class _Registry(Mapping[str, Action[Any]]):
    """Actions, each imported when it is asked for: a run needs few of them."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = {module.rstrip("_"): module for module in modules}

    def __getitem__(self, name: str) -> Action[Any]:
        action: Action[Any] = importlib.import_module(f"{__package__}.{self._modules[name]}").ACTION
        return action

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules


ACTIONS: Final[Mapping[str, Action[Any]]] = _Registry(_MODULES)
