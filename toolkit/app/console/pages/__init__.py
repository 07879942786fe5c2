"""The pages, in the order in which the menu names them."""

from __future__ import annotations

from starlette.routing import BaseRoute

from toolkit.app.console import addresses as addresses  # before the pages, whose addresses name its kinds
from toolkit.app.console.bounded import bounded
from toolkit.app.console.pages import (
    backup,
    backup_deeds,
    backup_details,
    backups,
    catalog,
    differences,
    kept,
    overview,
    repositories,
    restore,
    runs,
    schedules,
    thinning,
    verify,
)

PAGES = (
    overview,
    backup,
    backups,
    kept,
    backup_details,
    backup_deeds,
    restore,
    verify,
    differences,
    repositories,
    thinning,
    runs,
    catalog,
    schedules,
)
"""A line for each, so that one is added without touching others."""


def routes() -> list[BaseRoute]:
    """Give the routes of all pages."""
    return [bounded(route) for page in PAGES for route in page.ROUTES]
