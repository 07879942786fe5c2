"""What an argument of an action means beyond its shape, for whoever checks playbooks without running them."""

from __future__ import annotations

from enum import StrEnum

ROLE = "x-role"
"""The keyword of an argument's schema that holds its role."""


class Role(StrEnum):
    """The roles of arguments.

    Attributes:
        REPOSITORY: names a repository of the inventory or a bundle, or several.
        HOST: names a host of the inventory.
        DATABASE: names a host, `embedded:NAME`, or `HOST:DATABASE` on the server of a host.
        EXPRESSION: is a Jinja2 expression, or several, without braces.
        FILE: names a file below the control directory that has to be there.
        SHIPPED_FILE: names such a file, or one that is shipped.
        DURATION: is a duration such as `14d`.
        TIME_ZONE: is the IANA's name of a time zone.
    """

    REPOSITORY = "repository"
    HOST = "host"
    DATABASE = "database"
    EXPRESSION = "expression"
    FILE = "file"
    SHIPPED_FILE = "shipped-file"
    DURATION = "duration"
    TIME_ZONE = "time-zone"
