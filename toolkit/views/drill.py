"""Views of drills."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.model.proof import Trial
from toolkit.model.result import Drilled
from toolkit.views.view import View, view
from toolkit.wording import called, counted, one_line, put_aside_text, seconds


@view.register
def _drilled(result: Drilled) -> View:
    trial = result.trial
    if not result.label:
        message = f"nothing to drill: {result.why}"
    elif trial is None:
        message = f"would drill {_what(result)}: {result.why}"
    elif trial.failure:
        message = f"{_what(result)} is NOT proven: {trial.failure}"
    else:
        rows = f"{counted(trial.rows, 'row')} of {counted(trial.tables, 'table')}"
        asserted = f", {counted(len(trial.assertions), 'assertion')} held" if trial.assertions else ""
        took = f"restored in {seconds(trial.seconds)}, " if trial.seconds is not None else ""
        message = f"{_what(result)} is proven: {took}{rows} equal{asserted}; {seconds(result.age)} after it was made"
        if result.aside:
            message += f"; not in it: {put_aside_text(result.aside)} put aside when its file was imported"
    return View(
        message=message,
        details=tuple(_details(result, trial)) if trial else (),
        facts={
            "label": result.label,
            "businesses": list(result.businesses),
            "why": result.why,
            "proven": bool(trial and not trial.failure),
            "failure": trial.failure if trial else "",
            "rto": trial.seconds if trial else None,
            "rpo": round(result.age, 1) if trial else None,
            "rows": trial.rows if trial else 0,
            "tables": trial.tables if trial else 0,
            "put_aside": dict(result.aside),
            "assertions": [
                {"name": each.name, "holds": each.holds, "found": each.found}
                for each in (trial.assertions if trial else ())
            ],
            "host": trial.place if trial and result.kept else "",
        },
    )


def _what(result: Drilled) -> str:
    names = ", ".join(f"{one_line(name)} ({key})" for key, name in result.businesses.items())
    return f"{names} in {result.label}" if names else result.label


def _details(result: Drilled, trial: Trial) -> Iterator[str]:
    yield f"its turn: {result.why}"
    for each in trial.assertions:
        yield f"holds: {each.name}" if each.holds else f"BROKEN: {each.name}: {each.found}"
    if result.kept:
        yield called(f"to look into it: invoke psql --host {trial.place}")
