"""Making the database of a host ready to be connected to."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import InputError
from toolkit.model.host import EmbeddedDatabase
from toolkit.model.secret import Secret


def embedded_databases(control: Path) -> list[EmbeddedDatabase]:
    """Give the private servers that a control directory has."""
    return [EmbeddedDatabase(each.parent.parent.name) for each in sorted(control.glob(".playback/*/data/PG_VERSION"))]


def open_database(control: Path, database: str | Secret) -> str:
    """Give the libpq conninfo of a host's database; start its private server where it has one.

    Args:
        control: the control directory; private servers live in `.playback` below it.
        database: a libpq URI or conninfo, which comes back as it is, a secret revealed, or `embedded:NAME`: then the
            server is started and its database NAME created on first use. `embedded:demo` (or `demo-medium`,
            `demo-large`) is filled with the reference application, `embedded:hard` with the schema of everything that
            is hard to back up.

    Raises:
        InputError: NAME is not a name, or that of a scratch database that is not there.
        DatabaseError: the private server does not start or refuses.
    """
    text = database.reveal() if isinstance(database, Secret) else database
    wanted = EmbeddedDatabase.of(text)
    if wanted is None:
        return text
    # only who has a private server pays for knowing how to run one
    from toolkit.postgres.servers import embedded  # noqa: PLC0415
    from toolkit.postgres.servers.creation import create_once  # noqa: PLC0415

    server = embedded.start(embedded.directory_of(control, wanted))
    if not server.has_database(wanted.name):
        if server.hasty:
            raise InputError(
                f"there is no scratch database {wanted.name}: the restore that makes it has not been run, or did not"
                " keep it",
                hint="a database of your own needs another name than a scratch database: their server does not wait for"
                " the disk",
            )
        # only who asks for the reference application pays for knowing it
        from toolkit.demo.databases import FILLED  # noqa: PLC0415

        create_once(server, wanted.name, fill=FILLED.get(wanted.name))
    return server.conninfo(wanted.name)
