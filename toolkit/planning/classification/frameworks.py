"""Tables that frameworks and migration tools make for themselves, known by their names and columns."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.model.schema import Table
from toolkit.planning.classification import names

_MIGRATIONS: dict[str, str] = {
    "_prisma_migrations": "migration_name",
    "schema_migrations": "version",
    "django_migrations": "applied",
    "alembic_version": "version_num",
    "flyway_schema_history": "version",
    "schema_version": "version",
    "ar_internal_metadata": "",
    "knex_migrations": "name",
    "knex_migrations_lock": "",
    "goose_db_version": "version_id",
    "typeorm_metadata": "",
    "__efmigrationshistory": "MigrationId",
    "databasechangelog": "dateexecuted",
    "databasechangeloglock": "",
    "sequelizemeta": "name",
    "sequelizedata": "",
    "_sqlx_migrations": "version",
    "__drizzle_migrations": "created_at",
    "drizzle_migrations": "created_at",
    "__diesel_schema_migrations": "version",
    "refinery_schema_history": "version",
    "atlas_schema_revisions": "version",
    "doctrine_migration_versions": "version",
    "migration_versions": "version",
    "phinxlog": "version",
    "pgmigrations": "name",
    "kysely_migration": "name",
    "kysely_migration_lock": "",
    "mikro_orm_migrations": "name",
    "gorp_migrations": "applied_at",
    "schema_info": "version",
    "directus_migrations": "version",
    "payload_migrations": "name",
}
"""In lower case, with the column whose greatest value is the schema's version; empty where there is none."""
_GENERAL = {"migration": ("migration", "batch"), "migrations": ("migration", "batch")}
_GENERAL_BY_NAME = {"migrations": ("timestamp", "name"), "migration": ("timestamp", "name")}
_OF_MIGRATIONS = frozenset(
    "id version migration migrationid name filename file script scriptname description batch revision rank type applied"
    " appliedat appliedon appliedby executed executedat executedon executiontime duration installedon installedby runat"
    " runon ranat createdat timestamp date startedat finishedat checksum hash success dirty".split()
)
"""Plain names of the columns that people give their own record of migrations; a table with any other is asked about."""
_NOBODYS = frozenset(("django_content_type", "auth_permission", "spatial_ref_sys"))


def migration_column(table: Table) -> str | None:
    """Give the version column of a migration tool's own table, empty where it has none; None for any other table.

    A table that holds references is an application's own, whatever it is called.
    """
    called = table.name.rpartition(".")[2].lower()
    if table.foreign_keys:
        return None
    if called in _MIGRATIONS:
        wanted = _MIGRATIONS[called]
        found = [name for name in table.column_names if names.plain(name) == names.plain(wanted)]
        return found[0] if found else "" if not wanted else None
    # a name that anything might have: only the columns of a known tool prove it
    for known in (_GENERAL, _GENERAL_BY_NAME):
        if called in known and set(known[called]) <= set(table.column_names) and len(table.columns) <= 3:
            return "migration" if "migration" in table.column_names else "name"
    return None


def reads_like_migrations(table: Table) -> bool:
    """Say whether a table seems to be the record of which migrations this database has had, made by hand."""
    said = names.words(table.name.rpartition(".")[2])
    versions = said[-2:-1] in (("schema",), ("db",), ("database",)) and said[-1] in ("version", "versions", "history")
    if table.foreign_keys or not (versions or any("migration" in names.singulars(word) for word in said)):
        return False
    columns = {names.plain(name) for name in table.column_names}
    return columns <= _OF_MIGRATIONS and bool(columns & {"version", "migration", "name", "filename", "script"})


def is_nobodys(table: str) -> bool:
    """Say whether a framework fills a table by itself, the same for everybody."""
    return table.rpartition(".")[2] in _NOBODYS


def schema_version(tables: Iterable[Table]) -> tuple[str, str] | None:
    """Give which of these tables tells the application's schema version, in which column; None where none does."""
    found = {table.name: column for table in tables if (column := migration_column(table))}
    return min(found.items(), default=None)
