"""`console`: backing up, restoring and proving from web pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.app import command
from toolkit.app.command import INVENTORY, Call, Command
from toolkit.errors import TaskError
from toolkit.output.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `console` is given."""

    listen: str = command.text("where to listen, as ADDRESS:PORT; port 0: any free one", default="127.0.0.1:8642")
    open: bool = command.switch("open the pages in this machine's browser")


def _body(given: Options, call: Call) -> Iterator[Answer]:
    try:
        from toolkit.app.console.serving import serve
    except ModuleNotFoundError as error:
        raise TaskError(
            "the console needs packages that are not installed: pip install 'playback-toolkit[console]'",
            hint="in a clone: make console",
        ) from error
    serve(call, given.listen, open_browser=given.open)
    yield from ()


COMMAND = Command(
    name="console",
    summary="Back up, restore and prove from web pages",
    usage="[--listen ADDRESS:PORT] [--open]",
    needs=(INVENTORY,),
    options=Options,
    body=_body,
)
