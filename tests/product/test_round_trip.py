"""Backups of the reference application, restored and backed up again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.control import Control, rows
from tests.sweeps import EVERYTHING, covering
from toolkit.model.manifest import Manifest

Adder = Callable[..., str]


def digests(manifest: Manifest) -> dict[str, str]:
    """The digest of every table."""
    return {table.name: table.digest for table in manifest.tables}


@pytest.mark.parametrize(("versions", "mode"), covering(((16, 16), (18, 18), (16, 18)), ("merge", "mirror")))
def test_a_restored_backup_backs_up_to_the_same_digests(
    control: Control, demo_host: Adder, empty_host: Adder, versions: tuple[int, int], mode: str
) -> None:
    """Back up, restore into an empty schema, back up again: equal table digests and checksums."""
    demo_host("source", versions[0])
    empty_host("target", versions[1])
    first = control.backup("source", demo="include")
    outcome = control.restore("target", first, mode)
    assert outcome.facts["inserts"] == first.metadata.stats.total_records
    second = control.backup("target", demo="include")
    assert digests(second) == digests(first)
    assert second.metadata.checksums == first.metadata.checksums
    assert second.selection.tables == first.selection.tables
    assert control.verify("target", first).exit_code == 0


def test_every_table_is_accounted_for(control: Control, demo_host: Adder) -> None:
    """Tables of the manifest, left out and absent are together the tables of the database and the catalog: 144."""
    conninfo = demo_host("source")
    manifest = control.backup("source")
    named = [table.name for table in manifest.tables] + [entry.table for entry in manifest.left_out]
    in_database = {name for (name,) in rows(conninfo, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert sorted(named) == sorted(in_database)
    assert len(named) + len(manifest.absent) == 144


STATE = """
SELECT string_agg(c.relname || ' ' || s.n_tup_ins || ' ' || s.n_tup_upd || ' ' || s.n_tup_del, ',' ORDER BY c.relname)
FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
"""


def row_versions(conninfo: str) -> dict[str, list[tuple[str, ...]]]:
    """Of every row of every table: ctid, xmin and xmax."""
    tables = rows(conninfo, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {
        table: rows(conninfo, f'SELECT ctid::text, xmin::text, xmax::text FROM "{table}" ORDER BY ctid')
        for (table,) in tables
    }


@pytest.mark.parametrize(("mode", "business"), [("merge", None), ("mirror", "first")])
def test_restoring_again_touches_nothing(
    control: Control, demo_host: Adder, empty_host: Adder, mode: str, business: str | None
) -> None:
    """Restores that follow report no change; no row version moves and no statistics of writes grow."""
    source = demo_host("source")
    target = empty_host("target")
    named = [rows(source, 'SELECT id FROM businesses WHERE NOT "isDemo" ORDER BY id')[0][0]] if business else []
    manifest = control.backup("source", **({"businesses": named} if named else {}))
    assert control.restore("target", manifest, mode).changed
    rows(target, "SELECT pg_stat_force_next_flush()")
    before, statistics = row_versions(target), rows(target, STATE)
    for _ in range(2 if EVERYTHING else 1):
        again = control.restore("target", manifest, mode)
        assert not again.changed
        assert again.facts["unchanged"] == manifest.metadata.stats.total_records
    assert row_versions(target) == before
    assert rows(target, STATE) == statistics
