"""`/`: how it stands."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console.site import site_of


def overview(request: Request) -> Response:
    """Show the hosts."""
    site = site_of(request)
    return site.page(request, "overview.html", title="Overview", hosts=site.inventory().select("all"))


ROUTES = (Route("/", overview, name="overview"),)
