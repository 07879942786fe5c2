"""`/repositories/NAME/prune`: old backups are removed: rules, then what goes and what stays, then the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolkit.app.console import composing, deeds, forms
from toolkit.app.console.deeds import Deed
from toolkit.app.console.site import Site, site_of
from toolkit.app.retention_rules import rules_for
from toolkit.app.runs import record
from toolkit.app.runs.record import State
from toolkit.config import playbook as playbooks
from toolkit.errors import InputError
from toolkit.model.playbook import Task

FIELDS: Final = (
    ("keep_last", "The newest", "backups, whenever they were made"),
    ("keep_daily", "One a day for", "days"),
    ("keep_weekly", "One a week for", "weeks"),
    ("keep_monthly", "One a month for", "months"),
    ("keep_yearly", "One a year for", "years"),
    ("minimum", "At least", "backups of each kind, whatever the rules say"),
)
"""The rules of the form: the argument, and the words before and behind its number."""

_USUAL: Final = {"keep_daily": 14, "keep_weekly": 8, "keep_monthly": 12, "minimum": 3}
"""Where no playbook has rules."""


def _prune(request: Request) -> Deed:
    name, site = request.path_params["repository"], site_of(request)
    inventory = deeds.inventory_of(site, name)
    found = rules_for(site.control, name)
    rules = dict(found.arguments) if found else dict(_USUAL)
    others = {key: value for key, value in rules.items() if key not in {each for each, *_ in FIELDS}}

    def compose(form: FormData) -> str:
        arguments = _numbers(form, rules) | others
        if not any(key.startswith("keep_") for key in arguments):
            raise InputError("no rule keeps anything; say at least how many of the newest stay")
        task = {"name": "Remove what no rule keeps", "prune": {"repository": name, **arguments}}
        return composing.playbook(f"Thin out {name}", deeds.errand_host(inventory, name), [task])

    data = {
        "repository": name,
        "fields": FIELDS,
        "rules": rules,
        "others": others,
        "source": found.playbook if found else "",
    }
    return Deed(
        title=f"Thin out {name}",
        template="repository_prune.html",
        compose=compose,
        data=data,
        run=partial(_preview, site, name),
    )


def _numbers(form: FormData, rules: Mapping[str, Any]) -> dict[str, Any]:
    """The rules with a number above 0, in the order of the form; as they are in the playbook where it was not sent."""
    numbers: dict[str, Any] = {}
    for key, before, behind in FIELDS:
        written = forms.text(form, key) if key in form else str(rules.get(key, ""))
        if written.isdecimal() and len(written) <= 6:
            numbers |= {key: int(written)} if int(written) else {}
        elif written in ("-1", "unlimited"):
            numbers[key] = -1
        elif written:
            raise InputError(f"{before} … {behind}: {written!r} is not a number")
    return numbers


def _preview(site: Site, name: str, request: Request, text: str) -> Response:
    """Have it looked up what would go, by a run in check mode."""
    run = site.start(request, text, check=True)
    return RedirectResponse(f"/repositories/{name}/prune/{run}", status_code=303)


def preview(request: Request) -> Response:
    """Show what would go and what would stay, once that is known."""
    site, name, run = site_of(request), request.path_params["repository"], request.path_params["run"]
    known = record.read(site.control.directory, run)
    report = known.report() if known else None
    waiting = report is None and (known.state is State.RUNNING if known else run in site.starter.began)
    facts, messages = _told(report or {})
    decisions: Sequence[Mapping[str, Any]] = facts.get("decisions", ())
    groups = [
        (", ".join(map(_called, group)), list(each)) for group, each in groupby(decisions, key=lambda one: one["group"])
    ]
    return site.page(
        request,
        "repository_prune_preview.html",
        title=f"Thin out {name}: what goes",
        repository=name,
        run=run,
        waiting=waiting,
        facts=facts,
        messages=messages,
        groups=groups,
        text=_confirmed(site, name, run, facts),
    )


def confirm(request: Request, form: FormData) -> Response:
    """Remove what was seen."""
    del form
    site, run = site_of(request), request.path_params["run"]
    known = record.read(site.control.directory, run)
    facts, _ = _told((known and known.report()) or {})
    return site.begin(request, _confirmed(site, request.path_params["repository"], run, facts))


def _confirmed(site: Site, repository: str, run: str, facts: Mapping[str, Any]) -> str:
    """The playbook that removes what a run in check mode has found, and no other backup.

    Raises:
        InputError: there is no such run any more, or it looked for something else.
    """
    if not (file := site.runs / run / record.PLAYBOOK).is_file():
        raise InputError(f"there is no run {run} any more", hint="begin again with the rules")
    plays = playbooks.load(file, control=site.control.directory).plays
    tasks = [task for play in plays for task in play.tasks if isinstance(task, Task)]
    if [(each.action, each.arguments.get("repository")) for each in tasks] != [("prune", repository)]:
        raise InputError(f"run {run} was no look at what would go here", hint="begin again with the rules")
    arguments = {**tasks[0].arguments, "only": list(facts.get("removed", ()))}
    task = {"name": tasks[0].keywords.name, "prune": arguments}
    return composing.written(plays[0].name, plays[0].hosts, [task])


def _told(report: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """The facts of the task, and what was said instead where it has none."""
    results = [result for play in report.get("plays", ()) for task in play["tasks"] for result in task["results"]]
    for result in results:
        if "decisions" in result["facts"]:
            return result["facts"], []
    told = [text for result in results for text in (result["message"], result["hint"]) if text]
    return {}, told + [each["message"] for each in report.get("problems", ())]


def _called(part: str) -> str:
    """What is said of a group of backups, for people who know no options."""
    if found := re.fullmatch(r"(business|full-device) \((.*), demo (exclude|include|only)\)", part):
        kind = "full device" if found[1] == "full-device" else "business data"
        return f"{kind} of {found[2]}{ {'exclude': '', 'include': ', demo included', 'only': ', demo only'}[found[3]] }"
    return part.removeprefix("host ")


ROUTES = (
    *deeds.routes("/repositories/{repository}/prune", _prune, "repository_prune"),
    Route("/repositories/{repository}/prune/{run:run_id}", preview, name="repository_prune_preview"),
    Route("/repositories/{repository}/prune/{run:run_id}", forms.posted(confirm), methods=["POST"]),
)
