"""`/restore`: step by step from a backup to rows that are proven to be back.

What was chosen is in the address and in the form until a look at the plan is begun; from then on it is in the playbook
of that run, whose ID is in the address. So every step works without scripts, and Back leads back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.datastructures import FormData, ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolkit.actions.context import Context
from toolkit.actions.device_outlook import device_outlook
from toolkit.app.commands.backups import Listed
from toolkit.app.console.forms import posted, text, texts
from toolkit.app.console.pages.backups import everywhere, newest_first
from toolkit.app.console.restoring.planned import Planned, answers_of, changes_of, planned
from toolkit.app.console.restoring.wanted import Wanted
from toolkit.app.console.site import Site, listed, site_of
from toolkit.app.repositories import find_backup
from toolkit.errors import InputError, PlaybackError
from toolkit.model.identity import IdentityChoice
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import SilentProgress
from toolkit.model.plan import Mode

NEWEST = 25
"""So many of the newest backups are offered."""

Given = ImmutableMultiDict[str, Any]


def begin(request: Request) -> Response:
    """Show the step that what was chosen so far leads to."""
    site, given = site_of(request), request.query_params
    if not given.get("backup"):
        return _backups(request, site, given.get("host", ""))
    wanted, manifest = _wanted(site, given)
    if not wanted.host:
        hosts = [host.name for host in site.inventory().select("all")]
        return site.page(request, "restore/where.html", title="Restore", wanted=wanted, backup=manifest, hosts=hosts)
    return _what(request, site, wanted, manifest)


def choose(request: Request, form: FormData) -> Response:
    """Show the same step again with what was chosen on it: what a button does for those without scripts."""
    site = site_of(request)
    return _what(request, site, *_wanted(site, form))


def preview(request: Request, form: FormData) -> Response:
    """Give the playbook of what is chosen, for htmx."""
    site = site_of(request)
    try:
        wanted, _ = _wanted(site, form)
    except InputError as error:
        return site.part(request, "restore/preview_lacking.html", error=error)
    return site.part(request, "restore/preview.html", playbook_text=wanted.playbook(), wanted=wanted)


def look(request: Request, form: FormData) -> Response:
    """Begin a look at the plan; into a scratch database, where nothing is at stake, the restore itself."""
    site = site_of(request)
    wanted, manifest = _wanted(site, form)
    if unknown := set(wanted.businesses) - set(manifest.selection.tenants):
        raise InputError(f"the backup has no business {', '.join(sorted(unknown))}", hint="choose again")
    return _apply(request, wanted.playbook()) if wanted.scratch else _look(request, wanted)


def plan(request: Request) -> Response:
    """Show what came of a look at the plan."""
    return _plan(request, _run(request))


def rows(request: Request) -> Response:
    """Show the rows of one table of a plan: a part of its page for htmx, else a page of its own."""
    site, known, name = site_of(request), _run(request), request.query_params.get("table", "")
    table = next((each for each in known.tables if each["table"] == name), None)
    if table is None:
        raise InputError(f"the plan has no rows of {name!r} to show", hint="go back to the plan")
    if request.headers.get("HX-Request"):
        return site.part(request, "restore/rows.html", table=table)
    return site.page(request, "restore/rows_page.html", title="Restore", known=known, table=table, words=changes_of)


def again(request: Request, form: FormData) -> Response:
    """Look at the plan once more: of the database as it is now, or with rows in conflict put aside."""
    wanted = _run(request).wanted
    return _look(request, replace(wanted, aside=wanted.aside or text(form, "aside") == "yes"))


def answer(request: Request, form: FormData) -> Response:
    """Put answers to drift into the playbook, and look at the plan with them; of a scratch database there is none."""
    known = _run(request)
    chosen = {number: text(form, f"answer-{number}") for number in range(len(known.questions()))}
    numbers = {number: int(value) for number, value in chosen.items() if value.isdecimal()}
    if not numbers:
        return _plan(request, known, wrong="Choose an answer to one of these at least.", status=400)
    values = {number: text(form, f"value-{number}-{numbers[number]}") for number in numbers}
    values = {number: value for number, value in values.items() if f"value-{number}-{numbers[number]}" in form}
    wanted = known.wanted.answered(answers_of(known.questions(), numbers, values))
    return _apply(request, wanted.playbook()) if wanted.scratch else _look(request, wanted)


def apply(request: Request, form: FormData) -> Response:
    """Restore what was looked at, bound to that plan; where rows are deleted only once the host's name was typed."""
    known = _run(request)
    if known.running or not known.confirmable:
        raise InputError("there is no plan to carry out", hint="look at the plan first")
    if known.totals["deletes"] and text(form, "typed") != known.wanted.host:
        wrong = f"That is not the name of the computer. To delete these rows, type {known.wanted.host}."
        return _plan(request, known, wrong=wrong, status=400)
    return _apply(request, known.bound)


def done(request: Request) -> Response:
    """Show a restore while it runs, and what came of it."""
    known = _run(request)
    return _shown(request, "restore/done.html", known)


