"""`/repositories`: where backups are kept, and what is done to look after them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console import composing, deeds, forms
from toolkit.app.console.deeds import Deed
from toolkit.app.console.growth import Growth, growth_of
from toolkit.app.console.site import Site, site_of
from toolkit.app.doctoring.asking import Asking
from toolkit.app.holdings import Held, held
from toolkit.app.repositories import brief_reason, repositories
from toolkit.config.inventory import LoadedInventory
from toolkit.config.masking import mask
from toolkit.config.templates import is_template
from toolkit.errors import InputError, MissingError, PlaybackError, StorageError, UnsetError
from toolkit.model.host import BundleRepository, LocalRepository
from toolkit.model.lock import FoundLock
from toolkit.output.answer import BAD, WARNING
from toolkit.storage.disk import disk_of
from toolkit.storage.open import open_store
from toolkit.storage.repository import Repository
from toolkit.storage.unlocking import found_locks

SECONDS: Final = 6.0
"""How long a repository may take to answer before the page is shown without it."""

_PARTS: Final = ("", "5%", "20%", "0")
"""How much a check reads: everything, a part that changes by the day, or sizes alone."""


class Shown(Struct, frozen=True, kw_only=True):
    """A repository as the page has it.

    Attributes:
        trouble: why nothing is known of it, and what to do; empty where it was looked into.
        unused: that is no fault: it is not used yet, or not set up on this machine.
        empty: it can be used, and nothing is there yet.
        level, checked: what is known of checks.
        disk: of a folder or file on this computer, which file system it is on; None for what is elsewhere.
        beside: the other places with backups that are on the same one.
    """

    name: str
    trouble: str = ""
    hint: str = ""
    unused: bool = False
    empty: bool = False
    held: Held | None = None
    growth: Growth | None = None
    level: str = "none"
    checked: str = ""
    disk: int | None = None
    beside: tuple[str, ...] = ()


def overview(request: Request) -> Response:
    """Show all of them; one that does not answer holds up no other."""
    site = site_of(request)
    inventory = site.inventory()
    questions: dict[str, Callable[[], Shown]] = {
        name: partial(_looked_into, site, inventory, name) for name in inventory.repositories
    }
    asking = Asking(questions, seconds=SECONDS)
    asking.wait()
    late = f"It did not answer within {SECONDS:g} seconds."
    hint = "With very many backups look again in a minute. Else see that its disk or server is there, and the network."
    answers = asking.answers
    shown = [answers.get(name) or Shown(name=name, trouble=late, hint=hint) for name in inventory.repositories]
    return site.page(request, "repositories.html", title="Repositories", repositories=_beside(shown))


def _beside(shown: list[Shown]) -> list[Shown]:
    """Say of each place which others one broken disk would take with it."""
    return [
        replace(one, beside=tuple(other.name for other in shown if other is not one and other.disk == one.disk))
        if one.disk is not None
        else one
        for one in shown
    ]


def _looked_into(site: Site, inventory: LoadedInventory, name: str) -> Shown:
    try:
        [(_, repository)] = repositories(inventory, name)
        if isinstance(repository, PlaybackError):
            raise repository
        answer = held(inventory, name, repository)
    except MissingError:
        return Shown(
            name=name,
            unused=True,
            empty=True,
            trouble="Nothing has been backed up here yet. The first backup makes it.",
        )
    except PlaybackError as error:
        text = mask(brief_reason(error))
        return Shown(name=name, trouble=text, hint=mask(error.hint), unused=isinstance(error, UnsetError))
    text, style = answer.checked
    level = {BAD: "critical", WARNING: "warning"}.get(style, "ok" if answer.holding.check else "none")
    growth = growth_of(answer.holding.added, site.now())
    config = inventory.repository(name)
    disk = disk_of(config.path) if isinstance(config, LocalRepository | BundleRepository) else None
    return Shown(name=name, held=answer, growth=growth, level=level, checked=text, disk=disk)


def _name(request: Request) -> str:
    name: str = request.path_params["repository"]
    return name


def _check(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    inventory = deeds.inventory_of(site, name)

    def compose(form: FormData) -> str:
        part = forms.text(form, "part")
        if part not in _PARTS:
            raise InputError(f"how much is read: {part!r} is not offered here")
        arguments: dict[str, Any] = {"repository": name}
        if part:
            arguments["read_data_subset"] = part
        if forms.text(form, "repair"):
            arguments["repair"] = True
        task = {"name": "Read it back and check it", "check": arguments}
        return composing.playbook(f"Check the repository {name}", deeds.errand_host(inventory, name), [task])

    return Deed(title=f"Check {name}", template="repository_check.html", compose=compose, data={"repository": name})


def _copy(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    inventory = deeds.inventory_of(site, name)
    others = {each: _is_set_up(inventory, each) for each in inventory.repositories if each != name}

    def compose(form: FormData) -> str:
        to, file = forms.text(form, "to"), forms.text(form, "file")
        to = to or next((each for each, usable in others.items() if usable), "")
        if is_template(file):
            raise InputError(f"{file}: a file with {{{{ in its name cannot be written by a playbook")
        if not (file or others.get(to)):
            raise InputError("there is no other place to copy to that is set up on this machine; name a file")
        target: Any = {"bundle": file} if file else to
        task = {"name": "Copy what is not there yet", "copy": {"from": name, "to": target, "backups": "all"}}
        return composing.playbook(f"Copy {name} to {file or to}", deeds.errand_host(inventory, name), [task])

    data = {"repository": name, "others": others}
    return Deed(title=f"Copy {name}", template="repository_copy.html", compose=compose, data=data)


def _bring(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    inventory = deeds.inventory_of(site, name)

    def compose(form: FormData) -> str:
        file = forms.text(form, "file")
        if not file:
            raise InputError("Say where the file is.")
        if is_template(file):
            raise InputError(f"{file}: a file with {{{{ in its name cannot be read by a playbook")
        task = {"name": "Copy what is not there yet", "copy": {"from": {"bundle": file}, "to": name, "backups": "all"}}
        return composing.playbook(f"Bring {file} into {name}", deeds.errand_host(inventory, name), [task])

    data = {"repository": name}
    return Deed(
        title="Bring back from a file",
        template="repository_bring.html",
        compose=compose,
        data=data,
        part="repository_bring_made.html",
    )


def _is_set_up(inventory: LoadedInventory, name: str) -> bool:
    """Whether a repository can be used on this machine, as far as its settings tell."""
    try:
        open_store(inventory.repository(name))
    except PlaybackError as error:
        return not isinstance(error, UnsetError)
    return True


def _unlock(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    inventory = deeds.inventory_of(site, name)
    locks = _locks(inventory, name)

    def compose(form: FormData) -> str:
        known = {each.id for each in locks}
        named = [each for each in forms.texts(form, "lock") if each in known]
        arguments: dict[str, Any] = {"repository": name, **({"remove": named} if named else {})}
        task = {"name": "Remove locks of runs that have ended", "unlock": arguments}
        return composing.playbook(f"Unlock the repository {name}", deeds.errand_host(inventory, name), [task])

    data = {"repository": name, "locks": locks}
    return Deed(title=f"Unlock {name}", template="repository_unlock.html", compose=compose, data=data)


def _locks(inventory: LoadedInventory, name: str) -> tuple[FoundLock, ...]:
    [(_, repository)] = repositories(inventory, name)
    if isinstance(repository, PlaybackError):
        raise repository
    asking = Asking({name: partial(_found, repository)}, seconds=SECONDS)
    asking.wait()
    found = asking.answers.get(name)
    if found is None:
        raise StorageError(f"{name} did not answer in time", hint="is its disk or server there?")
    if isinstance(found, PlaybackError):
        raise found
    return found


def _found(repository: Repository) -> tuple[FoundLock, ...] | PlaybackError:
    try:
        return found_locks(repository)
    except PlaybackError as error:
        return error


ROUTES = (
    Route("/repositories", overview, name="repositories"),
    *deeds.routes("/repositories/{repository}/check", _check, "repository_check"),
    *deeds.routes("/repositories/{repository}/copy", _copy, "repository_copy"),
    *deeds.routes("/repositories/{repository}/bring", _bring, "repository_bring"),
    *deeds.routes("/repositories/{repository}/unlock", _unlock, "repository_unlock"),
)
