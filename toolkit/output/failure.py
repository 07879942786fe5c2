"""What is printed of an error."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.errors import InputError, PlaybackError, is_our_own
from toolkit.output.answer import BAD, Line
from toolkit.output.streams import Output
from toolkit.wording import called


def show(output: Output, error: PlaybackError) -> None:
    """Print an error; every problem on its own line, in the form `file:line: path: message`."""
    for line in error_lines(error):
        output.error(line.text, style=line.style, foreign=line.foreign)


def error_lines(error: PlaybackError) -> Iterator[Line]:
    """Give what is printed of an error."""
    foreign = not is_our_own(error)
    if isinstance(error, InputError):
        for problem in error.problems:
            text = str(problem)
            yield Line(called(text) if problem.file else f"ERROR: {text}", BAD, error=True)
    else:
        yield Line(f"ERROR: {error.message}", BAD, error=True, foreign=foreign)
    if error.hint:
        yield Line(hint_text(error.hint), BAD, error=True, foreign=foreign)


def hint_text(hint: str) -> str:
    """Write a hint; the commands in it are called as this one was, by `invoke` or by `playback`."""
    return f"HINT: {called(hint)}"
