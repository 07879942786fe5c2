"""Where the backups of a database can be restored for a proof: beside Playback, or on the database's own server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import PlaybackError
from toolkit.model.host import EmbeddedDatabase
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import DEFAULT_VERSION
from toolkit.postgres.servers.installations import require_package
from toolkit.postgres.servers.lacking import lacking, may_lack
from toolkit.postgres.servers.place import Place, embedded_place, place_beside
from toolkit.postgres.session.connection import Connection, connect

EMBEDDED, BESIDE = "embedded", "host"
_SCRATCH = EmbeddedDatabase("scratch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """Where scratch databases of a database are made.

    Attributes:
        on: the value of `scratch_on`; empty for the default, the embedded server, or for what is written already.
        said: why not there, and what is needed where there is no place, as sentences.
        possible: there is a place.
    """

    on: str = ""
    said: Sequence[str] = ()
    possible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A database of which scratch databases are wanted.

    Attributes:
        address: its conninfo, without a pooler in between.
        host: what it is called in the inventory.
        control: the control directory.
    """

    connection: Connection
    address: str
    host: str
    control: Path

    def lacks(self, on: str, server: str = "") -> list[str]:
        """Give what a place lacks for the schema of this database, as sentences; empty for nothing.

        Args:
            on: `embedded`, `host`, or another host.
            server: conninfo of that other host.
        """
        try:
            if on != EMBEDDED:
                beside = self.host if on == BESIDE else on
                return self._lacks(place_beside(server or self.address, beside, like=self.address))
            require_package()
            if not may_lack(self.connection, DEFAULT_VERSION):
                return []
            ours = embedded.start(embedded.directory_of(self.control, _SCRATCH), hasty=True)
            return self._lacks(embedded_place(ours))
        except PlaybackError as error:
            return [f"{error.message}; {error.hint}" if error.hint else error.message]

    def _lacks(self, place: Place) -> list[str]:
        with connect(place.maker, application="playback") as there:
            return lacking(self.connection, there, place)


def place_for(original: Original, written: str = "") -> Proving:
    """Find a place that can hold the schema of a database.

    Args:
        written: where the inventory says that scratch databases are made; empty where it says nothing.
    """
    host = original.host
    if written == EMBEDDED or not written:
        needed = original.lacks(EMBEDDED)
        if not needed:
            return Proving()
        beside = original.lacks(BESIDE)
        if not beside and not written:
            why = "; ".join(needed)
            text = f"proofs are made on the server of {host}, `scratch_on: host`: the embedded one lacks {why}"
            return Proving(on=BESIDE, said=[text])
    elif written == BESIDE:
        needed, beside = [], original.lacks(BESIDE)
        if not beside:
            return Proving()
    else:
        return Proving()
    then = "" if written == BESIDE else "; then write `scratch_on: host` for it"
    return Proving(
        said=[
            "no server can hold a scratch database of this schema yet, so the nightly will not be proven:"
            if beside
            else "the embedded server cannot hold a scratch database of this schema, and `scratch_on` names it:",
            *(f"  the embedded server lacks {each}" for each in needed),
            *(f"  the server of {host} lacks {each}{then}" for each in beside),
            *([] if beside else [f"  the server of {host} can: write `scratch_on: host` for it"]),
        ],
        possible=False,
    )
