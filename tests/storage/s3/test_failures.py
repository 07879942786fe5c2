"""What may pass is tried again, within bounds; what stays is one sentence and a remedy, at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.storage.s3.proxy import Answer, Proxy, Request, Times, proxied, refusal, slow
from tests.storage.s3.servers import S3Server
from toolkit.errors import StorageError
from toolkit.storage.s3.client import Limits
from toolkit.storage.s3.store import S3Store

FEW = Limits(attempts=4)
DATA = bytes(range(256)) * 400


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")


@pytest.fixture
def proxy(moto_server: S3Server) -> Iterator[Proxy]:
    """A proxy in front of moto."""
    with proxied(moto_server.endpoint) as made:
        yield made


@pytest.fixture
def store(proxy: Proxy, moto_server: S3Server) -> S3Store:
    """A store behind the proxy, with one file, that does not try often."""
    made = S3Store(moto_server.repository(endpoint=proxy.endpoint), FEW)
    made.put("a/b", DATA)
    proxy.seen.clear()
    return made


CALLS: dict[str, Callable[[S3Store], object]] = {
    "put": lambda store: store.put("a/c", DATA),
    "get": lambda store: store.get("a/b"),
    "size": lambda store: store.size("a/b"),
    "list": lambda store: list(store.list()),
    "delete": lambda store: store.delete("a/b"),
    "delete_many": lambda store: store.delete_many(["a/b", "a/c"]),
}

PASSING: dict[str, Callable[[Request], Request | Answer | None]] = {
    "throttled": lambda _: refusal(503, "SlowDown"),
    "internal": lambda _: refusal(500, "InternalError"),
    "too many": lambda _: Answer(429),
    "gateway": lambda _: Answer(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>"),
    "reset": lambda _: None,
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("call", CALLS)
def test_what_passes_is_tried_again(store: S3Store, proxy: Proxy, call: str, fault: str) -> None:
    """Throttling, server errors and broken connections are overcome when they pass, and end after the bound if not."""
    proxy.rules = [Times(2, PASSING[fault], lambda _: True)]
    CALLS[call](store)
    assert store.exists("a/b") is (call not in ("delete", "delete_many"))
    proxy.rules = [PASSING[fault]]
    proxy.seen.clear()
    with pytest.raises(StorageError, match=r"cannot (read|write|list|remove) .*, 4 times in \d+ s") as caught:
        CALLS[call](store)
    # a HEAD tells no reason, so the reason is asked for by other means
    assert len(proxy.seen) == (8 if call == "size" else 4)
    assert caught.value.hint


@pytest.mark.parametrize("call", ["put", "get"])
def test_a_server_that_hangs_is_not_waited_for(proxy: Proxy, moto_server: S3Server, call: str) -> None:
    """An answer that does not come in time is asked for again, and given up in the end."""
    config = moto_server.repository(endpoint=proxy.endpoint)
    store = S3Store(config, Limits(read=1, attempts=6))
    store.put("a/b", DATA)
    proxy.rules = [Times(1, slow(1.5), lambda _: True)]
    CALLS[call](store)
    proxy.rules = [slow(1.5)]
    started = time.monotonic()
    with pytest.raises(StorageError, match=r"does not answer in time, 2 times"):
        CALLS[call](S3Store(config, Limits(read=1, attempts=2)))
    assert time.monotonic() - started < 30


def test_an_answer_cut_short_is_no_answer(store: S3Store, proxy: Proxy) -> None:
    """A body that ends early is read again, and is never taken for the whole."""
    cuts = 2

    def cut(request: Request, answer: Answer) -> Answer:
        nonlocal cuts
        if request.method == "GET" and cuts:
            cuts -= 1
            return Answer(answer.status, answer.headers, answer.body, cut=len(answer.body) // 2)
        return answer

    proxy.after = cut
    assert store.get("a/b") == DATA
    cuts = 1000
    with pytest.raises(StorageError, match=r"cannot read .*a/b.* broke"):
        store.get("a/b")
    cuts = 1
    assert [stored.name for stored in store.list()] == ["a/b"]


def flipped(request: Request) -> Request:
    """A request one bit of whose body was lost on the way."""
    return Request(request.method, request.target, request.headers, bytes([request.body[0] ^ 1]) + request.body[1:])


def test_an_upload_changed_on_the_way_is_noticed(store: S3Store, proxy: Proxy) -> None:
    """A bit flipped on the way to a server that checks nothing is noticed by what it says it stored, and put right."""

    def upload(request: Request) -> bool:
        return request.method == "PUT" and bool(request.body)

    def blind(request: Request) -> Request:
        return request.without("content-md5", "x-amz-content-sha256")

    proxy.rules = [blind, Times(1, flipped, upload)]
    store.put("a/c", DATA)
    assert store.get("a/c") == DATA
    proxy.rules = [blind, Times(100, flipped, upload)]
    with pytest.raises(StorageError, match="the server stored something else"):
        store.put("a/d", DATA)
    assert not store.exists("a/d")


def test_an_upload_changed_on_the_way_is_refused_by_ceph(ceph_server: S3Server) -> None:
    """A server that checks what arrives refuses a flipped bit, and the next try stores the file."""
    with proxied(ceph_server.endpoint) as proxy:
        store = S3Store(ceph_server.repository(endpoint=proxy.endpoint), FEW)
        proxy.rules = [Times(1, flipped, lambda request: bool(request.body))]
        store.put("a/b", DATA)
        assert store.get("a/b") == DATA
        assert len([request for request in proxy.seen if request.method == "PUT"]) == 2


def test_a_new_file_whose_answer_was_lost_is_ours(store: S3Store, proxy: Proxy) -> None:
    """When the server makes a file and its answer is lost, the second try sees that the file is the one it made."""
    assert store.conditional
    lost = 1

    def lose(request: Request, answer: Answer) -> Answer | None:
        nonlocal lost
        if request.method == "PUT" and lost:
            lost -= 1
            return None
        return answer

    proxy.after = lose
    assert store.put_new("a/new", b"mine")
    lost = 1
    assert not store.put_new("a/new", b"other")
    assert store.get("a/new") == b"mine"


STAYING = {
    "AccessDenied": (403, "access is denied", "s3:PutObject"),
    "InvalidAccessKeyId": (403, "does not know the access key", "access_key"),
    "SignatureDoesNotMatch": (403, "secret key does not belong", "secret_key"),
    "RequestTimeTooSkewed": (403, "clocks", "clock"),
    "ExpiredToken": (400, "expired", "log in"),
    "AuthorizationHeaderMalformed": (400, "region", "region"),
    "PermanentRedirect": (301, "another region", "region"),
    "NoSuchBucket": (404, "no such bucket", "bucket"),
    "QuotaExceeded": (403, "quota", "free space"),
    "InsufficientStorage": (507, "full", "free space"),
    "InvalidStorageClass": (400, "storage class", "storage_class"),
    "KMS.NotFoundException": (400, "KMS key", "sse_key"),
    "SomethingNew": (400, "the server says 400 SomethingNew", ""),
}


@pytest.mark.parametrize("code", STAYING)
def test_what_stays_is_said_at_once(store: S3Store, proxy: Proxy, code: str) -> None:
    """A refusal that no second try can change is one line with a remedy, after one request."""
    status, fact, remedy = STAYING[code]
    proxy.rules = [lambda _: refusal(status, code, "Some words of the server.")]
    with pytest.raises(StorageError) as caught:
        store.put("a/c", DATA)
    assert fact in caught.value.message
    assert "\n" not in caught.value.message
    assert remedy in caught.value.hint
    assert len(proxy.seen) == 1
