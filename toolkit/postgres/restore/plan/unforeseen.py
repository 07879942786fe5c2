"""What no plan can foresee: the user's own code that runs, or decides, while the rows of this plan are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from psycopg import sql

from toolkit.model.plan import RestorePlan
from toolkit.model.schemas import Schemas
from toolkit.postgres.compare.comparison import Comparison
from toolkit.postgres.restore.plan.unstaged import judging_unstaged
from toolkit.postgres.schema.answering import UNSETTLED
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.write.triggers import said_by_event_triggers

# bits of pg_trigger.tgtype and values of pg_rewrite.ev_type, by what is done to a table
_INSERT, _DELETE, _UPDATE = (4, "3"), (8, "4"), (16, "2")

_TRIGGERS = sql.SQL("""
SELECT c.named, t.tgname, t.tgdeferrable, t.tgtype::integer
FROM pg_trigger t JOIN {NAMED} c ON c.oid = coalesce(pg_partition_root(t.tgrelid)::oid, t.tgrelid)
WHERE c.named = ANY (%(tables)s)
      AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled IN ('O', 'A')
ORDER BY c.named COLLATE "C", t.tgname COLLATE "C"
""").format(NAMED=NAMED)

_RULES = sql.SQL("""
SELECT c.named, r.rulename, r.ev_type::text
FROM pg_rewrite r JOIN {NAMED} c ON c.oid = r.ev_class
WHERE c.named = ANY (%(tables)s) AND r.rulename <> '_RETURN'
      AND r.ev_enabled IN ('O', 'A')
ORDER BY c.named COLLATE "C", r.rulename COLLATE "C"
""").format(NAMED=NAMED)

# Expression trees name functions by their oids, those of operators included. Of the server's own ones, those that
# merely depend on settings (formats, time zones) give in check mode what they give afterwards, and are left out.
_EXPRESSIONS = sql.SQL("""
WITH RECURSIVE written AS (
    SELECT c.oid, c.named AS relname FROM {NAMED} c WHERE c.named = ANY (%(tables)s)
), domain AS (
    SELECT w.relname, a.atttypid AS type FROM written w JOIN pg_attribute a ON a.attrelid = w.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT d.relname, t.typbasetype FROM domain d JOIN pg_type t ON t.oid = d.type WHERE t.typtype = 'd'
), expression AS (
    SELECT w.relname, format('constraint %%s', f.conname) AS what, f.conbin::text AS tree
    FROM written w JOIN pg_constraint f ON f.conrelid = w.oid
    WHERE f.contype = 'c' AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
    UNION ALL
    SELECT d.relname, format('constraint %%s of domain %%s', f.conname, t.typname), f.conbin::text
    FROM domain d JOIN pg_constraint f ON f.contypid = d.type AND f.contype = 'c' JOIN pg_type t ON t.oid = d.type
    UNION ALL
    SELECT w.relname, format('generated column %%s', a.attname), e.adbin::text
    FROM written w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attgenerated = 's'
    JOIN pg_attrdef e ON e.adrelid = w.oid AND e.adnum = a.attnum
    UNION ALL
    SELECT w.relname, format('index %%s', x.relname), concat(i.indexprs::text, i.indpred::text)
    FROM written w JOIN pg_index i ON i.indrelid = w.oid JOIN pg_class x ON x.oid = i.indexrelid
), called AS (
    SELECT e.relname, e.what, p.proname::text AS name
    FROM expression e, regexp_matches(e.tree, ':(?:funcid|opfuncid) (\\d+)', 'g') m
    JOIN pg_proc p ON p.oid = m[1]::oid
    WHERE {UNSETTLED} OR p.provolatile = 'v' OR p.provolatile = 's' AND (
        p.pronargs = 0 OR p.proname = 'current_setting' OR p.proname = 'age' AND p.pronargs = 1)
    UNION
    SELECT e.relname, e.what, CASE WHEN m[1]::integer < 9 THEN 'the clock' ELSE 'the session' END
    FROM expression e, regexp_matches(e.tree, 'SQLVALUEFUNCTION :op (\\d+)', 'g') m
)
SELECT relname, what, string_agg(DISTINCT name, ', ' ORDER BY name) FROM called
GROUP BY relname, what ORDER BY relname COLLATE "C", what COLLATE "C"
""").format(NAMED=NAMED, UNSETTLED=UNSETTLED)


def unforeseen(comparison: Comparison, plan: RestorePlan, *, fire: bool, bypass: bool) -> tuple[str, ...]:
    """Give what may still refuse or change rows of a plan without conflicts, each as a lower-case fact.

    Args:
        fire: user triggers and rules are to be heard.
        bypass: they are kept silent by the replica role.
    """
    connection, schemas = comparison.connection, comparison.schema.schemas
    done = {
        (_INSERT): [name for name, table in plan.tables.items() if table.inserts + table.rewritten],
        (_DELETE): [name for name, table in plan.tables.items() if table.deletes + table.rewritten],
        (_UPDATE): [name for name, table in plan.tables.items() if table.updates + table.set_null],
    }
    written = {*done[_INSERT], *done[_UPDATE]}
    changed = [name for name, table in plan.tables.items() if table.changes]
    return (
        *(() if fire else said_by_event_triggers(connection, comparison.schema, changed, bypass=bypass)),
        *(_triggers(connection, schemas, done) if fire else ()),
        *(_rules(connection, schemas, done) if fire else ()),
        *_expressions(connection, schemas, written),
        *judging_unstaged(comparison, plan),
    )


def _triggers(connection: Connection, schemas: Schemas, done: dict[tuple[int, str], list[str]]) -> Iterator[str]:
    for table, name, deferrable, kinds in connection.execute(
        _TRIGGERS, {"schemas": parameter(schemas), "tables": _all(done)}
    ).fetchall():
        if any(table in tables and kinds & bit for (bit, _), tables in done.items()):
            when = " when all rows are written" if deferrable else ""
            yield f"trigger {name} of table {table} fires{when}, and may refuse or change rows, also of other tables"


def _rules(connection: Connection, schemas: Schemas, done: dict[tuple[int, str], list[str]]) -> Iterator[str]:
    for table, name, kind in connection.execute(
        _RULES, {"schemas": parameter(schemas), "tables": _all(done)}
    ).fetchall():
        if any(table in tables and kind == event for (_, event), tables in done.items()):
            yield f"rule {name} of table {table} applies, and may refuse or change rows, also of other tables"


def _expressions(connection: Connection, schemas: Schemas, tables: Collection[str]) -> Iterator[str]:
    for table, what, functions in connection.execute(
        _EXPRESSIONS, {"schemas": parameter(schemas), "tables": sorted(tables)}
    ).fetchall():
        yield f"{what} of table {table} depends on {functions}, which need not answer then as now"


def _all(done: dict[tuple[int, str], list[str]]) -> list[str]:
    return sorted({name for tables in done.values() for name in tables})
