"""What a server lacks for another database's schema, all of it told before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.postgres.servers.place import Place
from toolkit.postgres.session.connection import Connection

_EXTENSIONS = """
SELECT e.oid::bigint, e.extname, e.extversion, n.nspname, n.oid::bigint
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.oid
"""

# what the schema's own objects are sorted by; a collation of an extension comes with it
_COLLATIONS = """
WITH used(oid) AS (
    SELECT a.attcollation FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace <> ALL (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
    UNION SELECT typcollation FROM pg_type
    UNION SELECT unnest(indcollation::oid[]) FROM pg_index
    UNION SELECT oid FROM pg_collation WHERE oid >= 16384
)
SELECT n.nspname, c.collname, c.collprovider::text, coalesce(c.collcollate, ''), c.oid >= 16384
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE c.oid IN (SELECT oid FROM used) AND c.collprovider IN ('i', 'c')
AND c.collname NOT IN ('C', 'POSIX')
ORDER BY 1, 2
"""

_LANGUAGES = """
SELECT lanname FROM pg_language l
WHERE lanname NOT IN ('internal', 'c', 'sql', 'plpgsql')
AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_language'::regclass AND d.objid = l.oid AND d.deptype = 'e')
"""

_ROLES = """
SELECT DISTINCT r.rolname FROM pg_policy p CROSS JOIN unnest(p.polroles) AS one(oid) JOIN pg_roles r ON r.oid = one.oid
"""

_XML = """
SELECT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.atttypid = 'xml'::regtype AND c.oid >= 16384 AND c.relkind IN ('r', 'p') AND NOT a.attisdropped)
"""

_MAKER = """
SELECT rolsuper, rolcreatedb, rolsuper OR EXISTS (
    SELECT FROM pg_roles managed
    WHERE managed.rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'alloydbsuperuser')
    AND pg_has_role(current_user, managed.oid, 'MEMBER'))
FROM pg_roles WHERE rolname = current_user
"""


class Extension(Struct, frozen=True, kw_only=True):
    """An extension of a database.

    Attributes:
        id: its object id there, and that of its schema.
    """

    name: str
    version: str
    schema: str
    id: int
    schema_id: int


def extensions_of(connection: Connection) -> list[Extension]:
    """Give the extensions of a database, in the order in which they were made."""
    return [
        Extension(name=name, version=version, schema=schema, id=number, schema_id=schema_number)
        for number, name, version, schema, schema_number in connection.execute(_EXTENSIONS)
    ]


def lacking(original: Connection, there: Connection, place: Place) -> list[str]:
    """Give all that a place lacks for the schema of a database, as sentences that say what to do; empty for nothing."""
    return [
        *_version(original, there),
        *_rights(there, place),
        *_extensions(original, there),
        *_collations(original, there),
        *_languages(original, there),
        *_xml(original, there),
        *_roles(original, there, place),
    ]


def may_lack(original: Connection, version: int) -> bool:
    """Tell whether a database's schema has anything that an embedded server of a version could lack at all."""
    asked = (_EXTENSIONS, _COLLATIONS, _LANGUAGES)
    newer = original.info.server_version // 10000 > version
    xml = original.execute(_XML).fetchone() == (True,)
    return newer or xml or any(original.execute(query).fetchone() is not None for query in asked)


def older_extensions(original: Connection, there: Connection) -> list[str]:
    """Give the extensions of which a place has an older version than a database has, as sentences."""
    known: dict[str, str] = dict(there.execute("SELECT name, default_version FROM pg_available_extensions").fetchall())
    return [
        f"the scratch database has version {known[each.name]} of extension {each.name}, and the original {each.version}"
        for each in extensions_of(original)
        if each.name in known and _number(known[each.name]) < _number(each.version)
    ]


def make_roles(original: Connection, there: Connection) -> None:
    """Make the roles that policies name on a server that is ours; nobody can log in as one of them."""
    for name in _absent_roles(original, there):
        there.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def _version(original: Connection, there: Connection) -> Iterator[str]:
    theirs, ours = (connection.info.server_version // 10000 for connection in (original, there))
    if theirs > ours:
        yield f"PostgreSQL {theirs}: it is version {ours}, and newer schemas may not fit into it"


def _rights(there: Connection, place: Place) -> Iterator[str]:
    row = there.execute(_MAKER).fetchone()
    if row is not None and not (row[0] or row[1]):
        user = there.info.user
        yield f"the right of role {user} to make databases: `ALTER ROLE {user} CREATEDB`"


def _extensions(original: Connection, there: Connection) -> Iterator[str]:
    known: dict[str, bool] = dict(
        there.execute("SELECT name, bool_or(trusted) FROM pg_available_extension_versions GROUP BY name").fetchall()
    )
    maker = there.execute(_MAKER).fetchone()
    for each in extensions_of(original):
        if each.name not in known:
            yield f"extension {each.name} {each.version}: install it there"
        elif not known[each.name] and maker is not None and not maker[2]:
            yield f"extension {each.name} {each.version}: only a superuser may create it there"


def _collations(original: Connection, there: Connection) -> Iterator[str]:
    # a server that is built without it has one of them all the same, `unicode`
    icu = there.execute("SELECT EXISTS (SELECT FROM pg_collation WHERE collname ~ '-x-icu$')").fetchone() == (True,)
    for schema, name, provider, locale, own in original.execute(_COLLATIONS).fetchall():
        if provider == "i":
            if not icu:
                yield f"collations of ICU, which {schema}.{name} is one of: it is built without ICU"
        else:
            column = "collcollate" if own else "collname"
            query = sql.SQL("SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'c' AND {} = %s)")
            found = there.execute(query.format(sql.Identifier(column)), [locale if own else name]).fetchone()
            if found != (True,):
                yield f"locale {locale or name} of collation {schema}.{name}: install it in that operating system"


def _languages(original: Connection, there: Connection) -> Iterator[str]:
    known = {name for (name,) in there.execute("SELECT lanname FROM pg_language")}
    for (name,) in original.execute(_LANGUAGES).fetchall():
        if name not in known:
            yield f"language {name}: install it there"


def _xml(original: Connection, there: Connection) -> Iterator[str]:
    if original.execute(_XML).fetchone() == (True,):
        with suppress(psycopg.errors.FeatureNotSupported):
            there.execute("SELECT '<a/>'::xml")
            return
        yield "type xml, which columns have: it is built without libxml"


def _roles(original: Connection, there: Connection, place: Place) -> Iterator[str]:
    if not place.owner:
        for name in _absent_roles(original, there):
            yield f"role {name}, which policies of row security name: `CREATE ROLE {name}`"


def _absent_roles(original: Connection, there: Connection) -> list[str]:
    known = {name for (name,) in there.execute("SELECT rolname FROM pg_roles")}
    return sorted(name for (name,) in original.execute(_ROLES) if name not in known)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
