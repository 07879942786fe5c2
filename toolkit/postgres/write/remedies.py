"""What gives a role what it lacks to write: the statements to copy."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from psycopg import sql

from toolkit.postgres.schema.granting import grants
from toolkit.postgres.schema.workspace import Lacking
from toolkit.postgres.session.connection import Connection


def remedy(
    connection: Connection, lacking: Iterable[Lacking], heard: Collection[str], *, settable: bool, may_fire: bool
) -> str:
    """Give what helps against missing privileges, and against triggers and rules that cannot be kept silent.

    Args:
        heard: what `refused_silence` said.
        settable: the replica role would keep them silent.
        may_fire: they may be let fire as well.
    """
    role = connection.info.user
    ways = [granted] if (granted := grants(role, lacking)) else []
    if heard:
        grantee = sql.Identifier(role).as_string(None)
        silence = []
        if settable:
            silence.append(f"as a superuser, GRANT SET ON PARAMETER session_replication_role TO {grantee}")
        if may_fire:
            silence.append("say `triggers: fire` if they may see the rows")
        ways.append(f"to keep triggers and rules silent: {', or '.join([*silence, 'run as the owner of the tables'])}")
    else:
        ways[-1:] = [f"{ways[-1]}; or run as the owner of the tables or a superuser"] if ways else []
    return "; ".join(ways)
