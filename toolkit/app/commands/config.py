"""`config`: the effective inventory and variables, and where each value came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.output.answer import WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.config.effective import Origin, Setting

LONG = 72
"""More characters of a value are shown as JSON only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `config` is given."""

    extra_vars: tuple[str, ...] = command.texts(
        "a variable as name=value, several as JSON, or @FILE.yml, as for run; may be given again"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Answer):
    """The hosts with their variables, and the repositories with their settings.

    Attributes:
        groups: of every host the groups it is in.
    """

    directory: str
    inventory: str
    groups: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, list[Setting]]
    repositories: Mapping[str, list[Setting]]

    def lines(self) -> Iterator[Line]:
        """Give a table for each host and repository."""
        yield Line(f"control directory {self.directory}, inventory {self.inventory}")
        for name, settings in self.hosts.items():
            yield Line()
            yield Line(f"host {name} (groups: {', '.join(self.groups[name]) or 'none'})")
            yield from _table("variable", settings)
        for name, settings in self.repositories.items():
            yield Line()
            yield Line(f"repository {name}")
            yield from _table("setting", settings)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {
            "directory": self.directory,
            "inventory": self.inventory,
            "hosts": {
                name: {
                    "groups": list(self.groups[name]),
                    "variables": {each.name: _document(each) for each in settings},
                }
                for name, settings in self.hosts.items()
            },
            "repositories": {
                name: {each.name: _document(each) for each in settings} for name, settings in self.repositories.items()
            },
        }


def _table(what: str, settings: list[Setting]) -> Iterator[Line]:
    rows = [(f"  {each.name}", _value(each), _origin(each.origin), _note(each)) for each in settings]
    styles = ["", *(WARNING if each.problem else "" for each in settings)]
    for line, style in zip(wording.table((f"  {what}", "value", "from", ""), rows), styles, strict=True):
        yield Line(line, style, foreign=True)


def _value(setting: Setting) -> str:
    if setting.value is None and (setting.secrets or setting.origin.source == "default"):
        return "(not set)"
    value = setting.value
    text = wording.one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def _origin(origin: Origin) -> str:
    place = f"{origin.place.file}:{origin.place.line}" if origin.place.file else ""
    source = "" if origin.source == "repository" else origin.source
    return f"{place} ({source})" if place and source else place or source


def _note(setting: Setting) -> str:
    notes = [f"{f'{path} ' if path else ''}from {source}" for path, source in setting.secrets.items()]
    if setting.problem:
        notes.append(setting.problem)
    elif setting.template:
        notes.append(f"written {setting.template}")
    notes += [f"over {_origin(each)}" for each in setting.overrides]
    return "; ".join(notes)


def _document(setting: Setting) -> dict[str, Any]:
    from toolkit.output.report import plain

    told: dict[str, Any] = {"value": setting.value, **_place(setting.origin)}
    optional = {
        "template": setting.template,
        "problem": setting.problem,
        "secrets": dict(setting.secrets),
        "overrides": [_place(each) for each in setting.overrides],
    }
    shown: dict[str, Any] = plain(told | {key: value for key, value in optional.items() if value})
    return shown


def _place(origin: Origin) -> dict[str, Any]:
    place = origin.place
    return {"source": origin.source, "file": place.file or None, "line": place.line or None}


def _config(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.run_options import extra_variables
    from toolkit.config.document import show_file
    from toolkit.config.effective import repository_settings, settings_of

    extra = extra_variables(given.extra_vars, call.control)
    inventory = call.control.load_inventory()
    if call.host:
        inventory.layers(call.host)
    names = [call.host] if call.host else list(inventory.groups["all"])
    settings = {name: settings_of(inventory, name, extra) for name in names}
    used = {each.value for own in settings.values() for each in own if each.name == "repository"}
    yield Configuration(
        directory=str(inventory.directory),
        inventory=show_file(inventory.inventory_directory, inventory.directory),
        groups={
            name: tuple(group for group, hosts in inventory.groups.items() if name in hosts and group != "ungrouped")
            for name in names
        },
        hosts=settings,
        repositories={
            name: each for name, each in repository_settings(inventory).items() if not call.host or name in used
        },
    )


COMMAND = Command(
    name="config",
    summary="Show the effective inventory and variables, and where each value came from",
    usage="[--host H] [--extra-vars k=v]",
    needs=(HOST._replace(help="only this host, and the repository that it has"), INVENTORY, JSON),
    options=Options,
    body=_config,
)
"""Reads the inventory alone: no database and no repository is opened, and no secret is revealed."""
