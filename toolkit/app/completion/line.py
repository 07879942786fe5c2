"""A command line as far as it is typed, as words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

PROGRAMS = ("playback", "invoke", "inv")


@dataclass(frozen=True, slots=True)
class Line:
    """What is typed.

    Attributes:
        words: the words before the one that is being typed, behind the program.
        current: the word that is being typed, quotes taken away; empty at its beginning.
    """

    words: tuple[str, ...]
    current: str


def read_line(text: str) -> Line:
    """Give the words of a line up to the cursor; what stands before the program is left out."""
    words = _split(text)
    for number, word in enumerate(words[:-1]):
        if _program(word) in PROGRAMS:
            return Line(tuple(words[number + 1 : -1]), words[-1])
    return Line((), words[-1])


def _program(word: str) -> str:
    name = PureWindowsPath(PurePosixPath(word).name).name
    return name.removesuffix(".exe")


def _split(text: str) -> list[str]:
    """The words as shells have them, the last one as it is being typed, with or without its closing quote."""
    words, word, quote = [""], False, ""
    for character in text:
        if quote:
            if character == quote:
                quote = ""
            else:
                words[-1] += character
        elif character in "'\"":
            quote, word = character, True
        elif character.isspace():
            if word:
                words.append("")
            word = False
        else:
            words[-1] += character
            word = True
    return words
