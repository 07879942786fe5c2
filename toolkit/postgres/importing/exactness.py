"""Values that the server would read as something else, without a word: rounded, cut off, guessed at, without the zone.

Of most types the text of a value is judged before. Of composite types, ranges, intervals, money and the like only the
server knows what it makes of a text; so what it would write is compared with what was given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.planning.copy_text import values
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection, full_names
from toolkit.wording import one_line

_SHOWN = 60
"""Characters of a value that are shown."""

_NAMES = ["money", "name", '"char"', "cidr", "point", "line", "lseg", "path", "polygon", "circle"]

# an array of a domain is an array of what it is of, but for the modifier, which rounds; box has a delimiter of its own
_LOOSE = sql.SQL("""
WITH RECURSIVE kind AS (
    SELECT c.named, a.attname, a.atttypid AS oid, a.atttypmod AS modifier
    FROM {NAMED} c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT k.named, k.attname, t.typbasetype, t.typtypmod
    FROM kind k JOIN pg_type t ON t.oid = k.oid AND t.typtype = 'd'
)
SELECT k.named, k.attname, format_type(k.oid, k.modifier), t.typcategory = 'A'
FROM kind k JOIN pg_type t ON t.oid = k.oid AND t.typtype <> 'd'
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE coalesce(e.typtype, t.typtype) IN ('c', 'r', 'm') OR e.typtype = 'd'
   OR coalesce(e.oid, t.oid) = ANY (%(loose)s::regtype[]) OR t.oid = 'box'::regtype
   OR (coalesce(e.oid, t.oid) = 'interval'::regtype AND k.modifier <> -1)
""").format(NAMED=NAMED)


class InexactError(Exception):
    """A value would be read as something else; `line` is that of its row, from 1."""

    def __init__(self, message: str, line: int, column: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


Loose = Mapping[str, tuple[str, bool]]
"""Column → its type, and whether it is an array."""


def loose_types(connection: Connection, schemas: Schemas) -> Mapping[str, Loose]:
    """Give the columns, by their tables, of types whose values only the server knows."""
    found: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    with full_names(connection):
        parameters = {"schemas": parameter(schemas), "loose": _NAMES}
        for table, column, kind, array in connection.execute(_LOOSE, parameters).fetchall():
            found[table][column] = (kind.replace("%", "%%"), array)
    return found


def refuse_inexact(connection: Connection, loose: Loose, columns: Sequence[str], rows: Sequence[bytes]) -> None:
    """Raise InexactError for the first of these rows, which the server takes, that has a value it reads otherwise."""
    first: InexactError | None = None
    for place, column in enumerate(columns):
        if column not in loose:
            continue
        kind, array = loose[column]
        given = [values(row)[place] for row in rows]
        query = sql.SQL(
            "SELECT n, given, given::{kind}::text FROM unnest(%s::text[]) WITH ORDINALITY AS each (given, n)"
            " WHERE given{list} <> given::{kind}::text{list} ORDER BY n LIMIT 1"
        ).format(kind=sql.SQL(kind), list=sql.SQL("::text[]" if array else ""))
        for line, text, read in connection.execute(query, (given,)):
            if first is None or line < first.line:
                reason = f"PostgreSQL would read it as {_short(read)}, and so it has to be written, not {_short(text)}"
                first = InexactError(reason, line, column)
    if first is not None:
        raise first


def _short(text: str) -> str:
    shown = one_line(text)
    return f'"{shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"}"'
