"""What an inventory comes to: every variable of a host with its value, where that was written, and what it is over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from toolkit.config import document as documents
from toolkit.config.inventory import LoadedInventory
from toolkit.config.secrets import SourcedSecret, is_source
from toolkit.config.templates import Templates, is_template
from toolkit.errors import InputError
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

HIDDEN: Final = "***"
EXTRA: Final = "--extra-vars"
DEFAULT: Final = "default"
_UNSET: Final = ("catalog", "repository", "direct", "device", "programs")
"""The variables that we read ourselves and that may be left out."""


class Origin(Struct, frozen=True, kw_only=True):
    """Where a value was written.

    Attributes:
        source: `group NAME`, `host`, `--extra-vars`, or `default` where it was not.
    """

    source: str
    place: Place


class Setting(Struct, frozen=True, kw_only=True):
    """A variable, or a setting of a repository.

    Attributes:
        value: as JSON has it, templates rendered, secrets hidden.
        template: what was written, where it was rendered; empty where not.
        problem: why it could not be rendered; `value` is as written then.
        secrets: below which path of the value a secret is, and where it is found, such as `env SHOP_PASSWORD`.
        overrides: values that this one takes the place of, the nearest first.
    """

    name: str
    value: Any
    origin: Origin
    template: str = ""
    problem: str = ""
    secrets: Mapping[str, str]
    overrides: tuple[Origin, ...] = ()


def settings_of(inventory: LoadedInventory, host: str, extra: Mapping[str, Any]) -> list[Setting]:
    """Give the variables of a host by name; InputError where there is no such host."""
    found: dict[str, list[tuple[Origin, Any]]] = {}
    for source, variables in inventory.layers(host):
        for name, variable in variables.items():
            found.setdefault(name, []).append((Origin(source=source, place=variable.place), variable.value))
    for name, value in extra.items():
        found.setdefault(name, []).append((Origin(source=EXTRA, place=Place()), value))
    for name in _UNSET:
        if name not in found:
            found[name] = [(Origin(source=DEFAULT, place=Place()), None)]
    templates = Templates()
    given = {"inventory_hostname": host, "groups": {name: list(hosts) for name, hosts in inventory.groups.items()}}
    # a command that gives a secret may ask somebody: nothing is revealed, and templates see what is shown
    written = {name: _shown(values[-1][1]) for name, values in found.items() if values[-1][0].source != DEFAULT}
    known = templates.lazy(written, given, inventory.place(host))
    return [_setting(name, found[name], templates, known) for name in sorted(found)]


def repository_settings(inventory: LoadedInventory) -> dict[str, list[Setting]]:
    """Give the settings of every repository, as written."""
    path = inventory.inventory_directory / "repositories.yml"
    if not path.exists():
        return {}
    read = documents.read(path, control=inventory.directory)
    return {
        name: [
            Setting(
                name=key,
                value=_repository_value(key, value),
                origin=Origin(source="repository", place=read.place((name, key))),
                secrets={"": _source(value)} if is_source(value) else {},
            )
            for key, value in written.items()
        ]
        for name, written in (read.value or {}).items()
    }


def _setting(name: str, values: list[tuple[Origin, Any]], templates: Templates, known: Mapping[str, Any]) -> Setting:
    origin, written = values[-1]
    value, problem, template = written, "", written if is_template(written) else ""
    try:
        value = templates.render(_shown(written), known, origin.place)
    except InputError as error:
        problem = "; ".join(each.message for each in error.problems)
    return Setting(
        name=name,
        value=value,
        origin=origin,
        template=template,
        problem=problem,
        secrets=dict(_secrets(written, "")),
        overrides=tuple(each for each, _ in reversed(values[:-1])),
    )


def _repository_value(key: str, value: Any) -> Any:
    """A setting as it is, or what its environment variable says where that is no secret; None where that is not set."""
    if not is_source(value):
        return value
    return HIDDEN if key.endswith("_key") and key != "sse_key" else os.environ.get(str(value.get("env")))


def _shown(value: Any) -> Any:
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value


def _secrets(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, SourcedSecret) and value.written is not None:
        yield path, _source(value.written.source)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _secrets(item, f"{path}[{index}]")


def _source(source: Mapping[str, Any]) -> str:
    """Where a secret is found; of a command its program alone."""
    ((kind, argument),) = source.items()
    return f"{kind} {argument[0] if isinstance(argument, list) else argument}"
