"""`/backups/kept`: which backups of a repository stay, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console.site import Site, listed, site_of
from toolkit.app.console.timeline import timeline
from toolkit.app.keeping import Kept, in_words, kept
from toolkit.app.repositories import repositories
from toolkit.config.masking import mask
from toolkit.errors import PlaybackError
from toolkit.model.retention import Decision
from toolkit.storage.remembered import memory_of

EACH: Final = 50
"""Backups on a page."""

DRAWN: Final = 24
"""So many lines of time at most."""

_RULES: Final = {
    "keep_last": "the newest {}",
    "keep_hourly": "one an hour, for {} hours that have one",
    "keep_daily": "one a day, for {} days that have one",
    "keep_weekly": "one a week, for {} weeks that have one",
    "keep_monthly": "one a month, for {} months that have one",
    "keep_yearly": "one a year, for {} years that have one",
    "keep_within": "everything made within {} before the newest",
    "keep_within_hourly": "one an hour, within {} before the newest",
    "keep_within_daily": "one a day, within {} before the newest",
    "keep_within_weekly": "one a week, within {} before the newest",
    "keep_within_monthly": "one a month, within {} before the newest",
    "keep_within_yearly": "one a year, within {} before the newest",
    "keep_tags": "what is tagged {}",
    "minimum": "the newest {} of each kind, whatever the other rules say",
}
"""What the arguments of `prune` mean for people."""


def shown(request: Request) -> Response:
    """Show what stays and what goes: lines of time, and the backups one by one."""
    site, query = site_of(request), request.query_params
    names = list(site.inventory().repositories)
    name = query.get("repository", "") or (names[0] if names else "")
    wrong = None
    asked = {"repository": name} | {key: query[key] for key in ("host", "what") if query.get(key)}
    known = Kept(playbook="", rules={}, decisions=(), zone=None)
    try:
        known = _kept(site, listed(site.inventory(), name)) if name else known
    except PlaybackError as error:
        wrong = error
    hosts = sorted({each.backup.host for each in known.decisions})
    of_host = [each for each in known.decisions if asked.get("host", "") in ("", each.backup.host)]
    wanted = {"": (True, False), "stay": (True,), "go": (False,)}.get(asked.get("what", ""), (True, False))
    found = sorted((each for each in of_host if each.keep in wanted), key=lambda each: each.backup.time, reverse=True)
    pages = max(1, -(-len(found) // EACH))
    text = query.get("page", "")
    page = min(max(1, int(text) if text.isdecimal() and len(text) < 7 else 1), pages)
    groups = [list(each) for _, each in groupby(of_host, key=lambda one: one.group)]
    return site.page(
        request,
        "kept.html",
        title="What is kept",
        names=names,
        asked=asked,
        hosts=hosts,
        known=known,
        wrong=mask(wrong.message) if wrong else "",
        hint=mask(wrong.hint) if wrong else "",
        rules=list(_rules(known.rules)),
        lines=[_line(each, site, known) for each in groups[:DRAWN]],
        more=len(groups[DRAWN:]),
        found=[_row(each, known) for each in found[(page - 1) * EACH : page * EACH]],
        number=len(found),
        stay=sum(each.keep for each in of_host),
        go=sum(not each.keep for each in of_host),
        page=page,
        pages=pages,
        address=lambda number: f"/backups/kept?{urlencode({**asked, 'page': number})}",
    )


def _kept(site: Site, name: str) -> Kept:
    directory = site.control.directory
    for _, repository in repositories(site.inventory(), name):
        if isinstance(repository, PlaybackError):
            raise repository
        return kept(site.control, name, repository, now=site.now(), memory=memory_of(directory))
    raise AssertionError("a named repository is given or refused")


def _rules(written: Mapping[str, Any]) -> Sequence[str]:
    """The rules, each in words."""
    said: list[str] = []
    for key, value in written.items():
        if key in _RULES and value not in (0, None, []):
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            said.append(_RULES[key].format("all" if text in ("-1", "unlimited") else text))
    return said


def _called(decision: Decision, known: Kept) -> str:
    """What is said of the group of a backup, with names of businesses instead of their keys."""
    outline = known.outlines[decision.backup.label]
    metadata, covered = outline.metadata, outline.metadata.business_filter
    chosen = ", ".join(outline.businesses.get(key, key) for key in covered.business_ids)
    scope = "full device" if metadata.backup_type == "full-device" else "business data"
    scope += f" of {chosen}" if chosen else ""
    scope += {"include": ", demo included", "only": ", demo only"}.get(covered.demo, "")
    # one of the parts for each key of the policy, in the same words
    said = {f"host {metadata.host}": metadata.host, f"job {metadata.job}": metadata.job, decision.backup.scope: scope}
    return ", ".join(said.get(part, part) for part in decision.group) or "all backups"


def _line(decisions: Sequence[Decision], site: Site, known: Kept) -> dict[str, Any]:
    named = _called(decisions[0], known)
    return {
        "called": named,
        "drawn": timeline(decisions, site.now(), named),
        "stay": sum(each.keep for each in decisions),
        "number": len(decisions),
    }


def _row(decision: Decision, known: Kept) -> dict[str, Any]:
    return {
        "label": decision.backup.label,
        "time": decision.backup.time,
        "keep": decision.keep,
        "called": _called(decision, known),
        "why": [in_words(reason) for reason in decision.reasons],
    }


ROUTES = (Route("/backups/kept", shown, name="backups_kept"),)
