"""What a task takes over from its blocks and its play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.model.playbook import Keywords, Place


class Condition(Struct, frozen=True, kw_only=True):
    """A condition and where it stands."""

    expression: str | bool
    place: Place


class Inherited(Struct, frozen=True, kw_only=True):
    """The keywords in force at a place: the play's, then each block's, then the task's own.

    Attributes:
        vars: block and task variables, the inner ones win.
        when: every condition that must hold, the outer ones first.
        check_mode: None where nobody set it.
    """

    vars: Mapping[str, Any] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    tags: frozenset[str] = frozenset()
    ignore_errors: bool | str = False
    no_log: bool | str = False
    check_mode: bool | str | None = None
    run_once: bool | str = False

    def enter(self, keywords: Keywords) -> Inherited:
        """Give what holds inside a block, or for a task, with these keywords."""
        return replace(
            self,
            vars={**self.vars, **keywords.vars},
            when=(
                *self.when,
                *(Condition(expression=expression, place=keywords.place) for expression in keywords.when),
            ),
            tags=self.tags | frozenset(keywords.tags),
            ignore_errors=keywords.ignore_errors or self.ignore_errors,
            no_log=keywords.no_log or self.no_log,
            check_mode=self.check_mode if keywords.check_mode is None else keywords.check_mode,
            run_once=keywords.run_once or self.run_once,
        )
