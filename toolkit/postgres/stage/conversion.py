"""Whether texts are values of another type, and mean the same there.

A text fits a type when it is valid input and the value made of it means the same: its output is the same text, or it
is a number, a date or a time and equals what it was, or it is text that the type pads with blanks.
So nothing that fits is rounded, cut off or otherwise lost. A time without zone counts as UTC.
"""

from __future__ import annotations

import re
from itertools import count

import psycopg
from psycopg import sql

from toolkit.model.drift import Carried
from toolkit.postgres.schema.relation import Sql, scalar
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import qualified, type_name

NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
TIMES = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
CHARACTERS = frozenset({"text", "character varying", "character"})


class Conversions:
    """Examines columns of texts of one session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = count()

    def misfits(self, texts: Sql, carried: Carried) -> Sql | None:
        """Give the condition that row `r` of a table of texts has a value that does not fit; None when all fit.

        Args:
            texts: a table whose columns are called as in the backup, all of type text.
        """
        value = sql.Identifier("r", carried.source)
        empty = sql.SQL("" if self._takes_null(carried) else " OR {} IS NULL").format(value)
        unfit = sql.SQL("({0} IS NOT NULL AND NOT ({1}){2})").format(value, _means_the_same(value, carried), empty)
        try:
            with self._connection.transaction():
                found = self._count(texts, unfit)
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError):
                raise
            # some value is not even valid input: only a function can try them one by one
            unfit = sql.SQL("(NOT {}({}){})").format(self._function(carried), value, empty)
            found = self._count(texts, unfit)
        return unfit if found else None

    def _takes_null(self, carried: Carried) -> bool:
        """Whether the type itself, a domain perhaps, has nothing against NULL."""
        try:
            with self._connection.transaction():
                self._connection.execute(sql.SQL("SELECT NULL::text::{}").format(type_name(carried.column.type)))
        except psycopg.IntegrityError:
            return False
        return True

    def _count(self, texts: Sql, condition: Sql) -> int:
        return scalar(self._connection, sql.SQL("SELECT count(*) FROM {} r WHERE {}").format(texts, condition))

    def _function(self, carried: Carried) -> Sql:
        """A function that says of one text whether it fits, and survives whatever its type says to it."""
        name = sql.SQL("pg_temp.{}").format(sql.Identifier(f"playback_fits_{next(self._numbers)}"))
        body = sql.SQL("BEGIN RETURN v IS NULL OR {}; EXCEPTION WHEN OTHERS THEN RETURN false; END").format(
            _means_the_same(sql.Identifier("v"), carried)
        )
        self._connection.execute(
            sql.SQL("CREATE OR REPLACE FUNCTION {}(v pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS {}").format(
                name, sql.Literal(qualified(body, self._connection))
            )
        )
        return name


def converted(value: Sql | sql.Identifier, carried: Carried) -> Sql:
    """Give the text as a value of the target's column."""
    if {base_type(carried.type), base_type(carried.column.type)} <= NUMBERS:
        value = sql.SQL("{}::numeric").format(value)  # no integer reads 7.00
    # the name of a type is the server's own text for it
    return sql.SQL("({}::{})").format(value, type_name(carried.column.type))


def _means_the_same(value: sql.Identifier, carried: Carried) -> Sql:
    output = sql.SQL("concat({})").format(converted(value, carried))
    before, after = base_type(carried.type), base_type(carried.column.type)
    if {before, after} <= NUMBERS:
        # back and forth: what a floating-point number prints as is not all that it is
        back = sql.SQL("{}::{}").format(converted(value, carried), type_name(carried.type))
        return sql.SQL("{} = {}::{}").format(back, value, type_name(carried.type))
    if {before, after} <= TIMES:
        template = "{output}::timestamptz = {value}::timestamptz"
    elif after == "character" and before in CHARACTERS:
        template = "{output} = {value} OR rtrim({output}, ' ') = {value}"
        if before == "character":
            template = "rtrim({output}, ' ') = rtrim({value}, ' ')"
    else:
        template = "{output} = {value}"
    return sql.SQL(template).format(output=output, value=value)


def loose_type(written: str) -> str:
    """Give a type without a length by which a cast would cut values off; to assign one to its column does not."""
    loose = re.sub(r"^character(?=[([]|$)", "bpchar", written)
    return base_type(re.sub(r"^bit(?=[([]|$)", "bit varying", loose))


def base_type(written: str) -> str:
    """Give a type without its length or precision: `numeric` for `numeric(12,2)`."""
    return re.sub(r"\(\d+(,-?\d+)?\)", "", written)
