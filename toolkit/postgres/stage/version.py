"""The version of the application's schema, of a backup and of a target."""

from __future__ import annotations

from toolkit.model.manifest import Manifest
from toolkit.postgres.schema.device import read_schema_version
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection


def version_said(connection: Connection, manifest: Manifest, survey: Survey) -> tuple[str, ...]:
    """Say where the target is at another version of the application's schema than the backup."""
    declared, before = survey.catalog.schema_version, manifest.metadata.schema_version
    if declared is None or before is None or survey.workspace.lacking([("SELECT", declared[0])]):
        return ()
    now = read_schema_version(connection, survey.catalog, survey.schema)
    if now is None or now == before:
        return ()
    return (f"the backup was made under schema version {before}, and the target has {now}",)
