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

BESIDE = "host"
_SCRATCH = EmbeddedDatabase("scratch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """Where scratch databases of a database are made.

    Attributes:
        on: the value of `scratch_on`; empty for the default, the embedded server.
        said: why not there, and what is needed where there is no place, as sentences.
    """

    on: str = ""
    said: Sequence[str] = ()


def place_for(connection: Connection, address: str, host: str, control: Path) -> Proving:
    """Find a place that can hold the schema of a database."""
    try:
        require_package()
        if not may_lack(connection, DEFAULT_VERSION):
            return Proving()
        place = embedded_place(embedded.start(embedded.directory_of(control, _SCRATCH), hasty=True))
        needed = _lacking(connection, place)
    except PlaybackError as error:
        needed = [f"{error.message}; {error.hint}" if error.hint else error.message]
    if not needed:
        return Proving()
    beside = _lacking(connection, place_beside(address, host, like=address))
    if not beside:
        why = f"proofs are made on the server of {host}, `scratch_on: host`: the embedded one lacks {'; '.join(needed)}"
        return Proving(on=BESIDE, said=[why])
    return Proving(
        said=[
            "no server can hold a scratch database of this schema yet, so the nightly will not be proven:",
            *(f"  the embedded server lacks {each}" for each in needed),
            *(f"  the server of {host} lacks {each}; then write `scratch_on: host` for it" for each in beside),
        ]
    )


def _lacking(connection: Connection, place: Place) -> list[str]:
    with connect(place.maker, application="playback init") as there:
        return lacking(connection, there, place)
