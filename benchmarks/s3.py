"""A backup into S3 on this machine's loopback: a Ceph RADOS Gateway, which runs outside of what is measured."""

from __future__ import annotations

import atexit
import uuid
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3

from benchmarks.measuring import Command
from benchmarks.place import NotBuiltError, Place, backing_up
from tests.storage.s3 import ceph

if TYPE_CHECKING:
    from types_boto3_s3.service_resource import Bucket

_BUCKET = "benchmark"
_KEYS = {"BENCHMARK_ACCESS_KEY": ceph.ACCESS_KEY, "BENCHMARK_SECRET_KEY": ceph.SECRET_KEY}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Backup:
    """Ours under a new prefix of a bucket."""

    data: str

    def prepare(self, place: Place) -> Command:
        """Start the S3 server, where this is the first time."""
        if ceph.missing():
            raise NotBuiltError("no S3 server to measure with: Ceph is not installed here")
        store = {
            "type": "s3",
            "endpoint": _server(),
            "bucket": _BUCKET,
            "prefix": uuid.uuid4().hex,
            **{name.removeprefix("BENCHMARK_").lower(): {"env": name} for name in _KEYS},
        }
        host = place.host(place.source(self.data), self.data, "s3", store)
        return place.play("s3", host, {"backup": backing_up(self.data)}, environment=_KEYS)

    def check(self, place: Place) -> int | None:
        """Give what was stored, and make room: the server keeps all in memory. The backup has checked what it sent."""
        bucket = _bucket(_server())
        stored = sum(each.size for each in bucket.objects.all())
        bucket.objects.all().delete()
        return stored


@cache
def _server() -> str:
    """Start the server, until this process ends, and make the bucket; gives its address."""
    server = ceph.Ceph()
    endpoint = server.__enter__().endpoint
    atexit.register(server.__exit__, None, None, None)
    _bucket(endpoint).create()
    return endpoint


def _bucket(endpoint: str) -> Bucket:
    return boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ceph.ACCESS_KEY,
        aws_secret_access_key=ceph.SECRET_KEY,
    ).Bucket(_BUCKET)
