"""From the options of `schedule` to the job, and to what a person has to know of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from toolkit import shipped
from toolkit.actions.registry import ACTIONS
from toolkit.app.command import Call
from toolkit.app.control import Control
from toolkit.app.run_options import extra_variables, run_options, unused_variables
from toolkit.app.scheduling import names
from toolkit.app.scheduling.asked import Asked
from toolkit.app.scheduling.job import Job, needed_environment
from toolkit.app.scheduling.kind import Kind
from toolkit.config import environment, plain_secrets
from toolkit.config import playbook as playbooks
from toolkit.config.lint import lint_run
from toolkit.config.templates import Templates
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place
from toolkit.planning.recurrence import Recurrence, recurrence
from toolkit.runner.preparation import prepare


def job_of(given: Asked, call: Call) -> Job:
    """Give the job; InputError with everything that is wrong with it, and with the playbook and its inventory."""
    if len(given.playbook) != 1:
        what = "no playbook is named" if not given.playbook else f"one playbook at a time, not {len(given.playbook)}"
        raise InputError(what, hint=call.command.invocation)
    when = recurrence(at=given.at, on=given.on, every=given.every)
    names.overlap(given.overlap)
    name = names.checked(given.name) if given.name else names.default(given.playbook[0])
    control = call.control
    file = control.playbook(given.playbook[0])
    _check(given, call, file)
    directory = control.directory
    return Job(
        name=name,
        directory=directory,
        playbook=given.playbook[0]
        if file.is_relative_to(shipped.ROOT) and not file.is_relative_to(directory)
        else _from(directory, file),
        when=when,
        options=tuple(_options(given, control)),
        environment=needed_environment(directory),
    )


def warnings_of(given: Asked, call: Call, job: Job, kind: Kind, now: datetime) -> tuple[str, ...]:
    """Give what a person has to know, or to do."""
    return (*_missing_variables(given, call.control), *_changing_clocks(job.when, now), *kind.hints())


def _check(given: Asked, call: Call, file: Path) -> None:
    """Say now what a run would be refused for at night."""
    control = call.control
    options = run_options(given, control)
    problems = [problem for text in given.extra_vars for problem in _secret_in(text, control)]
    playbook = playbooks.load(file, control=control.directory)
    inventory = control.load_inventory(options.extra_vars)
    problems += lint_run(playbook.file, inventory, options.extra_vars)
    problems += unused_variables(given.extra_vars, playbook.file, control)
    if problems:
        raise InputError(problems)
    prepare(playbook, options, inventory=inventory, actions=ACTIONS, templates=Templates())


def _secret_in(text: str, control: Control) -> Iterator[Problem]:
    """The secrets in what stands on the command line of the timer itself, however it is written."""
    if text.startswith("@"):
        return
    remedy = "it would stand in a file of the timer; put it into a file of variables as {env: NAME} or {file: PATH}"
    for name, value in extra_variables([text], control).items():
        if plain_secrets.problems(name, value, Place()):
            yield Problem(message=f"--extra-vars {name}=…: this looks like a secret, and {remedy}")


def _options(given: Asked, control: Control) -> Iterator[str]:
    """The options of the run, files as the control directory sees them."""
    yield f"--overlap={given.overlap}"
    if control.inventory:
        found = control.existing(control.inventory)
        yield f"--inventory={_from(control.directory, found) if found.exists() else control.inventory}"
    if given.env_file:
        yield f"--env-file={_from(control.directory, control.existing(given.env_file))}"
    yield from given.words(lambda file: _from(control.directory, control.existing(file)))


def _from(directory: Path, path: Path) -> str:
    """A path as one has it in the control directory."""
    whole = path.absolute()
    return whole.relative_to(directory).as_posix() if whole.is_relative_to(directory) else str(whole)


def _missing_variables(given: Asked, control: Control) -> Iterator[str]:
    """What a run may need, and what will not be set where a timer begins it, whether it is set here or not."""
    there = environment.read_file(control.existing(given.env_file)) if given.env_file else {}
    file = control.playbook(given.playbook[0])
    used = environment.variables_in_use(file, control.inventory_directory(), control=control.directory)
    missing = [name for name in used if not there.get(name)]
    here = [name for name in missing if os.environ.get(name)]
    nowhere = [name for name in missing if name not in here]
    said = [f"set here, but not where a timer runs: {', '.join(here)}"] if here else []
    said += [f"named by the inventory or the playbook, and set nowhere: {', '.join(nowhere)}"] if nowhere else []
    if said:
        yield (
            f"{'; '.join(said)}. Write what the playbook needs into a file"
            " that only you can read, NAME=value a line, and name it: --env-file FILE; or put {file: PATH} in place of"
            " {env: NAME} in the inventory"
        )


def _changing_clocks(when: Recurrence, now: datetime) -> Iterator[str]:
    for wall, skipped in () if when.every else when.changes(now):
        what = (
            "is skipped by the clocks, and the run comes up to an hour earlier or later"
            if skipped
            else ("comes twice, and the run may, too")
        )
        yield f"times are local: on {wall:%Y-%m-%d} {wall:%H:%M} {what}; at another hour that cannot happen"
