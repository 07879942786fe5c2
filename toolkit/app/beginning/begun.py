"""What `init` answers: what it found, wrote and kept, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.app.beginning.asking import Question
from toolkit.app.beginning.files import Files
from toolkit.errors import ExitCode, Problem
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Answer):
    """A control directory, as it is now.

    Attributes:
        said: what was found of the database.
        warnings: what to look at.
        unanswered: questions that nobody was there to answer.
        undecided: tables that no backup runs without a decision about.
        catalog: the file in which they are marked.
        steps: the commands to type next.
    """

    files: Files
    said: tuple[str, ...]
    warnings: tuple[str, ...]
    unanswered: tuple[Question, ...]
    undecided: tuple[str, ...]
    catalog: str
    problems: tuple[Problem, ...]
    steps: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """2 where the result has problems, 3 where something is still to be decided."""
        if self.problems:
            return ExitCode.INPUT
        return ExitCode.PARTIAL if self.undecided or self.unanswered else ExitCode.OK

    def lines(self) -> Iterator[Line]:
        """Say what was found, what was written and kept, and what to type next."""
        yield Line(f"control directory {self.files.directory}")
        yield from (Line(f"  {each}", foreign=True) for each in self.said)
        yield from (Line(f"  {each}", WARNING, foreign=True) for each in self.warnings)
        for question in self.unanswered:
            yield Line()
            yield from (Line(f"  {each}", WARNING, foreign=True) for each in question.lines())
        if self.unanswered:
            yield Line()
        for word, names in (("wrote", self.files.written), ("kept, as they were", self.files.kept)):
            if names:
                yield Line(f"{word}: {', '.join(names)}")
        if self.undecided:
            tables = ", ".join(self.undecided)
            yield Line(f"no backup runs until these are decided, in {self.catalog} or as below: {tables}", WARNING)
        for problem in self.problems:
            yield Line(str(problem), BAD, error=True)
        if not self.problems:
            yield Line("no problems found", GOOD)
        yield Line("next:")
        yield from (Line(f"  {each}") for each in self.steps)
