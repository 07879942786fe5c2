"""invoke tasks without the surprises of invoke's parser.

invoke gives a positional argument the next word whatever it is (`run --help` runs the playbook `--help`), knows no
positional argument that may be missing or repeated, and answers a misspelt option with `No idea what … is!`. A
`Command` therefore looks at the words of the command line first: it says what is wrong in our own words, and tells
invoke exactly how many positional words there are.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.parser.parser import Parser
from invoke.program import Program
from invoke.tasks import Task

from toolkit.wording import meant

USAGE = 2
_HELP = ("--help", "-h")


class Words(Argument):
    """A positional argument that takes as many words as there are, none included; its value is a list."""

    def __init__(self, expected: int, **options: Any) -> None:
        super().__init__(**{**options, "kind": list, "default": None, "positional": True})
        self._expected = expected
        self._words: list[str] = []

    @property
    def value(self) -> list[str] | None:
        """The words; None, which makes invoke's parser give it the next one, until it has them all."""
        return list(self._words) if len(self._words) >= self._expected else None

    @value.setter
    def value(self, word: str) -> None:
        self._words.append(word)


class Command(Task[Any]):
    """An invoke task whose words are checked before invoke's parser sees them.

    A parameter without a default is its positional argument, a list of words. Options have no automatic short forms.
    """

    def __init__(self, body: Any, **options: Any) -> None:
        super().__init__(body, **{"auto_shortflags": False, **options})

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The task's arguments, as invoke asks for them before it parses the command line.

        Raises:
            Exit: with code 2, when this is the task that was named and its words are wrong.
        """
        arguments = super().get_arguments(ignore_unknown_help)
        words = command_line(sys.argv)
        count = 0
        if words and words[0] == self.name:
            count = _positional_words(self.name, arguments, words[1:])
        return [
            Words(count, names=argument.names, help=argument.help) if argument.positional else argument
            for argument in arguments
        ]


def command_line(argv: Sequence[str]) -> list[str]:
    """The words from the task's name on; what stands before them is invoke's own.

    Raises:
        Exit: with code 2, when invoke would silently do something else than one thinks.
    """
    parsed = Parser(initial=Program().initial_context, ignore_unknown=True).parse_argv(list(argv[1:]))
    if parsed[0].args["complete"].value:
        return []
    if parsed[0].args["dry"].value:
        raise _dry_run()
    if "--" in argv:
        raise misuse("what stands after -- reaches no task", "leave -- out")
    return list(parsed.unparsed)


def misuse(message: str, hint: str = "") -> Exit:
    """The exit for a wrong command line."""
    return Exit(f"ERROR: {message}" + (f"\nHINT: {hint}" if hint else ""), code=USAGE)


def _dry_run() -> Exit:
    return misuse("--dry (-R) belongs to invoke and has no effect on a playbook", "use --check to change nothing")


def _positional_words(task: str, arguments: Sequence[Argument], words: Sequence[str]) -> int:
    """How many of a task's words are positional; Exit for the first word that is wrong."""
    flags = {f"--{argument.names[0]}": argument for argument in arguments}
    helping = any(word in _HELP for word in words)
    seen: set[str] = set()
    count = 0
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        argument = flags.get(name)
        if helping and argument is None:
            count += not word.startswith("-")
        elif argument is not None:
            _check_repeated(name, argument, seen)
            if not argument.takes_value:
                _check_switch(name, equals)
                continue
            value = value if equals else (rest.pop(0) if rest else "")
            _check_value(name, value, flags, given=bool(equals or value))
        elif word.startswith("-") and len(word) > 1:
            raise _unknown(task, name, flags)
        else:
            count += 1
    if count and not any(argument.positional for argument in arguments):
        raise misuse(f"{task} takes no arguments besides its options", f"see invoke {task} --help")
    return count


def _unknown(task: str, name: str, flags: Mapping[str, Argument]) -> Exit:
    if name in ("--dry", "-R"):
        return _dry_run()
    return misuse(f"{task} has no option {name}", meant(name, flags, before="") or f"see invoke {task} --help")


def _check_repeated(name: str, argument: Argument, seen: set[str]) -> None:
    if name in seen and argument.takes_value and argument.kind is not list:
        raise misuse(f"{name} is given twice", "give it once; several names are separated by commas")
    seen.add(name)


def _check_switch(name: str, equals: str) -> None:
    if equals:
        raise misuse(f"{name} takes no value", f"write {name} alone, or leave it out")


def _check_value(name: str, value: str, flags: Mapping[str, Argument], *, given: bool) -> None:
    if not given or value in flags:
        raise misuse(f"{name} needs a value", f"write {name}=VALUE")
