"""What the server does about a foreign key of the target, beside what every backup notes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.postgres.connection import Connection

KeyName = tuple[str, str]
"""The table that carries a foreign key, and the name of the key."""

_RULES = """
SELECT c.relname, f.conname, f.confdeltype::text, f.confupdtype::text, f.condeferrable,
       coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid
WHERE f.contype = 'f' AND c.relnamespace = to_regnamespace(quote_ident(%s))
"""

NO_ACTION, RESTRICT = "a", "r"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRule:
    """How the server treats one foreign key.

    Attributes:
        on_delete: what becomes of a row whose parent is deleted, as the catalog has it.
        on_update: the same for one whose parent takes another value.
        enforced: it is checked at all, were it only for rows that are written (NOT VALID).
    """

    on_delete: str
    on_update: str
    deferrable: bool
    enforced: bool


def key_rules(connection: Connection, schema: str) -> Mapping[KeyName, KeyRule]:
    """The rules of every foreign key of a schema."""
    return {
        (table, name): KeyRule(on_delete=on_delete, on_update=on_update, deferrable=deferrable, enforced=enforced)
        for table, name, on_delete, on_update, deferrable, enforced in connection.execute(_RULES, [schema])
    }
