"""The options of a run that hold whoever begins it, a person or a timer: `run` and `schedule` have them from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from toolkit.app import command

_WITH_FILES: Final = ("limit", "extra_vars")
"""Those in which `@FILE` stands for what is in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRun:
    """What a run is asked, as text."""

    limit: str = command.text("run only on hosts of this pattern, or on those that a file names: @FILE")
    tags: str = command.text("run only tasks with one of these tags, separated by commas")
    skip_tags: str = command.text("run no task with one of these tags")
    forks: str = command.text("how many hosts at the same time (default: 1; in processes as many as there are)")
    executor: str = command.text(
        "where tasks run: threads, processes of this machine, dask for Dask's, or dask:ADDRESS for a cluster",
        default="threads",
    )
    extra_vars: tuple[str, ...] = command.texts(
        "a variable as name=value, several as JSON, or @FILE.yml; may be given again"
    )

    def asked(self) -> Mapping[str, Any]:
        """Give these options by name, for another command that has them."""
        return {each.name: getattr(self, each.name) for each in fields(AskedRun)}

    def words(self, file: Callable[[str], str]) -> Iterator[str]:
        """Give these options as words of a command line, without those that were left out.

        Args:
            file: gives a file as it is named there.
        """
        for each in fields(AskedRun):
            value = getattr(self, each.name)
            for text in value if isinstance(value, tuple) else (value,):
                if text != each.default:
                    named = each.name in _WITH_FILES and text.startswith("@")
                    yield f"--{each.name.replace('_', '-')}={f'@{file(text[1:])}' if named else text}"
