"""Everything that is easy to lose, backed up and restored: not a byte is lost, on any server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.conftest import Servers
from tests.control import Control, execute, new_role, rows
from tests.product.hard import EVERYWHERE, Hard, chunk_ids, hard_control
from tests.sweeps import EVERYTHING, slow_only
from toolkit.demo.hard import SCHEMA, load_hard
from toolkit.errors import RefusedError
from toolkit.postgres.servers.embedded import EmbeddedServer

ODD = f'"{SCHEMA}"'


@pytest.fixture
def hard(tmp_path: Path, servers: Servers) -> Hard:
    """A maker of hosts with the hard schema."""
    return Hard(hard_control(tmp_path), servers)


def dumped(server: EmbeddedServer, conninfo: str) -> list[str]:
    """What PostgreSQL's own pg_dump says the rows are, as sorted lines: nothing of ours takes part in it."""
    command = [str(server.binaries / "pg_dump"), "--data-only", "--inserts", "--schema", ODD, "--dbname", conninfo]
    done = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8")
    # settings and comments name versions; sequences may be further on the target than they were at the source
    beside = ("--", "SET ", "SELECT pg_catalog.set", "\\restrict", "\\unrestrict")
    lines = sorted(line for line in done.stdout.split("\n") if not line.startswith(beside))
    assert len(lines) > 1_000
    return lines


def round_trip(hard: Hard, pg18: EmbeddedServer, versions: tuple[int, int]) -> None:
    """Back up, restore into an empty schema, back up again; compare as we do and as pg_dump does."""
    same = versions[0] == versions[1]
    source = hard.source("source", versions[0], without=() if same else EVERYWHERE)
    target = hard.empty("target", versions[1], without=() if same else EVERYWHERE)
    first = hard.control.backup("source", demo="include")
    outcome = hard.control.restore("target", first, "mirror")
    assert outcome.facts["inserts"] == first.metadata.stats.total_records
    second = hard.control.backup("target", demo="include")
    assert chunk_ids(second) == chunk_ids(first)
    assert second.metadata.checksums == first.metadata.checksums
    assert hard.control.verify("target", first).exit_code == 0
    assert dumped(pg18, target) == dumped(pg18, source)
    assert not hard.control.restore("target", first, "mirror").changed


@pytest.mark.parametrize("versions", [(16, 18), *([(18, 16), (16, 16), (18, 18)] if EVERYTHING else [])])
def test_a_round_trip_loses_nothing(hard: Hard, pg18: EmbeddedServer, versions: tuple[int, int]) -> None:
    """Digests are equal after a restore, and pg_dump sees the same rows in both databases."""
    round_trip(hard, pg18, versions)


@pytest.mark.parametrize("versions", [(18, 15), *([(15, 18), (15, 15), (16, 15)] if EVERYTHING else [])])
def test_a_round_trip_with_version_15_loses_nothing(
    hard: Hard, pg15: EmbeddedServer, pg18: EmbeddedServer, versions: tuple[int, int]
) -> None:
    """The same on the oldest server, between two of which XML and ICU collations come along."""
    hard.servers.by_version[15] = pg15
    round_trip(hard, pg18, versions)


ALTERATIONS = (
    # equal to what is there as far as `=` can tell, yet not the same
    "UPDATE {}.numbers SET exact = 1.000 WHERE id IN (1, 2)",
    'UPDATE {}.numbers SET "real" = -"real", "double" = -"double" WHERE id IN (5, 6)',
    "UPDATE {}.numbers SET \"real\" = '0', \"double\" = '0' WHERE id = 6",
    "UPDATE {}.times SET \"interval\" = '1 day' WHERE id = 2",
    "UPDATE {}.times SET clock_zone = '05:00+01' WHERE id = 5",
    "UPDATE {}.ranges SET numbers = '(1.00,1.000]' WHERE id = '[1,5]'",
    "UPDATE {}.composites SET numbers = '{1.00,1.0,NaN}', moods = NULL WHERE (place).\"y z\" = 'B'",
    "UPDATE {}.texts SET json = '{\"b\":1}', padded = 'a', plain = 'NULL' WHERE code = 'B'",
    "UPDATE {}.various SET point = '(1.5,0)', host = '10.0.0.1/32', mac = NULL, bits = B'10100'",
    "UPDATE {}.unique_only SET later = later - 1000, maybe = NULL",
    'UPDATE {}."Order" SET "previous order" = NULL, "to" = \'elsewhere\'',
    'UPDATE {}.counters SET price = 1.0, "default" = 3 WHERE id < 5',
    # into another partition, and rows that are in the way of others
    "UPDATE {}.readings SET value = -0.0, tenant = NULL WHERE day < '2025-01-01' AND sensor = 2",
    "UPDATE {}.readings SET day = '2030-01-01' WHERE day = 'infinity' AND sensor = 3",
    "UPDATE ONLY {}.vehicles SET name = 'changed' WHERE id = 1",
    "UPDATE ONLY {}.hybrids SET load = 3.10",
    "DELETE FROM ONLY {}.trucks WHERE id = 4",
    "INSERT INTO {}.vehicles VALUES (77, 'a', 'extra'); INSERT INTO {}.amphibians VALUES (77, 'a', 'extra')",
    "DELETE FROM {}.alarms WHERE sensor = 1",
    "DELETE FROM {}.own_0 WHERE row_id IN (19, 20); UPDATE {}.own_0 SET why = NULL, action = 'c', round = 5",
    "UPDATE {}.documents SET document = reverse(document), bytes = NULL WHERE id < 3",
    "INSERT INTO {}.text_keys VALUES ('extra'); DELETE FROM {}.text_notes WHERE id = 1",
    'UPDATE {}."user" SET "group" = \'other\' WHERE "kind" = \'x\'',
    "UPDATE {}.dropped_columns SET a = 8.00",
    "UPDATE {}.secrets SET owner = 'playback'",
)


