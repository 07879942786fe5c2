"""Loading ahead of whoever consumes, in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

IN_FLIGHT = 16 * 1024 * 1024
"""How many bytes of raw rows wait between two steps, at most: about four chunks."""


def prefetch(
    items: Iterable[_Item],
    load: Callable[[_Item], _Result],
    *,
    size: Callable[[_Item], int],
    workers: int = 2,
    in_flight: int = IN_FLIGHT,
) -> Generator[_Result, None, None]:
    """Give what `load` gives for each item, in order; threads work ahead of the consumer.

    Args:
        size: how many bytes the result of an item holds.
        in_flight: how many bytes of results may wait; a larger one waits alone.

    Raises:
        Whatever `load` raises, when its item's turn has come; what was begun is then dropped.
    """
    waiting: deque[tuple[Future[_Result], int]] = deque()
    held = 0
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            needed = size(item)
            while waiting and held + needed > in_flight:
                held -= waiting[0][1]
                yield waiting.popleft()[0].result()
            held += needed
            waiting.append((pool.submit(load, item), needed))
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
