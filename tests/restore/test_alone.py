"""One restore at a time writes into a database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.errors import LockedError
from toolkit.model.outcome import SilentProgress
from toolkit.postgres.restore import alone
from toolkit.postgres.restore.alone import LOOKING, WRITING, wait_for_others
from toolkit.postgres.session.connection import session


def test_a_restore_beside_another_one_is_refused(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that writes is waited for, and named when it does not end; those that look, or are idle, are in no way."""
    database = new_database()
    monkeypatch.setattr(alone, "SECONDS", 0.3)
    with (
        session(database, application=WRITING) as writing,
        session(database, application=LOOKING) as looking,
        session(new_database(), application=WRITING) as elsewhere,
        session(database, application="playback") as own,
    ):
        for each in (looking, elsewhere):
            each.execute("BEGIN")
        wait_for_others(own, SilentProgress())
        writing.execute("BEGIN")
        with pytest.raises(LockedError, match=rf"session {writing.info.backend_pid} as \w+ from .*, for [01] s"):
            wait_for_others(own, SilentProgress())
        writing.execute("ROLLBACK")
        wait_for_others(own, SilentProgress())
