"""What pages work with: the control directory, its inventory, the clock, templates, and the running of playbooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from toolkit.app.command import Call, Command
from toolkit.app.console.beginning import Starter
from toolkit.app.console.places import Places
from toolkit.app.console.showing import FILTERS
from toolkit.app.control import Control, utc_now
from toolkit.config.inventory import LoadedInventory
from toolkit.config.masking import mask_own
from toolkit.config.validation import unknown
from toolkit.errors import InputError
from toolkit.output.streams import Output

MENU = (
    ("overview", "/", "Overview"),
    ("backup", "/backup", "Back up"),
    ("backups", "/backups", "Backups"),
    ("restore", "/restore", "Restore"),
    ("verify", "/verify", "Verify"),
    ("repositories", "/repositories", "Repositories"),
    ("runs", "/runs", "Runs"),
    ("catalog", "/catalog", "Catalog"),
    ("schedules", "/schedules", "Schedules"),
)
"""The menu: the name of a page, its address, and what it is called."""


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("toolkit.app.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What pages work with.

    Attributes:
        now: the clock.
        starter: begins runs of playbooks.
        places: asks places for backups, none of which holds up the others.
    """

    control: Control
    now: Callable[[], datetime] = utc_now
    starter: Starter
    places: Places = field(default_factory=Places)
    templates: Environment = field(default_factory=_environment)

    @property
    def runs(self) -> Path:
        """The directory with a directory for each run."""
        return self.starter.directory

    def inventory(self) -> LoadedInventory:
        """Read the inventory as it is now; InputError with every problem of it."""
        return self.control.load_inventory()

    def call(
        self, command: Command[Any], *, host: str = "", repository: str = "", seconds: float | None = None
    ) -> Call:
        """Give what a command's body is called with, where a page needs its answers' documents.

        Args:
            seconds: how long a database may take to answer; None for as long as it takes.

        Raises:
            InputError: the inventory does not list the repository.
        """
        if repository:
            listed(self.inventory(), repository)
        return Call(
            command=command,
            control=self.control,
            output=Output(),
            host=host,
            repository=repository,
            as_json=True,
            seconds=seconds,
        )

    def page(self, request: Request, template: str, *, title: str, status: int = 200, **data: Any) -> Response:
        """Render a page: a template that extends `base.html`."""
        text = self.rendered(request, template, title=title, menu=MENU, **data)
        return HTMLResponse(text, status_code=status)

    def part(self, request: Request, template: str, **data: Any) -> Response:
        """Render a part of a page, for htmx."""
        return HTMLResponse(self.rendered(request, template, **data))

    def rendered(self, request: Request, template: str, **data: Any) -> str:
        """Render a template to text, secrets masked; it sees `session`, `path` and `now` beside the data."""
        given: Mapping[str, Any] = {
            "session": request.state.session,
            "path": request.url.path,
            "now": self.now(),
            **data,
        }
        return mask_own(self.templates.get_template(template).render(given))

    def begin(self, request: Request, playbook: str, *, check: bool = False, diff: bool = False) -> Response:
        """Begin to run a playbook, and lead to the page of its run; arguments as of `start`."""
        run = self.start(request, playbook, check=check, diff=diff)
        return RedirectResponse(f"/runs/{run}", status_code=303)

    def start(self, request: Request, playbook: str, *, check: bool = False, diff: bool = False) -> str:
        """Begin to run a playbook; gives the ID of the run, for a page that leads elsewhere than to it.

        Args:
            playbook: its text, which the run gets byte for byte.
            check: say what would change and change nothing.
            diff: with samples of rows.
        """
        words = [word for word, wanted in (("--check", check), ("--diff", diff)) if wanted]
        return self.starter.begin(playbook, words, by=request.state.session.name)


def listed(inventory: LoadedInventory, repository: str) -> str:
    """Give the name of a repository as an address or a form has it.

    Raises:
        InputError: the inventory does not list it. A page opens no other file: `bundle:FILE` is for playbooks.
    """
    if repository not in inventory.repositories:
        raise InputError(unknown(repository, inventory.repositories, "repository"))
    return repository


def site_of(request: Request) -> Site:
    """Give the site of a request."""
    site: Site = request.app.state.site
    return site
