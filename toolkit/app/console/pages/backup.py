"""`/backup`: what to back up, and where to; the playbook of it is shown while one chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolkit.app.console.backup_form import Chosen, Offered, begun, offered, problems, sent, without, written
from toolkit.app.console.censuses import FRESH, SOON, Censuses, Known
from toolkit.app.console.forms import posted, text
from toolkit.app.console.site import Site, site_of
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError, StorageError
from toolkit.planning.expecting import BY_HAND

WAIT: Final = 1.5
"""Seconds that a page waits for the names and rows of businesses; what is not there by then comes later."""

EVERY_NIGHT: Final = "every-night"
"""The series of a backup that was clicked together, and runs by itself."""

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
            "without": without(self.chosen, self.offer),
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
    if wanted == "nightly" and not data["wrong"]:
        address = urlencode({"playbook": f"playbooks/{_kept(site, made)}"})
        return RedirectResponse(f"/schedules/new?{address}", status_code=303)
    hosts = site.inventory().groups["all"]
    status = 422 if data["wrong"] and wanted in ("run", "save", "nightly") else 200
    return site.page(request, "backup.html", title="Back up", status=status, hosts=hosts, sent=True, **data)


def _kept(site: Site, made: _Form) -> str:
    """Write the playbook of the form into `playbooks`, for a schedule, beside whatever is there; gives the file's name.

    Its backups are a series of their own: one by hand would never be called late.
    """
    job = made.chosen.job if made.chosen.job != BY_HAND else EVERY_NIGHT
    text = written(replace(made.chosen, job=job), made.offer)
    stem, directory = _ODD.sub("_", f"{made.chosen.host}-{job}"), site.control.directory / "playbooks"
    try:
        directory.mkdir(exist_ok=True)
        for number in count(1):
            file = directory / (f"{stem}.yml" if number == 1 else f"{stem}-{number}.yml")
            with suppress(FileExistsError):
                with file.open("x", encoding="utf-8", newline="\n") as opened:
                    opened.write(text)
                return file.name
            if file.is_file() and file.read_bytes() == text.encode():
                return file.name
    except OSError as error:
        raise StorageError(f"the playbook cannot be kept in {directory}: {error.strerror or error}") from error
    raise AssertionError("numbers do not end")


def preview(request: Request, form: FormData) -> Response:
    """Show the playbook of the form as it is now, and what is wrong beside its fields."""
    return site_of(request).part(request, "backup_preview.html", live=True, **_sent(request, form).data)


def businesses(request: Request, form: FormData) -> Response:
    """Show the businesses of a host with what is ticked, as soon as they are known."""
    return site_of(request).part(request, "backup_businesses.html", live=True, **_sent(request, form).data)


ROUTES = (
    Route("/backup", backup, name="backup"),
    Route("/backup", posted(chose), methods=["POST"]),
    Route("/backup/preview", posted(preview), methods=["POST"]),
    Route("/backup/businesses", posted(businesses), methods=["POST"]),
)
