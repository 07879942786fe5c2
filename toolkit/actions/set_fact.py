"""The action `set_fact`: variables that last for the rest of the run."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, about, matching
from toolkit.actions.context import Context
from toolkit.model.outcome import Outcome

VariableName = Annotated[
    str,
    matching("^[A-Za-z_][A-Za-z0-9_]*$", "not a variable name: letters, digits and _, not beginning with a digit"),
]


class SetFactArguments(Arguments, frozen=True, kw_only=True):
    """The variables, which are all the arguments there are."""

    facts: Annotated[
        dict[VariableName, Any],
        Meta(min_length=1, extra_json_schema={"errorMessage": {"minProperties": "name at least one variable"}}),
        about("The variables by name.", {"label": "{{ backup.label }}"}),
    ]


def run(arguments: SetFactArguments, context: Context) -> Outcome:
    """Give every argument as a fact; the runner keeps them as variables of the host. Changes nothing outside."""
    del context
    return Outcome(facts=arguments.facts)


ACTION = Action(
    name="set_fact",
    does="Set variables of the host for the rest of the run.",
    examples=({"label": "{{ backup.label }}"},),
    arguments=SetFactArguments,
    run=run,
    whole="facts",
    gives_facts=True,
    shows_arguments=True,
    on_leader=True,
)
