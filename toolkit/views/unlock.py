"""Views of locks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from toolkit.model.lock import FoundLock
from toolkit.model.result import Unlocked
from toolkit.views.view import View, view
from toolkit.wording import counted


@view.register
def _unlocked(result: Unlocked) -> View:
    gone = tuple(f"there is no lock {each} any more" for each in result.absent)
    return View(
        message=f"{result.repository}: {verdict(result.locks, check=result.check)}"
        if result.locks
        else f"repository {result.repository} is not locked",
        details=(*lock_lines(result.repository, result.locks), *gone),
        facts=document(result.repository, result.locks),
    )


def document(repository: str, locks: Sequence[FoundLock]) -> Mapping[str, Any]:
    """Give all that is known of the locks, for programs."""
    documents = [{**msgspec.to_builtins(each), "stale": each.stale or None} for each in locks]
    return {"repository": repository, "locks": documents}


def lock_lines(repository: str, locks: Sequence[FoundLock]) -> Iterator[str]:
    """Say of each who holds it, and whether it counts."""
    for lock in locks:
        word = f"no longer counts: {lock.stale}" if lock.stale else "holds the repository"
        yield f"{repository}: {lock.id}: {lock.text}; {word}"


def verdict(locks: Sequence[FoundLock], *, check: bool = False) -> str:
    """Say how many were removed."""
    return f"{sum(lock.removed for lock in locks)} of {counted(len(locks), 'lock')} {'would be ' * check}removed"
