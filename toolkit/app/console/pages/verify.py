"""`/verify`: comparing a backup with a database, rehearsing a restore, and what came of both until now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolkit.app.commands import backups, proofs
from toolkit.app.console.answers import answer_of
from toolkit.app.console.forms import posted, text
from toolkit.app.console.pages.backups import everywhere
from toolkit.app.console.site import Site, site_of
from toolkit.app.console.verify_forms import TURN, WHOLE, Compare, Known, Rehearse
from toolkit.app.runs import history
from toolkit.errors import InputError, PlaybackError

NEWEST: Final = 100
"""Backups that can be chosen in a form; any other one is chosen on its own page, which leads here."""

HISTORY: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page shows: the choices, and, of one form, the playbook that it makes or what is wrong with it."""

    compare: Compare = field(default_factory=Compare)
    rehearse: Rehearse = field(default_factory=Rehearse)
    shown: str = ""
    playbook: str = ""
    wrong: str = ""


def verify(request: Request) -> Response:
    """Show the forms, with what the address chooses, and the history."""
    query = request.query_params
    chosen = _chosen(query)
    compare = Compare(backup=chosen, host=query.get("host", ""), tables=query.get("tables", ""))
    rehearse = Rehearse(backup=chosen, host=query.get("host", ""))
    return _page(request, Seen(compare=compare, rehearse=rehearse))


def _chosen(query: QueryParams) -> str:
    repository, label = query.get("repository", ""), query.get("backup", "")
    return f"{repository}/{label}" if repository and label else ""


def _page(request: Request, seen: Seen) -> Response:
    site = site_of(request)
    found = everywhere(site)
    listed, hosts = found.backups[: -NEWEST - 1 : -1], _hosts(site)
    return site.page(
        request,
        "verify.html",
        title="Verify",
        backups=listed,
        unread=bool(found.exit_code),
        hosts=hosts,
        businesses=_businesses(listed),
        seen=_with_defaults(seen, listed, hosts),
        proofs=_proofs(site),
        attempts=history.attempts(site.control.directory, limit=HISTORY),
        whole=WHOLE,
        turn=TURN,
        scope_text=backups.scope_text,
    )


def _hosts(site: Site) -> list[str]:
    return [host.name for host in site.inventory().select("all") if host.catalog]


def _backups(site: Site) -> Sequence[backups.Listed]:
    """The newest backups, the newest first."""
    return everywhere(site).backups[: -NEWEST - 1 : -1]


def _proofs(site: Site) -> Sequence[proofs.Tried]:
    """The newest attempts to prove backups, of the places that answer."""

    def ask(name: str) -> Sequence[proofs.Tried]:
        try:
            found: proofs.Proofs = answer_of(site, proofs.COMMAND, proofs.Options(), repository=name)
        except PlaybackError:
            return ()  # the list of backups says why
        return found.attempts

    answers = site.places.ask("proofs", site.inventory().repositories, ask)
    found = [each for attempts in answers.values() for each in attempts]
    return sorted(found, key=lambda each: (each.proof.time, each.proof.label, each.repository), reverse=True)[:HISTORY]


def _businesses(listed: Iterable[backups.Listed]) -> Mapping[str, str]:
    """Those of the listed backups: key → name."""
    found = {key: label or key for each in listed for key, label in each.outline.businesses.items()}
    return dict(sorted(found.items(), key=lambda item: item[1].casefold()))


def _with_defaults(seen: Seen, listed: Sequence[backups.Listed], hosts: Sequence[str]) -> Seen:
    """What is chosen where nobody has chosen yet: the newest backup, and the host that it is of."""
    newest = listed[0] if listed else None
    chosen = seen.compare.backup or (f"{newest.repository}/{newest.outline.metadata.label}" if newest else "")
    of = next((each.outline.metadata.host for each in listed if chosen.endswith(each.outline.metadata.label)), "")
    host = of if of in hosts else (hosts[0] if hosts else "")
    return Seen(
        compare=Compare(backup=chosen, host=seen.compare.host or host, tables=seen.compare.tables),
        rehearse=Rehearse(
            host=seen.rehearse.host or host,
            backup=seen.rehearse.backup,
            businesses=seen.rehearse.businesses,
            on=seen.rehearse.on,
        ),
        shown=seen.shown,
        playbook=seen.playbook,
        wrong=seen.wrong,
    )


def _said(kind: type[Compare] | type[Rehearse], form: FormData) -> dict[str, str]:
    return {each.name: text(form, each.name) for each in fields(kind) if each.name in form}


def compare(request: Request, form: FormData) -> Response:
    """Compare, or show the playbook that would."""
    asked = Compare(**_said(Compare, form))
    if text(form, "do") == "rows" and asked.backup and asked.host:
        chosen = urlencode({"of": asked.backup, "host": asked.host, "tables": asked.tables})
        return RedirectResponse(f"/verify/differences?{chosen}", status_code=303)
    return _act(request, form, "compare", asked)


def rehearse(request: Request, form: FormData) -> Response:
    """Rehearse, or show the playbook that would."""
    said = _said(Rehearse, form)
    of = {f"{each.repository}/{each.outline.metadata.label}": each for each in _backups(site_of(request))}
    if backup := of.get(said.get("backup", "")):
        # a drill is one of the computer that the backup is of, as far as that is still there
        host = backup.outline.metadata.host
        said["host"] = host if host in _hosts(site_of(request)) else said.get("host", "")
    return _act(request, form, "rehearse", Rehearse(**said))


def _act(request: Request, form: FormData, shown: str, asked: Compare | Rehearse) -> Response:
    site, written, wrong = site_of(request), "", ""
    try:
        written = asked.playbook(Known(hosts=_hosts(site), repositories=site.inventory().repositories))
    except InputError as error:
        wrong = error.message
    if text(form, "do") == "run" and written:
        return site.begin(request, written)
    if request.headers.get("HX-Request"):
        return site.part(request, "verify_playbook.html", shown=shown, written=written, wrong=wrong)
    chosen = {"compare": asked} if isinstance(asked, Compare) else {"rehearse": asked}
    return _page(request, Seen(**chosen, shown=shown, playbook=written, wrong=wrong))


ROUTES = (
    Route("/verify", verify, name="verify"),
    Route("/verify/compare", posted(compare), methods=["POST"], name="verify.compare"),
    Route("/verify/rehearse", posted(rehearse), methods=["POST"], name="verify.rehearse"),
)
