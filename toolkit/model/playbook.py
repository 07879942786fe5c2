"""A playbook as data (docs/design.md#playbooks). Templates are still unrendered text in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field


class Place(Struct, frozen=True, kw_only=True):
    """Where something stands: file, 1-based line and path in the document, e.g. `[0].tasks[2]`."""

    file: str = ""
    line: int = 0
    path: str = ""


class Keywords(Struct, frozen=True, kw_only=True):
    """What tasks and blocks share. Conditions are Jinja2 expressions without braces; a bool stands for itself."""

    name: str = ""
    when: tuple[str | bool, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    ignore_errors: bool | str = False
    no_log: bool | str = False
    check_mode: bool | str | None = None
    run_once: bool | str = False
    place: Place = field(default_factory=Place)


class Task(Struct, frozen=True, kw_only=True):
    """One action with its keywords.

    Attributes:
        loop: a list, or a template that gives one; None without.
    """

    keywords: Keywords
    action: str
    arguments: Any
    loop: Any = None
    register: str = ""
    retries: int | str = 0
    delay: float | str = 5
    until: tuple[str | bool, ...] = ()
    changed_when: tuple[str | bool, ...] = ()
    failed_when: tuple[str | bool, ...] = ()
    notify: tuple[str, ...] = ()


class Block(Struct, frozen=True, kw_only=True):
    """Tasks that share keywords; `rescue` runs when one fails, `always` in any case."""

    keywords: Keywords
    block: tuple[Step, ...]
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()


Step = Task | Block


class Play(Struct, frozen=True, kw_only=True):
    """One play. `handlers` run at the end when notified, in the order in which they are written.

    Attributes:
        on_failure, on_success, on_recovery: run once after the play, by how it ended; the last one where it had failed
            the time before.
        max_fail_percentage: the share of a batch's hosts that may fail before the play ends for all; None for any.
    """

    name: str
    hosts: str
    vars: Mapping[str, Any] = field(default_factory=dict)
    vars_files: tuple[str, ...] = ()
    pre_tasks: tuple[Step, ...] = ()
    tasks: tuple[Step, ...] = ()
    post_tasks: tuple[Step, ...] = ()
    handlers: tuple[Task, ...] = ()
    on_failure: tuple[Step, ...] = ()
    on_success: tuple[Step, ...] = ()
    on_recovery: tuple[Step, ...] = ()
    tags: tuple[str, ...] = ()
    serial: int | str = 0
    any_errors_fatal: bool = False
    max_fail_percentage: float | None = None
    place: Place = field(default_factory=Place)


class Playbook(Struct, frozen=True, kw_only=True):
    """A whole playbook file; its stem is the default job."""

    file: Path
    plays: tuple[Play, ...]
