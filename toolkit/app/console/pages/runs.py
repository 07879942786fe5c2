"""`/runs`: every run; `/runs/ID`: one, live while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from markupsafe import escape
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from toolkit.app.console.forms import posted
from toolkit.app.console.site import Site, site_of
from toolkit.app.console.watching import Look, Watching, event, looked
from toolkit.app.runs import record as records
from toolkit.app.runs.choosing import Choice
from toolkit.app.runs.keeping import KEPT
from toolkit.app.runs.record import Known, Origin, State
from toolkit.app.runs.telling import meaning
from toolkit.errors import ExitCode, InputError, StorageError

SHOWN: Final = 50
"""Runs that the list shows unless more are asked for."""
TABLES: Final = 8
"""Tables under way that are shown of one task on one host."""

HOSTS: Final = 30
"""Hosts that are shown of one task while it goes on."""
PRINTED: Final = 200_000
"""Characters of what a run printed that are shown when it has ended."""

LEVELS: Final = {
    State.RUNNING: "none",
    State.OK: "ok",
    State.PARTIAL: "warning",
    State.INTERRUPTED: "warning",
    State.FAILED: "critical",
    State.KILLED: "critical",
}
WORDS: Final = {
    State.RUNNING: "running",
    State.OK: "done",
    State.PARTIAL: "done in part",
    State.INTERRUPTED: "stopped",
    State.FAILED: "failed",
    State.KILLED: "cut off",
}
"""What people call the states."""
DIFFERENT: Final = ("warning", "different")
"""How a comparison ended that found differences: what people have changed since a backup is no fault."""


def runs(request: Request) -> Response:
    """List runs, those that a filter chooses."""
    site, asked = site_of(request), request.query_params
    given = {name: asked.get(name, "").strip() for name in ("state", "host", "playbook", "by")}
    limit = KEPT if asked.get("all") else SHOWN
    everything = list(records.runs(site.control.directory))
    chosen = list(islice(Choice(**given).among(everything), limit + 1))
    return site.page(
        request,
        "runs.html",
        title="Runs",
        runs=[(each, *_ended(each)) for each in chosen[:limit]],
        more=len(chosen) > limit,
        given=given,
        hosts=sorted({host for each in everything for host in each.run.hosts}),
        people=sorted({each.run.by for each in everything}),
        going_on=any(each.state is State.RUNNING for each in everything),
        words=WORDS,
    )


def run(request: Request) -> Response:
    """Show one run."""
    site = site_of(request)
    look = looked(_known(request))
    known = look.known
    return site.page(
        request,
        "run.html",
        title=known.run.title or known.called,
        report=known.report() if not look.goes_on else None,
        playbook=known.text(records.PLAYBOOK),
        output=known.text(records.OUTPUT),
        most=PRINTED,
        **_seen(look),
    )


async def events(request: Request) -> Response:
    """Send what changes of a run, as events of a stream."""
    known = _known(request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    watching: Watching = request.app.state.watching
    stream = watching.stream(known)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


def stop(request: Request, form: FormData) -> Response:
    """Ask a run to end, as Ctrl-C does."""
    del form
    known = _known(request)
    if known.state is State.RUNNING:
        try:
            records.stop(known, request.state.session.name)
        except OSError as error:
            raise StorageError(f"the run cannot be stopped: {error.strerror or error}") from error
    return RedirectResponse(f"/runs/{known.run.id}", status_code=303)


def again(request: Request, form: FormData) -> Response:
    """Begin a run of the console once more, with the same playbook."""
    del form
    known = _known(request)
    if not _repeatable(known):
        raise InputError("this run was not begun by a page", hint="begin it again where it was begun")
    return site_of(request).begin(
        request,
        known.text(records.PLAYBOOK),
        check=bool(known.run.options.get("check")),
        diff=bool(known.run.options.get("diff")),
    )


def _repeatable(known: Known) -> bool:
    """Whether its playbook is all that there is to it."""
    return known.run.origin is Origin.CONSOLE and known.state is not State.RUNNING


def _known(request: Request) -> Known:
    known = records.read(site_of(request).control.directory, request.path_params["run"])
    if known is None:
        raise HTTPException(404, "There is no such run. Old ones are removed after 90 days.")
    return known


def watching(site: Site) -> Watching:
    """Give what has runs watched by any number of people."""
    return Watching(lambda look: _shown(site, look))


def _ended(known: Known) -> tuple[str, str]:
    """Give the level and the word of how a run ended."""
    if known.run.exit_code == ExitCode.DIFFERENCES and known.state is State.FAILED:
        with suppress(KeyError, TypeError, AttributeError):  # a report may be damaged
            if _only_compared(known.report() or {}):
                return DIFFERENT
    return LEVELS[known.state], WORDS[known.state]


def _only_compared(report: Mapping[str, Any]) -> bool:
    """Whether all that failed are comparisons with data in use, none of which were restored just now."""
    tasks = [task for play in report["plays"] for task in play["tasks"]]
    failed = [
        (task["action"], each["facts"]) for task in tasks for each in task["results"] if each["status"] == "failed"
    ]
    compared = all(action == "verify" and facts["tables"] and ":" not in facts["host"] for action, facts in failed)
    return bool(failed) and compared and all(task["action"] != "restore" for task in tasks)


def _seen(look: Look) -> dict[str, Any]:
    """Give what the templates of a run see."""
    known = look.known
    level, word = _ended(known)
    return {
        "known": known,
        "run": known.run,
        "course": look.course,
        "printed": look.printed,
        "goes_on": look.goes_on,
        "stopping": look.goes_on and (known.directory / records.STOP).exists(),
        "repeatable": _repeatable(known),
        "told": meaning(known),
        "level": level,
        "word": word,
        "tables": TABLES,
        "most_hosts": HOSTS,
    }


def _shown(site: Site, look: Look) -> str:
    """Give what is sent to everybody who watches a run."""
    seen = _seen(look)
    course = site.templates.get_template("run_course.html").render(seen)
    printed = site.templates.get_template("run_printed.html").render(seen)
    # who hears the page would hear it again every second
    said = event("said", _said(look)) if look.turned else ""
    text = said + event("course", course) + event("printed", printed)
    return text if look.goes_on else f"{text}{event('ended', '')}"


def _said(look: Look) -> str:
    """Say in a few words what goes on, for those who hear pages."""
    task = look.course.tasks[-1].name if look.course.tasks else "beginning"
    return str(escape(f"{WORDS[look.known.state]}: {task}"))


ROUTES = (
    Route("/runs", runs, name="runs"),
    Route("/runs/{run:run_id}", run, name="run"),
    Route("/runs/{run:run_id}/events", events, name="events"),
    Route("/runs/{run:run_id}/again", posted(again), methods=["POST"], name="again"),
    Route("/runs/{run:run_id}/stop", posted(stop), methods=["POST"], name="stop"),
)
