"""`/`: how every host stands, and what to do where something is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console.site import Site, site_of
from toolkit.app.overview.standing import Overview
from toolkit.app.overview.watching import Watch

WAIT: Final = 0.7
"""Seconds that a page waits for hosts and repositories; what they have not answered by then comes later."""


def overview(request: Request) -> Response:
    """Show how everything stands, as far as it is known; to a newcomer, how to begin."""
    site = site_of(request)
    if not site.control.has_inventory and not site.control.inventory:
        return _beginning(request, site)
    found = _watch(request).overview(wait=WAIT)
    if not any(host.known for host in found.hosts):
        return _beginning(request, site, found)
    return site.page(request, "overview.html", title="Overview", **_data(found, site.now()))


def now(request: Request) -> Response:
    """Show the same as a part of the page; nothing where it has not changed since it was seen."""
    data = _data(_watch(request).overview(wait=WAIT), site_of(request).now())
    if request.query_params.get("seen") == data["state"]:
        return Response(status_code=204)
    return site_of(request).part(request, "overview_part.html", **data)


def _watch(request: Request) -> Watch:
    watch: Watch = request.app.state.watch
    return watch


def _beginning(request: Request, site: Site, found: Overview | None = None) -> Response:
    """Show how to begin, and below it backups of others, where there are some."""
    known = _data(found, site.now()) if found else {"hosts": []}
    return site.page(request, "overview_beginning.html", title="Overview", directory=site.control.directory, **known)


def _data(found: Overview, now: datetime) -> dict[str, Any]:
    """What the template sees: the hosts that need somebody first."""
    hosts = sorted(found.hosts, key=lambda host: -host.level)
    state = hashlib.sha256("\n".join(_telling(found, now)).encode()).hexdigest()[:16]
    return {"overview": found, "hosts": hosts, "state": state}


def _telling(found: Overview, now: datetime) -> Iterator[str]:
    """All that would look different if it changed; ages do from minute to minute."""
    yield f"{now:%Y-%m-%d %H:%M} {found.going_on} {found.jobs_known}"
    for host in found.hosts:
        yield f"{host.name} {host.answered} {[each.text for each in (*host.advice, *host.undone)]}"
        for job in host.jobs:
            label = job.newest.metadata.label if job.newest else ""
            yield f"{job.job} {label} {job.proof} {job.failed} {job.coming} {[each.text for each in job.advice]}"
    for thing in found.things:
        yield f"{thing.name} {thing.answered} {[each.text for each in thing.advice]}"


ROUTES = (Route("/", overview, name="overview"), Route("/overview/now", now))
