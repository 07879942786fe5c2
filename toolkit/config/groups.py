"""hosts.yml, group_vars and host_vars: which hosts there are, in which groups, with which variables.

Variables win as in Ansible, later over earlier: hosts.yml's for `all`, for other groups (outer before inner, then by
name), group_vars for `all`, for other groups; hosts.yml's for the host, host_vars. A value is replaced, never merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from toolkit.config import document as documents
from toolkit.config import plain_secrets, secrets, validation
from toolkit.config.document import Document, Keys
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place

_ENDINGS = (".yml", ".yaml")


class Variable(Struct, frozen=True, kw_only=True):
    """A variable as written, Secrets in place of their sources, and where it stands."""

    value: Any
    place: Place


class Group(Struct, kw_only=True):
    """A group: its own hosts and child groups, and variables by where they were written."""

    hosts: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    inventory: dict[str, Variable] = field(default_factory=dict)
    files: dict[str, Variable] = field(default_factory=dict)


class HostEntry(Struct, kw_only=True):
    """A host: where it stands first, and its own variables by where they were written."""

    place: Place
    inventory: dict[str, Variable] = field(default_factory=dict)
    files: dict[str, Variable] = field(default_factory=dict)


class Groups(Struct, kw_only=True):
    """All groups and hosts, in the order in which the file names them."""

    groups: dict[str, Group] = field(default_factory=dict)
    hosts: dict[str, HostEntry] = field(default_factory=dict)

    def members(self) -> dict[str, tuple[str, ...]]:
        """Give the hosts of every group, those of its child groups included; with `all` and `ungrouped`."""
        grouped = {host for name, group in self.groups.items() if name not in _IMPLICIT for host in group.hosts}
        members = {"all": tuple(self.hosts), "ungrouped": tuple(host for host in self.hosts if host not in grouped)}
        for name in self.groups:
            if name not in _IMPLICIT:
                within = self._within(name)
                members[name] = tuple(host for host in self.hosts if host in within)
        return members

    def layers(self) -> dict[str, list[tuple[str, Mapping[str, Variable]]]]:
        """Give where every host's variables are written, `group NAME` or `host`, with them; a later one wins."""
        depths, members = self._depths(), self.members()
        ordered = sorted(self.groups, key=lambda name: (name != "all", depths[name], name))
        found: dict[str, list[tuple[str, Mapping[str, Variable]]]] = {host: [] for host in self.hosts}
        for written in ("inventory", "files"):
            for name in ordered:
                variables = getattr(self.groups[name], written)
                for host in members[name] if variables else ():
                    found[host].append((f"group {name}", variables))
        for host, entry in self.hosts.items():
            found[host] += [("host", entry.inventory), ("host", entry.files)]
        return found

    def variables(self) -> dict[str, dict[str, Variable]]:
        """Give all variables of every host, the winning ones."""
        return {
            host: {name: variable for _, variables in layers for name, variable in variables.items()}
            for host, layers in self.layers().items()
        }

    def circles(self) -> Iterator[str]:
        """Give the groups that contain themselves."""
        return (name for name in self.groups if any(name in self._below(child) for child in self.groups[name].children))

    def _below(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        if name in seen:
            return set()
        children = self.groups[name].children
        return {name}.union(*(self._below(child, seen | {name}) for child in children))

    def _within(self, name: str) -> set[str]:
        return {host for group in self._below(name) for host in self.groups[group].hosts}

    def _depths(self) -> dict[str, int]:
        parents: dict[str, list[str]] = {name: [] for name in self.groups}
        for name, group in self.groups.items():
            for child in group.children:
                parents[child].append(name)

        def depth(name: str) -> int:
            return 0 if name == "all" else 1 + max((depth(parent) for parent in parents[name]), default=0)

        return {name: depth(name) for name in self.groups}


_IMPLICIT = ("all", "ungrouped")


def load(inventory: Path, *, control: Path) -> Groups:
    """Read hosts.yml, group_vars and host_vars of an inventory directory.

    Raises:
        InputError: every problem of all these files.
    """
    reader = _Reader(control)
    reader.hosts_file(inventory / "hosts.yml")
    if not reader.problems:
        reader.variable_files(inventory / "group_vars", "group", reader.groups.groups)
        reader.variable_files(inventory / "host_vars", "host", reader.groups.hosts)
    if reader.problems:
        raise InputError(reader.problems)
    return reader.groups


class _Reader:
    def __init__(self, control: Path) -> None:
        self.groups = Groups()
        self.problems: list[Problem] = []
        self._control = control

    def hosts_file(self, path: Path) -> None:
        document = self._read(path, "inventory")
        if document is None:
            return
        for name in document.value:
            self._group(document, name, (name,))
        self.groups.groups.setdefault("all", Group())
        for name in self.groups.circles():
            self.problems.append(document.problem((), f"the group {name} contains itself"))
        for name in self.groups.hosts.keys() & self.groups.groups.keys():
            place = self.groups.hosts[name].place
            self.problems.append(
                Problem(file=place.file, line=place.line, path=place.path, message=f"{name} is a host and a group")
            )

    def variable_files(self, directory: Path, kind: str, known: Mapping[str, Group] | Mapping[str, HostEntry]) -> None:
        """group_vars/NAME.yml, or all files of group_vars/NAME/, and the same of hosts."""
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            if path.name.startswith(".") or (path.is_file() and path.suffix not in _ENDINGS):
                continue
            name = path.name if path.is_dir() else path.stem
            if name not in known:
                message = validation.unknown(name, known, kind)
                self.problems.append(Problem(file=documents.show_file(path, self._control), message=message))
                continue
            for file in sorted(path.iterdir()) if path.is_dir() else (path,):
                if file.suffix in _ENDINGS:
                    known[name].files.update(self._variables_file(file))

    def _variables_file(self, path: Path) -> dict[str, Variable]:
        document = self._read(path, "variables")
        return {} if document is None else self._variables(document, document.value, ())

    def _read(self, path: Path, schema: str) -> Document | None:
        try:
            document = documents.read(path, control=self._control)
        except InputError as error:
            self.problems.extend(error.problems)
            return None
        if document.value is None and schema == "variables":
            return None
        problems = validation.check_document(document, schema)
        self.problems.extend(problems)
        return None if problems else document

    def _group(self, document: Document, name: str, path: Keys) -> None:
        written = _at(document.value, path) or {}
        group = self.groups.groups.setdefault(name, Group())
        for host, variables in (written.get("hosts") or {}).items():
            at = (*path, "hosts", host)
            entry = self.groups.hosts.setdefault(host, HostEntry(place=document.place(at)))
            entry.inventory |= self._variables(document, variables or {}, at)
            if host not in group.hosts:
                group.hosts.append(host)
        group.inventory |= self._variables(document, written.get("vars") or {}, (*path, "vars"))
        for child in written.get("children") or {}:
            if child not in group.children:
                group.children.append(child)
            self._group(document, child, (*path, "children", child))

    def _variables(self, document: Document, written: Mapping[str, Any], path: Keys) -> dict[str, Variable]:
        variables: dict[str, Variable] = {}
        for name, value in written.items():
            place = document.place((*path, name))
            self.problems.extend(plain_secrets.problems(name, value, place))
            variables[name] = Variable(value=secrets.with_secrets(value, place, self._control), place=place)
        return variables


def _at(value: Any, path: Keys) -> Any:
    for part in path:
        value = value[part]
    return value
