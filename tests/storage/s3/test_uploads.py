"""Large files in parts, what is left behind, and what every object is given."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

import pytest

from tests.storage.s3.proxy import Answer, Request, proxied, refusal
from tests.storage.s3.servers import S3Server
from tests.storage.samples import some_rows, write_backup
from toolkit.errors import StorageError
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.repository import Repository
from toolkit.storage.s3.client import Limits
from toolkit.storage.s3.store import S3Store

PART = 5 * 1024 * 1024
"""The least that S3 takes as a part, except the last one."""

IN_PARTS = Limits(part=PART, attempts=3)
LARGE = bytes(range(256)) * (12 * 1024 * 4)
"""12 MiB: three parts."""


def bucket_of(store: S3Store) -> str:
    """A store's bucket."""
    return store.place.split("/")[2]


def test_a_large_file_goes_in_parts(s3_server: S3Server) -> None:
    """A file larger than two parts is sent in parts, each with its checksum, and comes back whole."""
    with proxied(s3_server.endpoint) as proxy:
        store = S3Store(s3_server.repository(endpoint=proxy.endpoint), IN_PARTS)
        store.put("a/large", LARGE)
        assert store.get("a/large") == LARGE
        assert store.size("a/large") == len(LARGE)
        parts = [request for request in proxy.seen if "partNumber" in request.query]
        assert [len(request.body) for request in parts] == [PART, PART, 2 * 1024 * 1024]
        assert all("content-md5" in request.headers for request in parts)


def test_a_failed_upload_in_parts_is_aborted(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a part cannot be sent, the upload is aborted: no file, and nothing that is paid for without being seen."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    with proxied(s3_server.endpoint) as proxy:
        store = S3Store(s3_server.repository(endpoint=proxy.endpoint), IN_PARTS)
        proxy.rules = [lambda request: refusal(503, "SlowDown") if request.query.get("partNumber") == "3" else request]
        with pytest.raises(StorageError, match="SlowDown"):
            store.put("a/large", LARGE)
        assert not store.exists("a/large")
        assert not s3_server.client.list_multipart_uploads(Bucket=bucket_of(store)).get("Uploads")


def test_a_lost_answer_to_the_last_step_is_no_failure(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server puts the parts together and its answer is lost, the file is found to be there."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    with proxied(s3_server.endpoint) as proxy:
        store = S3Store(s3_server.repository(endpoint=proxy.endpoint), IN_PARTS)
        lost: list[Request] = []

        def completes(request: Request) -> bool:
            return request.method == "POST" and "uploadId" in request.query

        def lose(request: Request, answer: Answer) -> Answer | None:
            if not completes(request):
                return answer
            lost.append(request)
            return None

        # AWS knows an upload for some time after its end, others do not
        proxy.rules = [lambda request: refusal(404, "NoSuchUpload") if lost and completes(request) else request]
        proxy.after = lose
        store.put("a/large", LARGE)
        assert lost
        assert store.get("a/large") == LARGE


def test_chunks_go_and_come_several_at_a_time(moto_server: S3Server) -> None:
    """Over a slow network several chunks are on their way at once, so that a backup does not wait for each in turn."""
    at_once, most = 0, 0
    lock = Lock()

    def watched(request: Request) -> Request:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1
        return request

    with proxied(moto_server.endpoint) as proxy:
        repository = Repository.open(S3Store(moto_server.repository(endpoint=proxy.endpoint)), create=True)
        proxy.rules = [watched]
        manifest, stored = write_backup(repository, {"orders": some_rows(300)})
        assert len(stored) > 10
        assert most >= 6
        most = 0
        with BackupReader(repository, manifest) as reader:
            assert b"".join(reader.rows_of(manifest.tables[0])) == b"".join(some_rows(300))
        assert most >= 6


def test_sweep_aborts_old_uploads(s3_server: S3Server) -> None:
    """Uploads in parts that a killed process left are aborted once they are old enough; others' are left alone."""
    bucket = s3_server.new_bucket()
    store = S3Store(s3_server.repository(bucket=bucket, prefix="mine"))
    client = s3_server.client
    for key in ("mine/a", "mine/b", "other/c"):
        client.create_multipart_upload(Bucket=bucket, Key=key)
    client.put_object(Bucket=bucket, Key=f"mine/.{'0' * 32}.tmp", Body=b"")
    store.put("kept", b"1")
    now = datetime.now(UTC)
    if s3_server.name != "moto":  # it says of every upload that it began in 2010
        assert store.sweep(now - timedelta(hours=1)) == 0
    assert store.sweep(now + timedelta(hours=1)) == 3
    assert [upload["Key"] for upload in client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["other/c"]
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["mine/kept"]


def test_objects_get_what_the_repository_says(moto_server: S3Server) -> None:
    """Storage class and encryption of the inventory are given to small and large objects."""
    settings = {"storage_class": "STANDARD_IA", "sse": "aws:kms", "sse_key": "alias/backups"}
    store = S3Store(moto_server.repository(**settings), IN_PARTS)
    store.put("small", b"1")
    store.put("large", LARGE)
    assert store.put_new("new", b"1")
    for key in ("small", "large", "new"):
        head = moto_server.client.head_object(Bucket=bucket_of(store), Key=key)
        found = (head["StorageClass"], head["ServerSideEncryption"], head["SSEKMSKeyId"])
        assert found == tuple(settings.values())
    assert store.get("large") == LARGE


@pytest.mark.parametrize("name", ["folder/", "other.txt"])
def test_what_others_put_there(moto_server: S3Server, name: str) -> None:
    """The empty objects by which consoles show folders are no files; others' objects are listed."""
    store = S3Store(moto_server.repository(prefix="p"))
    store.put("a", b"1")
    for key in (f"p/{name}", f"p2/{name}", name):
        moto_server.client.put_object(Bucket=bucket_of(store), Key=key, Body=b"")
    expected = ["a"] if name.endswith("/") else ["a", name]
    assert [stored.name for stored in store.list()] == expected
