"""What to do about an error of the server, or of a connection to it."""

from __future__ import annotations

import psycopg


def advice(error: psycopg.Error) -> str:
    """Give what to do about a server error, by its SQLSTATE class; empty when there is nothing general to say."""
    state, said = error.sqlstate or "", str(error)
    for word, remedy in _SAID.items():
        if word in said:
            return remedy
    for beginning, remedy in _STATES.items():
        if state.startswith(beginning):
            return remedy
    lost = not state and isinstance(error, psycopg.OperationalError)
    return _LOST if lost else ""


_LOST = "the connection ended; see the server's log, then run again"

_SAID = {
    "statement pooling mode": "let the pooler work with pool_mode = transaction or session, or give the server's own"
    " address",
    "query_wait_timeout": "the pooler has no session left: raise its pool size, or run when others have ended",
    "conflict with recovery": "the standby had to go on without this reader: set hot_standby_feedback = on there, or"
    " run again",
    "max_locks_per_transaction": "every table that is read is locked: raise max_locks_per_transaction on the server and"
    " restart it",
    "temp_file_limit": "the server lets this role use no more disk for sorting: ALTER ROLE … SET temp_file_limit, by a"
    " superuser, or back up fewer businesses at once",
}
"""Words of an error, and the remedy."""

_STATES = {
    "42501": "grant the role the missing privilege, or run as the owner of the tables",
    "55P03": "another session holds rows or tables: find it with pg_blocking_pids, let it end, then run again",
    "53": "the server ran out of a resource (disk, memory or connections); free some and run again",
    "08": _LOST,
    "57": _LOST,
}
"""Beginnings of an SQLSTATE, and the remedy."""


def advice_on_log_in(said: str) -> str:
    """Give what to do where a connection cannot be made."""
    for word, remedy in _LOG_IN.items():
        if word in said:
            return remedy
    return "is the server running, and are host, port, database, user and password of the database's address right?"


_NOBODY = "no machine of that name is known here: is it spelled right, and is the network up?"

_LOG_IN = {
    "unsupported startup parameter": "leave `options` out of the database's address: the pooler knows none of them",
    "certificate verify failed": "name the certificate authority of the server: `sslrootcert=FILE` in its address",
    "root certificate file": "name the certificate authority of the server: `sslrootcert=FILE` in its address, or"
    " `sslrootcert=system`",
    "server does not support SSL": "the server, or the pooler before it, has no TLS; leave `sslmode` out only where the"
    " network is trusted",
    "requires a valid client certificate": "give the role's certificate: `sslcert=FILE sslkey=FILE` in its address",
    "no password supplied": "the server wants a password: `password: {env: NAME}` or `{file: PATH}` for the host in the"
    " inventory, or ~/.pgpass",
    "password authentication failed": "the password is wrong, or the role has none: `ALTER ROLE … PASSWORD` sets it",
    '" does not exist': "the server has none of that name: is it spelled right in the database's address? A database"
    " that is lost has to be made first, and the application its tables in it, also for a scratch database like it: a"
    " backup holds rows, not the schema",
    "could not translate host name": _NOBODY,
    "failed to resolve host": _NOBODY,
    "Connection refused": "nothing listens at that address: is the server running, is the port right, and does"
    " listen_addresses of its postgresql.conf let others in?",
    "no encryption": "the server wants TLS: `sslmode=require` or better in the database's address",
    "private key file": "the key of a client certificate must be readable by nobody but its owner (chmod 600)",
    "definition of service": "services stand in ~/.pg_service.conf, or in the file that PGSERVICEFILE names",
}
"""Words of an error, and the remedy."""
