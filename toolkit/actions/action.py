"""An action as one declaration: its arguments, what runs, and what the runner has to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from toolkit.actions.arguments import Arguments
from toolkit.actions.context import Context
from toolkit.errors import InputError, Problem
from toolkit.model.conversion import learn
from toolkit.model.outcome import Outcome

A = TypeVar("A", bound=Arguments)


class Rule(Protocol):
    """What holds between arguments; becomes part of the action's schema."""

    def keywords(self) -> dict[str, Any]:
        """Give the schema's keywords that demand it."""

    def message(self) -> tuple[str, str]:
        """Give the keyword that fails where it does not hold, and what is said then."""


class ExactlyOne(Struct, frozen=True):
    """One of these arguments has to be given, and only one."""

    names: tuple[str, ...]

    def keywords(self) -> dict[str, Any]:
        """Demand it."""
        return {"oneOf": [{"required": [name]} for name in self.names]}

    def message(self) -> tuple[str, str]:
        """Name all of them."""
        return "oneOf", f"give exactly one of {', '.join(self.names[:-1])} and {self.names[-1]}"


class NotBoth(Struct, frozen=True):
    """Of two arguments only one may be given."""

    one: str
    other: str

    def keywords(self) -> dict[str, Any]:
        """Demand it."""
        return {"not": {"required": [self.one, self.other]}}

    def message(self) -> tuple[str, str]:
        """Name both."""
        return "not", f"give {self.one} or {self.other}, not both"


class Needs(Struct, frozen=True):
    """One argument makes sense with another one only."""

    one: str
    other: str

    def keywords(self) -> dict[str, Any]:
        """Demand it."""
        return {"dependentRequired": {self.one: [self.other]}}

    def message(self) -> tuple[str, str]:
        """Name both."""
        return "dependentRequired", f"{self.one} goes with {self.other}"


class AtLeastOne(Struct, frozen=True):
    """One of these arguments has to be given; `otherwise` is said where none is."""

    names: tuple[str, ...]
    otherwise: str

    def keywords(self) -> dict[str, Any]:
        """Demand it."""
        return {"anyOf": [{"required": [name]} for name in self.names]}

    def message(self) -> tuple[str, str]:
        """Say what is missing."""
        return "anyOf", self.otherwise


class Action(Struct, Generic[A], frozen=True, kw_only=True, eq=False):
    """All that is known of an action outside of its own file.

    Attributes:
        name: as a playbook has it.
        does: one sentence for editors and guides.
        examples: arguments as a playbook may have them.
        arguments: what `run` is given; unknown names are refused.
        run: gives the outcome; raises PlaybackError, and any other exception is a defect of ours.
        rules: what holds between the arguments.
        whole: the field of `arguments` that takes all of them, for an action whose arguments a person names.
        gives_facts: its facts become variables of the host, each item of a loop seeing those before it.
        shows_arguments: it says or keeps what its arguments say, so that secrets have to stay secrets in them.
        asks_others: it says what programs, servers or libraries answered.
        judges: it fails over what others have made; where check mode kept them from it, that is no failure.
        writes: it changes something beyond repositories, so that nobody knows how it ended where its worker was lost.
        on_leader: it runs where the run was started, never on a worker: always, or where one of these arguments is
            given. So it is with what is about the run itself, with files and programs of that machine, and with what
            has to be done there when the play has ended.
        part: does, in another process, a part of a task that runs with these arguments; both as JSON. It may be done
            again where a process was lost.
    """

    name: str
    does: str
    examples: Sequence[Mapping[str, Any]]
    arguments: type[A]
    run: Callable[[A, Context], Outcome]
    rules: tuple[Rule, ...] = ()
    whole: str = ""
    gives_facts: bool = False
    shows_arguments: bool = False
    asks_others: bool = False
    judges: bool = False
    writes: bool = False
    on_leader: bool | tuple[str, ...] = False
    part: Callable[[str, Context], str] | None = None

    def __post_init__(self) -> None:
        """Have the arguments learned before tasks on several hosts ask for them at once."""
        learn(self.arguments)

    def stays(self, arguments: Any) -> bool:
        """Say whether it runs where the run was started; `arguments` as written or rendered."""
        if isinstance(self.on_leader, bool):
            return self.on_leader
        return not isinstance(arguments, Mapping) or any(name in arguments for name in self.on_leader)

    def convert(self, arguments: Any) -> A:
        """Rendered arguments, which have been checked against the schema, as what `run` takes.

        Raises:
            InputError: a value is of a kind that no schema can tell from a right one.
        """
        given = _built_in(arguments)
        try:
            # the schema has been strict before; it takes 5.0 for a whole number
            return msgspec.convert({self.whole: given} if self.whole else given, self.arguments, strict=False)  # noqa: TID251
        except msgspec.ValidationError as error:
            message, _, where = str(error).partition(" - at `$")
            raise InputError([Problem(path=f"{self.name}{where.rstrip('`')}", message=message)]) from error


def _built_in(value: Any) -> Any:
    """The same value with dicts and lists for every kind of mapping and list."""
    if isinstance(value, Mapping):
        return {str(key): _built_in(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_built_in(item) for item in value]
    return value
