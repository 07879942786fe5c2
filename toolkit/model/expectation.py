"""What the inventory expects of a host's backups."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.duration import Duration


class Expectation(Struct, frozen=True, kw_only=True):
    """How fresh the backups of a job have to be.

    Attributes:
        job: the job; empty for every job of the host that there is.
        newest: how old its newest backup may be; None for any age.
        proven: how long ago a backup of it may have been proven for the last time; None where nobody asks.
        repositories: where; empty for the host's own.
    """

    job: str = ""
    newest: Duration | None = None
    proven: Duration | None = None
    repositories: tuple[str, ...] = ()
