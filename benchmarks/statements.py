"""The statements that a backup, a restore and a verification send, by kind: `python -m benchmarks.statements`.

The server counts them, in its log. The situations are those of `tests/product/test_statements.py`, which keeps their
numbers from growing.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.place import ROOT
from tests.control import Control
from tests.statements import Listener, situations
from toolkit import demo
from toolkit.postgres.servers import embedded

SHOWN = 12
"""Kinds that are shown of each situation."""


def main() -> None:
    """Count everything and print a table for each situation."""
    server = embedded.start(ROOT / ".playback" / "statements")
    names = {host: f"statements_{host}_{os.getpid()}" for host in ("source", "target", "empty")}
    try:
        with tempfile.TemporaryDirectory() as directory:
            control = Control(Path(directory))
            demo.load(server.create_database(names["source"]))
            conninfos = {
                "source": server.conninfo(names["source"]),
                "target": server.create_database(names["target"], template=names["source"]),
                "empty": server.create_database(names["empty"]),
            }
            demo.create_schema(conninfos["empty"])
            for host, conninfo in conninfos.items():
                control.add_host(host, conninfo)
            found = situations(Listener(server), control, **conninfos)
    finally:
        for name in names.values():
            server.drop_database(name)
    for name, sent in found.items():
        print(f"\n{name}: {len(sent.statements)} statements")
        for kind, count in sent.kinds().most_common(SHOWN):
            print(f"{count:6}  {kind}")


if __name__ == "__main__":
    main()
