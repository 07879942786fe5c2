"""`/backups`: the backups there are, by what one asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.commands import backups
from toolkit.app.commands.backups import Backups, Listed
from toolkit.app.console.site import Site, site_of
from toolkit.app.repositories import Unread
from toolkit.config.masking import mask
from toolkit.errors import InputError, PlaybackError, StorageError

EACH: Final = 50
"""Backups on a page."""

_HINT: Final = "look again in a moment: the first look reads every backup. Is its disk plugged in, or its server there?"

FIELDS: Final = ("host", "job", "scope", "business", "tag", "since", "until", "proven", "pinned", "repository")
"""What can be asked for, as it stands in the address."""


def listing(request: Request) -> Response:
    """Show the backups that are asked for, the newest first."""
    site, asked = site_of(request), _asked(request.query_params)
    answer = everywhere(site)
    wrong, found = "", newest_first(answer)
    try:
        found = _wanted(found, asked)
    except InputError as error:
        wrong = mask(error.message)
    places = _places(found)
    found = [each for number, each in enumerate(found) if number in places]
    kept_in = list(places.values())
    pages = max(1, -(-len(found) // EACH))
    page = min(max(1, _number(request.query_params.get("page", ""))), pages)
    return site.page(
        request,
        "backups.html",
        title="Backups",
        asked=asked,
        given={name: asked.get(name, "") for name in FIELDS},
        answer=answer,
        found=found[(page - 1) * EACH : page * EACH],
        kept_in=kept_in[(page - 1) * EACH : page * EACH],
        number=len(found),
        first=(page - 1) * EACH + 1,
        page=page,
        pages=pages,
        address=lambda number: f"/backups?{urlencode({**asked, 'page': number})}",
        kept=f"/backups/kept?{urlencode(_kept(asked, answer))}",
        choices=_choices(answer),
        unread=_unread(answer),
        wrong=wrong,
    )


def everywhere(site: Site) -> Backups:
    """What `backups` answers, each repository asked by itself: one that does not answer keeps no other from it."""

    def ask(name: str) -> Backups | Unread:
        try:
            (answer,) = backups.COMMAND.body(backups.Options(), site.call(backups.COMMAND, repository=name))
        except PlaybackError as error:
            return Unread(name=name, error=error)
        assert isinstance(answer, Backups)
        return answer

    names = list(site.inventory().repositories)
    answers = site.places.ask("backups", names, ask)
    silent = StorageError("it does not answer", hint=_HINT)
    each = [answers.get(name, Unread(name=name, error=silent)) for name in names]
    found = [answer for answer in each if isinstance(answer, Backups)]
    listed = [one for answer in found for one in answer.backups]
    return Backups(
        backups=tuple(sorted(listed, key=lambda one: one.outline.metadata.timestamp)),
        warnings=tuple(warning for answer in found for warning in answer.warnings),
        unreadable=tuple(one for answer in found for one in answer.unreadable),
        unread=tuple(answer for answer in each if isinstance(answer, Unread)),
        others=0,
    )


def newest_first(answer: Backups) -> list[Listed]:
    """Give the backups from the newest on; those of several places in the order in which the inventory names these."""
    return sorted(answer.backups, key=lambda one: one.outline.metadata.timestamp, reverse=True)


def _places(found: Sequence[Listed]) -> dict[int, list[str]]:
    """The places of each backup, by its number; where the copies are not equally proven and pinned, each is told."""
    places, known = dict[int, list[str]](), dict[str, list[int]]()
    for number, each in enumerate(found):
        same = known.setdefault(each.outline.metadata.label, [])
        first = next((other for other in same if _equal(found[other], each)), number)
        if first == number:
            same.append(number)
        places.setdefault(first, []).append(each.repository)
    return places


def _equal(one: Listed, other: Listed) -> bool:
    sums = (one.outline.metadata.checksums, other.outline.metadata.checksums)
    return sums[0] == sums[1] and (one.standing, one.pin) == (other.standing, other.pin)


def _asked(given: QueryParams) -> dict[str, str]:
    return {name: value for name in FIELDS if (value := given.get(name, "").strip())}


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 1


def _wanted(found: Sequence[Listed], asked: Mapping[str, str]) -> list[Listed]:
    """Those of the backups that are asked for, by what the options of the command mean."""
    proven = asked.get("proven", "")
    given = backups.Options(
        job=asked.get("job", ""),
        scope=asked.get("scope", ""),
        business=asked.get("business", ""),
        tag=(asked["tag"],) if "tag" in asked else (),
        since=asked.get("since", ""),
        until=asked.get("until", ""),
        proven=proven == "yes",
        unproven=proven == "no",
        failed=proven == "failed",
        pinned="pinned" in asked,
    )
    wanted, repository = backups.wanted_of(given, asked.get("host", "")), asked.get("repository", "")
    return [
        each
        for each in found
        if repository in ("", each.repository) and wanted.takes(each.outline, each.standing, each.pin)
    ]


def _choices(answer: Backups) -> dict[str, list[str]]:
    """What there is to choose from."""
    return {
        "host": sorted({each.outline.metadata.host for each in answer.backups}),
        "job": sorted({each.outline.metadata.job for each in answer.backups}),
        "tag": sorted({tag for each in answer.backups for tag in each.outline.metadata.tags}),
        "repository": sorted({each.repository for each in answer.backups}),
    }


def _kept(asked: Mapping[str, str], answer: Backups) -> dict[str, str]:
    """Where it is shown what stays: the repository that is asked for, or the one of the newest backup."""
    newest = newest_first(answer)[0].repository if answer.backups else ""
    return {"repository": asked.get("repository", newest)} | {key: asked[key] for key in ("host",) if key in asked}


def _unread(answer: Backups) -> list[dict[str, Any]]:
    """What is said about repositories and backups that cannot be read."""
    unread = [{**each.document(), "level": "critical" if each.exit_code else "note"} for each in answer.unread]
    damaged = [
        {"repository": name, "error": mask(error.message), "hint": mask(error.hint), "level": "critical"}
        for name, error in answer.unreadable
    ]
    return [*unread, *damaged]


ROUTES = (Route("/backups", listing, name="backups"),)
