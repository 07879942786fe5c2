"""What an argument of an action means beyond its shape, for whoever checks playbooks without running them."""

from __future__ import annotations

from enum import StrEnum

ROLE = "x-role"
"""The keyword of an argument's schema that holds its role."""


class Role(StrEnum):
    """The roles of arguments.

    Attributes:
        REPOSITORY: names a repository of the inventory, or several.
        HOST: names a host of the inventory, or one that a task makes.
        NEW_HOST: gives the name of a host that the task makes.
        EXPRESSION: is a Jinja2 expression, or several, without braces.
        FILE: names a file below the control directory that has to be there.
        DURATION: is a duration such as `14d`.
        TIME_ZONE: is the IANA's name of a time zone.
    """

    REPOSITORY = "repository"
    HOST = "host"
    NEW_HOST = "new-host"
    EXPRESSION = "expression"
    FILE = "file"
    DURATION = "duration"
    TIME_ZONE = "time-zone"
