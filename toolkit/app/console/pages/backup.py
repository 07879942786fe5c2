"""`/backup`: what to back up, and where to; the playbook of it is shown while one chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console.backup_form import Chosen, Offered, begun, offered, problems, sent, written
from toolkit.app.console.censuses import FRESH, SOON, Censuses, Known
from toolkit.app.console.forms import posted, text
from toolkit.app.console.site import Site, site_of
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError

WAIT: Final = 1.5
"""Seconds that a page waits for the names and rows of businesses; what is not there by then comes later."""

_ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What no file is called, that a shell or a header could take for something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A form as it is shown."""

    chosen: Chosen
    offer: Offered
    known: Known

    @property
    def wrong(self) -> dict[str, str]:
        return problems(self.chosen, self.offer)

    @property
    def data(self) -> dict[str, Any]:
        """What templates see of it."""
        wrong = self.wrong
        return {
            "chosen": self.chosen,
            "offer": self.offer,
            "known": self.known,
            "wrong": wrong,
            "playbook": "" if wrong else written(self.chosen, self.offer),
            "file": f"{_ODD.sub('_', f'{self.chosen.host}-{self.chosen.job}')}.yml",
        }


def _censuses(request: Request) -> Censuses:
    found: Censuses = request.app.state.censuses
    return found


def _offered(request: Request, site: Site, host: str, *, fresh: float = FRESH) -> tuple[Offered, Known]:
    known = _censuses(request).known(host, wait=WAIT, fresh=fresh)
    return offered(site.inventory(), host, known.census), known


def backup(request: Request) -> Response:
    """Show the form with the usual choices."""
    site = site_of(request)
    has_any = site.control.has_inventory or site.control.inventory
    hosts = site.inventory().groups["all"] if has_any else ()
    if not hosts:
        return site.page(request, "backup_no_hosts.html", title="Back up")
    host = request.query_params.get("host") or _usual(site.inventory(), hosts)
    site.inventory().host(host)
    offer, known = _offered(request, site, host, fresh=SOON)
    form = _Form(chosen=begun(request.query_params, offer), offer=offer, known=known)
    return site.page(request, "backup.html", title="Back up", hosts=hosts, sent=False, **form.data)


def _usual(inventory: LoadedInventory, hosts: Sequence[str]) -> str:
    """The first host that is set up right; the others are told of on the overview."""
    for name in hosts:
        with suppress(InputError):
            return inventory.host(name).name
    return hosts[0]


def _sent(request: Request, form: FormData) -> _Form:
    site, chosen = site_of(request), sent(form)
    site.inventory().host(chosen.host)
    offer, known = _offered(request, site, chosen.host)
    return _Form(chosen=chosen, offer=offer, known=known)


def chose(request: Request, form: FormData) -> Response:
    """Run the playbook of the form, give it as a file, or show it; with something wrong, the form with what that is."""
    site, made, wanted = site_of(request), _sent(request, form), text(form, "do")
    data = made.data
    if wanted == "run" and not data["wrong"]:
        return site.begin(request, data["playbook"])
    if wanted == "save" and not data["wrong"]:
        headers = {"Content-Disposition": f'attachment; filename="{data["file"]}"'}
        return Response(data["playbook"], media_type="application/yaml", headers=headers)
    hosts = site.inventory().groups["all"]
    status = 422 if data["wrong"] and wanted in ("run", "save") else 200
    return site.page(request, "backup.html", title="Back up", status=status, hosts=hosts, sent=True, **data)


def preview(request: Request, form: FormData) -> Response:
    """Show the playbook of the form as it is now, and what is wrong beside its fields."""
    return site_of(request).part(request, "backup_preview.html", live=True, **_sent(request, form).data)


def businesses(request: Request, form: FormData) -> Response:
    """Show the businesses of a host with what is ticked, as soon as they are known."""
    return site_of(request).part(request, "backup_businesses.html", **_sent(request, form).data)


ROUTES = (
    Route("/backup", backup, name="backup"),
    Route("/backup", posted(chose), methods=["POST"]),
    Route("/backup/preview", posted(preview), methods=["POST"]),
    Route("/backup/businesses", posted(businesses), methods=["POST"]),
)
