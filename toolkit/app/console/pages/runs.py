"""`/runs/ID`: a run."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console.site import site_of
from toolkit.errors import InputError


def run(request: Request) -> Response:
    """Show the playbook of a run."""
    site = site_of(request)
    place = site.runs / request.path_params["run"]
    if not place.is_dir():
        raise InputError(f"there is no run {place.name}")
    text = (place / "playbook.yml").read_text("utf-8")
    return site.page(request, "run.html", title=f"Run {place.name}", run=place.name, playbook=text)


ROUTES = (Route("/runs/{run:run_id}", run, name="run"),)
