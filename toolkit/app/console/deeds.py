"""Forms that become a playbook: the page that shows both, the part that follows what one fills in, and the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console import forms
from toolkit.app.console.site import Site, site_of
from toolkit.config.inventory import LoadedInventory
from toolkit.config.masking import mask
from toolkit.errors import InputError, PlaybackError
from toolkit.wording import meant

RUN = "run"
"""The value of the button `do` that runs the playbook; every other one shows it."""


class Deed(Struct, frozen=True, kw_only=True):
    """Something that a page does.

    Attributes:
        title: of the page.
        template: the page; it extends `deed.html`.
        compose: makes the playbook of what was filled in; InputError with what is wrong there.
        data: what the template sees beside.
        part: the template of what follows the form as it is filled in.
        run: carries it out; None for a run of the playbook.
    """

    title: str
    template: str
    compose: Callable[[FormData], str]
    data: Mapping[str, Any] = field(default_factory=dict)
    part: str = "deed_playbook.html"
    run: Callable[[Request, str], Response] | None = None


def shown(request: Request, deed: Deed, given: FormData | None = None, *, status: int = 200) -> Response:
    """Give the page, or for htmx the part with the playbook alone."""
    filled = given if given is not None else FormData(dict(request.query_params))
    text, wrong = "", ""
    try:
        text = deed.compose(filled)
    except InputError as error:
        wrong = mask(error.message)
    site, seen = site_of(request), {**deed.data, "given": filled, "text": text, "wrong": wrong}
    if request.headers.get("HX-Request"):
        return site.part(request, deed.part, **seen)
    return site.page(request, deed.template, title=deed.title, status=status, part=deed.part, **seen)


def sent(request: Request, deed: Deed, form: FormData) -> Response:
    """Run the playbook where that button was pressed and nothing is wrong; else show the page as it was filled in."""
    if forms.text(form, "do") != RUN:
        return shown(request, deed, form)
    try:
        text = deed.compose(form)
    except InputError:
        return shown(request, deed, form, status=400)
    return deed.run(request, text) if deed.run else site_of(request).begin(request, text)


def routes(address: str, deed: Callable[[Request], Deed], name: str) -> list[Route]:
    """Give the routes of a page that does something: it is shown, and its form is sent to the same address."""

    def show(request: Request) -> Response:
        return shown(request, deed(request))

    def send(request: Request, form: FormData) -> Response:
        return sent(request, deed(request), form)

    return [Route(address, show, name=name), Route(address, forms.posted(send), methods=["POST"])]


def errand_host(inventory: LoadedInventory, repository: str = "") -> str:
    """Give a host for a task that needs none: one that backs up to the repository, else the first that can be used.

    Raises:
        InputError: there is none.
    """
    first = ""
    for name in inventory.groups["all"]:
        try:
            host = inventory.host(name)
        except PlaybackError:
            continue
        if not repository or host.repository == repository:
            return name
        first = first or name
    if first:
        return first
    raise InputError("the inventory has no host that can be used here", hint="add one to inventory/hosts.yml")


def inventory_of(site: Site, repository: str) -> LoadedInventory:
    """Give the inventory; InputError where it has no repository of that name."""
    inventory = site.inventory()
    if repository not in inventory.repositories:
        known = inventory.repositories
        raise InputError(
            f"there is no repository {repository}{meant(repository, known)}", hint=f"there are: {', '.join(known)}"
        )
    return inventory
