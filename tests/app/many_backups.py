"""Repositories of very many backups, made within a second or two: real manifests, records and proofs, no rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tests.storage.samples import manifest_of
from toolkit.model.manifest import Manifest
from toolkit.model.proof import Trial
from toolkit.model.published import published_of
from toolkit.planning.clock import compact_stamp
from toolkit.storage import manifest_file
from toolkit.storage.layout import manifest_name, proofs_of, published_name, verified_name
from toolkit.storage.local import LocalStore
from toolkit.storage.proofs import proof_of
from toolkit.storage.repository import Repository

HOSTS = ("demo", "till-1", "till-2")
EACH = timedelta(hours=1)


def make_many(directory: Path, number: int, *, until: datetime) -> Repository:
    """A repository with so many backups, an hour between two: of three hosts in turn, every fourth one proven."""
    repository = Repository.open(LocalStore(directory), create=True)
    for count in range(number):
        for name, data in _files(repository, count, until - count * EACH):
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return repository


def _files(repository: Repository, count: int, moment: datetime) -> Iterator[tuple[str, bytes]]:
    label = f"{compact_stamp(moment)}-nightly-business"
    sealed, data = manifest_file.encode(_manifest(label, HOSTS[count % len(HOSTS)], moment))
    yield manifest_name(label), data
    yield published_name(label), msgspec.json.encode(published_of(sealed))
    known = {
        "checksum": sealed.checksum,
        "against": "repository",
        "host": "",
        "by": "x",
        "time": "2026-11-20T02:00:00Z",
    }
    yield verified_name(label), msgspec.json.encode(known)
    if count % 4 == 0:
        tried = Trial(place="embedded:scratch", seconds=2.5)
        proof = proof_of(repository, sealed, tried, now=moment + timedelta(minutes=9))
        yield f"{proofs_of(label)}{compact_stamp(moment)}-0000abcd.json", msgspec.json.encode(proof)


def _manifest(label: str, host: str, moment: datetime) -> Manifest:
    manifest = manifest_of(label, [], now=moment)
    return replace(manifest, metadata=replace(manifest.metadata, host=host))
