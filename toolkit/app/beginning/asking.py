"""Questions to a person: one at a time on a terminal, each with its reason and a default; elsewhere they are listed."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from toolkit.errors import InputError
from toolkit.output.streams import Output
from toolkit.wording import table

LATER = "decide later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer.

    Attributes:
        title: what it is, in the words of the file that it goes to.
        meaning: what it means, in a few words.
    """

    title: str
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that only a person knows.

    Attributes:
        subject: what it is about.
        reason: why it has to be asked.
        choices: the answers; the first is the default, and safe: it loses nothing and hands nobody another's rows.
    """

    subject: str
    reason: str
    choices: Sequence[Choice]

    def lines(self) -> Iterator[str]:
        """Give it as text, the choices numbered."""
        yield self.subject
        yield f"  {self.reason}"
        rows = [
            (f"  {number}", each.title, each.meaning, "(Enter)" if number == 1 else "")
            for number, each in enumerate(self.choices, 1)
        ]
        yield from table(("", "", "", ""), rows)[1:]


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks a person who is there, takes defaults, or notes what has to be asked.

    Attributes:
        defaults: every question gets its default at once.
        unanswered: what was asked where nobody is there to answer.
    """

    output: Output
    defaults: bool = False
    unanswered: list[Question] = field(default_factory=list)

    @property
    def person(self) -> bool:
        """Whether somebody is there to be asked."""
        return not self.defaults and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()

    def ask(self, question: Question) -> int | None:
        """Give the number of the chosen answer, from 0; None where nobody has answered."""
        if self.defaults:
            return 0
        if not self.person:
            self.unanswered.append(question)
            return None
        self.output.line()
        for line in question.lines():
            self.output.line(line, foreign=True)
        while True:
            typed = self._read(f"answer [1-{len(question.choices)}, Enter for 1]: ")
            if not typed:
                return 0
            if typed.isdecimal() and 1 <= int(typed) <= len(question.choices):
                return int(typed) - 1
            self.output.line(f"{typed} is none of the answers: type a number from 1 to {len(question.choices)}")

    def yes(self, question: str) -> bool:
        """Ask whether something is to be done; no where nobody answers."""
        return self.defaults or (self.person and self._read(f"{question} [y/N]: ").lower() in ("y", "yes"))

    def text(self, question: str) -> str:
        """Ask for a text; empty where nobody answers."""
        return self._read(question) if self.person else ""

    def password(self, question: str) -> str:
        """Ask for a password, which is not shown; empty where nobody answers."""
        return getpass.getpass(question) if self.person else ""

    def _read(self, prompt: str) -> str:
        try:
            return input(prompt).strip()
        except EOFError:
            raise InputError(
                "the questions were left; nothing was written", hint="--yes takes the default of every question"
            ) from None
