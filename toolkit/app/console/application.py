"""The web application: routes, what stands before them, and how an error looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from toolkit.app.console.censuses import Censuses
from toolkit.app.console.pages import routes, runs
from toolkit.app.console.safety.refusal import Refusal
from toolkit.app.console.site import Site, site_of
from toolkit.app.overview.watching import Watch
from toolkit.config.masking import mask
from toolkit.errors import ExitCode, InputError, PlaybackError, Problem, understood

_STATIC = Path(__file__).parent / "static"

_STATUS = {
    ExitCode.INPUT: 400,
    ExitCode.REFUSED: 403,
    ExitCode.LOCKED: 409,
}
"""HTTP's status by the exit code that the command line has for an error; 503 for all others."""

_MEND = (
    "the file named above has to be put right, by whoever looks after it; then load this page again."
    " Nothing is lost: what is backed up stays where it is."
)


def application(site: Site) -> Starlette:
    """Put the application together; what has to stand before it is `safety`."""
    made = Starlette(
        routes=[*routes(), Mount("/static", StaticFiles(directory=_STATIC), name="static")],
        exception_handlers={PlaybackError: _refused, HTTPException: _missing, Exception: _defect},
    )
    made.state.site = site
    made.state.watching = runs.watching(site)
    made.state.watch = Watch(control=site.control, now=site.now)
    made.state.censuses = Censuses(control=site.control)
    return made


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlaybackError)
    return problem(request, error, status=_STATUS.get(error.exit_code, 503))


def _missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title, what = ("Not found", "There is no such page.") if error.status_code == 404 else ("Not so", error.detail)
    return _told(request, title, error.status_code, [what])


def _defect(request: Request, error: Exception) -> Response:
    known = understood(error)
    if known:
        return problem(request, known, status=503)
    what = f"unexpected {type(error).__name__}: {mask(str(error))}"
    hint = "this is a defect of Playback; the terminal in which the console runs shows where"
    return _told(request, "Defect", 500, [what], hint)


def problem(request: Request, error: PlaybackError, *, status: int) -> Response:
    """Show an error as a page: every problem that it names, and what to do."""
    found: Sequence[Problem] = error.problems if isinstance(error, InputError) else ()
    problems = [mask(str(each)) for each in found] or [mask(error.message)]
    hint = mask(error.hint) or (_MEND if any(each.file for each in found) else "")
    return _told(request, "That did not work", status, problems, hint)


def _told(request: Request, title: str, status: int, problems: Sequence[str], hint: str = "") -> Response:
    """Show what went wrong: as a page of the console, or outside of it to whom no session is asked of (`/static/`)."""
    if not hasattr(request.state, "session"):
        return Refusal(status=status, title=title, text=" ".join(problems), hint=hint).response()
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    again = there if request.method == "GET" and status != 404 and not there.startswith("//") else ""
    return site_of(request).page(
        request, "problem.html", title=title, status=status, problems=problems, hint=hint, again=again
    )
