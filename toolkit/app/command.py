"""What a command is: one declaration of its options, what else it needs, its body, and the views of what it answers.

Nothing heavy is imported here or at the top of a command's file: `invoke --list`, help and completion read every
declaration. What a command's body needs is imported in the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from toolkit.errors import InputError
from toolkit.output.answer import Answer

if TYPE_CHECKING:
    from toolkit.app.control import Control
    from toolkit.output.streams import Output


class Option(NamedTuple):
    """An option on the command line.

    Attributes:
        name: as it is written in Python.
        help: what `--help` says of it.
        default: its value where it is not given; its type says what is given: text, a switch, or several texts.
        positional: it is no option but the words beside the options, all of them.
    """

    name: str
    help: str
    default: str | bool | tuple[str, ...] = ""
    positional: bool = False

    @property
    def flag(self) -> str:
        """As it is written on the command line, e.g. `--skip-tags`."""
        return f"--{self.name.replace('_', '-')}"


HOST = Option("host", "the host whose database is looked at")
REPOSITORY = Option("repository", "a repository of the inventory, or bundle:FILE (default: all of them)")
INVENTORY = Option("inventory", "the inventory directory (default: inventory)")
JSON = Option("json", "print JSON instead of text", default=False)
DEBUG = Option("debug", "show the trace of a defect", default=False)


def text(help: str, *, default: str = "") -> Any:
    """Declare an option with a value, as a field of a command's options."""
    return field(default=default, metadata={"help": help})


def switch(help: str) -> Any:
    """Declare an option without a value."""
    return field(default=False, metadata={"help": help})


def texts(help: str) -> Any:
    """Declare an option that may be given again."""
    return field(default=(), metadata={"help": help})


def words(help: str) -> Any:
    """Declare the words beside the options."""
    return field(default=(), metadata={"help": help, "positional": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """The options of a command that has none of its own."""


Given = TypeVar("Given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[Given]):
    """A command.

    Attributes:
        name: as it is called; a dot stands between a group and a member.
        summary: what it does, in a few words.
        usage: how its words and most important options are written.
        needs: the options it shares with other commands, which say what it needs: HOST, REPOSITORY, INVENTORY, JSON.
        options: its own options, a dataclass.
        body: gives its answers, each as soon as it is known; raises PlaybackError.
        listing: the key under which JSON lists the answers; empty where they are the parts of one document.
    """

    name: str
    summary: str
    usage: str = ""
    needs: tuple[Option, ...] = ()
    options: type[Given]
    body: Callable[[Given, Call], Iterable[Answer]]
    listing: str = ""

    @property
    def invocation(self) -> str:
        """How it is called, e.g. `invoke show LABEL`."""
        return f"invoke {self.name} {self.usage}".rstrip()

    def all_options(self) -> Iterator[Option]:
        """Give its options and the shared ones it has."""
        for each in fields(self.options):  # type: ignore[arg-type]  # a dataclass, which no type says
            assert each.default is not MISSING
            yield Option(each.name, each.metadata["help"], each.default, bool(each.metadata.get("positional")))
        yield from self.needs
        yield DEBUG


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a command's body is given beside its own options.

    Attributes:
        host, repository: the shared options, as a person wrote them; empty where they were left out.
        as_json: standard output is for JSON alone.
        seconds: how long a database may take to answer, for a page; None for as long as it takes.
    """

    command: Command[Any]
    control: Control
    output: Output
    host: str = ""
    repository: str = ""
    as_json: bool = False
    debug: bool = False
    seconds: float | None = None

    def named_host(self, purpose: str = "") -> str:
        """Give the host that was named; InputError where none was."""
        if self.host:
            return self.host
        what = " ".join(part for part in ("no host", purpose, "is named") if part)
        raise InputError(what, hint=f"{self.command.invocation}; hosts are in inventory/hosts.yml")

    def named_repository(self, purpose: str) -> str:
        """Give the repository that was named; InputError where none was."""
        if self.repository:
            return self.repository
        raise InputError(f"no repository {purpose}is named", hint=self.command.invocation)

    def one_label(self, labels: tuple[str, ...]) -> str:
        """Give the one label among a command's words; InputError for none and for several."""
        if len(labels) == 1:
            return labels[0]
        what = "no backup is named" if not labels else f"one backup at a time, not {', '.join(labels)}"
        raise InputError(what, hint=f"{self.command.invocation}; `invoke backups` lists the labels")

    def note(self, text: str, *, style: str = "") -> None:
        """Say something that belongs to no answer, at once; beside JSON on standard error."""
        say = partial(self.output.error, foreign=False) if self.as_json else self.output.line
        say(text, style=style)
