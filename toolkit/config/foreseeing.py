"""What templates of a playbook will give as far as the inventory and the playbook's own variables settle it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolkit.config import patterns
from toolkit.config.inventory import LoadedInventory
from toolkit.config.templates import Templates
from toolkit.errors import InputError
from toolkit.model.playbook import Place


class Foreseen:
    """Knows the variables of the hosts of one play that nothing sets while it runs."""

    def __init__(
        self,
        play: Mapping[str, Any],
        inventory: LoadedInventory,
        *,
        templates: Templates,
        more: Mapping[str, Any],
        extra: Mapping[str, Any],
    ) -> None:
        """Put them together.

        Args:
            more: what the files of variables of the play say.
            extra: variables that win over all others.
        """
        self._templates = templates
        set_later = set(_set_by(play)) - extra.keys()
        written = {**play.get("vars", {}), **more}
        hosts = play["hosts"] if isinstance(play["hosts"], list) else [play["hosts"]]
        self._hosts: dict[str, Mapping[str, Any]] = {}
        try:
            for name in patterns.select(",".join(hosts), inventory.groups):
                own = {**inventory.host(name).variables, **written, **extra}
                self._hosts[name] = {key: value for key, value in own.items() if key not in set_later}
        except InputError:  # whatever it is, it is told where it stands
            self._hosts.clear()

    def values(self, written: str, loop: object = None) -> set[str]:
        """Give the texts that a template will give on any host; none where a result or a fact decides.

        Args:
            loop: the list that the task loops over.
        """
        found: set[str] = set()
        for host, own in self._hosts.items():
            for item in loop if isinstance(loop, list) else [None]:
                try:
                    value = self._rendered(written, own, {"inventory_hostname": host}, item)
                except InputError:
                    continue
                found |= {each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)}
        return found

    def _rendered(self, written: str, own: Mapping[str, Any], given: Mapping[str, Any], item: object) -> Any:
        if item is not None:
            variables = self._templates.lazy(own, given, Place())
            given = {**given, "item": self._templates.render(item, variables, Place())}
        return self._templates.render(written, self._templates.lazy(own, given, Place()), Place())


def _set_by(step: Any) -> Iterator[str]:
    """The names that steps of a play set: results, facts, and variables of their own."""
    if isinstance(step, Mapping):
        for key, value in step.items():
            if key == "register" and isinstance(value, str):
                yield value
            elif (key == "set_fact" and isinstance(value, Mapping)) or (
                key == "vars" and "hosts" not in step and isinstance(value, Mapping)
            ):
                yield from map(str, value)
            yield from _set_by(value)
    elif isinstance(step, Sequence) and not isinstance(step, str):
        for each in step:
            yield from _set_by(each)
