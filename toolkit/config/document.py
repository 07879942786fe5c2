"""Reading YAML: plain Python values, and the line on which each of them stands.

YAML 1.2 in UTF-8. Stricter than YAML where a person would be surprised: a key given twice, a key that is not text,
merge keys and tags are problems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from yaml.error import MarkedYAMLError, YAMLError

from toolkit.config import yaml_text
from toolkit.config.yaml_text import TAG, Node, Scalar
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place

Keys = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions from the top."""

MAX_VALUES: Final = 200_000
"""More values than any real file has; a few lines of nested aliases would otherwise fill the memory."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[\w*?-]+")


class Document(Struct, frozen=True, kw_only=True):
    """One YAML file.

    Attributes:
        file: its name as the user would type it.
        value: dicts, lists, str, int, float, bool and None. Dates stay text.
        lines: the 1-based line of every value; of an entry of a mapping, the line of its key.
    """

    file: str
    value: Any
    lines: Mapping[Keys, int]

    def line(self, path: Keys) -> int:
        """Give the line of a value, or of the nearest one around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0

    def place(self, path: Keys) -> Place:
        """Say where a value stands."""
        return Place(file=self.file, line=self.line(path), path=show_path(path))

    def problem(self, path: Keys, message: str) -> Problem:
        """Give a problem with the value that stands there."""
        return Problem(file=self.file, line=self.line(path), path=show_path(path), message=message)


def show_path(path: Keys) -> str:
    """Give a path as people read it, e.g. `[0].tasks[1].backup.demo`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            shown += f'["{part}"]'
    return shown


def show_below(path: Keys) -> str:
    """Give a path as it continues another one, e.g. `.demo` or `[1]`."""
    shown = show_path(path)
    return f".{shown}" if shown and not shown.startswith("[") else shown


def below(place: Place, step: str) -> Place:
    """Give the place of a part of what stands at `place`; `step` is `.key` or `[index]`."""
    return Place(file=place.file, line=place.line, path=f"{place.path}{step}".lstrip("."))


def show_file(path: Path, control: Path | None = None) -> str:
    """Give a file's name as the user would type it: below the control directory, else below the working directory."""
    absolute = path.absolute()
    for directory in (control.absolute() if control else None, Path.cwd()):
        if directory is not None and absolute.is_relative_to(directory):
            return absolute.relative_to(directory).as_posix()
    return str(path)


