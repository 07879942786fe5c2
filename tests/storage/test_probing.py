"""What `invoke doctor.storage` finds out about the place of a repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.app.invoking import invoke
from tests.storage.s3.servers import S3Server
from toolkit.errors import StorageError
from toolkit.model.host import LocalRepository
from toolkit.storage.open import open_store
from toolkit.storage.probing import probe
from toolkit.storage.store import Ability

pytestmark = pytest.mark.usefixtures("s3_keys")


def by_name(findings: list[Ability]) -> dict[str, str]:
    """What was found, by what was asked about."""
    return {finding.what: finding.found for finding in findings}


def test_a_directory(tmp_path: Path) -> None:
    """A directory is tried, measured, and left as it was."""
    (tmp_path / "mine").write_text("1", encoding="utf-8")
    findings = list(probe(open_store(LocalRepository(name="here", path=tmp_path))))
    found = by_name(findings)
    assert not any(finding.bad for finding in findings)
    assert found["make only if absent"] == "atomic"
    assert "GiB" in found["free space"]
    assert found["speed of writing"].endswith("MiB/s")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_whole_server(s3_server: S3Server) -> None:
    """A server that can do everything is found to, and nothing is left in the bucket."""
    bucket = s3_server.new_bucket()
    findings = list(probe(open_store(s3_server.repository(bucket=bucket, prefix="p"))))
    found = by_name(findings)
    assert not any(finding.bad for finding in findings)
    assert found["list"] == "ListObjectsV2"
    assert found["bulk delete"] == found["upload in parts"] == "works"
    assert found["make only if absent"] == "atomic"
    assert found["checksums"] == "Content-MD5 and SHA-256"
    assert found["versioning"] == found["Object Lock"] == "off"
    assert found["server's clock"] == "the same"
    assert "path" in found["addressing"]
    assert "Contents" not in s3_server.client.list_objects_v2(Bucket=bucket)
    assert not s3_server.client.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_an_old_server(old_server: S3Server) -> None:
    """A server that knows the oldest S3 only can be used, and what that costs is said."""
    findings = list(probe(open_store(old_server.repository())))
    found = by_name(findings)
    assert not any(finding.bad for finding in findings)
    assert found["list"] == "ListObjects"
    assert found["bulk delete"] == "not offered"
    assert found["make only if absent"] == "not atomic"
    assert found["checksums"] == "Content-MD5"


def test_a_locked_bucket(s3_server: S3Server) -> None:
    """Versioning and Object Lock are named with what they mean, and no version of what was tried stays."""
    bucket = s3_server.new_bucket(locked=True)
    findings = list(probe(open_store(s3_server.repository(bucket=bucket))))
    found = by_name(findings)
    assert found["versioning"] == "enabled"
    assert found["Object Lock"] == "on, without a default retention"
    assert found["deleted files"] == "kept as old versions"
    left = s3_server.client.list_object_versions(Bucket=bucket)
    assert not left.get("Versions")
    retention = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3_server.client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=retention)  # type: ignore[arg-type]
    found = by_name(list(probe(open_store(s3_server.repository(bucket=bucket)))))
    assert found["Object Lock"] == "GOVERNANCE for 1 days"


def test_no_bucket(moto_server: S3Server) -> None:
    """What cannot be reached is one error."""
    with pytest.raises(StorageError, match="no such bucket"):
        list(probe(open_store(moto_server.repository(bucket="no-such-bucket"))))


def test_the_command(tmp_path: Path, moto_server: S3Server) -> None:
    """The command prints what it found about a repository of the inventory, without its keys."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "hosts.yml").write_text("all: {hosts: {}}", encoding="utf-8")
    stores = {"cloud": moto_server.written(), "wrong": moto_server.written(bucket="no-such-bucket")}
    (folder / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    good = invoke("doctor.storage", "--repository", "cloud", "--inventory", str(folder))
    assert (good.code, good.err) == (0, "")
    for text in ("s3://t-", "bulk delete", "MiB/s", "it can be used"):
        assert text in good.out
    assert "playback-tests" not in good.text
    bad = invoke("doctor.storage", "--repository", "wrong", "--inventory", str(folder))
    assert bad.code == 1
    assert "no such bucket: no-such-bucket" in bad.text
    assert "HINT: make the bucket" in bad.text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits on directories")
def test_a_directory_that_is_none(tmp_path: Path) -> None:
    """A path that cannot be written to is one error with a remedy."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write") as caught:
        list(probe(open_store(LocalRepository(name="here", path=tmp_path / "file"))))
    assert caught.value.hint
