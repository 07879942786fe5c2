"""Servers that cannot be used: wrong keys, no bucket, no server, no trust; each one sentence with a remedy, at once."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.storage.s3.proxy import Answer, proxied, refusal
from tests.storage.s3.servers import S3Server
from toolkit.errors import InputError, MissingError, PlaybackError, StorageError
from toolkit.model.secret import Secret
from toolkit.storage.s3.store import S3Store

DATA = bytes(range(256)) * 400


def one_line_at_once(store: S3Store, match: str, remedy: str) -> PlaybackError:
    """What opening a repository in a store ends with: one line, within seconds."""
    started = time.monotonic()
    with pytest.raises(PlaybackError, match=match) as caught:
        store.get("playback.json")
    assert time.monotonic() - started < 30
    assert "\n" not in caught.value.message
    assert remedy in caught.value.hint
    assert not isinstance(caught.value, MissingError)
    return caught.value


def test_wrong_keys(ceph_server: S3Server) -> None:
    """A real server's refusal of an unknown key, of a wrong secret and of a missing bucket names what is wrong."""
    bucket = ceph_server.new_bucket()
    unknown = ceph_server.repository(bucket=bucket, access_key=Secret("nobody"))
    one_line_at_once(S3Store(unknown), "does not know the access key", "access_key")
    wrong = ceph_server.repository(bucket=bucket, secret_key=Secret("hunter2-hunter2"))
    error = one_line_at_once(S3Store(wrong), "secret key does not belong", "secret_key")
    assert "hunter2" not in str(error)
    one_line_at_once(S3Store(ceph_server.repository(bucket="no-such-bucket")), "no-such-bucket", "bucket")


def test_another_ones_bucket(ceph_server: S3Server) -> None:
    """A bucket that a policy closes is denied, and the remedy names the rights that are needed."""
    bucket = ceph_server.new_bucket()
    store = S3Store(ceph_server.repository(bucket=bucket))
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",'
        f' "Resource": "arn:aws:s3:::{bucket}/*"}}]}}'
    )
    ceph_server.client.put_bucket_policy(Bucket=bucket, Policy=policy)
    with pytest.raises(StorageError, match="access is denied") as caught:
        store.put("a/b", b"1")
    assert "s3:PutObject" in caught.value.hint


def test_no_bucket_on_a_size(moto_server: S3Server) -> None:
    """An answer to HEAD has no reason in it; the error names it all the same."""
    with proxied(moto_server.endpoint, lambda _: refusal(403, "RequestTimeTooSkewed")) as proxy:
        store = S3Store(moto_server.repository(endpoint=proxy.endpoint))
        with pytest.raises(StorageError, match="clocks"):
            store.size("a/b")


def test_nobody_answers(moto_server: S3Server) -> None:
    """A host name that does not exist, a port where nobody listens, and a server of another kind are told apart."""
    bucket = moto_server.new_bucket()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        store = S3Store(moto_server.repository(bucket=bucket, endpoint=closed))
        one_line_at_once(store, f"nothing answers at {closed}", "endpoint")
    store = S3Store(moto_server.repository(bucket=bucket, endpoint="http://nobody.invalid"))
    one_line_at_once(store, "no host has the name in http://nobody.invalid", "endpoint")
    page = Answer(200, {"content-type": "text/html"}, b"<html><body>Welcome!</p></html>")
    with proxied(moto_server.endpoint, lambda _: page) as proxy:
        store = S3Store(moto_server.repository(bucket=bucket, endpoint=proxy.endpoint))
        with pytest.raises(StorageError, match="does not speak S3"):
            list(store.list())


def test_without_keys(moto_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without keys in the inventory boto3's own chain gives them, and where it has none, that is said."""
    repository = moto_server.repository()
    chained = moto_server.repository(bucket=repository.bucket, access_key=None, secret_key=None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    one_line_at_once(S3Store(chained), "there are no keys", "access_key")
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = b\n", encoding="utf-8"
    )
    S3Store(chained).put("a/b", b"1")
    assert S3Store(repository).get("a/b") == b"1"
    monkeypatch.setenv("AWS_PROFILE", "absent")
    with pytest.raises(InputError, match="absent") as caught:
        S3Store(chained).get("a/b")
    assert caught.value.hint


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate of this machine's own for 127.0.0.1, and a server's context with it."""
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    try:
        subprocess.run([*command, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


def test_certificates(moto_server: S3Server, certificate: tuple[Path, ssl.SSLContext]) -> None:
    """A certificate of one's own is trusted where ca_bundle names it, and nowhere else."""
    file, context = certificate
    with proxied(moto_server.endpoint, tls=context) as proxy:
        place = {"bucket": moto_server.new_bucket(), "endpoint": proxy.endpoint}
        store = S3Store(moto_server.repository(**place, ca_bundle=str(file)))
        store.put("a/b", DATA)
        assert store.get("a/b") == DATA
        store.delete_many(["a/b", "a/c"])
        assert not any(key.startswith("x-amz-checksum") for request in proxy.seen for key in request.headers)
        one_line_at_once(S3Store(moto_server.repository(**place)), "no trusted connection", "ca_bundle")
        absent = moto_server.repository(**place, ca_bundle=str(file.with_name("absent.pem")))
        one_line_at_once(S3Store(absent), "absent.pem does not exist", "ca_bundle")
