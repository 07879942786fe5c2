"""CHECK and NOT NULL constraints of the target, tried on the staged rows that are to be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.postgres.compare.comparison import Comparison, written_lines
from toolkit.postgres.restore.plan.computing import find_uncomputable
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState
from toolkit.postgres.restore.plan.unstaged import unknown_values
from toolkit.postgres.schema.check_constraints import check_constraints, filled_in_partitions
from toolkit.postgres.schema.partitions import outside_partitions
from toolkit.postgres.schema.relation import Sql, is_null
from toolkit.postgres.schema.workspace import shared
from toolkit.postgres.session.qualifying import Verbatim, type_name
from toolkit.postgres.write.batches import REFUSALS


class _Rule(Struct, frozen=True, kw_only=True):
    """A condition that no row may fulfil; it names columns plainly."""

    broken: Sql
    reason: str
    sqlstate: str
    constraint: str


def find_failing_checks(comparison: Comparison, obstacles: Obstacles) -> None:
    """Note the rows that a constraint of their own table, or of the types of its columns, says no to."""
    _find_outside_domains(comparison, obstacles)
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


def _find_outside_domains(comparison: Comparison, obstacles: Obstacles) -> None:
    """Note the rows whose values do not fit domains that old rows need not fit either; others do not even get here."""
    for table, columns in sorted(comparison.workspace.open_domains.items()):
        for name, domain in columns.items() if comparison.writes(table) else ():
            value = sql.SQL("s.{}::{}").format(sql.Identifier(name), type_name(domain.name))
            what = f"column {name} cannot hold them"
            find_uncomputable(comparison, obstacles, table, value, constraint=name, what=what)


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
        known = comparison.source.staged(table).names
        stored = [column.name for column in schema.tables[table].stored_columns]
        computable = not unknown_values(comparison, table, stored, staged=False)
        for column in schema.tables[table].columns:
            if not column.nullable and (column.name in known or (column.generated and computable)):
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
    for table, partition, name, within in filled_in_partitions(comparison.connection, schema, changed):
        if name in comparison.source.staged(table).names:
            rules[table].append(
                _Rule(
                    broken=sql.SQL("({}) AND {}").format(Verbatim(within), is_null(sql.Identifier(name))),
                    reason=f"column {name} is NOT NULL in partition {partition} of the target and has no value",
                    sqlstate=SqlState.NOT_NULL,
                    constraint=name,
                )
            )
    for check in check_constraints(comparison.connection, schema, changed):
        # what the server fills in is not on stage, and what others ask is not written yet; it judges them
        if not check.settled or unknown_values(comparison, check.table, check.columns, staged=False):
            continue
        rules[check.table].append(
            _Rule(
                broken=check.broken("s"),
                reason=f"constraint {check.name} says {check.definition}",
                sqlstate=SqlState.CHECK,
                constraint=check.name,
            )
        )
    return rules
