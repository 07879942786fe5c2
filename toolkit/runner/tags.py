"""Which tasks `--tags` and `--skip-tags` choose; the rules are Ansible's, `always` and `never` included."""

from __future__ import annotations

from collections.abc import Collection

ALWAYS, NEVER, ALL, TAGGED, UNTAGGED = "always", "never", "all", "tagged", "untagged"
SPECIAL = (ALWAYS, NEVER, ALL, TAGGED, UNTAGGED)
"""The words that mean something without any task carrying them."""


def selected(tags: Collection[str], *, only: Collection[str], skip: Collection[str]) -> bool:
    """Say whether a task with these tags runs.

    Args:
        tags: the task's tags with those of its blocks and play.
        only: what `--tags` names; empty means `all`.
        skip: what `--skip-tags` names.
    """
    own = set(tags) or {UNTAGGED}
    return _wanted(own, set(only) or {ALL}) and not _unwanted(own, set(skip))


def _wanted(own: set[str], only: set[str]) -> bool:
    if own & only:
        return True
    if NEVER in own:
        return False
    return ALWAYS in own or ALL in only or (TAGGED in only and own != {UNTAGGED})


def _unwanted(own: set[str], skip: set[str]) -> bool:
    if own & skip:
        return True
    if ALL in skip and ALWAYS not in own:
        return True
    return TAGGED in skip and own != {UNTAGGED}
