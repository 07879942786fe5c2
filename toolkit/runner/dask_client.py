"""How a run comes to a Dask client: of workers of its own on this machine, or of a scheduler that was named."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import dask
from dask.distributed import Client, LocalCluster
from distributed.security import Security

from toolkit.errors import InputError, TaskError, UnreachableError
from toolkit.runner.interruption import unheard

_TO_CONNECT: Final = 10
_WITHOUT_SCHEDULER: Final = 0.5
"""Seconds that leaving takes at most where the scheduler is gone; it would be looked for first."""
_OWN_CLUSTER: Final = {
    "distributed.scheduler.allowed-failures": 0,
    # a task is one call that lasts: there is nothing to steal, to sample or to balance
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
    # nobody needs pages about it, which every user of this machine could read
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.nanny.http.routes": [],
}


@contextmanager
def connected(address: str, forks: int) -> Iterator[Client]:
    """Give a client of a scheduler, or of a cluster that begins and ends with the block.

    Args:
        address: of the scheduler; empty for workers of this process's own on this machine.
        forks: how many of these; 0 for as many as there are processors.

    Raises:
        InputError: no certificate is configured with which to ask the scheduler, or its file cannot be read.
        TaskError: workers cannot be begun.
        UnreachableError: the scheduler does not answer.
    """
    if address:
        client = _asked(address)
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=_TO_CONNECT if client.status == "running" else _WITHOUT_SCHEDULER)
        return
    with dask.config.set(_OWN_CLUSTER):
        try:
            cluster = _own(forks)
        except (OSError, RuntimeError, TimeoutError) as error:
            raise TaskError(f"no worker processes can be begun: {error}") from error
        with cluster, Client(cluster, set_as_default=False, name="playback") as client:
            yield client


def _asked(address: str) -> Client:
    security = Security()
    given = security.get_tls_config_for_role("client")
    if address.startswith("tls:") and not (given["ca_file"] and given["cert"]):
        raise InputError(
            f"--executor: Dask's configuration has no certificate with which to ask {address}",
            hint="it needs distributed.comm.tls with ca-file and client: {cert, key}: see docs/scale.md",
        )
    for file in (given["ca_file"], given["cert"], given["key"]):
        _readable(file)
    try:
        return Client(address, timeout=_TO_CONNECT, security=security, set_as_default=False, name="playback")
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        hint = "is it running, and are its certificates of the same authority? see docs/scale.md"
        raise UnreachableError(f"the scheduler {address} cannot be reached: {error}", hint=hint) from error


def _readable(file: str | None) -> None:
    """See that a file of Dask's configuration can be read; what has lines is no name of one, but what stands in it."""
    if file and "\n" not in file:
        try:
            Path(file).read_bytes()
        except OSError as error:
            what = f"--executor: {file}, which Dask's configuration names under distributed.comm.tls"
            raise InputError(f"{what}, cannot be read: {error.strerror}") from error


def _own(forks: int) -> LocalCluster:
    return LocalCluster(
        n_workers=forks or os.cpu_count() or 1,
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
        # anybody on this machine could have others' tasks run as this user
        security=Security.temporary(),
    )


@contextmanager
def unheard_by_children() -> Iterator[None]:
    """Keep signals from processes that begin in the block, Python's own helping process too."""
    if sys.platform != "win32":
        from multiprocessing import resource_tracker  # noqa: PLC0415 - there is none on Windows

        # when it begins, it lets signals through again in the thread that needs it first
        with unheard():
            resource_tracker.ensure_running()
    with unheard():
        yield
