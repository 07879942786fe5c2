"""Calling an S3 server: each call again while its failure may pass, and every failure as one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from toolkit.model.host import S3Repository
from toolkit.retries.policy import retrying
from toolkit.storage.s3.client import Limits, connect
from toolkit.storage.s3.failures import ERRORS, PassingError, failure, unanswered

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

T = TypeVar("T")


class Calls:
    """Makes the calls of one store, from any thread. The client is made with the first call."""

    def __init__(self, config: S3Repository, limits: Limits) -> None:
        self._config = config
        self._limits = limits
        self._lock = Lock()
        self._client: S3Client | None = None
        self._answered = False

    def run(self, doing: str, call: Callable[[S3Client], T]) -> T:
        """Give what a call gives.

        Args:
            doing: what it does, for messages: `write s3://bucket/name`.

        Raises:
            ServerError: it failed for a reason that stays, or too often for one that may pass. A server that has
                never answered is not waited for: then the endpoint is wrong more likely than the server is down.
            InputError: the client cannot be made.
        """
        client = self._connected()
        attempts = 0
        started = time.monotonic()

        def once() -> T:
            nonlocal attempts
            attempts += 1
            try:
                given = call(client)
            except ERRORS as error:
                found = failure(error, doing, self._config)
                if not unanswered(error):
                    self._answered = True
                elif not self._answered:
                    raise _Lasting(found) from error
                raise found from error
            self._answered = True
            return given

        try:
            return retrying((PassingError,), attempts=self._limits.attempts, seconds=self._limits.seconds)(once)
        except _Lasting as error:
            raise error.failure from error.__cause__
        except PassingError as error:
            if attempts == 1:
                raise
            tried = f"{error.message}, {attempts} times in {time.monotonic() - started:.0f} s"
            hint = error.hint or "look at the server and the network, then run again"
            raise PassingError(tried, hint=hint, code=error.code, status=error.status) from error.__cause__

    def _connected(self) -> S3Client:
        with self._lock:
            if self._client is None:
                self._client = connect(self._config, self._limits)
            return self._client


class _Lasting(Exception):  # noqa: N818 - never seen outside
    """Carries a failure that could pass in general, past the retries."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure
