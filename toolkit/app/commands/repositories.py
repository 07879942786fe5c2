"""`repositories`: what they hold, how they grow, when they were last checked, and who locks them."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command, NoOptions
from toolkit.output.answer import Answer


def _repositories(given: NoOptions, call: Call) -> Iterator[Answer]:
    from toolkit.app.holdings import held
    from toolkit.app.repositories import Unread, opened

    del given
    inventory = call.control.load_inventory()
    for name, repository in opened(call):
        yield repository if isinstance(repository, Unread) else held(inventory, name, repository)


COMMAND = Command(
    name="repositories",
    summary="Say what repositories hold, how they grow, and who locks them",
    usage="[--repository R]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=NoOptions,
    body=_repositories,
    listing="repositories",
)
