"""Whether a value conforms, told without the library: always what the library says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.sweeps import examples, seeds
from toolkit.config import document
from toolkit.config.conforming import ENDING, Hidden, UnsureError, conforms
from toolkit.config.faults import validator
from toolkit.config.validation import action_schema, actions
from toolkit.shipped import DEMO_INVENTORY, PLAYBOOKS, SCHEMAS

NAMED = ("playbook", "inventory", "repositories", "catalog", "variables", "vars-file", "console", "answers")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.0, 2.5, 1e30, 10**20, "", " ", "a", "{{ a }}", "a b", "2020-01-01", "5h", "é"),
    *([], ["a"], ["a", "a"], [1], [1, True], {}, {"a": 1}, {"env": "A"}, {"env": "A", "file": "b"}, {"command": []}),
)
"""What values are replaced by."""


def samples() -> dict[str, list[Any]]:
    """Values that are near to what each schema wants: the files of the demo, and the examples within the schemas."""
    found: dict[str, list[Any]] = {name: list(written(json.loads(text(name)))) for name in NAMED}
    found |= {f"actions/{name}": list(written(action_schema(name))) for name in actions()}
    found["playbook"] += [document.read(path).value for path in sorted(PLAYBOOKS.glob("*.yml"))]
    found["catalog"] += [document.read(path).value for path in sorted((DEMO_INVENTORY / "catalogs").glob("*.yml"))]
    found["inventory"].append(document.read(DEMO_INVENTORY / "hosts.yml").value)
    found["repositories"].append(document.read(DEMO_INVENTORY / "repositories.yml").value)
    return found


def text(name: str) -> str:
    """The text of a schema."""
    return (SCHEMAS / f"{name}{ENDING}").read_text(encoding="utf-8")


def written(schema: Any) -> Iterator[Any]:
    """Mappings of properties to their examples, anywhere in a schema, and its own examples."""
    if isinstance(schema, dict):
        yield from schema.get("examples", ()) if isinstance(schema.get("examples"), list) else ()
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield {key: part["examples"][0] for key, part in properties.items() if part.get("examples")}
        for part in schema.values():
            yield from written(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from written(part)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values stand in a value."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


def damaged(random: Random, value: Any, others: list[Any]) -> Any:
    """A value in which something was replaced, removed, added or renamed."""
    value = copy.deepcopy(value)
    for _ in range(random.randint(0, 3)):
        *path, last = random.choice(list(places(value))) or (None,)
        inside = value
        for key in path:
            inside = inside[key]
        fresh = copy.deepcopy(random.choice((*ODD, *others)))
        if last is None:
            value = fresh if random.random() < 0.1 else value
        elif random.random() < 0.5:
            inside[last] = fresh
        elif isinstance(inside, list):
            inside[random.randint(0, len(inside)) :] = [fresh]
        elif random.random() < 0.5:
            del inside[last]
        else:
            inside[random.choice(("a", "A b", last.title(), "when", "hosts"))] = fresh
    return value


SAMPLES = samples()


@pytest.mark.parametrize("seed", seeds(1))
def test_it_says_what_the_library_says(seed: int) -> None:
    """Of right values and of wrong ones, before and after templates are rendered; and it is hardly ever unsure."""
    random = Random(seed)
    unsure, told = 0, {True: 0, False: 0}
    every = [each for some in SAMPLES.values() for each in some]
    for _ in range(examples(2000)):
        name = random.choice(sorted(SAMPLES))
        rendered = random.random() < 0.3
        schema = action_schema(name.removeprefix("actions/")) if "/" in name and random.random() < 0.5 else name
        value = damaged(random, random.choice(SAMPLES[name] or every), random.sample(every, 3))
        try:
            said = conforms(value, schema, rendered=rendered)
        except UnsureError:
            unsure += 1
            continue
        told[said] += 1
        assert said == validator(schema, rendered).is_valid(value), (name, rendered, value)
    assert unsure < 20 * examples(1)
    assert min(told.values()) > 200 * examples(1)


@pytest.mark.parametrize("name", [*NAMED, *(f"actions/{each}" for each in actions())])
def test_no_schema_has_a_keyword_that_is_not_known(name: str) -> None:
    """What our schemas say is known, so that the library is loaded for values that are wrong alone."""
    assert conforms(object(), name, rendered=False) in (True, False)
    for value in ODD:
        assert conforms(value, name, rendered=False) == validator(name, rendered=False).is_valid(value)


SMALL: tuple[dict[str, Any], ...] = (
    *(
        {"enum": [1, "a"]},
        {"enum": [True, None]},
        {"const": 0},
        {"const": "a"},
        {"type": "integer"},
        {"type": "number"},
    ),
    {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": {"type": "boolean"}},
    *({"uniqueItems": True}, {"maxLength": 3}, {"maximum": 1}, {"exclusiveMinimum": 1}, {"maxProperties": 1}),
    {"pattern": "b", "minLength": 2},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}},
    {"dependentRequired": {"a": ["b"]}},
)
HELD = (*ODD, ["a", 1, True], ["a", 1, 1], ["a", True], {"a": 1, "b": 2}, Hidden("a"), Hidden(""), [Hidden("a")])


@pytest.mark.parametrize("schema", SMALL, ids=str)
def test_each_keyword_means_what_the_library_means(schema: dict[str, Any]) -> None:
    """True is not 1, 1.0 is a whole number, and of a secret neither its length nor its text is known."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    for value in HELD:
        try:
            said = conforms(value, schema, rendered=True)
        except UnsureError:
            continue
        assert said == validator(schema, rendered=True).is_valid(value), value


def test_a_keyword_that_is_not_known_is_left_to_the_library() -> None:
    """A schema that says more than is understood is not taken for one that says nothing."""
    with pytest.raises(UnsureError):
        conforms(6, {"type": "integer", "multipleOf": 4}, rendered=True)