def read(
    path: Path, *, control: Path | None = None, values_at: int = 0, keep: Callable[[bytes], object] | None = None
) -> Document:
    """Read a YAML file; `control` is the control directory, for the file's shown name.

    Args:
        keep: takes what is in the file, whether or not it is right.
        values_at: plain values at this depth stay the text that was written, so that `00123` and `1.10` do not become
            numbers; 0 for none.

    Raises:
        InputError: the file cannot be read, is not UTF-8 or not YAML; with the line and, for keys given twice and the
            like, with every such place.
    """
    file = show_file(path, control)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError([Problem(file=file, message=unreadable(path, error))]) from error
    if keep is not None:
        keep(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8 (byte 0x{content[error.start]:02x}); save the file as UTF-8"
        raise InputError([Problem(file=file, line=line, message=message)]) from error
    if path.suffix.lower() == ".json":
        # JSON is YAML but for tabs between its parts; within a text it has none
        text = text.replace("\t", " ")
    return parse(text, file=file, values_at=values_at)


def parse(text: str, *, file: str, values_at: int = 0) -> Document:
    """Read YAML from text; `file` is the name shown in problems. Raises InputError as `read` does."""
    try:
        node = yaml_text.compose(text)
        builder = _Builder(file=file, values_at=values_at)
        value = None if node is None else builder.build(node, (), node.start.line + 1)
    except YAMLError as error:
        raise InputError([_syntax_problem(error, text, file)]) from error
    except RecursionError as error:
        raise InputError([Problem(file=file, message="nested too deeply")]) from error
    except (ValueError, OverflowError) as error:
        message = "an escape such as \\U00110000 names no character, or a number is too long"
        raise InputError([Problem(file=file, message=message)]) from error
    if builder.problems:
        raise InputError(builder.problems)
    return Document(file=file, value=value, lines=builder.lines or {(): 1})


def unreadable(path: Path, error: OSError) -> str:
    """Say why a file cannot be read."""
    if not path.exists():
        return "no such file"
    return "is a directory, not a file" if path.is_dir() else f"cannot be read: {error.strerror}"


def _syntax_problem(error: YAMLError, text: str, file: str) -> Problem:
    if not isinstance(error, MarkedYAMLError):
        # the reader's errors carry a position in the text instead of a mark
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 0
        reason = getattr(error, "reason", None) or "it cannot be read"
        return Problem(file=file, line=line, message=f"not valid YAML: {reason}")
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    message = str(error.problem or error.context or "it cannot be read")
    if "'\\t'" in message:
        message = "a tab cannot indent; use spaces"
    elif error.context and error.context_mark:
        message += f" ({error.context} that begins on line {error.context_mark.line + 1})"
    return Problem(file=file, line=line, message=f"not valid YAML: {message}")


class _Builder(Struct, kw_only=True):
    """Turns YAML nodes into plain values, keeping lines and collecting problems."""

    file: str
    values_at: int = 0
    lines: dict[Keys, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)

    def build(self, node: Node, path: Keys, line: int) -> Any:
        if len(self.lines) >= MAX_VALUES:
            raise InputError([Problem(file=self.file, message=f"more than {MAX_VALUES} values, aliases followed")])
        self.lines[path] = line
        if isinstance(node, Scalar):
            return self._scalar(node, path)
        if id(node) in self._open:
            return self._report(path, line, f"the alias *{node.anchor} stands inside the value that it repeats")
        if node.tag not in (f"{TAG}map", f"{TAG}seq"):
            return self._report(path, line, f"the tag {_short(node)} is not supported")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml_text.Mapping):
                return self._mapping(node, path)
            items = node.items if isinstance(node, yaml_text.Sequence) else []
            return [self.build(item, (*path, position), item.start.line + 1) for position, item in enumerate(items)]
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml_text.Mapping, path: Keys) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.pairs:
            line = key_node.start.line + 1
            key = self._key(key_node, path, line)
            if key is None:
                continue
            if key in mapping:
                self._report((*path, key), line, f"given twice (first on line {first[key]})")
                continue
            first[key] = line
            mapping[key] = self.build(value_node, (*path, key), line)
        return mapping

    def _key(self, node: Node, path: Keys, line: int) -> str | None:
        if isinstance(node, yaml_text.Mapping):
            self._report(path, line, 'a value that begins with {{ must be put in quotes: "{{ … }}"')
        elif not isinstance(node, Scalar):
            self._report(path, line, "a key must be text, not a list")
        elif node.tag == f"{TAG}merge":
            self._report(path, line, "merge keys (<<) are not part of YAML 1.2; write the keys out")
        elif node.tag not in (f"{TAG}str", f"{TAG}timestamp"):
            self._report(path, line, f'the key {node.value or "null"} is not text; write "{node.value}"')
        elif _SURROGATE.search(node.value):
            self._report(path, line, "a key holds an escape \\ud800 to \\udfff; write the character itself")
        else:
            return node.value
        return None

    def _scalar(self, node: Scalar, path: Keys) -> Any:
        read_scalar = _SCALARS.get(node.tag)
        if read_scalar is not None and self.values_at and len(path) == self.values_at and node.tag != f"{TAG}null":
            read_scalar = _text
        line = node.start.line + 1
        if read_scalar is None:
            return self._report(path, line, f"the tag {_short(node)} is not supported")
        try:
            return read_scalar(node.value)
        except UnicodeError:
            return self._report(
                path, line, "holds half a character: an escape \\ud800 to \\udfff without its other half"
            )
        except ValueError:
            return self._report(path, line, f"{node.value[:40]} is not a number that can be read; quote it")

    def _report(self, path: Keys, line: int, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, path=show_path(path), message=message))


def _short(node: Node) -> str:
    return node.tag.replace(TAG, "!!")


def _text(text: str) -> str:
    # JSON writes characters beyond U+FFFF as two escapes, which YAML does not put together
    return text.encode("utf-16", "surrogatepass").decode("utf-16") if _SURROGATE.search(text) else text


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower().lstrip("+-")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
    number = int(digits if base == 10 else digits[2:], base)
    return -number if text.startswith("-") else number


def _float(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: Final[Mapping[str, Callable[[str], Any]]] = {
    f"{TAG}str": _text,
    f"{TAG}timestamp": str,
    f"{TAG}value": str,
    f"{TAG}null": lambda _text: None,
    f"{TAG}bool": lambda text: text.lower() == "true",
    f"{TAG}int": _integer,
    f"{TAG}float": _float,
}
