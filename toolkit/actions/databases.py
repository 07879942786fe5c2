"""Making the database of a host ready to be connected to."""

from __future__ import annotations

from pathlib import Path

from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.creation import create_once


def open_database(control: Path, database: str) -> str:
    """Give the libpq conninfo of a host's database; start its private server where it has one.

    Args:
        control: the control directory; private servers live in `.playback` below it.
        database: a libpq URI or conninfo, which comes back as it is, or `embedded:NAME`: then the server is started
            and its database NAME created on first use. `embedded:demo` (or `demo-medium`, `demo-large`) is filled with
            the reference application, `embedded:hard` with the schema of everything that is hard to back up.

    Raises:
        InputError: NAME is not a name.
        DatabaseError: the private server does not start or refuses.
    """
    if not database.startswith("embedded:"):
        return database
    directory = embedded.directory_of(control, database)
    server = embedded.start(directory)
    name = database.removeprefix("embedded:")
    if not server.has_database(name):
        # only who asks for the reference application pays for knowing it
        from toolkit.demo.databases import FILLED  # noqa: PLC0415

        create_once(server, name, fill=FILLED.get(name))
    return server.conninfo(name)
