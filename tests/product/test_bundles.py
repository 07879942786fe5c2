"""One file to carry: a backup leaves one machine in a bundle and is restored, proven and looked at on another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Servers
from tests.control import execute, rows
from tests.product.shop import Shop
from toolkit.errors import InputError

VALUES = """
CREATE TABLE things (id bigint PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, price numeric(12, 4), at timestamptz,
  data jsonb, raw bytea, words text[], ratio double precision);
INSERT INTO things SELECT i, 'a', i / 7.0, '2026-11-20T02:00:00Z'::timestamptz + i * interval '1 hour',
  jsonb_build_object('Größe', i, 'x', NULL), decode(md5(i::text), 'hex'), ARRAY['ä', NULL, i::text], sqrt(i)
  FROM generate_series(1, 300) i;
"""
CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, label: name}
business:
  all: {shops: tenant, orders: {owned_by: [shopId]}, things: {owned_by: [shopId]}}
"""
QUERY = "SELECT 'o', o::text FROM orders o UNION ALL SELECT 't', t::text FROM things t ORDER BY 1, 2"


def machine(directory: Path, database: str, *repositories: str) -> Shop:
    """A machine with an application of many types of values, and its repositories."""
    directory.mkdir()
    shop = Shop.make(directory, database, *repositories)
    execute(database, VALUES)
    (directory / "inventory" / "catalogs" / "application.yml").write_text(CATALOG, encoding="utf-8")
    return shop


def test_carried_to_a_machine_with_another_postgresql(servers: Servers, tmp_path: Path) -> None:
    """Copied out of a machine with PostgreSQL 16, renamed, copied in on one with 18 and restored: every row is equal,
    and its own backup has the same digests; restored out of the bundle itself it is, too."""
    first = machine(tmp_path / "first", servers.database(16), "local")
    label = str(first.run("backup").facts["label"])
    (tmp_path / "stick").mkdir()
    out = first.run("copy", from_="local", to={"bundle": str(tmp_path / "stick" / "shop.playback")}, backups=label)
    assert out.facts["copied"] == [label]
    carried = (tmp_path / "stick" / "shop.playback").rename(tmp_path / "mail.playback")
    assert not list((tmp_path / "stick").iterdir())

    second = machine(tmp_path / "second", servers.database(18), "local")
    execute(second.database, "DELETE FROM things WHERE id % 3 = 0", "UPDATE orders SET notes = 'lost'")
    within = second.run("copy", from_={"bundle": str(carried)}, to="local")
    assert within.facts["copied"] == [label]
    given = {"from_": label, "mode": "mirror", "identity": "source"}
    assert second.run("restore", **given).changed
    assert rows(second.database, QUERY) == rows(first.database, QUERY)
    assert second.run("verify", backup=label).exit_code == 0
    again = second.repository("local").manifest(str(second.run("backup").facts["label"]))
    before = second.repository("local").manifest(label)
    assert [(each.name, each.digest) for each in again.tables] == [(each.name, each.digest) for each in before.tables]

    bundle = {"bundle": str(carried)}
    execute(second.database, "DELETE FROM things")
    content = carried.read_bytes()
    assert second.run("restore", repository=bundle, **given).changed
    assert rows(second.database, QUERY) == rows(first.database, QUERY)
    assert not second.run("restore", repository=bundle, **given).changed
    for against in ("database", "repository"):
        assert second.run("verify", repository=bundle, backup=label, against=against).exit_code == 0
    with pytest.raises(InputError, match="rows cannot be put aside") as caught:
        second.run("restore", repository=bundle, on_error="quarantine", **given)
    assert "`copy` the backup" in caught.value.hint
    drilled = second.run("drill", repository=bundle, backups=label)
    assert "is proven is not noted" in "".join(drilled.warnings)
    assert carried.read_bytes() == content
