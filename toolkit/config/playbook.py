"""Playbook files as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.config import document as documents
from toolkit.config import plain_secrets, secrets, validation
from toolkit.config.document import Document, Keys
from toolkit.errors import InputError
from toolkit.model.playbook import Block, Keywords, Play, Playbook, Step, Task


def load(path: Path, *, control: Path | None = None, keep: Callable[[bytes], object] | None = None) -> Playbook:
    """Read and check a playbook.

    Args:
        control: the control directory, for file names in problems and for the sources of secrets; the working
            directory when left out.
        keep: takes the file as it was read.

    Raises:
        InputError: every problem the file has.
    """
    document = documents.read(path, control=control, keep=keep)
    problems = validation.check_document(document, "playbook")
    if problems:
        raise InputError(problems)
    reader = _Reader(document, control or Path.cwd())
    return Playbook(file=path, plays=tuple(reader.play((index,)) for index in range(len(document.value))))


def load_variables(path: Path, *, control: Path | None = None) -> dict[str, Any]:
    """Read and check a file of variables (`vars_files`, `--extra-vars @FILE`); secrets' sources become Secrets.

    Raises:
        InputError: every problem the file has.
    """
    document = documents.read(path, control=control)
    if document.value is None:
        return {}
    problems = validation.check_document(document, "vars-file")
    for name, value in document.value.items() if not problems else ():
        written = plain_secrets.problems(name, value, document.place((name,)))
        # what stands elsewhere is not shared with the control directory; it is hidden all the same
        problems += written if path.absolute().is_relative_to((control or Path.cwd()).absolute()) else []
    if problems:
        raise InputError(problems)
    return _Reader(document, control or Path.cwd()).variables(document.value, ())


class _Reader:
    """Builds the model from a document that has been checked."""

    def __init__(self, document: Document, control: Path) -> None:
        self._document = document
        self._control = control

    def play(self, path: Keys) -> Play:
        written = _at(self._document.value, path)
        handlers = [self._task((*path, "handlers", index)) for index in range(len(written.get("handlers", ())))]
        return Play(
            name=written.get("name", ""),
            hosts=",".join(_several(written["hosts"])),
            vars=self.variables(written.get("vars", {}), (*path, "vars")),
            vars_files=_several(written.get("vars_files", ())),
            pre_tasks=self._steps((*path, "pre_tasks")),
            tasks=self._steps((*path, "tasks")),
            post_tasks=self._steps((*path, "post_tasks")),
            handlers=tuple(handlers),
            on_failure=self._steps((*path, "on_failure")),
            on_success=self._steps((*path, "on_success")),
            on_recovery=self._steps((*path, "on_recovery")),
            tags=_tags(written),
            serial=written.get("serial", 0),
            any_errors_fatal=written.get("any_errors_fatal", False),
            max_fail_percentage=written.get("max_fail_percentage"),
            place=self._document.place(path),
        )

    def variables(self, written: Mapping[str, Any], path: Keys) -> dict[str, Any]:
        """Variables with Secrets in place of their sources."""
        return {
            name: secrets.with_secrets(value, self._document.place((*path, name)), self._control)
            for name, value in written.items()
        }

    def _steps(self, path: Keys) -> tuple[Step, ...]:
        written = _at(self._document.value, path[:-1]).get(path[-1], ())
        return tuple(self._step((*path, index)) for index in range(len(written)))

    def _step(self, path: Keys) -> Step:
        if "block" not in _at(self._document.value, path):
            return self._task(path)
        return Block(
            keywords=self._keywords(path),
            block=self._steps((*path, "block")),
            rescue=self._steps((*path, "rescue")),
            always=self._steps((*path, "always")),
        )

    def _task(self, path: Keys) -> Task:
        written = _at(self._document.value, path)
        action = next(key for key in written if key in validation.actions())
        return Task(
            keywords=self._keywords(path),
            action=action,
            # the arguments themselves may look like a source (`sql: {file: …}`); what they hold may be one
            arguments=self.variables(written[action], (*path, action)),
            loop=written.get("loop"),
            register=written.get("register", ""),
            retries=written.get("retries", 3 if "until" in written else 0),
            delay=written.get("delay", 5),
            until=_conditions(written.get("until", ())),
            changed_when=_conditions(written.get("changed_when", ())),
            failed_when=_conditions(written.get("failed_when", ())),
            notify=_several(written.get("notify", ())),
        )

    def _keywords(self, path: Keys) -> Keywords:
        written = _at(self._document.value, path)
        return Keywords(
            name=written.get("name", ""),
            when=_conditions(written.get("when", ())),
            vars=self.variables(written.get("vars", {}), (*path, "vars")),
            tags=_tags(written),
            ignore_errors=written.get("ignore_errors", False),
            no_log=written.get("no_log", False),
            check_mode=written.get("check_mode"),
            run_once=written.get("run_once", False),
            place=self._document.place(path),
        )


def _at(value: Any, path: Keys) -> Any:
    for part in path:
        value = value[part]
    return value


def _several(written: Any) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else tuple(written)


def _tags(written: Mapping[str, Any]) -> tuple[str, ...]:
    # as in Ansible, one text may hold several tags with commas between
    return tuple(tag.strip() for text in _several(written.get("tags", ())) for tag in text.split(",") if tag.strip())


def _conditions(written: Any) -> tuple[str | bool, ...]:
    return (written,) if isinstance(written, str | bool) else tuple(written)