def _run(request: Request) -> Planned:
    return planned(site_of(request), request.path_params["run"])


def _look(request: Request, wanted: Wanted) -> Response:
    run = site_of(request).start(request, wanted.playbook(), check=True, diff=True)
    return RedirectResponse(f"/restore/plan/{run}", status_code=303)


def _apply(request: Request, playbook: str) -> Response:
    run = site_of(request).start(request, playbook)
    return RedirectResponse(f"/restore/done/{run}", status_code=303)


def _plan(request: Request, known: Planned, *, wrong: str = "", status: int = 200) -> Response:
    return _shown(request, "restore/plan.html", known, status=status, wrong=wrong)


def _shown(request: Request, template: str, known: Planned, *, status: int = 200, wrong: str = "") -> Response:
    site = site_of(request)
    return site.page(
        request,
        template,
        title="Restore",
        status=status,
        known=known,
        names=_names(site, known.wanted),
        words=changes_of,
        wrong=wrong,
    )


def _names(site: Site, wanted: Wanted) -> Mapping[str, str]:
    """What the chosen businesses are called; nothing where the backup cannot be read any more."""
    if not wanted.businesses:
        return {}
    try:
        inventory = site.inventory()
        _, _, manifest = find_backup(inventory, wanted.backup, listed(inventory, wanted.repository))
    except PlaybackError:
        return {}
    return manifest.selection.tenants


def _backups(request: Request, site: Site, host: str) -> Response:
    answer = everywhere(site)
    hosts = sorted({each.outline.metadata.host for each in answer.backups})
    found, places = list[Listed](), dict[str, list[str]]()
    for each in newest_first(answer):
        about = each.outline.metadata
        if host in ("", about.host):
            # a backup that is in several places is one backup, taken from the one that the inventory names first
            if about.label not in places:
                found.append(each)
            places.setdefault(about.label, []).append(each.repository)
    return site.page(
        request,
        "restore/backups.html",
        title="Restore",
        found=found[:NEWEST],
        places=places,
        more=len(found) > NEWEST,
        hosts=hosts,
        host=host,
        unread=sum(each.exit_code != 0 for each in answer.unread) + len(answer.unreadable),
    )


def _what(request: Request, site: Site, wanted: Wanted, manifest: Manifest) -> Response:
    return site.page(
        request,
        "restore/what.html",
        title="Restore",
        wanted=wanted,
        backup=manifest,
        device={} if wanted.scratch else _device(site, wanted, manifest),
        playbook_text=wanted.playbook(),
    )


def _device(site: Site, wanted: Wanted, manifest: Manifest) -> Mapping[str, Any]:
    """What the restore would decide about devices."""
    inventory = site.inventory()
    context = Context(
        host=inventory.host(wanted.host),
        inventory=inventory,
        playbook="console",
        check=True,
        diff=False,
        now=site.now,
        progress=SilentProgress(),
        variables={},
        at_end=lambda *_: None,
    )
    identity = IdentityChoice.SOURCE if wanted.takeover else None
    return device_outlook(context, manifest, identity, wanted.businesses)


def _wanted(site: Site, given: FormData | Given) -> tuple[Wanted, Manifest]:
    """Read what was chosen from an address or a form, and the backup."""
    fields = FormData(given.multi_items())
    inventory, into = site.inventory(), text(fields, "into")
    repository = text(fields, "repository")
    named = listed(inventory, repository) if repository else ""
    name, _, manifest = find_backup(inventory, text(fields, "backup"), named)
    host = text(fields, "host") if into != "scratch" else text(fields, "like") or text(fields, "host")
    if host:
        inventory.host(host)
    mode = text(fields, "mode") or (Mode.MIRROR if into == "scratch" else Mode.MERGE)
    if mode not in tuple(Mode):
        raise InputError(f"mode: {mode!r} is neither merge nor mirror")
    some, businesses = text(fields, "which") == "some", tuple(dict.fromkeys(texts(fields, "business")))
    if some is not bool(businesses):
        what = "no business is ticked" if some else "businesses are ticked, and all of the backup is chosen"
        raise InputError(what, hint="tick those to restore, or choose all of them")
    wanted = Wanted(
        backup=manifest.metadata.label,
        repository=name,
        host=host,
        scratch=into == "scratch",
        businesses=businesses,
        mode=Mode(mode),
        takeover=text(fields, "takeover") == "yes",
    )
    return wanted, manifest


ROUTES = (
    Route("/restore", begin, name="restore"),
    Route("/restore/choose", posted(choose), methods=["POST"]),
    Route("/restore/preview", posted(preview), methods=["POST"]),
    Route("/restore/plan", posted(look), methods=["POST"]),
    Route("/restore/plan/{run:run_id}", plan),
    Route("/restore/rows/{run:run_id}", rows),
    Route("/restore/again/{run:run_id}", posted(again), methods=["POST"]),
    Route("/restore/answers/{run:run_id}", posted(answer), methods=["POST"]),
    Route("/restore/apply/{run:run_id}", posted(apply), methods=["POST"]),
    Route("/restore/done/{run:run_id}", done),
)
