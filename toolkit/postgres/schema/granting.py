"""Statements that grant a role what it lacks, to be copied."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from toolkit.postgres.schema.workspace import Lacking


def grants(role: str, lacking: Iterable[Lacking]) -> str:
    """Give one statement for each privilege on things of a kind, in a line."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in lacking:
        names = found.setdefault((each.privilege, each.kind), [])
        names.append(sql.Identifier(*each.place).as_string(None))
    grantee = sql.Identifier(role).as_string(None)
    return "; ".join(
        f"GRANT {privilege} ON {kind.upper()} {', '.join(names)} TO {grantee}"
        for (privilege, kind), names in found.items()
    )
