"""The nightly playbook, as shipped, on hosts of which some cannot be backed up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.control import ROOT, execute
from tests.product.shop import CATALOG, Shop
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.errors import InputError
from toolkit.output.streams import Output

NOWHERE = "host=127.0.0.1 port=9 dbname=shop user=shop connect_timeout=2"


def nightly(directory: Path, *, check: bool = False) -> tuple[int, str, dict[str, object]]:
    """Run it; gives the exit code, what was printed and the report."""
    out, report = io.StringIO(), directory / "report.json"
    options = run.Options(playbook=(str(ROOT / "playbooks" / "nightly.yml"),), report=str(report), check=check)
    code = perform(run.COMMAND, options, Control(directory=directory), output=Output(out, out))
    return code, out.getvalue(), json.loads(report.read_text(encoding="utf-8"))


def test_every_host_that_can_be_is_backed_up(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """A host that cannot be reached, and one that is refused, keep no other from being backed up, proven and copied."""
    shop = Shop.make(tmp_path, new_database(), "local", "offsite-copy")
    database, strange = shop.database, new_database()
    shop.control.hosts.clear()
    shop.control.add_host("dead", NOWHERE)
    execute(strange, "CREATE TABLE shops (id text PRIMARY KEY, name text)")
    shop.control.add_host("strange", strange)
    shop.control.add_host("shop", database, second="offsite-copy")
    shop.control.add_host("dead-too", NOWHERE)
    stores = {name: {"type": "local", "path": name} for name in ("local", "offsite-copy")}
    (tmp_path / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    code, text, report = nightly(tmp_path)
    assert code == 2, text  # of 2, a rule that does not fit the database, and 1, a host that cannot be reached
    assert text.count("UNREACHABLE! => cannot connect to database shop on 127.0.0.1:9") == 2
    recap = report["recap"]
    assert isinstance(recap, dict)
    counted = {host: (counts["ok"], counts["failed"], counts["unreachable"]) for host, counts in recap.items()}
    assert counted == {"dead": (0, 0, 1), "strange": (0, 1, 0), "shop": (6, 0, 0), "dead-too": (0, 0, 1)}
    assert '"status": "unreachable"' in json.dumps(report)
    for repository in ("local", "offsite-copy"):
        assert len(list((tmp_path / repository / "backups").iterdir())) == 1


def test_no_business_is_no_backup(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """Where the demo rule leaves no business, a backup is refused with the businesses there are, in check mode too."""
    shop = Shop.make(tmp_path, new_database(), "local", "offsite-copy")
    execute(shop.database, "ALTER TABLE shops ADD demo boolean DEFAULT true")
    catalog = CATALOG.replace("label: name", "label: name, demo: demo")
    (tmp_path / "inventory" / "catalogs" / "application.yml").write_text(catalog, encoding="utf-8")
    for check in (False, True):
        code, text, _ = nightly(tmp_path, check=check)
        assert code == 2
        assert "no business matches: demo: exclude leaves none of the 2 in table shops: Shop A, Shop B" in text
    execute(shop.database, "UPDATE shops SET demo = false")
    with pytest.raises(InputError, match="demo: only leaves none of the 2") as refused:
        shop.control.backup("shop", demo="only")
    assert "leave `demo` out to back them up" in str(refused.value.hint)
    execute(shop.database, "TRUNCATE shops, orders")
    code, text, _ = nightly(tmp_path)
    assert code == 2
    assert "table shops has no business to back up" in text
