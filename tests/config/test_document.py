"""Reading YAML: values, lines, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.config import document
from toolkit.config.document import show_file, show_path
from toolkit.errors import InputError

KEYS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20)
TEXT = st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@given(VALUES)
def test_json_is_read_as_json(value: Any) -> None:
    """Every JSON document means in YAML what it means in JSON."""
    assert document.parse(json.dumps(value), file="x.yml").value == value


@given(VALUES)
def test_every_value_has_a_line(value: Any) -> None:
    """Every value has the line on which it stands: in indented JSON, the number of lines before it."""
    text = json.dumps(value, indent=1)
    read = document.parse(text, file="x.yml")

    def check(part: Any, path: tuple[str | int, ...], line: int) -> int:
        """The number of lines that a part takes."""
        assert read.line(path) == line
        items = (
            list(part.items() if isinstance(part, dict) else enumerate(part)) if isinstance(part, dict | list) else []
        )
        below = 0
        for key, item in items:
            below += check(item, (*path, key), line + 1 + below)
        return below + (2 if items else 1)

    assert check(value, (), 1) == text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("2026-11-20", "2026-11-20"),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("-1_000", -1000),
        ("1e3", 1000.0),
        (".inf", float("inf")),
        ("'5'", "5"),
        ("=", "="),
        ("# nothing", None),
        ("", None),
        ("\ufefftext", "text"),
        ("&x [a]", ["a"]),
        ("[&x a, *x]", ["a", "a"]),
    ],
)
def test_yaml_1_2(text: str, value: object, tmp_path: Path) -> None:
    """Scalars are those of YAML 1.2: `yes` and `on` are text, dates stay text."""
    file = tmp_path / "x.yml"
    file.write_text(text, encoding="utf-8")
    assert document.read(file).value == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: c", "x.yml:1: not valid YAML: mapping values are not allowed here"),
        ("a: \x01", "x.yml:1: not valid YAML: special characters are not allowed"),
        ("a: &x [*x]", "x.yml:1: a[0]: the alias *x stands inside the value that it repeats"),
        ("? [a]\n: b", "x.yml:1: a key must be text, not a list"),
        ("a: !!int x", "x.yml:1: a: x is not a number that can be read; quote it"),
        ('a: "\\ud800"', "x.yml:1: a: holds half a character: an escape \\ud800 to \\udfff without its other half"),
        ('"\\ud800": a', "x.yml:1: a key holds an escape \\ud800 to \\udfff; write the character itself"),
        ("a: !!set {x}", "x.yml:1: a: the tag !!set is not supported"),
        (f"a: {'9' * 5000}", f"x.yml:1: a: {'9' * 40} is not a number that can be read; quote it"),
        ("[" * 5000, "x.yml: nested too deeply"),
    ],
)
def test_what_cannot_be_read(text: str, problem: str) -> None:
    """Whatever cannot be read is one problem with its line."""
    with pytest.raises(InputError) as error:
        document.parse(text, file="x.yml")
    assert str(error.value) == problem


def test_aliases_do_not_fill_the_memory() -> None:
    """A few lines of nested aliases are refused before they become millions of values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(InputError, match="more than 200000 values, aliases followed"):
        document.parse("\n".join(lines), file="x.yml")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A missing file and a directory are named as the user would type them, below the control directory."""
    with pytest.raises(InputError) as error:
        document.read(tmp_path / "playbooks" / "x.yml", control=tmp_path)
    assert str(error.value) == "playbooks/x.yml: no such file"
    with pytest.raises(InputError, match=r"^\.: is a directory, not a file$"):
        document.read(tmp_path, control=tmp_path)


def test_names_as_the_user_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is shown below the control directory, else below the working directory, else whole."""
    monkeypatch.chdir(tmp_path)
    assert show_file(tmp_path / "control" / "a" / "b.yml", tmp_path / "control") == "a/b.yml"
    assert show_file(tmp_path / "b.yml", tmp_path / "control") == "b.yml"
    assert show_file(tmp_path.parent / "b.yml", tmp_path) == str(tmp_path.parent / "b.yml")


def test_paths_are_shown_for_people() -> None:
    """Keys are joined by dots, positions stand in brackets, unusual keys in quotes."""
    assert show_path((0, "tasks", 1, "backup", "a b")) == '[0].tasks[1].backup["a b"]'
