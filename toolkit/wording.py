"""How numbers, sizes, times, tables and misspelt names are written: the one place for all that is printed."""

from __future__ import annotations

import difflib
import itertools
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_FEW = 5
"""Names that are listed where there may be many."""

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

PROGRAM = "playback"
"""The program of the commands, for a control directory without a tasks.py."""

_COMMAND = re.compile(r"\binvoke(?= [a-z])")
_WHOLE = re.compile(r"(?<=`)(?:invoke|playback) [a-z][^`]*(?=`)|(?<=: )(?:invoke|playback) [a-z][^`;,]*$")
"""Commands of which the end is known: between backticks, or last in a text."""
_WITHOUT_INVENTORY = ("init", "completion", "lint", "doctor.machine")


def called(text: str) -> str:
    """Write the commands in a text as this one was called: by `invoke` or by `playback`, and for which inventory."""
    if Path(sys.argv[0]).stem == PROGRAM:
        text = by_program(text)
    inventory = _inventory(sys.argv[1:])
    return _WHOLE.sub(lambda found: _with(found[0], inventory), text) if inventory else text


def by_program(text: str) -> str:
    """Write the commands in a text for `playback`, which there is in every control directory."""
    return _COMMAND.sub(PROGRAM, text)


def _inventory(words: Sequence[str]) -> str:
    for word, value in zip(words, [*words[1:], ""], strict=False):
        if word == "--inventory":
            return value
        if word.startswith("--inventory="):
            return word.partition("=")[2]
    return ""


def _with(command: str, inventory: str) -> str:
    takes = command.split()[1] not in _WITHOUT_INVENTORY and "--inventory" not in command
    return f"{command} --inventory {inventory}" if takes else command


def count(number: int) -> str:
    """Write a count with its thousands apart, e.g. `1,234`."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun, e.g. `1 delete`, `1,234 deletes`, `2 entries`.

    Args:
        plural: the noun for all numbers but one, where it is not the noun with an s.
    """
    return f"{count(number)} {noun if number == 1 else plural or f'{noun}s'}"


def first_few(names: Iterable[str]) -> str:
    """List the first of many names, e.g. `a, b, c, d, e, …`."""
    first = list(itertools.islice(names, _FEW + 1))
    return ", ".join([*first[:_FEW], *(["…"] if len(first) > _FEW else [])])


def left_out_text(reason: str) -> str:
    """Say why a backup does not hold a table, by the reason in its manifest."""
    return "not in the imported file" if reason == "file" else reason


def put_aside_text(numbers: Mapping[str, int]) -> str:
    """Say how many records of a file were put aside when it was imported, e.g. `3 records (products 3)`."""
    each = first_few(f"{name} {count(number)}" for name, number in sorted(numbers.items()))
    return f"{counted(sum(numbers.values()), 'record')} ({each})"


def size(number: float) -> str:
    """Write a size in bytes with a binary unit and three digits, e.g. `4.00 MiB`."""
    value = float(number)
    for unit in _SIZES:
        if value < 1000 or unit == _SIZES[-1]:
            break
        value /= 1024
    if unit == _SIZES[0]:
        return f"{int(value)} {unit}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def seconds(number: float) -> str:
    """Write a duration, e.g. `0.42 s`, `12.3 s`, `3 min 05 s`, `2 h 03 min`."""
    if number < 60:
        return f"{number:.{2 if number < 10 else 1}f} s"
    whole = round(number)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def span(length: float) -> str:
    """Write how long ago something was, roughly, e.g. `40 min`, `26 h`, `9 d`."""
    minutes = length / 60
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / 1440:.0f} d"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Find the known name that a person probably meant; empty when none is like it.

    Args:
        cutoff: how alike they have to be, from 0 to 1.
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


def meant(name: str, known: Iterable[str], *, before: str = "; ") -> str:
    """Ask about a misspelt name, e.g. `; did you mean shops?`; empty when no known name is like it.

    Args:
        before: what leads over from the message.
    """
    near = nearest(name, known)
    return f"{before}did you mean {near}?" if near else ""


def one_line(text: str) -> str:
    """Put a text of the database on one line."""
    return " ".join(text.split())


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> list[str]:
    """Lay out a table as aligned plain text, the same on a terminal and in a pipe.

    Args:
        header: the columns' names.
        right: names of columns whose values are aligned to the right (numbers).

    Returns:
        Its lines, the header first.
    """
    body = [list(row) for row in rows]
    widths = [max(len(row[index]) for row in [list(header), *body]) for index in range(len(header))]
    rights = [name in right for name in header]
    return [_line(row, widths, rights) for row in [list(header), *body]]


def _line(row: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    cells = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(row, widths, rights, strict=True)
    ]
    return "  ".join(cells).rstrip()
