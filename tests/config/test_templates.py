"""Templates and conditions."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.config.secrets import with_secrets
from toolkit.config.templates import Templates, is_template
from toolkit.errors import InputError
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

PLACE = Place(file="x.yml", line=3, path="[0].tasks[1]")
RESULT = {"failed": False, "changed": True, "skipped": False, "rows": 5}
VARIABLES: dict[str, Any] = {
    "number": 5,
    "digits": "12",
    "names": ["a", "b"],
    "nested": {"a": {"b": 1}, "text": "x"},
    "result": RESULT,
    "template": "{{ number }}",
}


@pytest.fixture
def templates() -> Templates:
    """Templates as a run has them."""
    return Templates()


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        (5, 5),
        (None, None),
        ("{{ number }}", 5),
        ("{{- number -}}", 5),
        ("{{ digits }}", "12"),
        ("{{ names }}", ["a", "b"]),
        ("{{ nested }}", {"a": {"b": 1}, "text": "x"}),
        ("{{ number > 3 }}", True),
        ("{{ none }}", None),
        ("{{ 5 }}", 5),
        ("{{ number }} ", "5 "),
        ("{{ number }}{{ number }}", "55"),
        ("{% for n in names %}{{ n }};{% endfor %}", "a;b;"),
        ("{% if number %}5{% endif %}", "5"),
        ("{# nothing #}", ""),
        ("{# nothing #}{{ number }}", 5),
        ("{% raw %}{{ number }}{% endraw %}", "{{ number }}"),
        ("{{ template }}", "{{ number }}"),
        ("line\n", "line\n"),
        ({"{{ digits }}": ["{{ number }}", {"a": "{{ digits }}"}]}, {"12": [5, {"a": "12"}]}),
        ("{{ missing | default(3) }}", 3),
        ("{{ nested.x.y.z | default('d') }}", "d"),
        ("{{ missing is defined }}", False),
        ("{{ 'x' if missing is defined else 'y' }}", "y"),
        ("{{ digits | int + 1 }}", 13),
        ("{{ 'yes' | bool }}", True),
        ("{{ 'off' | bool }}", False),
        ("{{ number | ternary('a', 'b') }}", "a"),
        ("{{ nested.a | to_json }}", '{"b": 1}'),
        ("{{ '[1, 2]' | from_json }}", [1, 2]),
        ("{{ nested.a | to_yaml }}", "b: 1\n"),
        ("{{ 'a: [1]' | from_yaml }}", {"a": [1]}),
        ("{{ 'abc' | regex_replace('(b)', '<\\\\1>') }}", "a<b>c"),
        ("{{ 'abc' | regex_search('b.') }}", "bc"),
        ("{{ 'a/b/c.yml' | basename }}", "c.yml"),
        ("{{ 'a/b/c.yml' | dirname }}", "a/b"),
        ("{{ {'a': 1} | combine({'b': 2}) }}", {"a": 1, "b": 2}),
        ("{{ 'a b' | split }}", ["a", "b"]),
        ("{{ 'a' | b64encode | b64decode }}", "a"),
        ("{{ 'a b' | quote }}", "'a b'"),
        ("{{ 'abc' is match('a') and 'abc' is search('c') }}", True),
        ("{{ result is changed and result is succeeded and result is not skipped and result is not failed }}", True),
        ("{{ range(3) | list }}", [0, 1, 2]),
        ("{{ names | map('upper') }}", ["A", "B"]),
    ],
)
def test_render(templates: Templates, template: object, value: object) -> None:
    """A lone expression keeps its type, everything else is text; what rendering brings in is not rendered again."""
    rendered = templates.render(template, VARIABLES, PLACE)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ numbr }}", "the variable numbr is undefined; did you mean number?"),
        ("a {{ zzz }}", "the variable zzz is undefined"),
        ("{{ nested.x }}", "'dict object' has no attribute 'x'"),
        ("{{ zzz.a.b }}", "the variable zzz is undefined"),
        ("{{ number", "template syntax: unexpected end of template, expected 'end of print statement'."),
        ("{{ number | nosuch }}", "template syntax: No filter named 'nosuch'."),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'maybe' | bool }}", "bool: 'maybe' is neither true nor false"),
        ("{{ '{' | from_json }}", "from_json: not JSON: Expecting property name enclosed in double quotes: line 1 "),
        ("{{ number is changed }}", "`is changed` asks for the result of a task (`register`), not for 5"),
        ("{{ zzz | mandatory('say zzz') }}", "say zzz"),
        ("{{ 'a' * 100000000 }}", "longer than 10000000 characters"),
        ("{{ 9 ** 99999 }}", "the exponent is greater than 1000"),
        ("{{ range(10000000) | list }}", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)."),
    ],
)
def test_problems(templates: Templates, template: str, problem: str) -> None:
    """A template that does not render is a problem that names the place, the variable and the nearest known one."""
    with pytest.raises(InputError) as error:
        templates.render({"backup": {"demo": template}}, VARIABLES, PLACE)
    assert str(error.value).startswith(f"x.yml:3: [0].tasks[1].backup.demo: {problem}")


def test_all_problems(templates: Templates) -> None:
    """Every template that does not render is reported, not the first."""
    with pytest.raises(InputError) as error:
        templates.render({"a": "{{ x }}", "b": ["{{ y }}"]}, {}, PLACE)
    assert [problem.path for problem in error.value.problems] == ["[0].tasks[1].a", "[0].tasks[1].b[0]"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ number | attr('__class__') }}",
        "{{ '{0.__class__}'.format(number) }}",
        "{{ names.append(3) }}",
        "{{ nested.update({}) }}",
        "{{ range.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ lipsum }}",
        "{{ cycler }}",
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ [''] | map(attribute='__class__') | list }}",
    ],
)
def test_sandbox(templates: Templates, template: str) -> None:
    """No attribute that begins with `_` can be reached and nothing can be changed."""
    before = repr(VARIABLES)
    with pytest.raises(InputError):
        templates.render(template, VARIABLES, PLACE)
    assert repr(VARIABLES) == before


@given(st.text(max_size=30) | st.text("{}%#|.a1 '-+", max_size=30))
def test_text_without_templates_stays(text: str) -> None:
    """Text that holds no template is rendered to itself, and whatever holds one never breaks us."""
    if is_template(text):
        with contextlib.suppress(InputError):
            Templates().render(text, {}, PLACE)
    else:
        assert Templates().render(text, {}, PLACE) == text


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_a_lone_expression_gives_the_value_itself(value: Any) -> None:
    """Whatever a variable holds comes back from a lone expression as it is."""
    assert Templates().render("{{ value }}", {"value": value}, PLACE) == value


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (True, True),
        (False, False),
        ("number == 5", True),
        ("names", True),
        ("[]", False),
        ("missing is not defined", True),
        ("result is failed", False),
        ("'yes' | bool", True),
        ("none", False),
    ],
)
def test_condition(templates: Templates, condition: str | bool, holds: bool) -> None:
    """A condition is an expression; a bool stands for itself."""
    assert templates.condition(condition, VARIABLES, PLACE) is holds


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("digits", "gives text, neither true nor false; append `| bool` or compare it"),
        ("missing", "cannot be decided: the variable missing is undefined"),
        ("number ==", "cannot be decided: template syntax: unexpected 'end of template'"),
        ("number + names", "cannot be decided: unsupported operand"),
    ],
)
def test_condition_problems(templates: Templates, condition: str, problem: str) -> None:
    """Text is no condition, since `"false"` would count as true; the problem quotes the condition."""
    with pytest.raises(InputError) as error:
        templates.condition(condition, VARIABLES, PLACE)
    assert str(error.value).startswith(f"x.yml:3: [0].tasks[1]: the condition `{condition}` {problem}")


def test_variables_use_one_another(templates: Templates) -> None:
    """Variables are rendered in whatever order they need one another, and may use given ones."""
    own = {"a": "{{ b }}-{{ number }}", "b": "{{ c[0] }}", "c": ["{{ digits }}"]}
    assert templates.variables(own, VARIABLES, PLACE) == {"a": "12-5", "b": "12", "c": ["12"]}
    assert templates.lazy(own, VARIABLES, PLACE)["a"] == "12-5"


def test_variables_in_a_circle(templates: Templates) -> None:
    """A variable that needs itself is a problem that shows the circle."""
    with pytest.raises(InputError) as error:
        templates.variables({"a": "{{ b }}", "b": "{{ a }}"}, {}, PLACE)
    assert str(error.value.problems[0]) == "x.yml:3: [0].tasks[1].a: the variable needs itself: a → b → a"


def test_lazy_variables_are_read_when_asked_for(templates: Templates) -> None:
    """A variable that does not render harms only those who ask for it."""
    lazy = templates.lazy({"good": "{{ number }}", "bad": "{{ nosuch }}"}, VARIABLES, PLACE)
    assert templates.render("{{ good }}", lazy, PLACE) == 5
    assert templates.condition("bad is defined and good == 5", {"good": 5}, PLACE) is False
    with pytest.raises(InputError, match="the variable nosuch is undefined"):
        templates.render("{{ bad }}", lazy, PLACE)


def test_secrets_stay_secret(templates: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a template makes of a secret is a secret; conditions may compare it."""
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret")
    variables = with_secrets({"token": {"env": "TOKEN_OF_TEST"}, "deep": [{"env": "TOKEN_OF_TEST"}]}, PLACE, Path())
    for template, value in [
        ("{{ token }}", "s3cret"),
        ("Bearer {{ token }}", "Bearer s3cret"),
        ("{{ token | upper }}", "S3CRET"),
        ("{{ 'x' ~ token }}", "xs3cret"),
        ("{{ deep[0] }}", "s3cret"),
        ("{% for one in deep %}{{ one }}{% endfor %}", "s3cret"),
    ]:
        rendered = templates.render(template, variables, PLACE)
        assert isinstance(rendered, Secret)
        assert (str(rendered), rendered.reveal()) == ("***", value)
    (one,) = templates.render("{{ token.split(',') }}", variables, PLACE)
    assert str(one) == "***"
    assert templates.condition("token == 's3cret'", variables, PLACE)
    assert templates.render("{{ token | length }}", variables, PLACE) == 6
    chained = templates.variables({"url": "u:{{ token }}@h", "whole": "x{{ url }}"}, variables, PLACE)
    assert (str(chained["whole"]), chained["whole"].reveal()) == ("***", "xu:s3cret@h")
    mixed = templates.variables({"mixed": "{{ token }}{{ plain }}", "plain": "{{ 1 }}x"}, variables, PLACE)
    assert (str(mixed["mixed"]), mixed["plain"]) == ("***", "1x")
    assert templates.render("{{ 'plain' }}", variables, PLACE) == "plain"


def test_an_error_never_shows_a_secret(templates: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that fails on a secret says so without it."""
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret-of-errors")
    variables = with_secrets({"token": {"env": "TOKEN_OF_TEST"}}, PLACE, Path())
    with pytest.raises(InputError) as error:
        templates.render("{{ token | bool }}", variables, PLACE)
    assert "s3cret" not in str(error.value)
    assert "***" in str(error.value)


def test_threads_do_not_disturb_one_another(templates: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates are shared by the hosts' threads; what one thread reads taints nothing in another."""
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret")
    variables = with_secrets({"token": {"env": "TOKEN_OF_TEST"}, "plain": "p"}, PLACE, Path())
    kinds: list[set[type]] = [set(), set()]

    def render(name: str, found: set[type]) -> None:
        for _ in range(300):
            found.add(type(templates.render(f"x {{{{ {name} }}}}", variables, PLACE)))

    threads = [threading.Thread(target=render, args=arguments) for arguments in zip(variables, kinds, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds == [{Secret}, {str}]
