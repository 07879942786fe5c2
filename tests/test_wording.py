"""Numbers with their nouns."""

from __future__ import annotations

import re
import sys

import pytest

from toolkit.app.beginning import texts
from toolkit.app.beginning.playbooks import shipped_playbooks
from toolkit.config import catalog_proposal
from toolkit.wording import called, counted


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [(0, "", "0 entrys"), (1, "", "1 entry"), (1, "entries", "1 entry"), (1234, "entries", "1,234 entries")],
)
def test_a_noun_agrees_with_its_number(number: int, plural: str, text: str) -> None:
    """One thing is singular, none and several are plural, with an s or as given."""
    assert counted(number, "entry", plural) == text


def test_commands_are_written_as_the_person_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the program that was called, and with its inventory where the end of a command is known."""
    text = "`invoke backups` lists them; `invoke init DIR` makes one; to look into it: invoke psql --host a"
    monkeypatch.setattr(sys, "argv", ["/bin/invoke", "backups"])
    assert called(text) == text
    monkeypatch.setattr(sys, "argv", ["/bin/playback", "backups"])
    assert called(text) == text.replace("invoke", "playback")
    for words in (["--inventory", "demo"], ["--inventory=demo"]):
        monkeypatch.setattr(sys, "argv", ["/bin/playback", "backups", *words])
        assert called(text) == (
            "`playback backups --inventory demo` lists them; `playback init DIR` makes one;"
            " to look into it: playback psql --host a --inventory demo"
        )


def test_no_text_of_a_new_control_directory_names_the_other_program() -> None:
    """Its files name `playback`, which is there without a tasks.py."""
    catalogs = [catalog_proposal.INTRODUCTION, catalog_proposal.LEGEND]
    written = [
        *catalogs,
        *shipped_playbooks().values(),
        texts.HOSTS,
        texts.VARIABLES,
        texts.REPOSITORIES,
        *texts.HOST_NOTES.values(),
    ]
    assert [each for each in written if re.search(r"\binvoke [a-z]", each)] == []