@pytest.mark.parametrize("version", [16, 18] if EVERYTHING else [18])
def test_a_mirror_puts_right_what_was_changed(hard: Hard, pg18: EmbeddedServer, version: int) -> None:
    """Changed, deleted and added rows, those included that only differ in how an equal value is written."""
    source = hard.source("source", version)
    target = hard.source("target", version)
    first = hard.control.backup("source", demo="include")
    execute(target, *(statement.replace("{}", ODD, 2) for statement in ALTERATIONS))
    assert dumped(pg18, target) != dumped(pg18, source)
    outcome = hard.control.restore("target", first, "mirror")
    assert all(outcome.facts[kind] for kind in ("inserts", "updates", "deletes"))
    assert chunk_ids(hard.control.backup("target", demo="include")) == chunk_ids(first)
    assert dumped(pg18, target) == dumped(pg18, source)


OWNED = {
    "Tenant": 'SELECT 1 FROM {}."Tenant" WHERE "key" = \'a\'',
    "user": 'SELECT 1 FROM {}."user" WHERE "Tenant" = \'a\'',
    "Order": """WITH RECURSIVE o AS (
        SELECT "order" FROM {0}."Order" WHERE "references" = 'a'
        UNION SELECT n."order" FROM {0}."Order" n JOIN o ON n."previous order" = o."order") SELECT 1 FROM o""",
    "own_0": """WITH RECURSIVE o AS (
        SELECT row_id FROM {0}.own_0 WHERE mine = 'a'
        UNION SELECT n.row_id FROM {0}.own_0 n JOIN o ON n.t = o.row_id) SELECT 1 FROM o""",
    "readings": "SELECT 1 FROM {}.readings WHERE tenant = 'a'",
    "alarms": "SELECT 1 FROM {0}.alarms a JOIN {0}.readings r USING (day, sensor, kind) WHERE r.tenant = 'a'",
    "vehicles": "SELECT 1 FROM ONLY {}.vehicles WHERE tenant = 'a'",
    "trucks": "SELECT 1 FROM ONLY {}.trucks WHERE tenant = 'a'",
    "hybrids": "SELECT 1 FROM ONLY {}.hybrids WHERE tenant = 'a'",
    "documents": "SELECT 1 FROM {}.documents WHERE tenant = 'a'",
}
"""The rows of the tenant `a`, as a person would ask for them."""


def test_one_tenant_of_the_hard_schema(hard: Hard) -> None:
    """A tenant whose key ends in blanks comes with all of its rows, partitions and chains included, and no others."""
    source = hard.source("source", 18)
    target = hard.empty("target", 16)
    first = hard.control.backup("source", businesses=["a"])
    owned = {name: counts.owned for name, counts in first.selection.tables.items() if counts.owned}
    assert owned == {name: len(rows(source, query.format(ODD))) for name, query in OWNED.items()}
    assert min(owned["Order"], owned["own_0"], owned["alarms"]) > 10
    hard.control.restore("target", first, "merge")
    assert chunk_ids(hard.control.backup("target", businesses=["a"])) == chunk_ids(first)
    assert rows(target, f"SELECT DISTINCT tenant FROM {ODD}.readings") == [("a       ",)]


