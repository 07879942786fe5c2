"""The two parsers of PyYAML, and YAML as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yaml.error import YAMLError

from toolkit.config import document, yaml_text
from toolkit.config.yaml_text import FAST_LOADER, Mapping, Node, PythonLoader, Scalar, Sequence
from toolkit.errors import InputError

ROOT = Path(__file__).parents[2]
FILES = [file for folder in ("playbooks", "toolkit", "tests") for file in sorted((ROOT / folder).rglob("*.yml"))]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner), max_leaves=20
)
needs_both = pytest.mark.skipif(FAST_LOADER is None, reason="PyYAML was built without its parser in C")


def marked(node: Node | None) -> Any:
    """All that the program uses of a node, as plain values."""
    match node:
        case Mapping():
            return (node.tag, _where(node), [(marked(key), marked(value)) for key, value in node.pairs])
        case Sequence():
            return (node.tag, _where(node), [marked(item) for item in node.items])
        case Scalar(value="", plain=True):
            return (node.tag, node.start.line)
        case Scalar():
            return (node.tag, node.anchor, node.plain, node.value, node.start, node.end)
    return None


def _where(node: Mapping | Sequence) -> Any:
    return (node.anchor, node.flow, node.start, node.end if node.flow else None)


def read_by(loader: type | None, text: str) -> Any:
    """What one parser makes of a text; nothing where it is not YAML."""
    assert loader is not None
    try:
        return marked(yaml_text.compose_with(loader, text))
    except YAMLError:
        return "not YAML"


@needs_both
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_both_parsers_read_files_alike(file: Path) -> None:
    """The parsers in C and in Python find the same values in the same places of the project's own files."""
    text = file.read_bytes().decode("utf-8", errors="replace")
    if "\t" not in text:
        assert read_by(FAST_LOADER, text) == read_by(PythonLoader, text)


@needs_both
@given(VALUES, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([None, False, True]), st.integers(20, 90))
def test_both_parsers_read_values_alike(value: Any, style: str | None, flow: bool | None, width: int) -> None:
    """They do so for any value, in every style in which YAML can be written."""
    text = yaml.safe_dump(value, default_style=style, default_flow_style=flow, width=width, allow_unicode=True)
    assert marked(yaml_text.compose(text)) == read_by(PythonLoader, text)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    """Any value comes back from the YAML that is written of it."""
    written = yaml_text.write(value)
    assert repr(document.parse(written, file="x.yml").value) == repr(_in_order(value))


def _in_order(value: Any) -> Any:
    """A value with the keys of its mappings in order, and with none but text among them."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("fast", [True, False], ids=["parser in C", "parser in Python"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: c", ":1: not valid YAML: mapping values are not allowed here"),
        ("a:\n\tb: c", ":2: not valid YAML: a tab cannot indent; use spaces"),
        ("a: 1\nb: [1,\n", ":3: not valid YAML: expected the node content, but found '<stream end>'"),
        ("a: 'x\nb: c\n", ":3: not valid YAML: found unexpected end of stream"),
        ("a: 1\n---\nb: 2\n", ":2: not valid YAML: but found another document"),
        ("a: *x", ":1: not valid YAML: found undefined alias 'x'"),
        ("a: 1\na: 2", ":2: a: given twice (first on line 1)"),
        ("<<: {a: 1}", ":1: merge keys (<<) are not part of YAML 1.2; write the keys out"),
        ("a: {{ x }}", ':1: a: a value that begins with {{ must be put in quotes: "{{ … }}"'),
        ("yes: 1\n12: 2", ':2: the key 12 is not text; write "12"'),
        ("a: !vault x", ":1: a: the tag !vault is not supported"),
        ("a: &x {b: *x}", ":1: a.b: the alias *x stands inside the value that it repeats"),
        (f"a: {'[' * 200_000}", ": nested too deeply"),
    ],
)
def test_problems_do_not_depend_on_the_parser(
    text: str, problem: str, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is said in the same words where PyYAML has no parser in C."""
    if not fast:
        monkeypatch.setattr(yaml_text, "FAST_LOADER", None)
    with pytest.raises(InputError) as error:
        document.parse(text, file="x.yml")
    assert str(error.value).startswith(f"x.yml{problem}")


@pytest.mark.parametrize("fast", [True, False], ids=["parser in C", "parser in Python"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[no, on, y, Yes, off]", ["no", "on", "y", "Yes", "off"]),
        ("[1_000, 0777, 12:30:45, 1:30.5]", [1000, 777, "12:30:45", "1:30.5"]),
        ("[1.5, .5, 1e3, 1.e+3, -.inf]", [1.5, 0.5, 1000.0, 1000.0, float("-inf")]),
        ("[0o17, 0x1F, 0b11, 0x, 0o8]", [15, 31, 3, "0x", "0o8"]),
        ("[null, ~, Null, NULL, nULL, true, FALSE, tRue]", [None, None, None, None, "nULL", True, False, "tRue"]),
        ("[! 12, !!str 12, '12', \"12\"]", ["12", "12", "12", "12"]),
        ("[2026-11-20, 2026-11-20 10:00:00]", ["2026-11-20", "2026-11-20 10:00:00"]),
        ("[&x 1, *x, &x 2, *x]", [1, 1, 2, 2]),
        ("{\n\t'a':\t[b,\tc]\n}", {"a": ["b", "c"]}),
    ],
)
def test_scalars_do_not_depend_on_the_parser(
    text: str, value: Any, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scalars are those of YAML 1.2, anchors may be given again, and tabs may stand between the parts of JSON."""
    if not fast:
        monkeypatch.setattr(yaml_text, "FAST_LOADER", None)
    assert document.parse(text, file="x.yml").value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("# a\tb\na: {url: http://x/?a=b}\n", {"a": {"url": "http://x/?a=b"}}),
        ("a: {b?: c?d}\nb: 'x\ty'\n", {"a": {"b?": "c?d"}, "b": "x\ty"}),
        ("a: {? b: 1}\n#\t\n", {"a": {"b": 1}}),
    ],
)
def test_a_tab_elsewhere_changes_no_question_mark(text: str, value: Any) -> None:
    """A text in braces may hold a question mark, whichever parser reads the file."""
    assert document.parse(text, file="x.yml").value == value


def test_an_error_is_told_where_it_is() -> None:
    """A question mark in braces is not taken for the mistake that stands further down."""
    with pytest.raises(InputError, match=r"^x\.yml:5: "):
        document.parse("a: {url: http://x/?a=b}\nb: 1\nb2:\n  - x\n  y: 1\n", file="x.yml")


def test_an_escape_of_no_character_is_an_error() -> None:
    """A number beyond all characters is no defect."""
    with pytest.raises(InputError, match="names no character"):
        document.parse('a: "\\U00110000"\n', file="x.yml")
