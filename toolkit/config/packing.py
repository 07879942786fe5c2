"""A task's arguments as JSON for another machine: templates rendered here, unless they read a secret.

A secret travels as its source (`{env: NAME}` and the like), and a template that reads one as it is written, with the
variables that it needs. So the machine that runs the task asks the source itself; no value of a secret is ever sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from toolkit.config import secrets
from toolkit.config.document import below
from toolkit.config.masking import mask_own
from toolkit.config.secrets import SourcedSecret
from toolkit.config.templates import LazyVariables, Templates, is_template
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

_SECRET, _TEMPLATE, _MAPPING = "!secret", "!template", "!mapping"
_MARKS: Final = (_SECRET, _TEMPLATE, _MAPPING)


def pack(value: Any, variables: Mapping[str, Any], templates: Templates, place: Place) -> Any:
    """Give a value with its templates rendered as JSON values, for `unpack`.

    Raises:
        InputError: a template does not render, or the value holds a secret whose source nobody knows any more, or which
            stands in a plain text.
    """
    return _without_plain_secret(_packed(value, variables, templates, place), place)


def pack_written(value: Any, place: Place) -> Any:
    """Give a value as JSON values for `unpack`, its templates as they are written; InputError as `pack`."""
    return _without_plain_secret(_as_written(value, place), place)


def unpack(packed: Any, templates: Templates, control: Path) -> Any:
    """Give the value again; secrets are Secrets, and are asked of their sources when they are revealed."""
    if isinstance(packed, list):
        return [unpack(item, templates, control) for item in packed]
    if not isinstance(packed, Mapping):
        return packed
    mark = next((mark for mark in _MARKS if mark in packed), "")
    if mark == _SECRET:
        return secrets.secret(packed[mark], Place(**packed["place"]), control)
    if mark == _TEMPLATE:
        own, given = (
            {name: unpack(item, templates, control) for name, item in packed[part].items()} for part in ("own", "given")
        )
        place = Place(**packed["place"])
        return templates.render(packed[mark], templates.lazy(own, given, place), place)
    items = packed[mark] if mark else packed.items()
    return {key: unpack(item, templates, control) for key, item in items}


def _without_plain_secret(packed: Any, place: Place) -> Any:
    text = json.dumps(packed, ensure_ascii=False)
    if mask_own(text) != text:
        raise _wrong(place, "it holds a secret as plain text, which is not sent to a worker; name its source instead")
    return packed


def _packed(value: Any, variables: Mapping[str, Any], templates: Templates, place: Place) -> Any:
    if isinstance(value, Mapping):
        pairs = [
            (str(templates.render(key, variables, place)), _packed(item, variables, templates, below(place, f".{key}")))
            for key, item in value.items()
        ]
        return _mapping(pairs)
    if isinstance(value, list | tuple):
        return [_packed(item, variables, templates, below(place, f"[{index}]")) for index, item in enumerate(value)]
    if is_template(value):
        own, given = _needed(value, variables, templates)
        if _holds_secret((*own.values(), *given.values())):
            parts = {"own": own, "given": given}
            return {_TEMPLATE: value, "place": _place(place)} | {
                name: _as_written(part, place) for name, part in parts.items()
            }
        return _as_written(templates.render(value, variables, place), place)
    return _as_written(value, place)


def _as_written(value: Any, place: Place) -> Any:
    """The same with nothing rendered in it; secrets as their sources."""
    if isinstance(value, SourcedSecret) and value.written is not None:
        return {_SECRET: dict(value.written.source), "place": _place(value.written.place)}
    if isinstance(value, Secret):
        message = (
            "it takes a secret that was made during the run or belongs to another host, which is not sent to a worker"
        )
        raise _wrong(place, f"{message}; write the template that makes it where it is used")
    if isinstance(value, Mapping):
        return _mapping((str(key), _as_written(item, place)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [_as_written(item, place) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _mapping(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    packed = dict(pairs)
    return {_MAPPING: list(packed.items())} if any(mark in packed for mark in _MARKS) else packed


def _needed(text: str, variables: Mapping[str, Any], templates: Templates) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variables that a template reads, and those that these read: written ones, and given ones."""
    if not isinstance(variables, LazyVariables):
        return {}, {}
    own: dict[str, Any] = {}
    given: dict[str, Any] = {}
    waiting = [*templates.names(text)]
    while waiting:
        name = waiting.pop()
        if name in own or name in given:
            continue
        if name in variables.own:
            own[name] = variables.own[name]
            waiting.extend(name for text in _texts(own[name]) for name in templates.names(text))
        elif name in variables.given:
            given[name] = variables.given[name]
    return own, given


def _texts(value: Any) -> Iterator[str]:
    if is_template(value):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _holds_secret(value: Any) -> bool:
    """Whether a Secret is in a value; other hosts' variables, put together when they are read, are not looked into."""
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_secret, value))
    return isinstance(value, Secret)


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "path": place.path}


def _wrong(place: Place, message: str) -> InputError:
    return InputError([Problem(file=place.file, line=place.line, path=place.path, message=message)])
