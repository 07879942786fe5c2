"""What is printed of an error."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.errors import InputError, PlaybackError, is_our_own
from toolkit.output.answer import BAD, Line
from toolkit.output.streams import Output


def show(output: Output, error: PlaybackError) -> None:
    """Print an error; every problem on its own line, in the form `file:line: path: message`."""
    for line in error_lines(error):
        output.error(line.text, style=line.style, foreign=line.foreign)


def error_lines(error: PlaybackError) -> Iterator[Line]:
    """Give what is printed of an error."""
    foreign = not is_our_own(error)
    if isinstance(error, InputError):
        for problem in error.problems:
            yield Line(str(problem) if problem.file else f"ERROR: {problem}", BAD, error=True)
    else:
        yield Line(f"ERROR: {error.message}", BAD, error=True, foreign=foreign)
    if error.hint:
        yield Line(f"HINT: {error.hint}", BAD, error=True, foreign=foreign)
