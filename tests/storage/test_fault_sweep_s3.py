"""One request to an S3 server goes wrong, whichever it is: what may pass is tried again, all else is loud.

The faults are a real proxy's. A sample of the requests runs every time; all of them with PLAYBACK_SLOW_TESTS=1, and
`-rP` shows how many there were.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from tests.storage.faults import flip_bit
from tests.storage.operations import OPERATIONS, expect_sound, fill, findings, repair_all
from tests.storage.s3.proxy import Answer, Proxy, Request, proxied, refusal
from tests.storage.s3.servers import S3Server
from tests.storage.sweeping import Fault
from tests.sweeps import EVERYTHING
from toolkit.errors import PlaybackError
from toolkit.model.host import S3Repository
from toolkit.storage.s3.client import Limits
from toolkit.storage.s3.store import S3Store
from toolkit.storage.store import Store

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CopySourceTypeDef

IMPATIENT = Limits(connect=2, read=2, attempts=3, seconds=30)


class WrongRequest:
    """What makes the n-th request that passes a proxy go wrong, or that and all later ones.

    Attributes:
        at: its number, counted from 1 among those that the fault can befall; 0 for none.
        requests: how many there were that the fault can befall.
    """

    def __init__(self, fault: Fault, *, always: bool) -> None:
        self.at = 0
        self.requests = 0
        self._fault = fault
        self._always = always
        self._lock = threading.Lock()
        self._now = threading.local()

    def before(self, request: Request) -> Request | Answer:
        """The rule for a request on its way to the server."""
        self._now.wrong = self._befalls(request)
        if self._now.wrong and self._fault is Fault.FAIL:
            return refusal(503, "SlowDown")
        if self._now.wrong and self._fault is Fault.FLIP and request.body:
            return replace(request, body=_flipped(request.body, 4))
        return request

    def after(self, request: Request, answer: Answer) -> Answer | None:
        """What becomes of the answer."""
        if not self._now.wrong:
            return answer
        if self._fault is Fault.LATE:
            time.sleep(IMPATIENT.read * 1.2)
        if self._fault is Fault.CUT:
            # an answer that has no body is lost as a whole
            return replace(answer, cut=len(answer.body) // 2) if len(answer.body) > 1 else None
        if self._fault is Fault.FLIP and request.method == "GET":
            # another bit than on the way there, or the two would make up for each other
            return replace(answer, body=_flipped(answer.body, 2))
        return answer

    def _befalls(self, request: Request) -> bool:
        # a flipped bit in the content of a file; what else is said would not be XML any more, or is signed
        content = request.method in ("GET", "PUT") and not request.query
        if self._fault is Fault.FLIP and not content:
            return False
        with self._lock:
            self.requests += 1
            return bool(self.at) and (self.requests == self.at or (self._always and self.requests > self.at))


def _flipped(data: bytes, part: int) -> bytes:
    return flip_bit(data, len(data) * 8 // part) if data else data


@dataclass(frozen=True)
class Prefixes:
    """Both repositories below a prefix of a bucket of a server."""

    server: S3Server
    config: S3Repository
    _stores: dict[str, Store] = field(default_factory=dict)

    def store(self, name: str) -> Store:
        """The store of one of both, straight from the server."""
        if name not in self._stores:
            self._stores[name] = S3Store(structs.replace(self.config, prefix=f"{self.config.prefix}/{name}"))
        return self._stores[name]

    def faulty(self, name: str, endpoint: str) -> Store:
        """The store of one of both, through a proxy."""
        config = structs.replace(self.config, prefix=f"{self.config.prefix}/{name}", endpoint=endpoint)
        return S3Store(config, IMPATIENT)

    def copy(self) -> Prefixes:
        """The same below another prefix, copied by the server."""
        place = Prefixes(self.server, structs.replace(self.config, prefix=uuid.uuid4().hex))
        bucket = self.config.bucket
        for file in self.server.client.list_objects_v2(Bucket=bucket, Prefix=f"{self.config.prefix}/")["Contents"]:
            name = file["Key"].removeprefix(self.config.prefix)
            source: CopySourceTypeDef = {"Bucket": bucket, "Key": file["Key"]}
            self.server.client.copy_object(Bucket=bucket, Key=f"{place.config.prefix}{name}", CopySource=source)
        return place


@pytest.fixture(scope="module")
def pristine(moto_server: S3Server) -> Prefixes:
    """Backups in both repositories."""
    place = Prefixes(moto_server, moto_server.repository(prefix="pristine"))
    fill(place)
    return place


@pytest.fixture
def proxy(moto_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy in front of moto; nobody waits between attempts."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    with proxied(moto_server.endpoint) as made:
        yield made


def cases() -> Iterator[tuple[str, Fault, bool]]:
    """Every operation with every fault, once and always; in a quick run some of them."""
    for row, name in enumerate(OPERATIONS):
        for column, fault in enumerate(Fault):
            for always in (False, True):
                # what is late always takes three time-outs for each call
                quick = (row + column) % 2 == 0 and always == (row % 2 == 1 and fault is not Fault.LATE)
                if EVERYTHING or quick:
                    yield name, fault, always


@pytest.mark.parametrize(("name", "fault", "always"), list(cases()))
def test_a_request_that_goes_wrong(pristine: Prefixes, proxy: Proxy, name: str, fault: Fault, always: bool) -> None:
    """What happens once and may pass is not even noticed; else the error is loud; a rerun is complete."""
    operation = OPERATIONS[name]
    counting = WrongRequest(fault, always=always)
    proxy.rules, proxy.after = [counting.before], counting.after
    place = pristine.copy()
    operation.run(place.faulty(operation.on, proxy.endpoint), place)
    assert operation.done(place)
    loud = 0
    for at in positions(counting.requests, f"{name} {fault} {always}"):
        wrong, place = WrongRequest(fault, always=always), pristine.copy()
        wrong.at = at
        proxy.rules, proxy.after = [wrong.before], wrong.after
        try:
            operation.run(place.faulty(operation.on, proxy.endpoint), place)
        except PlaybackError as error:
            loud += 1
            assert always or fault is Fault.FLIP, f"request {at}: {error}"  # noqa: PT017 - most raise nothing
        else:
            assert operation.done(place), f"request {at}: nothing was said, and it is not done"
        if always and fault is Fault.FLIP:
            # moto stores an upload whose Content-MD5 is wrong; where a good chunk was replaced so, a check says it
            repair_all(place, operation.on)
        else:
            expect_sound(place, operation.on, {})
        operation.run(place.store(operation.on), place)
        assert operation.done(place), f"request {at}: the rerun is not complete"
        assert findings(place) == [], f"request {at}: the rerun left damage"
    print(f"{name}, {fault} {'always' if always else 'once'}: {counting.requests} requests, {loud} loud errors")


def positions(total: int, seed: str) -> list[int]:
    """Which requests go wrong."""
    return list(range(1, total + 1)) if EVERYTHING else [random.Random(seed).randint(1, total)]
