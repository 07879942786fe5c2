"""`/backups/REPOSITORY/LABEL/pin` and `…/one-file`: what one does with a backup."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from toolkit.actions.pin import day_of
from toolkit.app.commands.show import Shown
from toolkit.app.console import composing, deeds, downloads, forms
from toolkit.app.console.addresses import RunId
from toolkit.app.console.deeds import Deed
from toolkit.app.console.pages.backup_details import address_of, shown_backup
from toolkit.app.console.site import Site, site_of
from toolkit.app.doctoring.asking import Asking
from toolkit.app.repositories import repositories
from toolkit.app.runs import record
from toolkit.app.runs.record import State
from toolkit.errors import InputError, MissingError, PlaybackError, RefusedError, UnsetError
from toolkit.private.files import make_directory
from toolkit.storage.repository import Repository

PATIENCE = 3
"""Seconds in which a repository has to say whether it has a backup."""

PIN, UNPIN = "pin", "unpin"
"""What the form of pins asks for."""


def _pin(request: Request) -> Deed:
    site, shown = site_of(request), shown_backup(request)
    label = shown.manifest.metadata.label
    holders, silent = _holders(site, shown)
    pin = shown.pins[0] if shown.pins else None

    def compose(form: FormData) -> str:
        wanted, until = forms.text(form, "what") or PIN, forms.text(form, "until")
        if not form and pin and pin.until:
            until = max(pin.until, site.now().date()).isoformat()
        if wanted not in (PIN, UNPIN):
            raise InputError("say whether it is to be pinned or not")
        day = {"until": day_of(until, site.now(), where="the last day").isoformat()} if until else {}
        state = {"state": "absent"} if wanted == UNPIN else day
        verb = "Let the backup go" if wanted == UNPIN else "Keep the backup"
        places = [name for name in forms.texts(form, "in") if name in site.inventory().repositories] or holders
        tasks = [
            {"name": f"{verb} in {name}", "pin": {"backup": label, "repository": name, **state}} for name in places
        ]
        return composing.playbook(f"{verb} {label}", deeds.errand_host(site.inventory(), shown.repository), tasks)

    data = {**_about(shown), "pin": pin, "holders": holders, "silent": silent}
    return Deed(title="Pin a backup", template="backup_pin.html", compose=compose, data=data)


def _download(request: Request) -> Deed:
    site, shown = site_of(request), shown_backup(request)
    label = shown.manifest.metadata.label
    downloads.remove_old(site.control.directory, site.now())
    file = downloads.file_of(shown.repository, label)
    ready = downloads.ready(site.control.directory, shown.repository, label)

    def compose(form: FormData) -> str:
        del form
        copy = {"from": shown.repository, "to": {"bundle": file.as_posix()}, "backups": [label]}
        task = {"name": "Copy the backup into one file", "copy": copy}
        return composing.playbook(f"Download {label}", deeds.errand_host(site.inventory(), shown.repository), [task])

    run = request.query_params.get("run", "")
    data = {
        **_about(shown),
        "ready": ready,
        "bytes": ready.stat().st_size if ready else 0,
        "run": run,
        "state": _state(site, run),
    }
    return Deed(
        title="Download a backup",
        template="backup_download.html",
        compose=compose,
        data=data,
        run=partial(_prepare, site.control.directory / file, address_of(shown.repository, label)),
    )


def _prepare(file: Path, address: str, request: Request, text: str) -> Response:
    """Begin to make the file, and lead back to the page that hands it over."""
    site = site_of(request)
    downloads.remove_old(site.control.directory, site.now(), most=downloads.MOST - 1)
    make_directory(file.parent)
    return RedirectResponse(f"{address}/one-file?run={site.start(request, text)}", status_code=303)


def _state(site: Site, run: str) -> str:
    """How far the run is that makes the file: `running`, `done` or `failed`; empty where none was begun."""
    if not run or not re.fullmatch(RunId.regex, run) or not (site.runs / run).is_dir():
        return ""
    known = record.read(site.control.directory, run)
    if known is None or known.state is State.RUNNING:
        return "running"
    return "done" if known.state is State.OK else "failed"


def _about(shown: Shown) -> dict[str, object]:
    metadata = shown.manifest.metadata
    return {"about": metadata, "repository": shown.repository, "address": address_of(shown.repository, metadata.label)}


def _holders(site: Site, shown: Shown) -> tuple[list[str], list[str]]:
    """The repositories that have the backup, as the command `pin` means all of them; and those that do not answer."""
    inventory, label = site.inventory(), shown.manifest.metadata.label

    def has(name: str) -> bool | None:
        try:
            ((_, repository),) = repositories(inventory, name)
            return label in repository.labels(label) if isinstance(repository, Repository) else _unused(repository)
        except PlaybackError:
            return None

    others = [name for name in inventory.repositories if name != shown.repository]
    asking = Asking({name: partial(has, name) for name in others}, seconds=PATIENCE)
    asking.wait()
    told = asking.answers
    return [shown.repository, *(name for name in others if told.get(name))], [
        name for name in others if told.get(name) is None
    ]


def _unused(error: PlaybackError) -> bool | None:
    """False where there is no repository yet, None where nobody knows."""
    return False if isinstance(error, UnsetError | MissingError) else None


def pinning(request: Request) -> Response:
    """Show the form of a pin, or its playbook for htmx."""
    return deeds.shown(request, _pin(request))


def pin(request: Request, form: FormData) -> Response:
    """Pin or unpin a backup by a playbook."""
    return deeds.sent(request, _pin(request), form)


def downloading(request: Request) -> Response:
    """Show how a backup becomes a file to download, and where it is."""
    return deeds.shown(request, _download(request))


def prepare(request: Request, form: FormData) -> Response:
    """Make the file by a playbook."""
    return deeds.sent(request, _download(request), form)


def file(request: Request) -> Response:
    """Give the file; all that is in a backup is for those alone who may restore it."""
    if not request.state.session.operator:
        raise RefusedError("you may look at backups, and not take one along", hint="ask somebody who is an operator")
    site, shown = site_of(request), shown_backup(request)
    label = shown.manifest.metadata.label
    path = downloads.ready(site.control.directory, shown.repository, label)
    if path is None:
        raise InputError("the file is not there any more", hint="have it made again on the page before")
    return FileResponse(path, media_type="application/octet-stream", filename=f"{label}.playback")


ROUTES = (
    Route("/backups/{repository}/{label}/pin", pinning, name="backup_pin"),
    Route("/backups/{repository}/{label}/pin", forms.posted(pin), methods=["POST"]),
    Route("/backups/{repository}/{label}/one-file", downloading, name="backup_download"),
    Route("/backups/{repository}/{label}/one-file", forms.posted(prepare), methods=["POST"]),
    Route("/backups/{repository}/{label}/file", file, name="backup_file"),
)
