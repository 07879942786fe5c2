"""`/schedules`: what runs by itself: when next, how it ended, pausing it, and how to have another one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit import shipped
from toolkit.app.console import composing, deeds, forms
from toolkit.app.console.deeds import Deed
from toolkit.app.console.site import Site, site_of
from toolkit.app.scheduling.crontab import Cron, no_daemon
from toolkit.app.scheduling.job import PROGRAM, interpreter
from toolkit.app.scheduling.listing import listed
from toolkit.app.scheduling.record import DIED
from toolkit.config.masking import mask
from toolkit.errors import InputError
from toolkit.planning.recurrence import recurrence
from toolkit.private import pauses

_DAYS: Final = (
    ("", "Every day"),
    ("mon-fri", "Monday to Friday"),
    ("mon-sat", "Monday to Saturday"),
    ("sun", "Sunday"),
)
_LINES: Final = 40
"""Lines of a log that are shown."""


def overview(request: Request) -> Response:
    """Show all of them."""
    site = site_of(request)
    found = listed(site.control.directory).document()["schedules"]
    schedules = [{**each, **_said(each)} for each in found]
    return site.page(request, "schedules.html", title="Schedules", schedules=schedules)


def _said(entry: Mapping[str, Any]) -> dict[str, str]:
    """How the last run of a schedule ended, and how it stands, as a level and in words."""
    last, level, word, ended = entry["last"], "ok", "active", "It has not run yet."
    if last and last["running"]:
        ended = "It is running now."
    elif last and last["exit_code"]:
        code = last["exit_code"]
        level, word = "critical", "failed"
        ended = "It died without an end." if code == DIED else f"It failed (exit code {code})."
        if not entry["succeeded"]:
            ended += " None has ended well yet."
    elif last:
        ended = "It ended well."
    if entry["paused"]:
        level, word = "warning", "paused"
    if entry["kind"] and not entry["installed"]:
        level, word = "critical", "timer is gone"
    elif entry["kind"] == Cron.name and no_daemon():
        level, word = "critical", "will not run"
    return {"level": level, "word": word, "ended": ended}


def log(request: Request) -> Response:
    """Show the end of a schedule's log."""
    site, name = site_of(request), _name(request)
    file = site.control.directory / ".playback" / "logs" / f"{name}.log"
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    text = mask("\n".join(lines[-_LINES:]))
    return site.page(request, "schedule_log.html", title=f"Log of {name}", name=name, text=text, more=lines[_LINES:])


def _name(request: Request) -> str:
    """The name of a schedule in an address; InputError for one that there is not, which reads no file either."""
    name: str = request.path_params["name"]
    pauses.expect_scheduled(site_of(request).control.directory, name)
    return name


def _pause(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    host = deeds.errand_host(site.inventory())

    def compose(form: FormData) -> str:
        arguments: dict[str, Any] = {"name": name, "state": "paused"}
        if until := forms.text(form, "until"):
            arguments["until"] = _day(until)
        return composing.playbook(f"Pause {name}", host, [{"name": "No run of it begins", "schedule": arguments}])

    return Deed(
        title=f"Pause {name}", template="schedule_pause.html", compose=compose, data={"name": name, "today": _today()}
    )


def _today() -> date:
    """Today where the console runs, as schedules go by it."""
    return datetime.now().astimezone().date()


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a day; write it as YYYY-MM-DD") from None
    if day < _today():
        raise InputError(f"{day} has passed")
    return day.isoformat()


def _resume(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    host = deeds.errand_host(site.inventory())
    task = {"name": "Its runs begin again", "schedule": {"name": name, "state": "active"}}
    text = composing.playbook(f"Resume {name}", host, [task])
    return Deed(title=f"Resume {name}", template="schedule_resume.html", compose=lambda _: text, data={"name": name})


def _new(request: Request) -> Deed:
    site = site_of(request)
    known = _playbooks(site)

    def compose(form: FormData) -> str:
        asked, inventory = _asked(form, known), site.control.inventory
        named = ["--inventory", inventory] if inventory else []
        words = [interpreter(), "-m", PROGRAM, "schedule", *asked, "--install", *named]
        made = {"name": "Have the system start it", "command": composing.literal({"argv": words}), "register": "made"}
        told = {"name": "What was made, and what has to be known", "debug": {"msg": "{{ made.stdout }}"}}
        return composing.written(f"Schedule {asked[0]}", deeds.errand_host(site.inventory()), [made, told])

    return Deed(
        title="Have something run by itself",
        template="schedule_new.html",
        compose=compose,
        part="schedule_new_made.html",
        data={"playbooks": known, "days": _DAYS, "line": lambda form: _line(form, known)},
    )


def _asked(form: FormData, known: list[str]) -> list[str]:
    """The words of the command `schedule` for what was filled in; InputError with what is wrong."""
    chosen = forms.text(form, "playbook") or next(iter(known), "")
    if chosen not in known:
        raise InputError("there is no such playbook here")
    at, on, name = forms.text(form, "at") or "02:00", forms.text(form, "on"), forms.text(form, "name")
    recurrence(at=at, on=on, every="")
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", name):
        raise InputError("a name is made of letters, digits, dots, - and _")
    return [chosen, "--at", at, *(("--on", on) if on else ()), *(("--name", name) if name else ())]


def _line(form: FormData, known: list[str]) -> str:
    try:
        return f"playback schedule {shlex.join(_asked(form, known))} --install"
    except InputError:
        return ""


def _playbooks(site: Site) -> list[str]:
    """The playbooks that one would name: the control directory's, the nightly first, else the shipped ones."""
    own = sorted((site.control.directory / "playbooks").glob("*.yml"))
    names = [f"playbooks/{file.name}" for file in own or sorted(shipped.PLAYBOOKS.glob("*.yml"))]
    return sorted(names, key=lambda name: Path(name).stem != "nightly")


ROUTES = (
    Route("/schedules", overview, name="schedules"),
    *deeds.routes("/schedules/new", _new, "schedule_new"),
    *deeds.routes("/schedules/{name}/pause", _pause, "schedule_pause"),
    *deeds.routes("/schedules/{name}/resume", _resume, "schedule_resume"),
    Route("/schedules/{name}/log", log, name="schedule_log"),
)
