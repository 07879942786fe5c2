"""A person's own database, on no demo: the guide's steps by the real command line, and every shipped playbook."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from tests.app.invoking import ROOT, Invoked, invoke
from tests.control import execute, rows
from tests.test_docs import SHOP, shown_files
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.output.streams import Output
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.shipped import DEMO_INVENTORY

FILL = (
    "INSERT INTO shops VALUES ('north', 'North', false), ('south', 'South', false), ('try', 'Try', true)",
    "INSERT INTO vat_rates VALUES ('standard', 20), ('reduced', 5)",
    "INSERT INTO customers SELECT 'c' || n, (ARRAY['north', 'south', 'try'])[1 + n % 3] FROM generate_series(1, 60) n",
    "INSERT INTO orders SELECT 'o' || n, 'c' || 1 + n % 60 FROM generate_series(1, 200) n",
    "INSERT INTO order_items SELECT 'i' || n, 'o' || 1 + n % 200, 'standard' FROM generate_series(1, 500) n",
    "INSERT INTO sessions VALUES ('s')",
)
ACCIDENT = (
    """DELETE FROM order_items WHERE "orderId" = 'o2'""",
    "DELETE FROM orders WHERE id = 'o2'",
    "UPDATE vat_rates SET percent = 0",
    "INSERT INTO customers VALUES ('new', 'north')",
    "INSERT INTO customers VALUES ('new-try', 'try')",
)
CONTENT = """
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_items), (SELECT sum(percent) FROM vat_rates),
       (SELECT string_agg(id, ' ') FROM customers WHERE id LIKE 'new%')
