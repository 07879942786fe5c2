"""Which words could stand where the cursor is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from toolkit.app import commands
from toolkit.app.command import Command, Option
from toolkit.app.completion.line import Line, read_line
from toolkit.app.completion.sources import Sources
from toolkit.app.shells import SHELLS

_CHOICES: Final = {
    "executor": ("threads", "dask"),
    "demo": ("exclude", "include", "only"),
    "scope": ("business", "full-device"),
    "overlap": ("wait", "skip"),
    "kind": ("systemd", "cron", "launchd", "windows"),
}
_NAMES: Final[dict[str, Callable[[Sources], Iterable[str]]]] = {
    "host": Sources.hosts,
    "limit": Sources.patterns,
    "repository": Sources.repositories,
    "tables": Sources.tables,
    "playbook": Sources.playbooks,
    "label": Sources.labels,
    "labels": Sources.labels,
    "row": Sources.tables,
}
"""By the name of an option, or of the words beside the options, what can stand there."""
_LISTED: Final = ("limit", "tags", "skip_tags", "tables")
"""Options that take several names, with commas between them."""
_ONCE: Final = ("row", "playbook", "label")
"""Words of which only the first is one of those names."""


def answer(text: str, control: Path) -> Iterator[str]:
    """Give the candidates for a line up to the cursor, each with its description behind a tab where it has one."""
    line = read_line(text)
    for candidate, about in _candidates(line, control):
        if candidate.startswith(line.current):
            yield f"{candidate}\t{about}" if about else candidate


def _candidates(line: Line, control: Path) -> Iterator[tuple[str, str]]:
    named = [number for number, word in enumerate(line.words) if not word.startswith("-")]
    if not named:
        yield from ((command.name, command.summary) for command in commands.commands())
        yield from (("--help", "how it is used"), ("--list", "every command"))
        return
    if (name := line.words[named[0]]) not in commands.NAMES:
        return
    command = commands.command(name)
    words = line.words[named[0] + 1 :]
    options = {option.flag: option for option in command.all_options() if not option.positional}
    sources = Sources(control, _given(words, "--inventory"))
    flag, equals, _ = line.current.partition("=")
    before = words[-1] if words else ""
    if equals and flag in options:
        found = _values(options[flag], line.current[len(flag) + 1 :], words, sources)
        yield from ((f"{flag}={value}", "") for value in found)
    elif before in options and _takes_value(options[before]):
        yield from ((value, "") for value in _values(options[before], line.current, words, sources))
    elif line.current.startswith("-"):
        yield from ((name, each.help) for name, each in options.items() if name not in words or _repeats(each))
        yield "--help", "how it is used"
    else:
        yield from ((value, "") for value in _words(command, words, options, sources))


def _values(option: Option, current: str, words: tuple[str, ...], sources: Sources) -> Iterator[str]:
    """What can stand for an option's value; of several names the last one is completed."""
    name = option.name
    listed, comma, _ = current.rpartition(",") if name in _LISTED else ("", "", "")
    taken = set(listed.split(","))
    for value in _known(name, words, sources):
        if value not in taken:
            yield f"{listed}{comma}{value}"


def _known(name: str, words: tuple[str, ...], sources: Sources) -> Iterable[str]:
    if name in _CHOICES:
        return _CHOICES[name]
    if name in ("tags", "skip_tags", "start_at_task"):
        playbook = next((word for word in words if word.endswith((".yml", ".yaml"))), "")
        return sources.tasks(playbook) if name == "start_at_task" else sources.tags(playbook)
    return _NAMES[name](sources) if name in _NAMES else ()


def _words(
    command: Command[Any], words: tuple[str, ...], options: dict[str, Option], sources: Sources
) -> Iterable[str]:
    """What can stand beside the options."""
    own = next((each.name for each in fields(command.options) if each.metadata.get("positional")), "")
    if command.name == "completion":
        return SHELLS
    before = [word for word, flag in zip(words, ("", *words), strict=False) if not _belongs(word, flag, options)]
    if own in _ONCE and before:
        return ()
    return _known(own, words, sources)


def _belongs(word: str, before: str, options: dict[str, Option]) -> bool:
    return word.startswith("-") or (before in options and _takes_value(options[before]))


def _given(words: tuple[str, ...], flag: str) -> str:
    for number, word in enumerate(words):
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
        if word == flag and number + 1 < len(words):
            return words[number + 1]
    return ""


def _takes_value(option: Option) -> bool:
    return not isinstance(option.default, bool)


def _repeats(option: Option) -> bool:
    return isinstance(option.default, tuple)
