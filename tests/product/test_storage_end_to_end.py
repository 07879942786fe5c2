"""The shipped playbooks from the command line, with their repositories on S3 servers."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.app.invoking import Invoked, invoke, playbook
from tests.control import ROOT, execute
from tests.storage.s3 import ceph
from tests.storage.s3.servers import ACCESS_KEY, SECRET_KEY, S3Server
from tests.sweeps import EVERYTHING
from toolkit.shipped import DEMO_INVENTORY

LABEL = re.compile(r"=> (\S+-nightly-business): ")


@dataclass(frozen=True)
class Installation:
    """A control directory of its own: the shipped playbooks and catalogs, and an inventory for the tests."""

    directory: Path

    @classmethod
    def make(cls, directory: Path, database: str, repositories: Mapping[str, object]) -> Installation:
        """Put the files together; the host `shop` has the database and the repository `cloud`."""
        shutil.copytree(ROOT / "playbooks", directory / "playbooks")
        shutil.copytree(DEMO_INVENTORY / "catalogs", directory / "inventory" / "catalogs")
        shutil.copy(ROOT / "tasks.py", directory)
        variables = {"database": database, "catalog": "multi-business", "repository": "cloud", "second": "offsite-copy"}
        inventory = directory / "inventory"
        (inventory / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"shop": variables}}}), encoding="utf-8")
        (inventory / "repositories.yml").write_text(json.dumps(repositories), encoding="utf-8")
        return cls(directory)

    def invoke(self, *words: str, **environment: str) -> Invoked:
        """Run a command there."""
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        return invoke(*words, cwd=self.directory, env={"PYTHONPATH": path, **environment})


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3Server:
    """The real S3 server where the machine has one, else the simulated one."""
    found: S3Server = request.getfixturevalue("ceph_server" if not ceph.missing() else "moto_server")
    return found


@pytest.fixture
def shipped() -> object:
    """The repository `offsite` as it is shipped."""
    return yaml.safe_load((DEMO_INVENTORY / "repositories.yml").read_text(encoding="utf-8"))["offsite"]


def test_the_nightly_and_the_offsite_playbook(
    tmp_path: Path, server: S3Server, demo_host: Callable[[str], str], shipped: object
) -> None:
    """Backup to S3, restore from S3 into a scratch database, verify, copy, prune; then off-site and back from there."""
    database = demo_host("source")
    repositories = {
        "cloud": server.written(prefix="tills/north"),
        "offsite-copy": {"type": "local", "path": "copy"},
        "offsite": shipped,
    }
    place = Installation.make(tmp_path / "control", database, repositories)
    first = place.invoke("run", "playbooks/nightly.yml")
    assert first.code == 0, first.text
    (label,) = LABEL.findall(first.out)
    assert f"{label} and embedded:scratch are equal: 129 of 129 tables exact" in first.out
    assert "1 backup copied to offsite-copy, 135 chunks sent" in first.out
    assert "are safe, in two places" in first.out

    environment = {
        "OFFSITE_BUCKET": server.new_bucket(),
        "OFFSITE_ENDPOINT": server.endpoint,
        "OFFSITE_REGION": "us-east-1",
        "OFFSITE_ACCESS_KEY": os.environ[ACCESS_KEY],
        "OFFSITE_SECRET_KEY": os.environ[SECRET_KEY],
    }
    shipping = place.invoke(
        "run", "playbooks/offsite.yml", "--extra-vars", f"prove={EVERYTHING}".lower(), **environment
    )
    assert shipping.code == 0, shipping.text
    assert "1 backups shipped, 0 were there" in shipping.out
    assert (f"{label} and embedded:scratch are equal" in shipping.out) == EVERYTHING

    update = 'UPDATE businesses SET "updatedAt" = "updatedAt" + interval \'1 second\''
    execute(database, update)
    prune = playbook(
        tmp_path,
        "backup: {job: nightly}",
        f"sql: {{query: {json.dumps(update)}}}",
        "backup: {job: nightly}",
        "verify: {host: shop}",
        "prune: {keep_last: 1, minimum: 1, grace: 0h}",
        "verify: {against: repository}",
        hosts="shop",
    )
    pruned = place.invoke("run", str(prune))
    assert pruned.code == 0, pruned.text
    assert re.search(r"removed 1 of 3 backups and [1-9]\d* chunks? \(", pruned.out), pruned.out
    assert f"{label}  " in pruned.out
    assert "keep    newest proven of its group, 2 newer are not" in pruned.out
    listed = [line.split()[:2] for line in place.invoke("backups", **environment).out.splitlines() if label in line]
    assert sorted(listed) == [[label, "cloud"], [label, "offsite"], [label, "offsite-copy"]]


def test_an_offsite_repository_that_is_not_set_up(tmp_path: Path, shipped: object) -> None:
    """Without its variables the inventory lints, other repositories work, and using it is one error with all names."""
    repositories = {"cloud": {"type": "local", "path": "cloud"}, "offsite": shipped}
    place = Installation.make(tmp_path / "control", "host=nowhere.invalid", repositories)
    assert place.invoke("lint", "inventory/repositories.yml").code == 0
    assert "offsite: not set up on this machine: OFFSITE_BUCKET, OFFSITE_ENDPOINT" in place.invoke("backups").out
    used = place.invoke("check", "--repository", "offsite")
    assert used.code == 2
    for variable in ("BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY"):
        assert used.text.count(f"OFFSITE_{variable} is not set") == 1