def test_what_no_backup_holds_is_named(tmp_path: Path, servers: Servers) -> None:
    """Views, materialized views, foreign tables and the large objects stand in the manifest and in its warnings."""
    superuser = make_conninfo(servers.database(18), user="postgres")
    load_hard(superuser)
    control = hard_control(tmp_path)
    control.add_host("source", superuser)
    manifest = control.backup("source")
    expected = (
        "definitions beside the rows: 1 row-level policies",
        "foreign table Elsewhere",
        "large objects of the database: 1",
        "materialized view busy_days",
        "view Number view",
    )
    assert manifest.schema.not_covered == expected
    assert [warning for warning in manifest.warnings if "absent" not in warning] == [
        f"not covered by any backup: {thing}" for thing in expected
    ]


def test_partitions_are_read_once_and_children_apart(hard: Hard) -> None:
    """A partitioned table is one table with the rows of all partitions; a parent has its own rows only."""
    hard.source("source", 18)
    manifest = hard.control.backup("source", demo="include")
    counted = {table.name: table.rows for table in manifest.tables}
    assert not [name for name in counted if name.startswith("readings") and name != "readings"]
    assert (counted["readings"], counted["empty_partitioned"]) == (96, 0)
    assert [counted[name] for name in ("vehicles", "trucks", "amphibians", "hybrids")] == [3, 2, 1, 2]
    assert counted["no_columns"] == 3


def test_row_level_security_hides_nothing_in_silence(hard: Hard, servers: Servers, tmp_path: Path) -> None:
    """The owner's backup has every row; a role to which the policy applies is refused before anything is stored."""
    source = hard.source("source", 18)
    role = f"reader_{os.getpid()}"
    superuser = servers.by_version[18].superuser
    execute(superuser, f"DROP ROLE IF EXISTS {role}")
    new_role(superuser, role)
    try:
        execute(
            source, f"GRANT USAGE ON SCHEMA {ODD} TO {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA {ODD} TO {role}"
        )
        hard.control.add_host("reader", make_conninfo(source, user=role))
        with pytest.raises(RefusedError, match="row-level security hides rows of table secrets") as refused:
            hard.control.backup("reader")
        assert refused.value.exit_code == 4
        assert not (tmp_path / "repository").exists()
        manifest = hard.control.backup("source")
        assert [table.rows for table in manifest.tables if table.name == "secrets"] == [2]
    finally:
        execute(make_conninfo(source, user="postgres"), f"DROP OWNED BY {role}")
        execute(superuser, f"DROP ROLE {role}")


def test_object_ids_are_refused_wherever_they_hide(tmp_path: Path, servers: Servers) -> None:
    """Columns whose type holds an object id inside of an array, a domain, a composite type or a range are named."""
    conninfo = servers.database(18)
    execute(
        conninfo,
        "CREATE TABLE tenants (id integer PRIMARY KEY)",
        "CREATE TYPE pair AS (a integer, b regclass[])",
        "CREATE DOMAIN pairs AS pair[]",
        "CREATE TYPE ids AS RANGE (SUBTYPE = oid)",
        "CREATE TABLE t (id integer PRIMARY KEY, plain regtype, hidden pairs, between_ids ids, row_of tenants)",
    )
    control = Control(
        tmp_path,
        "catalog: application\ntenant: {table: tenants, key: id}\nbusiness: {all: {tenants: tenant, t: shared}}\n",
    )
    control.add_host("source", conninfo)
    with pytest.raises(RefusedError) as refused:
        control.backup("source")
    assert refused.value.reasons == (
        "t.between_ids is of type public.ids",
        "t.hidden is of type public.pairs",
        "t.plain is of type regtype",
    )


def test_a_keyless_table_comes_back_row_for_row(hard: Hard, pg18: EmbeddedServer) -> None:
    """Its rows cannot be told apart but by their text, in which -0 is not 0."""
    source = hard.source("source", 18)
    target = hard.source("target", 18)
    manifest = hard.control.backup("source", demo="include")
    execute(target, f"UPDATE {ODD}.keyless SET float = 0 WHERE float = '-0'")
    assert hard.control.verify("target", manifest).exit_code == 6
    outcome = hard.control.restore("target", manifest, "mirror")
    assert outcome.facts["inserts"] == outcome.facts["deletes"] != 0
    assert hard.control.verify("target", manifest).exit_code == 0
    assert dumped(pg18, target) == dumped(pg18, source)


@slow_only
def test_a_document_of_60_mb_is_a_chunk_of_its_own(hard: Hard, pg18: EmbeddedServer) -> None:
    """A row far above the largest chunk is stored and restored as it is."""
    source = hard.source("source", 18, large=True)
    target = hard.empty("target", 18)
    manifest = hard.control.backup("source", demo="include")
    entry = manifest.table("documents")
    assert entry is not None
    assert max(chunk.raw for chunk in entry.chunks) > 60_000_000
    hard.control.restore("target", manifest, "merge")
    assert chunk_ids(hard.control.backup("target", demo="include")) == chunk_ids(manifest)
    assert dumped(pg18, target) == dumped(pg18, source)
