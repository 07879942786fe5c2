"""CHECK and NOT NULL constraints of the target, tried on the staged rows that are to be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.postgres.compare.comparison import Comparison, written_lines
from toolkit.postgres.restore.plan.computing import find_uncomputable
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState
from toolkit.postgres.restore.plan.partitions import outside_partitions
from toolkit.postgres.restore.plan.unstaged import unknown_values
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.schema.relation import Sql, is_null
from toolkit.postgres.schema.workspace import shared
from toolkit.postgres.session.qualifying import Verbatim
from toolkit.postgres.write.batches import REFUSALS

_CHECKS = sql.SQL("""
SELECT c.named, f.conname, CASE WHEN r.oid <> c.oid THEN pg_get_partition_constraintdef(r.oid) END,
       pg_get_expr(f.conbin, f.conrelid), pg_get_constraintdef(f.oid),
       (SELECT coalesce(array_agg(a.attname::text), '{{}}') FROM pg_attribute a
        WHERE a.attrelid = r.oid AND a.attnum = ANY (f.conkey) AND a.attgenerated = '')
FROM {NAMED} c
JOIN pg_class r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_constraint f ON f.conrelid = r.oid AND (r.oid = c.oid OR f.coninhcount = 0)
WHERE f.contype = 'c' AND c.named = ANY (%(tables)s)
      AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
ORDER BY c.named COLLATE "C", f.conname COLLATE "C"
""").format(NAMED=NAMED)


# of a partition alone
_NOT_NULL = sql.SQL("""
SELECT c.named, r.relname, a.attname, coalesce(pg_get_partition_constraintdef(r.oid), 'true')
FROM {NAMED} c
JOIN pg_class r ON c.relkind = 'p' AND r.oid <> c.oid AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid))
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND a.attnotnull AND a.attgenerated = ''
JOIN pg_inherits i ON i.inhrelid = r.oid
JOIN pg_attribute o ON o.attrelid = i.inhparent AND o.attname = a.attname AND NOT o.attnotnull
WHERE c.named = ANY (%(tables)s)
ORDER BY c.named COLLATE "C", r.relname COLLATE "C", a.attname COLLATE "C"
""").format(NAMED=NAMED)


class _Rule(Struct, frozen=True, kw_only=True):
    """A condition that no row may fulfil; it names columns plainly."""

    broken: Sql
    reason: str
    sqlstate: str
    constraint: str


def find_failing_checks(comparison: Comparison, obstacles: Obstacles) -> None:
    """Note the rows that a constraint of their own table says no to."""
    found = _rules(comparison)
    none_broken = _none_broken(comparison, found)
    for table, rules in found.items():
        if table in none_broken:
            continue
        counts = _counts(comparison, table, [rule.broken for rule in rules])
        for rule in rules if counts is None else [rule for rule, number in zip(rules, counts, strict=True) if number]:
            out_of_reach: list[str] = []
            if counts is None:
                out_of_reach = find_uncomputable(comparison, obstacles, table, rule.broken, constraint=rule.constraint)
            # whether a row is written is asked first: others may be such that nothing can be computed of them
            rows = sql.SQL(
                "SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} s"
                " WHERE CASE WHEN s.ctid = ANY ({}) AND s.ctid <> ALL ({}::tid[]) THEN {} ELSE false END"
            ).format(
                comparison.source.staged(table).table,
                written_lines(comparison, table),
                sql.Literal(out_of_reach),
                rule.broken,
            )
            failing = Obstacle(
                table=table, rows=rows, reason=rule.reason, sqlstate=rule.sqlstate, constraint=rule.constraint
            )
            obstacles.add(failing)


def _none_broken(comparison: Comparison, rules: Mapping[str, Sequence[_Rule]]) -> set[str]:
    """Those of the tables of whose staged rows none breaks any rule; small ones are looked at together."""
    passed: set[str] = set()
    for tables in shared(rules, lambda name: comparison.source.staged(name).bytes):
        if len(tables) == 1:
            continue
        queries = {
            name: sql.SQL("SELECT count(*) FROM {} s WHERE {}").format(
                comparison.source.staged(name).table, sql.SQL(" OR ").join(rule.broken for rule in rules[name])
            )
            for name in tables
        }
        try:
            with comparison.connection.transaction():
                counts = comparison.workspace.numbers(queries, lambda _: 0)
        except REFUSALS:  # some condition cannot be computed for some row
            continue
        passed.update(name for name, broken in counts.items() if not broken)
    return passed


def _counts(comparison: Comparison, table: str, conditions: Sequence[Sql]) -> Sequence[int] | None:
    """How many staged rows fulfil each condition; None where some condition cannot be computed for some row."""
    counts = sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(each) for each in conditions)
    query = sql.SQL("SELECT {} FROM {} s").format(counts, comparison.source.staged(table).table)
    try:
        with comparison.connection.transaction():
            return comparison.connection.execute(query).fetchone()
    except REFUSALS:
        return None


def _rules(comparison: Comparison) -> Mapping[str, list[_Rule]]:
    rules: dict[str, list[_Rule]] = defaultdict(list)
    schema = comparison.schema
    changed = [name for name in comparison.differences if comparison.writes(name)]
    for table in changed:
        for column in schema.tables[table].stored_columns:
            if not column.nullable and column.name in comparison.source.staged(table).names:
                rules[table].append(
                    _Rule(
                        broken=is_null(sql.Identifier(column.name)),
                        reason=f"column {column.name} is NOT NULL on the target and has no value",
                        sqlstate=SqlState.NOT_NULL,
                        constraint=column.name,
                    )
                )
    for table in changed:
        broken = outside_partitions(comparison.connection, schema, table, comparison.source.staged(table).names)
        if broken is not None:
            reason = "the table has no partition on the target that takes them"
            rules[table].append(_Rule(broken=broken, reason=reason, sqlstate=SqlState.CHECK, constraint=""))
    parameters = {"schemas": parameter(schema.schemas), "tables": changed}
    for table, partition, name, within in comparison.connection.execute(_NOT_NULL, parameters).fetchall():
        if name in comparison.source.staged(table).names:
            rules[table].append(
                _Rule(
                    broken=sql.SQL("({}) AND {}").format(Verbatim(within), is_null(sql.Identifier(name))),
                    reason=f"column {name} is NOT NULL in partition {partition} of the target and has no value",
                    sqlstate=SqlState.NOT_NULL,
                    constraint=name,
                )
            )
    for table, name, within, expression, definition, columns in comparison.connection.execute(
        _CHECKS, parameters
    ).fetchall():
        # what the server fills in is not on stage; it judges it
        if unknown_values(comparison, table, columns, staged=False):
            continue
        rules[table].append(
            _Rule(
                broken=sql.SQL("({}) AND ({}) IS FALSE").format(Verbatim(within or "true"), Verbatim(expression)),
                reason=f"constraint {name} says {definition}",
                sqlstate=SqlState.CHECK,
                constraint=name,
            )
        )
    return rules
