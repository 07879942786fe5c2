"""A task's arguments on their way to a worker: secrets travel as their sources, and are asked for where they arrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.config.packing import pack, unpack
from toolkit.config.secrets import hidden, plain, with_secrets
from toolkit.config.templates import Templates
from toolkit.errors import InputError
from toolkit.model.playbook import Place

PLACE = Place(file="p.yml", line=3, path="[0].tasks[0].http")
TEMPLATES = Templates()


def variables(**own: Any) -> Any:
    """Variables as a play has them, sources of secrets turned into Secrets."""
    return TEMPLATES.lazy(with_secrets(own, PLACE, Path.cwd()), {"item": 4, "registered": {"rows": [1, None]}}, PLACE)


@pytest.mark.parametrize(
    ("written", "arrives"),
    [
        ({"a": "{{ number }}", "b": ["{{ item }}-{{ item }}", None, True]}, {"a": 12, "b": ["4-4", None, True]}),
        ({"{{ word }}": 1.5}, {"key": 1.5}),
        ("{{ registered }}", {"rows": [1, None]}),
        ({"password": {"env": "TOKEN_THERE"}}, {"password": "there-x7"}),
        ("{{ token }}", "there-x7"),
        ({"head": "Bearer {{ chain }} {{ item }}"}, {"head": "Bearer u:there-x7@h 4"}),
        ("{{ token | length }}", 8),
        ({"!secret": 1, "!template": "{{ word }}"}, {"!secret": 1, "!template": "key"}),
    ],
)
def test_arguments_arrive_as_they_would_be_here(written: Any, arrives: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker gets is what the run would have used, with its own secrets, which the run does not need."""
    known = variables(number=12, word="key", token={"env": "TOKEN_THERE"}, chain="u:{{ token }}@h")
    monkeypatch.delenv("TOKEN_THERE", raising=False)
    packed = json.dumps(pack(with_secrets(written, PLACE, Path.cwd()), known, TEMPLATES, PLACE))
    monkeypatch.setenv("TOKEN_THERE", "there-x7")
    assert plain(unpack(json.loads(packed), TEMPLATES, Path.cwd())) == arrives


def test_a_value_of_a_secret_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that has become text, or whose source is not known any more, is an error at its place."""
    hidden("plain-text-x9")
    with pytest.raises(InputError, match="holds a secret as plain text") as found:
        pack({"body": "a plain-text-x9 b"}, variables(), TEMPLATES, PLACE)
    assert "x9" not in str(found.value)
    made = TEMPLATES.lazy({}, {"made": hidden("made-x8")}, PLACE)
    with pytest.raises(InputError, match=r"p.yml:3: \[0\].tasks\[0\].http.body: it takes a secret that was made"):
        pack({"body": "{{ made }}"}, made, TEMPLATES, PLACE)
    monkeypatch.setenv("TOKEN_HERE", "here-x7-value")
    assert "here-x7" not in json.dumps(pack("{{ t }}", variables(t={"env": "TOKEN_HERE"}), TEMPLATES, PLACE))
