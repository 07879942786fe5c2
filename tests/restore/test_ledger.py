"""What a restore in steps says of the one before it, which did not get to its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.control import execute, rows
from tests.restore.proxy import Session
from tests.restore.sweeping import WRITE, Bench, Injecting, ignore
from toolkit.errors import DatabaseError
from toolkit.model.manifest import Manifest
from toolkit.postgres.restore import transaction
from toolkit.postgres.write import batches

COMMITTED = 8
"""How many batches are."""


@pytest.fixture
def unfinished(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A target into which a restore got as far as the ninth batch, at which every session it opened was cut."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)
    bench.reset()
    bench.proxy.on_statement = Injecting(WRITE, COMMITTED, cut, times=1000)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "ATTEMPTS", 2)
        with pytest.raises(DatabaseError, match="connection"):
            bench.restore("owner", atomic=False)
    bench.proxy.on_statement = ignore
    assert len(bench.ledgers()) == 1
    yield bench
    bench.proxy.on_statement = ignore
    for file in bench.ledgers():
        file.unlink()


def cut(session: Session, statement: str) -> None:
    """Cut the connection."""
    session.cut()


def said(bench: Bench, manifest: Manifest) -> str:
    """What the next restore says of the one before it."""
    [warning] = bench.control.restore("owner", manifest, "mirror", atomic=False).warnings
    return warning


def test_the_next_run_goes_on(unfinished: Bench) -> None:
    """It names the backup, what was committed and the batch in doubt; then the ledger is gone."""
    assert re.fullmatch(
        rf"a restore of {unfinished.manifest.metadata.label} into owner, begun [0-9TZ:-]+, was not finished:"
        rf" {COMMITTED} batches with [0-9]+ rows were committed; going on;"
        r" a batch of [a-z]+ was in doubt and is compared again",
        said(unfinished, unfinished.manifest),
    )
    unfinished.check_complete("owner", atomic=False)


def test_a_run_that_has_to_begin_again_still_says_so(unfinished: Bench) -> None:
    """A connection that is lost meanwhile does not make it forget what it has read in the ledger."""
    unfinished.proxy.on_statement = Injecting(WRITE, 1, cut)
    assert f"{COMMITTED} batches" in said(unfinished, unfinished.manifest)
    unfinished.check_complete("owner", atomic=False)


def test_a_target_that_has_changed_meanwhile_is_noticed(unfinished: Bench) -> None:
    """Rows that were written, and then changed by somebody else, are counted and restored again."""
    execute(unfinished.administrator, "UPDATE fresh SET wide = 'changed'")
    assert re.search(
        r"; the target has changed since: \d+ rows differ where \d+ were left", said(unfinished, unfinished.manifest)
    )
    assert rows(unfinished.target, "SELECT DISTINCT wide FROM fresh") == [("x",)]
    unfinished.check_clean()


def test_another_backup_takes_its_place(unfinished: Bench) -> None:
    """Whoever restores another backup is told that the first was not finished."""
    newer = unfinished.control.backup("source", demo="include")
    assert said(unfinished, newer).endswith(f"was not finished; backup {newer.metadata.label} takes its place")
    unfinished.check_complete("owner", atomic=False)


def test_another_database_is_noticed(unfinished: Bench) -> None:
    """A copy in the target's place has nothing of what was committed."""
    unfinished.reset()
    assert re.search(
        r"not finished, and that was another database \(.*\); beginning anew", said(unfinished, unfinished.manifest)
    )
    unfinished.check_complete("owner", atomic=False)


def test_a_ledger_that_nobody_can_read_is_none(unfinished: Bench) -> None:
    """A file that was cut short says nothing, and does not stop a restore: what is left is found by comparison."""
    [file] = unfinished.ledgers()
    file.write_text(file.read_text(encoding="utf-8")[:40], encoding="utf-8")
    assert unfinished.restore("owner", atomic=False).warnings == ()
    unfinished.check_complete("owner", atomic=False)
