"""The inventory directory: hosts, repositories and catalogs by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from toolkit.config import catalog, conninfo, groups, masking, patterns, repositories, secrets, validation
from toolkit.config.document import below, show_below, show_file
from toolkit.config.expectations import expectations, is_restored
from toolkit.config.groups import Groups, Variable
from toolkit.config.misspelt import misspelt, playbook_texts
from toolkit.config.secrets import SourcedSecret
from toolkit.config.templates import Templates, is_template
from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Catalog
from toolkit.model.expectation import Expectation
from toolkit.model.host import BundleRepository, Host, RepositoryConfig
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

_NAMES = ("catalog", "repository", "device", "programs")
_TYPED = ("database", "direct", "expect", *_NAMES)
SETTINGS: Final = frozenset(_TYPED)
"""The variables of a host that decide what is backed up from where to where; others are for templates alone."""


def load(directory: Path, *, control: Path | None = None, extra: Mapping[str, Any] | None = None) -> LoadedInventory:
    """Read and check an inventory directory.

    Args:
        directory: holds hosts.yml, repositories.yml, group_vars, host_vars and catalogs.
        control: the control directory; when left out, the parent of a directory called `inventory`, else `directory`.
        extra: variables that win over those of every host.

    Raises:
        InputError: every problem of hosts.yml, repositories.yml, group_vars and host_vars.
    """
    control = (control or (directory.parent if directory.absolute().name == "inventory" else directory)).absolute()
    secrets.hide_environment()
    problems: list[Problem] = []
    found = Groups()
    stores: Mapping[str, RepositoryConfig] = {}
    try:
        found = groups.load(directory, control=control)
    except InputError as error:
        problems.extend(error.problems)
    try:
        stores = repositories.load(directory / "repositories.yml", control=control)
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    masking.publish({*found.hosts, *found.groups, *stores})
    return LoadedInventory(inventory=directory, control=control, groups=found, repositories=stores, extra=extra or {})


class LoadedInventory:
    """An inventory that has been read and checked; hosts and catalogs are made when they are first asked for."""

    def __init__(
        self,
        *,
        inventory: Path,
        control: Path,
        groups: Groups,
        repositories: Mapping[str, RepositoryConfig],
        extra: Mapping[str, Any],
    ) -> None:
        self._inventory = inventory
        self._control = control
        self._tree = groups
        self._groups = groups.members()
        over = {name: Variable(value=value, place=Place(path=f"--extra-vars {name}")) for name, value in extra.items()}
        self._variables = {host: {**own, **over} for host, own in groups.variables().items()}
        self._repositories = repositories
        self._templates = Templates()
        self._hosts: dict[str, Host] = {}
        self._catalogs: dict[str, Catalog] = {}

    @property
    def directory(self) -> Path:
        """The control directory, absolute: relative paths and `.playback` are below it."""
        return self._control

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the hosts of every group, in the inventory's order; `all` and `ungrouped` among them."""
        return self._groups

    @property
    def repositories(self) -> Mapping[str, RepositoryConfig]:
        """All repositories by name."""
        return self._repositories

    @property
    def catalogs(self) -> tuple[str, ...]:
        """The names of all catalog files."""
        return tuple(sorted(path.stem for path in (self._inventory / "catalogs").glob("*.yml")))

    def catalog_file(self, name: str) -> Path:
        """Say where the catalog of that name is, or would be."""
        return self._inventory / "catalogs" / f"{name}.yml"

    def layers(self, host: str) -> list[tuple[str, Mapping[str, Variable]]]:
        """Give where a host's variables were written, a later one winning; InputError where there is no such host."""
        if host not in self._tree.hosts:
            self._unknown("hosts.yml", host, self._tree.hosts, "host")
        return self._layers[host]

    @cached_property
    def _layers(self) -> Mapping[str, list[tuple[str, Mapping[str, Variable]]]]:
        return self._tree.layers()

    def place(self, host: str) -> Place:
        """Say where a host stands."""
        return self._tree.hosts[host].place

    @property
    def inventory_directory(self) -> Path:
        """Where hosts.yml is."""
        return self._inventory

    def select(self, pattern: str) -> list[Host]:
        """Give the hosts that an Ansible host pattern picks out, in the inventory's order; possibly none.

        Raises:
            InputError: a part of the pattern names no host or group, with the known names and the nearest.
        """
        file = show_file(self._inventory / "hosts.yml", self._control)
        problems = [Problem(file=file, message=text) for text in patterns.unknown_names(pattern, self._groups)]
        if problems:
            raise InputError(problems)
        return [self.host(name) for name in patterns.select(pattern, self._groups)]

    def host(self, name: str) -> Host:
        """Give the host of that name. Its `variables` are as written, templates unrendered.

        Raises:
            InputError: no such host, it has no database, or its database, catalog, repository or device does not render
                or is not valid.
        """
        if name not in self._tree.hosts:
            self._unknown("hosts.yml", name, self._tree.hosts, "host")
        if name not in self._hosts:
            self._hosts[name] = self._made(name)
        return self._hosts[name]

    def repository(self, name: str) -> RepositoryConfig:
        """Give the repository of that name, or the bundle in `bundle:FILE`; InputError when there is none."""
        if (bundle := BundleRepository.of(name, self._control)) is not None:
            return bundle
        if name not in self._repositories:
            shown = show_file(self._inventory / "repositories.yml", self._control)
            message = validation.unknown_repository(name, self._repositories)
            raise InputError([Problem(file=shown, message=message)])
        return self._repositories[name]

    def catalog(self, name: str) -> Catalog:
        """Give the catalog of that name, read and checked; InputError when there is none or it has problems."""
        if name not in self.catalogs:
            self._unknown("catalogs", name, self.catalogs, "catalog")
        if name not in self._catalogs:
            self._catalogs[name] = catalog.load(self._inventory / "catalogs" / f"{name}.yml", control=self._control)
        return self._catalogs[name]

    def problems(self, *, unused: bool = True, playbook: Path | None = None) -> list[Problem]:
        """Give every problem that shows only when the hosts and catalogs are made: for lint, which makes them all.

        Args:
            unused: those of catalogs that no host names too; somebody may be at work on them.
            playbook: one more whose templates may use variables, beside those of the control directory.
        """
        found: list[Problem] = []
        texts = partial(playbook_texts, self._control, playbook)
        found.extend(misspelt([layer for each in self._layers.values() for _, layer in each], self._templates, texts))
        for name in self._tree.hosts:
            try:
                host = self.host(name)
            except InputError as error:
                found.extend(error.problems)
                continue
            variables = self._variables[name]
            named: tuple[tuple[str, str, Collection[str]], ...] = (
                ("catalog", host.catalog, self.catalogs),
                ("repository", host.repository, self._repositories),
            )
            expected = (("expect", name, self._repositories) for each in host.expect for name in each.repositories)
            for key, value, known in (*named, *expected):
                if value and value not in known and not (key == "repository" and self._is_bundle(value)):
                    what = "repository" if key == "expect" else key
                    place = variables[key].place
                    is_repository = what == "repository"
                    message = (
                        validation.unknown_repository(value, known)
                        if is_repository
                        else validation.unknown(value, known, what)
                    )
                    found.append(Problem(file=place.file, line=place.line, path=place.path, message=message))
            for variable in variables.values():
                found.extend(self._syntax_problems(variable.value, variable.place))
        used = {host.catalog for host in self._hosts.values()}
        for name in self.catalogs:
            if not unused and name not in used:
                continue
            try:
                self.catalog(name)
            except InputError as error:
                found.extend(error.problems)
        return list(dict.fromkeys(found))

    def _is_bundle(self, value: str) -> bool:
        return BundleRepository.of(value, self._control) is not None

    def _syntax_problems(self, value: Any, place: Place) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._syntax_problems(item, below(place, f".{key}"))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._syntax_problems(item, below(place, f"[{index}]"))
        elif is_template(value):
            message = self._templates.syntax_problem(value)
            if message:
                yield Problem(file=place.file, line=place.line, path=place.path, message=message)

    def _unknown(self, file: str, name: str, known: Mapping[str, object] | tuple[str, ...], what: str) -> None:
        shown = show_file(self._inventory / file, self._control)
        raise InputError([Problem(file=shown, message=validation.unknown(name, known, what))])

    def _made(self, name: str) -> Host:
        variables = self._variables[name]
        if "database" not in variables:
            place = self._tree.hosts[name].place
            message = f"the host {name} has no database; give it here or to one of its groups"
            raise InputError([Problem(file=place.file, line=place.line, path=place.path, message=message)])
        typed = self._typed(name, variables)
        typed |= {key: secrets.plain(typed[key]) for key in _NAMES if key in typed}
        device = typed.get("device") or {}
        return Host(
            name=name,
            database=_database(typed["database"], variables["database"].place),
            direct=_database(typed["direct"], variables["direct"].place) if "direct" in typed else "",
            catalog=typed.get("catalog", ""),
            repository=typed.get("repository", ""),
            device_id=device.get("id"),
            device_name=device.get("name"),
            device_node=device.get("node"),
            programs=typed.get("programs", ""),
            expect=_expected(typed.get("expect", {}), variables),
            restored=is_restored(typed.get("expect", {})),
            variables={key: variable.value for key, variable in variables.items()},
        )

    def _typed(self, name: str, variables: Mapping[str, Variable]) -> dict[str, Any]:
        """The variables that we read ourselves, rendered with the host's other ones and checked again."""
        written = {key: variable.value for key, variable in variables.items()}
        known = self._templates.lazy(written, {"inventory_hostname": name}, self._tree.hosts[name].place)
        problems: list[Problem] = []
        typed: dict[str, Any] = {}
        for key in (key for key in _TYPED if key in variables):
            place = variables[key].place
            try:
                typed[key] = self._templates.render(written[key], known, place)
            except InputError as error:
                problems.extend(error.problems)
                continue
            for finding in validation.check({key: typed[key]}, "variables", rendered=True):
                path = place.path + show_below(finding.path[1:])
                problems.append(Problem(file=place.file, line=place.line, path=path, message=finding.message))
        if problems:
            raise InputError(problems)
        return typed


def _expected(written: Mapping[str, Any], variables: Mapping[str, Variable]) -> tuple[Expectation, ...]:
    try:
        return expectations(written)
    except ValueError as error:
        place = variables["expect"].place
        raise InputError([Problem(file=place.file, line=place.line, path=place.path, message=str(error))]) from error


def _database(value: Any, place: Place) -> str | Secret:
    if isinstance(value, Secret):
        return SourcedSecret(lambda: _checked(value.reveal(), place))
    if isinstance(value, str):
        return _checked(value, place)
    if not any(isinstance(part, Secret) for part in value.values()):
        return conninfo.from_parts(value)
    return SourcedSecret(
        lambda: conninfo.from_parts(
            {key: part.reveal() if isinstance(part, Secret) else part for key, part in value.items()}
        )
    )


def _checked(text: str, place: Place) -> str:
    """The text of a database, which stays out of the message since it may hold a password."""
    if not conninfo.is_database(text):
        message = "neither a libpq URI (postgresql://…) nor a conninfo (host=… dbname=…) nor embedded:NAME"
        raise InputError([Problem(file=place.file, line=place.line, path=place.path, message=message)])
    # servers and drivers repeat single parts, not the whole text
    masking.remember(conninfo.password_in(text))
    return text
