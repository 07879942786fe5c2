"""`lint`: check playbooks, inventory and catalogs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toolkit.app import command
from toolkit.app.command import JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import BAD, GOOD, Answer, Line
from toolkit.wording import called

if TYPE_CHECKING:
    from toolkit.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `lint` is given."""

    path: tuple[str, ...] = command.words("files or directories (default: the whole control directory)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted(Answer):
    """Every problem, by file and line."""

    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        """2 with problems."""
        return InputError.exit_code if self.problems else 0

    def lines(self) -> Iterator[Line]:
        """Give each as `file:line: path: message`, on standard error."""
        for problem in self.problems:
            yield Line(called(str(problem)) if problem.file else f"ERROR: {problem}", BAD, error=True)
        if not self.problems:
            yield Line("no problems found", GOOD)

    def document(self) -> Mapping[str, Any]:
        """Give each with its place."""
        return {"problems": [asdict(problem) for problem in self.problems]}


def _lint(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.config.lint import lint

    control = call.control
    own = control.inventory_directory() if control.has_inventory or not given.path else None
    paths = [control.existing(path) for path in given.path]
    yield Linted(problems=tuple(lint(control.directory, paths, inventory=own)))


COMMAND = Command(
    name="lint",
    summary="Check playbooks, inventory and catalogs",
    usage="[PATH …]",
    needs=(JSON,),
    options=Options,
    body=_lint,
)
