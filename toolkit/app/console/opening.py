"""Opening the console in this machine's browser, by an address that other users of the machine do not see."""

from __future__ import annotations

import html
import os
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from toolkit.private.files import write

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={address}">
<title>Playback</title>
<a href="{address}">Go on to the console</a>
"""
_IN_TERMINALS: Final = {"www-browser", "links", "links2", "elinks", "lynx", "w3m"}
"""Browsers that would take the window in which the address was printed."""


@contextmanager
def opened(address: str, control: Path) -> Iterator[Callable[[], None]]:
    """Give what opens an address in the browser.

    Everybody on a POSIX system sees the command line of a browser, so there the address stands in a private file, which
    is removed in the end.
    """
    if os.name == "nt":
        yield lambda: _open(address)
        return
    file = control.absolute() / ".playback" / "console" / "open.html"
    write(file, _PAGE.format(address=html.escape(address)).encode())
    try:
        yield lambda: _open(file.as_uri())
    finally:
        file.unlink(missing_ok=True)


def _open(address: str) -> None:
    name = ""
    with suppress(webbrowser.Error):  # there may be none
        name = getattr(webbrowser.get(), "name", "")
    if Path(name).name not in _IN_TERMINALS:
        webbrowser.open(address)
