"""Variables of hosts that nothing uses and that are spelt nearly as one that is used: what they say is not done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from toolkit.config.groups import Variable
from toolkit.config.templates import Templates, is_template
from toolkit.errors import Problem
from toolkit.shipped import PLAYBOOKS
from toolkit.wording import nearest

KNOWN: Final = (
    "database",
    "direct",
    "catalog",
    "repository",
    "device",
    "programs",
    "expect",
    "scratch_on",
    "second",
)
"""The variables that have a meaning for Playback, and those of the shipped playbooks that stand in inventories."""

_ALIKE: Final = 0.82
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def misspelt(
    layers: Iterable[Mapping[str, Variable]], templates: Templates, texts: Callable[[], Iterator[str]]
) -> Iterator[Problem]:
    """Give the variables that were probably meant to be another one.

    Args:
        layers: variables by where they stand; where the known one stands beside it, a name like it is another's.
        texts: reads the playbooks that may use variables of any name.
    """
    places = list(layers)
    suspects = [
        (name, near, variable)
        for layer in places
        for name, variable in layer.items()
        if name not in KNOWN and (near := nearest(name, KNOWN, cutoff=_ALIKE)) and near not in layer
    ]
    if not suspects:
        return
    used = {word for text in texts() for word in _WORD.findall(text)}
    for layer in places:
        for variable in layer.values():
            used.update(name for text in _templates(variable.value) for name in templates.names(text))
    for name, near, variable in suspects:
        if name not in used:
            message = f"nothing uses a variable {name}; did you mean {near}?"
            yield Problem(file=variable.place.file, line=variable.place.line, path=variable.place.path, message=message)


def playbook_texts(control: Path, playbook: Path | None) -> Iterator[str]:
    """Read the playbooks of a control directory, the shipped ones, and one more."""
    own: Sequence[Path] = [*control.glob("*.y*ml"), *(control / "playbooks").rglob("*.y*ml")]
    for path in {*own, *PLAYBOOKS.glob("*.yml"), *([playbook] if playbook else [])}:
        if path.is_file():
            yield path.read_text(encoding="utf-8", errors="replace")


def _templates(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _templates(item)
    elif isinstance(value, list):
        for item in value:
            yield from _templates(item)
    elif is_template(value):
        yield str(value)
