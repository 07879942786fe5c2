"""One restore at a time writes into a database: the next one waits a little, and is refused."""

from __future__ import annotations

import time
from typing import Final

from toolkit.errors import LockedError
from toolkit.model.outcome import Progress
from toolkit.postgres.schema.holders import listed
from toolkit.postgres.session.connection import Connection
from toolkit.stopping import pause

WRITING: Final = "playback restore"
"""What the sessions of restores that write are called in pg_stat_activity."""
LOOKING: Final = "playback restore --check"
"""What those are called that look only."""
SECONDS: Final = 5.0
"""How long a restore waits for another one: of one that was killed the server ends the session soon."""
_POLL: Final = 0.25

# of the sessions of another role only names are shown, unless this one may read all statistics
_OTHERS = """
SELECT pid, coalesce(usename, '?'), coalesce(client_addr::text, 'this machine'),
       coalesce(round(extract(epoch FROM clock_timestamp() - xact_start))::bigint, -1)
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND application_name = %s
      AND (xact_start IS NOT NULL OR state IS NULL)
ORDER BY xact_start NULLS LAST, pid
"""


def wait_for_others(connection: Connection, progress: Progress) -> None:
    """Wait until no other restore writes into the database; for a session that is called neither.

    Whether two begin at the very same moment is left to the locks of their tables.

    Raises:
        LockedError: one does after SECONDS; its sessions are named.
    """
    end = time.monotonic() + SECONDS
    while others := connection.execute(_OTHERS, [WRITING]).fetchall():
        if time.monotonic() >= end:
            sessions = [
                f"session {pid} as {user} from {place}{f', for {passed} s' if passed >= 0 else ''}"
                for pid, user, place, passed in others
            ]
            raise LockedError(
                f"another restore is writing into this database, so nothing was changed:{listed(sessions)}",
                hint="wait until it has ended, or stop it (`invoke runs --state running` lists runs of this control"
                " directory), then run this one again",
            )
        progress.note("another restore is writing into this database; waiting for its end")
        pause(_POLL)
