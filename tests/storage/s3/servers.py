"""S3 servers for the tests: moto's, everywhere, and a Ceph RADOS Gateway, where its packages are installed."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.storage.s3 import ceph
from tests.storage.s3.proxy import OLD, proxied
from toolkit.model.host import S3Repository
from toolkit.model.secret import Secret

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ROOT = Path(__file__).parents[3]
ACCESS_KEY, SECRET_KEY = "PLAYBACK_TESTS_ACCESS_KEY", "PLAYBACK_TESTS_SECRET_KEY"
"""The environment variables that hold the keys of every server here, for repositories that are written as YAML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A server that speaks S3.

    Attributes:
        name: `moto` or `ceph`.
        endpoint: its URL.
    """

    name: str
    endpoint: str

    @property
    def client(self) -> S3Client:
        """A client of the test's own, to look behind the store."""
        return _client(self.endpoint)

    def new_bucket(self, *, locked: bool = False) -> str:
        """A new bucket's name; with Object Lock, and so versioned, if wanted."""
        name = f"t-{uuid.uuid4().hex[:20]}"
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name

    def repository(self, name: str = "cloud", *, bucket: str = "", prefix: str = "", **settings: Any) -> S3Repository:
        """A repository of that name, in a new bucket unless one is given."""
        keys = {"access_key": Secret(ceph.ACCESS_KEY), "secret_key": Secret(ceph.SECRET_KEY)}
        given = {"endpoint": self.endpoint, "region": "us-east-1", **keys, **settings}
        return S3Repository(name=name, bucket=bucket or self.new_bucket(), prefix=prefix, **given)

    def written(self, *, bucket: str = "", prefix: str = "", **settings: Any) -> dict[str, Any]:
        """A repository as it is written in repositories.yml, in a new bucket unless one is given."""
        keys = {"access_key": {"env": ACCESS_KEY}, "secret_key": {"env": SECRET_KEY}}
        place = {"bucket": bucket or self.new_bucket(), **({"prefix": prefix} if prefix else {})}
        return {"type": "s3", "endpoint": self.endpoint, "region": "us-east-1", **place, **keys, **settings}


@cache
def _client(endpoint: str) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ceph.ACCESS_KEY,
        aws_secret_access_key=ceph.SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="session")
def s3_keys() -> Iterator[None]:
    """The keys of the servers in the environment of this process and of those it starts."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(ACCESS_KEY, ceph.ACCESS_KEY)
        environment.setenv(SECRET_KEY, ceph.SECRET_KEY)
        yield


@pytest.fixture(scope="session")
def moto_server(s3_keys: None) -> Iterator[S3Server]:
    """Moto's server, in a thread of this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(name="moto", endpoint=f"http://{host}:{port}")
    _client.cache_clear()
    server.stop()


@pytest.fixture(scope="session")
def ceph_server(s3_keys: None, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> S3Server:
    """A Ceph RADOS Gateway, one for all processes of this test run; skipped where it is not installed."""
    absent = ceph.missing()
    if absent:
        pytest.skip(f"Ceph is not installed: there is no {', '.join(absent)} (Debian: radosgw ceph-mon ceph-osd)")
    base = tmp_path_factory.getbasetemp()
    shared = hasattr(request.config, "workerinput")
    file = (base.parent if shared else base) / "ceph.json"
    _start_once(file, owner=os.getppid() if shared else os.getpid())
    facts = _published(file)
    if "error" in facts:
        pytest.fail(f"Ceph is installed but does not start: {facts['error']}", pytrace=False)
    return S3Server(name="ceph", endpoint=facts["endpoint"])


def _start_once(file: Path, *, owner: int) -> None:
    """Start the cluster unless another process of this run has; it ends with its owner."""
    try:
        file.with_suffix(".begun").touch(exist_ok=False)
    except FileExistsError:
        return
    with file.with_suffix(".out").open("wb") as output:
        # not a child of this process, which may end before others that need the cluster
        detach = "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True)"
        supervisor = [sys.executable, "-m", "tests.storage.s3.ceph", str(file), str(owner)]
        subprocess.run([sys.executable, "-c", detach, *supervisor], cwd=ROOT, stdout=output, stderr=output, check=True)


def _published(file: Path) -> dict[str, str]:
    end = time.monotonic() + ceph.PATIENCE + 10
    while not file.exists():
        if time.monotonic() > end:
            return {"error": f"it says nothing in {file}"}
        time.sleep(0.1)
    facts: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return facts


@pytest.fixture(params=["moto", "ceph"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Every S3 server there is, in turn."""
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture
def moto_repository(moto_server: S3Server) -> S3Repository:
    """A new repository under a prefix of a bucket of moto."""
    return _under_new_prefix(moto_server)


@pytest.fixture
def ceph_repository(ceph_server: S3Server) -> S3Repository:
    """A new repository under a prefix of a bucket of Ceph."""
    return _under_new_prefix(ceph_server)


@pytest.fixture(scope="session")
def old_server(moto_server: S3Server) -> Iterator[S3Server]:
    """Moto behind a proxy that lets nothing through but the oldest S3."""
    with proxied(moto_server.endpoint, *OLD) as proxy:
        yield S3Server(name="old", endpoint=proxy.endpoint)


@pytest.fixture
def old_repository(old_server: S3Server) -> S3Repository:
    """A new repository under a prefix of a bucket of a server that knows only the oldest S3."""
    return _under_new_prefix(old_server)


def _under_new_prefix(server: S3Server) -> S3Repository:
    return server.repository(bucket=_shared_bucket(server), prefix=f"some/{uuid.uuid4().hex}")


@cache
def _shared_bucket(server: S3Server) -> str:
    return server.new_bucket()