"""


class Shop:
    """The guide's shop in a control directory that was written by hand, as the guide says."""

    def __init__(self, directory: Path, database: str) -> None:
        self.directory, self.database = directory, database
        address = conninfo_to_dict(database)
        parts: dict[str, Any] = {name: address[name] for name in ("host", "dbname", "user")}
        parts["port"] = int(str(address["port"]))
        # the password file of an embedded server has one line, the password its last field
        line = (Path(str(parts["host"])).parent / "password").read_text(encoding="utf-8").strip()
        self.env = {"TILL_1_PASSWORD": line.rpartition(":")[2], "PYTHONPATH": str(ROOT)}
        shutil.copy(ROOT / "tasks.py", directory)
        shutil.copytree(ROOT / "playbooks", directory / "playbooks")
        self.files = shown_files()
        [host] = self.files["inventory/hosts.yml"]["all"]["hosts"].values()
        host["database"] = {**parts, "password": {"env": "TILL_1_PASSWORD"}}
        shipped = yaml.safe_load((DEMO_INVENTORY / "repositories.yml").read_text(encoding="utf-8"))
        repositories = self.files["inventory/repositories.yml"]
        for name in {*repositories, *shipped}:
            repositories[name] = {"type": "local", "path": str(directory / name)}
        for name in self.files:
            self.write(name, self.files[name])

    def write(self, name: str, value: Any) -> None:
        """Write a file of the control directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")

    def invoke(self, *words: str) -> Invoked:
        """Run a command in the control directory."""
        return invoke(*words, cwd=self.directory, env=self.env)

    def run(self, playbook: str, *words: str) -> Invoked:
        """Run a shipped playbook on the till."""
        return self.invoke("run", f"playbooks/{playbook}.yml", "--limit", "till-1", *words)


@pytest.fixture
def shop(tmp_path: Path, new_database: Callable[[], str]) -> Shop:
    """The shop with three businesses, one of them a demo."""
    database = new_database()
    execute(database, *SHOP, *FILL)
    return Shop(tmp_path, database)


class BackedUp:
    """A shop with one backup, which is brought back to that for every playbook, and whose scratch server keeps on."""

    def __init__(self, directory: Path, pg18: EmbeddedServer) -> None:
        self._server, self._name, self._template = pg18, f"own_{os.getpid()}", f"own_{os.getpid()}_template"
        self._directory, self._as_it_was = directory / "now", directory / "as it was"
        self._scratch = self._directory / ".playback" / "scratch"
        self._directory.mkdir()
        for name in (self._name, self._template):
            pg18.drop_database(name)
        self.shop = Shop(self._directory, pg18.create_database(self._name))
        # of the device, as `invoke classify` proposes it, in a database that knows of no node
        execute(
            self.shop.database,
            *SHOP,
            *FILL,
            "CREATE TABLE schema_migrations (version text PRIMARY KEY)",
            "INSERT INTO schema_migrations VALUES ('20260101')",
            "CREATE TABLE trail (id text PRIMARY KEY REFERENCES orders ON DELETE CASCADE)",
            "INSERT INTO trail SELECT id FROM orders LIMIT 3",
        )
        whole = self.shop.files["inventory/catalogs/shop.yml"]
        catalog = {**whole, "device": {"schema": {"schema_migrations": {}}}}
        catalog["business"] = {**whole["business"], "log": {"trail": {"rule": "referenced", "optional": True}}}
        self.shop.write("inventory/catalogs/shop.yml", catalog)
        # under the name of the playbook, which is the job whose newest backup the others take
        self.shop.write("nightly.yml", [{"hosts": "all", "tasks": [{"name": "Back up", "backup": {}}]}])
        nightly = self.shop.invoke("run", "nightly.yml")
        assert nightly.code == 0, nightly.text
        shutil.copytree(self._directory, self._as_it_was)
        pg18.create_database(self._template, template=self._name)
        embedded.start(self._scratch, hasty=True)

    def again(self) -> Shop:
        """Give the shop as it was when it had been backed up, and what happened then to its data."""
        self._server.drop_database(self._name)
        self._server.create_database(self._name, template=self._template)
        for place in (self._directory, self._directory / ".playback"):
            for each in place.iterdir():
                if each not in (self._scratch, self._scratch.parent):
                    shutil.rmtree(each) if each.is_dir() else each.unlink()
        shutil.copytree(self._as_it_was, self._directory, dirs_exist_ok=True)
        execute(self.shop.database, *ACCIDENT)
        return self.shop

    def close(self) -> None:
        """Leave nothing behind."""
        embedded.stop(self._scratch)
        for name in (self._name, self._template):
            self._server.drop_database(name)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory, pg18: EmbeddedServer) -> Iterator[BackedUp]:
    """A shop with one backup, for all playbooks."""
    made = BackedUp(tmp_path_factory.mktemp("shop"), pg18)
    yield made
    made.close()


def test_the_steps_by_hand(shop: Shop) -> None:
    """From a catalog file of one table to a nightly that is proven, and a restore that is looked at first."""
    whole = shop.files["inventory/catalogs/shop.yml"]
    shop.write("inventory/catalogs/shop.yml", {**whole, "business": {"sales": {"shops": "tenant"}}, "transient": {}})
    unclassified = shop.run("nightly", "--check")
    assert unclassified.code == 4
    assert "5 tables of the database are not classified" in unclassified.text
    shop.write("inventory/catalogs/shop.yml", whole)

    assert shop.invoke("lint").code == 0
    nightly = shop.run("nightly")
    assert nightly.code == 0, nightly.text
    assert "are equal: 5 of 5 tables exact" in nightly.text

    before = rows(shop.database, CONTENT)
    execute(shop.database, *ACCIDENT)
    into_host = ("--extra-vars", "into=host", "--extra-vars", "mode=mirror")
    spoilt = rows(shop.database, CONTENT)
    looked = shop.run("restore", *into_host, "--check", "--diff")
    assert (looked.code, rows(shop.database, CONTENT)) == (0, spoilt), looked.text
    restored = shop.run("restore", *into_host)
    assert restored.code == 0, restored.text
    # the demo business is outside of the scope, and what is new there stays
    assert rows(shop.database, CONTENT) == [(*before[0][:3], "new-try")]
    again = shop.run("restore", *into_host)
    assert (again.code, "changed=0" in again.text) == (0, True), again.text


@pytest.mark.parametrize(
    ("playbook", "variables"),
    [
        ("one-business", ["business=north"]),
        ("demo-data", []),
        ("restore-business", ["business=north"]),
        ("restore-tables", ["tables=order_items, orders"]),
        ("carry", ["file=shop.playback"]),
        ("restore", []),
        ("restore", ["into=host"]),
        ("offsite", ["prove=true"]),
        ("migrate-machine", []),
        ("migrate-machine", ["into=host"]),
        ("disaster-recovery", []),
        ("disaster-recovery", ["into=host"]),
        ("drill", []),
    ],
)
def test_shipped_playbooks(
    backed_up: BackedUp, monkeypatch: pytest.MonkeyPatch, playbook: str, variables: list[str]
) -> None:
    """Every other shipped playbook ends well too: looked at first, then done."""
    shop = backed_up.again()
    monkeypatch.chdir(shop.directory)
    for name, value in shop.env.items():
        monkeypatch.setenv(name, value)
    for check in (True, False):
        options = run.Options(
            playbook=(f"playbooks/{playbook}.yml",), limit="till-1", extra_vars=tuple(variables), check=check
        )
        out = io.StringIO()
        code = perform(run.COMMAND, options, Control(directory=shop.directory), output=Output(out, out))
        assert code == 0, out.getvalue()
        assert "None" not in out.getvalue()


def test_every_shipped_playbook_is_tried() -> None:
    """No playbook is shipped that is not run here, but for the one that seeds tables of the demo."""
    [mark] = [each for each in test_shipped_playbooks.pytestmark if each.name == "parametrize"]  # type: ignore[attr-defined]
    tried = {name for name, _ in mark.args[1]} | {"nightly", "seed"}
    assert tried == {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
