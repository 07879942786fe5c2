"""invoke tasks without the surprises of invoke's parser.

invoke gives a positional argument the next word whatever it is (`run --help` runs the playbook `--help`), knows no
positional argument that may be missing or repeated, and answers a misspelt option with `No idea what … is!`. A
`CommandTask` therefore looks at the words of the command line first: it says what is wrong in our own words, and tells
invoke exactly how many positional words there are.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.parser.parser import Parser
from invoke.program import Program
from invoke.tasks import Task

from toolkit.app.command import Command, Option
from toolkit.app.commands import NAMES, command, commands
from toolkit.errors import ExitCode
from toolkit.wording import meant

INVOKE = "invoke"
_HELP = ("--help", "-h")
_DEFAULT = "all"
"""What a command with the name of a group, such as `doctor`, is called within the group: invoke wants a name there."""


def tasks_of(directory: Path, *, program: str = INVOKE) -> Collection:
    """Give the commands as invoke tasks, for a control directory; groups of commands are collections.

    Args:
        program: what the command line is called by.

    Returns:
        The command that the command line names, alone; every command where it names none.
    """
    found = Collection()
    groups: dict[str, Collection] = {}
    for each in _named(program):
        task = CommandTask(each, directory, program=program)
        group, dot, member = each.name.partition(".")
        if dot:
            groups.setdefault(group, Collection(group)).add_task(task, name=member)
        elif any(name.startswith(f"{group}.") for name in NAMES):
            groups.setdefault(group, Collection(group)).add_task(task, name=_DEFAULT, default=True)
        else:
            found.add_task(task, name=each.name)
    for collection in groups.values():
        found.add_collection(collection)
    return found


def _named(program: str) -> tuple[Command[Any], ...]:
    words: tuple[str, ...] = ()
    with suppress(Exit):  # raised again where invoke asks for the arguments, and prints what it says
        words = _command_line(tuple(sys.argv), program)
    return (command(words[0]),) if words and words[0] in NAMES else commands()


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


class CommandTask(Task[Any]):
    """A command as an invoke task whose words are checked before invoke's parser sees them.

    Options have no short forms.
    """

    def __init__(self, command: Command[Any], directory: Path, *, program: str = INVOKE) -> None:
        self.command = command
        self._program = program

        def body(context: Context, **given: Any) -> None:
            del context
            _carry_out(command, directory, given)

        body.__doc__ = f"{command.summary}: {program} {command.name} {command.usage}".rstrip()
        super().__init__(body, name=command.name, positional=())

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Give the task's arguments, as invoke asks for them before it parses the command line.

        Raises:
            Exit: with code 2, when this is the task that was named and its words are wrong.
        """
        del ignore_unknown_help
        options = sorted(self.command.all_options(), key=lambda option: not option.positional)
        arguments = [_argument(option) for option in options]
        words = _command_line(tuple(sys.argv), self._program)
        count = 0
        if words and words[0] == self.name:
            count = _positional_words(f"{self._program} {self.name}", arguments, words[1:])
        return [
            Words(count, names=argument.names, attr_name=argument.attr_name, help=argument.help)
            if argument.positional
            else argument
            for argument in arguments
        ]


def _argument(option: Option) -> Argument:
    default = list(option.default) if isinstance(option.default, tuple) else option.default
    name = option.flag.removeprefix("--")
    return Argument(
        names=(name,),
        attr_name=None if name == option.name else option.name,
        kind=type(default),
        default=default,
        help=option.help,
        positional=option.positional,
    )


def _carry_out(command: Command[Any], directory: Path, given: Mapping[str, Any]) -> None:
    """Carry a command out with invoke's values; Exit where it does not end with 0."""
    from toolkit.app.control import Control  # noqa: PLC0415 - only what is carried out needs it
    from toolkit.app.performing import perform  # noqa: PLC0415

    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    own = {each.name: values.pop(each.name) for each in fields(command.options)}
    control = Control(directory=directory, inventory=values.pop("inventory", ""))
    if code := perform(command, command.options(**own), control, **values):
        raise Exit(code=code)


@cache
def _command_line(argv: tuple[str, ...], program: str) -> tuple[str, ...]:
    """Give the words from the task's name on; what stands before them is the program's own.

    Raises:
        Exit: with code 2, when invoke would silently do something else than one thinks.
    """
    core = Program() if program == INVOKE else Program(namespace=Collection())
    parsed = Parser(initial=core.initial_context, ignore_unknown=True).parse_argv(list(argv[1:]))
    if parsed[0].args["complete"].value:
        return ()
    if parsed[0].args["dry"].value:
        raise _dry_run()
    if "--" in argv:
        raise _misuse("what stands after -- reaches no task", "leave -- out")
    return tuple(parsed.unparsed)


def _misuse(message: str, hint: str) -> Exit:
    """Make the exit for a wrong command line."""
    return Exit(f"ERROR: {message}\nHINT: {hint}", code=ExitCode.INPUT)


def _dry_run() -> Exit:
    return _misuse("--dry (-R) belongs to invoke and has no effect on a playbook", "use --check to change nothing")


def _positional_words(called: str, arguments: Sequence[Argument], words: Sequence[str]) -> int:
    """Count a task's positional words; Exit for the first word that is wrong.

    Args:
        called: the program and the task.
    """
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
            raise _unknown(called, name, flags)
        else:
            count += 1
    if count and not any(argument.positional for argument in arguments):
        raise _misuse(f"{_task(called)} takes no arguments besides its options", f"see {called} --help")
    return count


def _task(called: str) -> str:
    return called.rpartition(" ")[2]


def _unknown(called: str, name: str, flags: Mapping[str, Argument]) -> Exit:
    if name in ("--dry", "-R"):
        return _dry_run()
    return _misuse(f"{_task(called)} has no option {name}", meant(name, flags, before="") or f"see {called} --help")


def _check_repeated(name: str, argument: Argument, seen: set[str]) -> None:
    if name in seen and argument.takes_value and argument.kind is not list:
        raise _misuse(f"{name} is given twice", "give it once; several names are separated by commas")
    seen.add(name)


def _check_switch(name: str, equals: str) -> None:
    if equals:
        raise _misuse(f"{name} takes no value", f"write {name} alone, or leave it out")


def _check_value(name: str, value: str, flags: Mapping[str, Argument], *, given: bool) -> None:
    if not given or value in flags:
        raise _misuse(f"{name} needs a value", f"write {name}=VALUE")
