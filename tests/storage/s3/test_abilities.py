"""Servers that lack a part of S3: what they cannot do is found out once, done otherwise, and remembered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.s3.proxy import (
    Answer,
    Proxy,
    Request,
    Rule,
    ignores_conditional,
    ignores_list_v2,
    no_bulk_delete,
    no_conditional,
    no_list_v2,
    no_new_checksums,
    proxied,
    refusal,
    short_pages,
)
from tests.storage.s3.servers import S3Server
from toolkit.storage.s3.store import S3Store

ROOT = Path(__file__).parents[3]
TEN = [f"a/{number:02}" for number in range(10)]


def store_behind(proxy: Proxy, server: S3Server) -> S3Store:
    """A store in a new bucket whose server is reached through a proxy."""
    return S3Store(server.repository(endpoint=proxy.endpoint))


def filled(store: S3Store) -> S3Store:
    """The store with ten files."""
    for name in TEN:
        store.put(name, b"1")
    return store


def names(store: S3Store) -> list[str]:
    """The names it lists."""
    return [stored.name for stored in store.list()]


def test_no_checksum_but_the_oldest_is_sent(s3_server: S3Server) -> None:
    """Uploads and bulk deletion carry Content-MD5 and none of the checksums that many servers refuse."""
    with proxied(s3_server.endpoint, no_new_checksums) as proxy:
        store = filled(store_behind(proxy, s3_server))
        store.delete_many(TEN)
        assert names(store) == []
        writes = [request for request in proxy.seen if request.method in ("PUT", "POST")]
        assert len(writes) == 11
        # a refused bulk deletion would have been made up for one by one
        assert not [request for request in proxy.seen if request.method == "DELETE"]
        assert all("content-md5" in request.headers for request in writes)


def test_without_bulk_deletion_files_go_one_by_one(s3_server: S3Server) -> None:
    """A server without bulk deletion is asked for it once, and files are removed singly from then on."""
    with proxied(s3_server.endpoint, no_bulk_delete) as proxy:
        store = filled(store_behind(proxy, s3_server))
        store.delete_many(TEN[:5])
        store.delete_many(TEN[5:])
        assert names(store) == []
        assert [request.method for request in proxy.seen if request.method in ("POST", "DELETE")].count("POST") == 1


@pytest.mark.parametrize("rules", [(), (no_list_v2,), (ignores_list_v2,)], ids=["v2", "refused", "ignored"])
def test_lists_of_many_pages_are_whole(moto_server: S3Server, rules: tuple[Rule, ...]) -> None:
    """A list of several pages is complete and in order by both versions of listing, each file once."""
    with proxied(moto_server.endpoint, *rules, short_pages) as proxy:
        store = filled(store_behind(proxy, moto_server))
        assert names(store) == TEN
        assert [stored.name for stored in store.list("a/0")] == TEN
        pages = [request for request in proxy.seen if request.method == "GET"]
        assert len(pages) <= 2 * 4 + 1
        assert store.abilities.list_v2 == (not rules)


@pytest.mark.parametrize("rule", [no_conditional, ignores_conditional])
def test_without_conditional_writes_the_store_says_so(moto_server: S3Server, rule: Rule) -> None:
    """Whether a server refuses a condition or does not see it, files are made only where there is none, and the store
    does not call that atomic."""
    with proxied(moto_server.endpoint, rule) as proxy:
        store = store_behind(proxy, moto_server)
        assert store.put_new("a/b", b"first")
        assert not store.put_new("a/b", b"second")
        assert not store.conditional
        assert store.get("a/b") == b"first"
        assert names(store) == ["a/b"]
        asked = [request for request in proxy.seen if request.headers.get("if-none-match")]
        assert len(asked) <= 2


def test_conditional_writes_are_found_out(s3_server: S3Server) -> None:
    """A server that honours conditions is asked once, and the question leaves nothing behind."""
    store = S3Store(s3_server.repository(prefix="p"))
    assert store.conditional
    assert store.put_new("a/b", b"1")
    found = s3_server.client.list_objects_v2(Bucket=store.place.split("/")[2])
    assert [entry["Key"] for entry in found["Contents"]] == ["p/a/b"]


def test_a_key_that_may_not_delete_is_enough_to_add(s3_server: S3Server) -> None:
    """A key without the right to remove anything adds files all the same, new ones atomically."""

    def no_deletion(request: Request) -> Request | Answer:
        return refusal(403, "AccessDenied") if request.method == "DELETE" else request

    with proxied(s3_server.endpoint, no_deletion) as proxy:
        store = store_behind(proxy, s3_server)
        assert store.put_new("a/b", b"1")
        assert not store.put_new("a/b", b"2")
        assert store.conditional
        assert names(store) == ["a/b"]


@pytest.mark.parametrize("locked", [False, True], ids=["versioned", "locked"])
def test_a_bucket_that_keeps_what_is_deleted_is_known(s3_server: S3Server, locked: bool) -> None:
    """A bucket with versions or Object Lock says that deletion frees nothing; one without says the contrary."""
    bucket = s3_server.new_bucket(locked=locked)
    assert S3Store(s3_server.repository(bucket=bucket)).keeps_deleted is locked
    if not locked:
        s3_server.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = S3Store(s3_server.repository(bucket=bucket))
    assert store.keeps_deleted
    store.put("a/b", b"1")
    store.delete("a/b")
    assert names(store) == []


@pytest.mark.parametrize("many", [False, True], ids=["delete", "delete_many"])
def test_deletions_tell_what_may_not_be_asked(moto_server: S3Server, many: bool) -> None:
    """Where nobody may ask for a bucket's versioning, the answer to a deletion says that nothing was freed."""
    bucket = moto_server.new_bucket(locked=True)

    def no_versioning(request: Request) -> Request | Answer:
        return refusal(403, "AccessDenied") if "versioning" in request.query else request

    with proxied(moto_server.endpoint, no_versioning) as proxy:
        writer = S3Store(moto_server.repository(bucket=bucket))
        filled(writer)
        store = S3Store(moto_server.repository(bucket=bucket, endpoint=proxy.endpoint))
        assert not store.keeps_deleted
        if many:
            store.delete_many(TEN)
        else:
            store.delete(TEN[0])
        assert store.keeps_deleted


def test_runs_without_s3_do_not_load_boto3() -> None:
    """What boto3 costs in time and memory is paid only where a repository of type s3 is opened."""
    script = "import sys, tasks; sys.exit(any(name in sys.modules for name in ('boto3', 'botocore')))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
