"""Scratch databases: embedded ones with another database's schema and no rows, made anew each time."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.errors import DatabaseError, RefusedError
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.stalling import bounded

MARK = "made by playback as a scratch database; every scratch restore makes it anew"
"""The comment that tells a scratch database from one that holds somebody's data."""


def make_scratch(directory: Path, name: str, *, like: str, schemas: Sequence[str]) -> str:
    """Make an empty embedded database with the schema of another one.

    Args:
        directory: data directory of the embedded server to make it in.
        like: conninfo of the database whose schema is taken, through pg_dump.

    Returns:
        Its conninfo.

    Raises:
        RefusedError: there is a database of that name which is not a scratch database, or the schema needs an extension
            that the embedded server lacks.
        DatabaseError: pg_dump or psql failed.
    """
    server = embedded.start(directory)
    _drop_old(server, name)
    conninfo = server.create_database(name)
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        statement = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(MARK))
        connection.execute(statement)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "schema.sql"
        # a pattern without quotes is folded to lower case, as SQL does with names
        patterns = ('"{}"'.format(schema.replace('"', '""')) for schema in schemas)
        chosen = [argument for pattern in patterns for argument in ("--schema", pattern)]
        dump = ["--schema-only", "--no-owner", "--no-privileges", *chosen, "--file", str(script)]
        _run(server, "pg_dump", like, dump)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            # the dump creates the schema itself
            for schema in schemas:
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
        options = ["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", str(script)]
        try:
            _run(server, "psql", conninfo, options)
        except DatabaseError as error:
            _refuse_extensions(server, like, error)
            raise
    return conninfo


def _refuse_extensions(server: EmbeddedServer, like: str, error: DatabaseError) -> None:
    """RefusedError where the database has extensions that the embedded server lacks, which says more than psql does."""
    lacking = _names(like, "pg_extension", "extname") - _names(server.superuser, "pg_available_extensions", "name")
    if lacking:
        raise RefusedError(
            "the schema of the host could not be copied into the scratch database, whose server lacks extensions of"
            f" the host ({', '.join(sorted(lacking))}): {error.message}",
            hint="prove such a backup without a scratch database: `verify: {backup: LABEL}` compares it with the host's"
            " own, `verify: {backup: LABEL, against: repository}` reads it back",
        ) from error


def _names(conninfo: str, catalog: str, column: str) -> set[str]:
    query = sql.SQL("SELECT {} FROM pg_catalog.{}").format(sql.Identifier(column), sql.Identifier(catalog))
    with psycopg.connect(bounded(conninfo), autocommit=True) as connection:
        return {str(name) for (name,) in connection.execute(query)}


def _drop_old(server: EmbeddedServer, name: str) -> None:
    if not server.has_database(name):
        return
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = %s", [name]
        ).fetchone()
    if row != (MARK,):
        raise RefusedError(
            f"embedded database {name} was not made as a scratch database, and a scratch restore would replace it",
            hint="give the scratch database another name: `scratch: {like: HOST, name: NAME}`",
        )
    server.drop_database(name)


def _run(server: EmbeddedServer, program: str, conninfo: str, arguments: list[str]) -> None:
    """Run one of PostgreSQL's programs; the password goes through the environment, where no other user sees it."""
    parts = conninfo_to_dict(conninfo)
    password = parts.pop("password", None)
    environment = {**os.environ, "PGCLIENTENCODING": "UTF8"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    command = [str(server.binaries / program), "--dbname", bounded(make_conninfo("", **parts)), *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        # what psql adds below an error is where it stands in a script that is gone by then
        said = next((after for line in lines for _, found, after in [line.partition("ERROR:  ")] if found), lines[-1])
        raise DatabaseError(
            f"{program} failed: {said}",
            hint="the schema of the host could not be copied into the scratch database",
        )
