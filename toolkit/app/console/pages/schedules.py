"""`/schedules`: what runs by itself: when next, how it ended, pausing, changing and ending it, and another one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolkit.app.console import composing, deeds, forms
from toolkit.app.console.deeds import Deed
from toolkit.app.console.offered import Offered, offered
from toolkit.app.console.site import Site, site_of
from toolkit.app.scheduling import names, record
from toolkit.app.scheduling.crontab import Cron, no_daemon
from toolkit.app.scheduling.job import PROGRAM, interpreter
from toolkit.app.scheduling.listing import listed
from toolkit.app.scheduling.record import DIED, Record
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
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}"
"""What schedules may be called."""

_LINES: Final = 40
"""Lines of a log that are shown."""


def overview(request: Request) -> Response:
    """Show all of them."""
    site = site_of(request)
    found = listed(site.control.directory).document()["schedules"]
    schedules = [{**each, **_said(each), "change": _change(site, each)} for each in found]
    nightly = next((each for each in offered(site.control) if each.backs_up), None)
    return site.page(request, "schedules.html", title="Schedules", schedules=schedules, nightly=nightly)


def _change(site: Site, entry: Mapping[str, Any]) -> dict[str, str]:
    """What the form is filled in with to change a schedule."""
    known = record.read(site.control.directory, entry["name"])
    times = {"at": known.at, "on": known.on} if known else {}
    filled = {"playbook": entry["playbook"], "name": entry["name"], **times}
    return {key: value for key, value in filled.items() if value}


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


def _remove(request: Request) -> Deed:
    name, site = _name(request), site_of(request)
    words = [interpreter(), "-m", PROGRAM, "schedule", "--name", name, "--remove"]
    task = {"name": "Nothing starts it any more", "command": {"argv": words}}
    text = composing.playbook(f"Remove the schedule {name}", deeds.errand_host(site.inventory()), [task])
    known = record.read(site.control.directory, name)
    data = {"name": name, "playbook": known.playbook if known else ""}
    return Deed(title=f"Remove the schedule {name}", template="schedule_remove.html", compose=lambda _: text, data=data)


def _new(request: Request) -> Deed:
    site = site_of(request)
    known = offered(site.control)

    def compose(form: FormData) -> str:
        asked, inventory = _asked(form, known, site), site.control.inventory
        named = ["--inventory", inventory] if inventory and not _has(asked, "--inventory") else []
        words = [interpreter(), "-m", PROGRAM, "schedule", *asked, "--install", *named]
        made = {"name": "Have the system start it", "command": composing.literal({"argv": words}), "register": "made"}
        told = {"name": "What was made, and what has to be known", "debug": {"msg": "{{ made.stdout }}"}}
        return composing.written(f"Schedule {asked[0]}", deeds.errand_host(site.inventory()), [made, told])

    return Deed(
        title="Have something run by itself",
        template="schedule_new.html",
        compose=compose,
        part="schedule_new_made.html",
        data={
            "playbooks": known,
            "days": _DAYS,
            "line": lambda form: _line(form, known, site),
            "before": lambda form: _before(form, known, site),
            "chosen": lambda form: _chosen(form, known),
        },
    )


def _has(words: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words)


def _chosen(form: FormData, known: Sequence[Offered]) -> Offered | None:
    """The playbook that is chosen; the first one where none is, None for one that there is not."""
    name = forms.text(form, "playbook")
    return next((each for each in known if not name or each.name == name), None)


def _before(form: FormData, known: Sequence[Offered], site: Site) -> Record | None:
    """The schedule that this one takes the place of; None where there is none."""
    chosen = _chosen(form, known)
    name = forms.text(form, "name") or (names.default(chosen.name) if chosen else "")
    return record.read(site.control.directory, name) if re.fullmatch(_NAME, name) else None


def _asked(form: FormData, known: Sequence[Offered], site: Site) -> list[str]:
    """The words of the command `schedule` for what was filled in; InputError with what is wrong.

    One that is changed keeps all its options but the times.
    """
    chosen = _chosen(form, known)
    if chosen is None:
        raise InputError("there is no such playbook here")
    at, on, name = forms.text(form, "at") or "02:00", forms.text(form, "on"), forms.text(form, "name")
    recurrence(at=at, on=on, every="")
    if name and not re.fullmatch(_NAME, name):
        raise InputError("a name is made of letters, digits, dots, - and _")
    before = _before(form, known, site)
    if before and before.playbook != chosen.name:
        raise InputError(f"{before.name} is the name of another schedule, for {before.playbook}; give this one its own")
    if chosen.writes and not forms.text(form, "writes"):
        raise InputError(
            f"{chosen.title}: it can write into data that is in use. Tick below the list that this is meant"
        )
    kept = before.options if before else ()
    return [chosen.name, "--at", at, *(("--on", on) if on else ()), *(("--name", name) if name else ()), *kept]


def _line(form: FormData, known: Sequence[Offered], site: Site) -> str:
    try:
        return f"playback schedule {shlex.join(_asked(form, known, site))} --install"
    except InputError:
        return ""


ROUTES = (
    Route("/schedules", overview, name="schedules"),
    *deeds.routes("/schedules/new", _new, "schedule_new"),
    *deeds.routes("/schedules/{name}/pause", _pause, "schedule_pause"),
    *deeds.routes("/schedules/{name}/remove", _remove, "schedule_remove"),
    *deeds.routes("/schedules/{name}/resume", _resume, "schedule_resume"),
    Route("/schedules/{name}/log", log, name="schedule_log"),
)
