"""A type of its own whose values are equal whatever their case, as of citext, which not every server has."""

from __future__ import annotations

from tests.control import execute

SIGNS = ("<", "<=", "=", ">=", ">")

TYPE = (
    "CREATE TYPE public.caseless",
    "CREATE FUNCTION public.caseless_in(cstring) RETURNS public.caseless LANGUAGE internal IMMUTABLE STRICT"
    " AS 'textin'",
    "CREATE FUNCTION public.caseless_out(public.caseless) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT"
    " AS 'textout'",
    "CREATE TYPE public.caseless (INPUT = public.caseless_in, OUTPUT = public.caseless_out, LIKE = text,"
    " CATEGORY = 'S')",
    "CREATE CAST (public.caseless AS text) WITHOUT FUNCTION AS IMPLICIT",
    "CREATE CAST (text AS public.caseless) WITHOUT FUNCTION AS ASSIGNMENT",
    "CREATE FUNCTION public.caseless_cmp(public.caseless, public.caseless) RETURNS integer LANGUAGE sql"
    " IMMUTABLE STRICT RETURN pg_catalog.bttextcmp("
    'pg_catalog.lower($1::text) COLLATE "C", pg_catalog.lower($2::text) COLLATE "C")',
    *(
        statement
        for number, sign in enumerate(SIGNS)
        for statement in (
            f"CREATE FUNCTION public.caseless_{number}(public.caseless, public.caseless) RETURNS boolean LANGUAGE sql"
            f" IMMUTABLE STRICT RETURN public.caseless_cmp($1, $2) OPERATOR(pg_catalog.{sign}) 0",
            f"CREATE OPERATOR public.{sign} (FUNCTION = public.caseless_{number}, LEFTARG = public.caseless,"
            " RIGHTARG = public.caseless)",
        )
    ),
    "CREATE OPERATOR CLASS public.caseless_ops DEFAULT FOR TYPE public.caseless USING btree AS OPERATOR 1 public.<,"
    " OPERATOR 2 public.<=, OPERATOR 3 public.=, OPERATOR 4 public.>=, OPERATOR 5 public.>,"
    " FUNCTION 1 public.caseless_cmp(public.caseless, public.caseless)",
)


def create_caseless(superuser: str, schema: str = "public") -> None:
    """Make the type `caseless` in a schema, which is made where it is not there."""
    execute(
        superuser,
        f"CREATE SCHEMA IF NOT EXISTS {schema}",
        f"GRANT USAGE ON SCHEMA {schema} TO public",
        *(statement.replace("public.", f"{schema}.") for statement in TYPE),
    )


def respelled(text: str) -> str:
    """Another spelling of a value, where there is one."""
    return text.swapcase() if text.isascii() else text
