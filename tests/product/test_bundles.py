"""One file to carry: a backup leaves one machine in a bundle and is restored, proven and looked at on another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import execute, rows
from tests.product.shop import Shop
from tests.sweeps import EVERYTHING
from toolkit.app.command import Command, NoOptions
from toolkit.app.commands import backups, check, diff, doctor, doctor_storage, pin, show, unlock, unpin
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.errors import ExitCode, InputError, MissingError, StorageError
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.storage.bundle import room

VALUES = """
CREATE TABLE things (id bigint PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, price numeric(12, 4),
  at timestamptz, data jsonb, raw bytea, words text[], ratio double precision);
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


def test_carried_to_a_machine_with_another_postgresql(servers: Servers, pg18: EmbeddedServer, tmp_path: Path) -> None:
    """Copied out of a machine with PostgreSQL 16, renamed, copied in on one with 18 and restored: every row is equal,
    and its own backup has the same digests; restored out of the bundle itself it is, too."""
    first = machine(tmp_path / "first", servers.database(16), "local")
    label = str(first.run("backup").facts["label"])
    (tmp_path / "stick").mkdir()
    out = first.run("copy", from_="local", to={"bundle": str(tmp_path / "stick" / "shop.playback")}, backups=label)
    assert out.facts["copied"] == [label]
    carried = (tmp_path / "stick" / "shop.playback").rename(tmp_path / "mail.playback")
    assert not list((tmp_path / "stick").iterdir())

    name = str(psycopg.conninfo.conninfo_to_dict(servers.database(18))["dbname"])
    # a drill makes a database
    second = machine(tmp_path / "second", pg18.conninfo(name, user="postgres"), "local")
    execute(second.database, "DELETE FROM things WHERE id % 3 = 0", "UPDATE orders SET notes = 'lost'")
    within = second.run("copy", from_={"bundle": str(carried)}, to="local")
    assert within.facts["copied"] == [label]
    given: dict[str, Any] = {"from_": label, "mode": "mirror", "identity": "source"}
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
    if EVERYTHING:
        drilled = second.run("drill", repository=bundle, backups=label, on="host")
        pg18.drop_database(f"playback_drill_of_{name}")
        assert "is proven is not noted" in "".join(drilled.warnings)
    exported = second.run(
        "export", repository=bundle, backup=label, format="csv", directory=str(tmp_path / "exported"), tables=["things"]
    )
    assert exported.changed
    assert carried.read_bytes() == content


COMMANDS: tuple[tuple[Command[Any], Any], ...] = (
    (backups.COMMAND, backups.Options()),
    (check.COMMAND, check.Options()),
    (check.COMMAND, check.Options(repair=True)),
    (show.COMMAND, show.Options(label=("LABEL",))),
    (unlock.COMMAND, unlock.Options()),
    (doctor_storage.COMMAND, NoOptions()),
)


def test_every_command_works_on_it(servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle that is named in place of a repository, in the inventory or not, is listed, checked, shown, compared,
    pinned, backed up into and pruned; what only reads leaves its bytes."""
    shop = Shop.make(tmp_path / "shop", servers.database(), "stick")
    file = tmp_path / "shop.playback"
    name = f"bundle:{file}"
    shop.name_repositories({"stick": {"type": "bundle", "path": str(file)}})
    with pytest.raises(MissingError, match="there is no repository at"):
        shop.run("verify", repository="stick", backup="latest")
    label = str(shop.run("backup", repository=["stick"]).facts["label"])
    control, content = Control(directory=shop.control.directory), file.read_bytes()
    for command, given in COMMANDS:
        options = show.Options(label=(label,)) if isinstance(given, show.Options) else given
        assert perform(command, options, control, repository=name) == 0, command.name
        said = capsys.readouterr().out
        assert label in said or str(file) in said or "one file" in said, (command.name, said)
    assert perform(doctor.COMMAND, doctor.Options(), control) in (0, 1)
    assert f"1 backup, in {file}" in capsys.readouterr().out
    assert file.read_bytes() == content

    with pytest.raises(InputError, match="several processes cannot write into one file"):
        shop.run("backup", repository=name, processes=2)
    shop.change(1)
    other = str(shop.run("backup", repository=name).facts["label"])
    assert perform(diff.COMMAND, diff.Options(labels=(label, other)), control, repository=name) == ExitCode.DIFFERENCES
    assert "orders" in capsys.readouterr().out
    assert perform(pin.COMMAND, pin.Options(label=(label,)), control) == 0
    assert not shop.run("prune", repository="stick", keep_last=1, minimum=1).changed
    assert perform(unpin.COMMAND, unpin.Options(label=(label,)), control) == 0
    would = shop.run("prune", repository="stick", keep_last=1, minimum=1, check=True)
    pruned = shop.run("prune", repository="stick", keep_last=1, minimum=1)
    assert pruned.facts["removed"] == would.facts["removed"] == [label]
    assert pruned.facts["chunks"] == would.facts["chunks"] == 1
    assert shop.run("verify", repository=name, backup=other).exit_code == 0
    assert {each.name for each in tmp_path.iterdir()} == {"shop", "shop.playback"}


def test_what_cannot_be_copied_is_said(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that is missing, is none or is the other side of the copy is named, and nothing is written."""
    shop = Shop.make(tmp_path / "shop", servers.database(), "local")
    label = str(shop.run("backup").facts["label"])
    file = tmp_path / "shop.playback"
    bundle = {"bundle": str(file)}
    with pytest.raises(MissingError, match="there is no repository at"):
        shop.run("copy", from_=bundle, to="local")
    would = shop.run("copy", from_="local", to=bundle, check=True)
    assert would.facts["copied"] == [label]
    assert not file.exists()
    both = shop.run("backup", repository=["local", f"bundle:{tmp_path / 'unplugged' / 'shop.playback'}"])
    assert both.exit_code == ExitCode.PARTIAL
    assert "there is no directory" in both.message
    file.write_bytes(b"my thesis")
    with pytest.raises(StorageError, match="is no bundle: it is no zip file"):
        shop.run("copy", from_="local", to=bundle)
    assert file.read_bytes() == b"my thesis"
    file.unlink()
    shop.run("copy", from_="local", to=bundle)
    with pytest.raises(InputError, match="are the same repository"):
        shop.run("copy", from_=bundle, to=f"bundle:{file}")
    with pytest.raises(InputError, match=r"unknown .*; a bundle is written bundle:shop\.playback"):
        shop.run("copy", from_="local", to="shop.playback")

    content = file.read_bytes()
    monkeypatch.setattr(room, "free_bytes", lambda folder: 100)
    shop.change(1)
    both = shop.run("backup", repository=["local", f"bundle:{file}"])
    assert both.exit_code == ExitCode.PARTIAL
    assert "100 B are free beside it" in both.message
    with pytest.raises(StorageError, match="100 B are free beside it"):
        shop.run("copy", from_="local", to=bundle)
    assert file.read_bytes() == content
    assert {each.name for each in tmp_path.iterdir()} == {"shop", "shop.playback"}
