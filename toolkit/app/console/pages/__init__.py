"""The pages, in the order in which the menu names them."""

from __future__ import annotations

from starlette.routing import BaseRoute

from toolkit.app.console import addresses as addresses  # before the pages, whose addresses name its kinds
from toolkit.app.console.pages import overview, restore, runs


def routes() -> list[BaseRoute]:
    """Give the routes of all pages."""
    return [route for page in (overview, restore, runs) for route in page.ROUTES]
