"""Files with answers to drift: read, and begun or added to with the questions that are still open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from toolkit.config import document as documents
from toolkit.config import validation
from toolkit.errors import InputError, Problem
from toolkit.model.drift import Question
from toolkit.planning.answer_text import line

SECTIONS = ("rename", "drop_tables", "drop_columns", "defaults", "convert")
DECIDE = "DECIDE"
"""What marks a question whose answer is to be chosen, as in a proposed catalog file."""

INSTEAD = "INSTEAD"
"""What marks further answers to a question that stands in another section as well."""


def read(path: Path, *, control: Path | None = None) -> dict[str, Any]:
    """Read a file of answers; a section that has only comments says nothing.

    Raises:
        InputError: every problem the file has.
    """
    document = documents.read(path, control=control)
    value = {} if document.value is None else document.value
    if isinstance(value, Mapping):
        value = {name: given for name, given in value.items() if given is not None}
    if problems := validation.check_document(replace(document, value=value), "answers"):
        raise InputError(problems)
    return dict(value)


def with_questions(text: str, questions: Sequence[Question], *, about: str, file: str) -> str:
    """Give the text of a file with questions added to it, each with its answers as comments to choose from.

    Every line that is there stays. A question that the file has already is not added again.

    Args:
        text: what the file says; empty for a new one.
        about: what the answers are for.
        file: its name, for messages.

    Raises:
        InputError: a section that is to be added to is written in braces or brackets.
    """
    lines = text.splitlines() if text.strip() else _head(about)
    asked = {each.strip() for each in lines}
    for section in SECTIONS:
        new = list(_lines(section, questions, asked))
        if new:
            _insert(lines, section, new, file)
    rest = [f"# {each.reason}" for each in questions if not each.options and f"# {each.reason}" not in asked]
    if rest:
        lines += ["", "# No answer is known to these: bring the target to the version of the backup.", *rest]
    return "\n".join(lines) + "\n"


def _head(about: str) -> list[str]:
    return [
        f"# Answers to drift: {about}.",
        f"# Below each {DECIDE} stand answers that would do, the likeliest first; below {INSTEAD} others, to be given",
        "# in the place of one of those. Uncomment one answer to each question and correct it, then restore with",
        "# `answers:` and this file's name, with a shipped playbook `--extra-vars answers=FILE`.",
        "# A renamed table may raise questions of its own: write the answers again, and they are added here.",
    ]


def _lines(section: str, questions: Sequence[Question], asked: set[str]) -> Iterator[str]:
    """The questions that have answers in a section; where the likeliest is in another one, it is said."""
    for question in questions:
        here = [option for option in question.options if option.section == section]
        if not here:
            continue
        first = question.options[0].section
        said = f"# {DECIDE if section == first else f'{INSTEAD} of an answer under {first}:'} {question.reason}"
        if said in asked:
            continue
        yield f"  {said}"
        yield from (f"  # {line(option)}" for option in here)


def _insert(lines: list[str], section: str, new: list[str], file: str) -> None:
    start = next((number for number, each in enumerate(lines) if each.startswith(f"{section}:")), None)
    if start is None:
        lines += [f"{section}:", *new]
        return
    written = lines[start].removeprefix(f"{section}:").partition("#")[0].strip()
    if written:
        message = "questions can be added to a section of lines only, not to one in braces or brackets"
        raise InputError([Problem(file=file, line=start + 1, path=section, message=message)])
    end = next(
        (number for number in range(start + 1, len(lines)) if lines[number] and not lines[number][0].isspace()),
        len(lines),
    )
    lines[end:end] = new
