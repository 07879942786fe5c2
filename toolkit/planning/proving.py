"""What the recorded attempts say of a backup: proven or not, by which attempt."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from toolkit.model.manifest import Manifest
from toolkit.model.outline import Outline
from toolkit.model.proof import Proof, Standing
from toolkit.planning.clock import instant, is_future


def standing(
    manifest: Manifest | Outline, attempts: Iterable[Proof], *, repository: str, now: datetime | None = None
) -> Standing:
    """Give how a backup stands.

    After a failed attempt nothing that was proven before from the same repository holds. What fails here outweighs,
    too, what was proven elsewhere, of other files, and came with a copy. Attempts on another backup that had the same
    label say nothing, nor do those that something else than the backup made fail.

    Args:
        attempts: the recorded ones, in any order.
        repository: id of the repository that the backup is in.
        now: proofs from after it do not count: a clock was wrong, and nothing that is tried until then would outweigh
            them. None for all.
    """
    tried = sorted((each for each in attempts if each.is_of(manifest)), key=_time)
    holding: list[Proof] = []
    failed: dict[str, Proof] = {}
    for each in tried:
        if not (each.proves or each.conclusive) or (each.proves and now and is_future(instant(each.time), now)):
            continue
        if each.proves:
            failed.pop(each.repository, None)
            holding.append(each)
        else:
            failed[each.repository] = each
            holding = [proof for proof in holding if proof.repository != each.repository]
    if repository in failed:
        holding = []
    return Standing(
        proven=next((each for each in reversed(holding) if each.whole), None),
        businesses={business: each for each in holding for business in each.businesses},
        failed=failed.get(repository) or (None if holding else max(failed.values(), key=_time, default=None)),
        hindered=tried[-1] if tried and not (tried[-1].proves or tried[-1].conclusive) else None,
        tried=tuple(tried),
    )


def _time(proof: Proof) -> str:
    return proof.time
