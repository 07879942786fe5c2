"""The text of command-line options as checked values; every problem is found before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.app.asked_run import AskedRun
from toolkit.app.control import Control
from toolkit.app.retrying import hosts_of
from toolkit.app.scope_options import names
from toolkit.config import document, plain_secrets
from toolkit.config.inventory import SETTINGS
from toolkit.config.misspelt import KNOWN
from toolkit.config.playbook import load_variables
from toolkit.config.templates import is_template
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place
from toolkit.runner.hosts import OF_THE_RUN
from toolkit.runner.options import RunOptions, scheduler_problem
from toolkit.wording import nearest

MAX_FORKS = 100
_WORD = re.compile(r"\w+")
_TEMPLATE = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)
_VARIABLE = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_EXPRESSIONS = frozenset({"when", "until", "changed_when", "failed_when", "that", "var"})
_MUCH_ALIKE = 0.7
"""How alike, from 0 to 1, a name is that was probably meant: three letters of ten differ, or two are swapped."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECOND_PAIR = re.compile(r"\s[A-Za-z_][A-Za-z0-9_]*=")


def run_options(
    asked: AskedRun,
    control: Control,
    *,
    check: bool = False,
    diff: bool = False,
    write_answers: str = "",
    start_at_task: str = "",
) -> RunOptions:
    """Check the options of a run.

    Raises:
        InputError: every option that is not right.
    """
    problems: list[Problem] = []
    if write_answers and not check:
        problems.append(Problem(message="--write-answers goes with --check: it asks what would stand in the way"))
    options = RunOptions(
        limit=_limit(asked.limit, control, problems),
        tags=names(asked.tags, "--tags"),
        skip_tags=names(asked.skip_tags, "--skip-tags"),
        check=check,
        diff=diff,
        write_answers=write_answers,
        extra_vars=_extra_vars(asked.extra_vars, control, problems),
        forks=_forks(asked.forks, problems) if asked.forks else 0,
        executor=_executor(asked.executor, problems),
        start_at_task=start_at_task,
    )
    if problems:
        raise InputError(problems)
    return options


def extra_variables(given: Iterable[str], control: Control) -> dict[str, Any]:
    """Give the variables of `--extra-vars`; InputError with every one that is not right."""
    problems: list[Problem] = []
    variables = _extra_vars(given, control, problems)
    if problems:
        raise InputError(problems)
    return variables


def unused_variables(given: Iterable[str], playbook: Path, control: Control) -> Iterator[Problem]:
    """Give extra variables that nothing uses: what they say would not be done.

    Misspelt, or meant for another playbook, they would leave a restore wider than it was meant.

    Args:
        given: as `--extra-vars` has them; of a file, which several playbooks may share, only what was probably meant to
            be a name that is used.
        playbook: its file; one with files of variables may use them in there, and is passed over.
    """
    texts = list(given)
    if not texts:
        return
    plays = document.read(playbook, control=control.directory).value
    if any("vars_files" in play for play in plays):
        return
    words = {*_named(plays), *KNOWN, *SETTINGS}
    inventory = control.inventory_directory()
    for file in (*inventory.glob("*.yml"), *inventory.glob("*_vars/*.yml")):
        words |= set(_WORD.findall(file.read_text(encoding="utf-8", errors="replace")))
    own = {name for play in plays for name in play.get("vars", ())}
    spelled = {word.casefold(): word for word in _named(plays)}
    typed = extra_variables((text for text in texts if not text.startswith("@")), control)
    for name in extra_variables(texts, control):
        near = nearest(name.casefold(), spelled, cutoff=_MUCH_ALIKE)
        if name in words or not (near or name in typed):
            continue
        more = f"; did you mean {spelled[near]}?" if near else f"; it has {', '.join(sorted(own))}" if own else ""
        yield Problem(message=f"--extra-vars {name}: the playbook does not use it{more}")


def _named(value: Any, key: str = "") -> Iterator[str]:
    """Give the names that templates and conditions have, and those of variables that are given a value."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == "vars" and isinstance(item, Mapping):
                yield from item
            yield from _named(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, key)
    elif isinstance(value, str) and (key in _EXPRESSIONS or is_template(value)):
        yield from _VARIABLE.findall(value if key in _EXPRESSIONS else " ".join(_TEMPLATE.findall(value)))


def _limit(text: str, control: Control, problems: list[Problem]) -> str:
    """The pattern of `--limit`; of `@FILE` the hosts that the file names."""
    if not text.startswith("@"):
        return text
    try:
        return ",".join(hosts_of(control.existing(text[1:])))
    except InputError as error:
        problems.extend(error.problems)
        return ""


def _forks(text: str, problems: list[Problem]) -> int:
    # ASCII digits only: int() would also read other scripts' digits, signs and underscores
    if re.fullmatch(r"[0-9]{1,4}", text) and 1 <= int(text) <= MAX_FORKS:
        return int(text)
    problems.append(Problem(message=f"--forks: expected a whole number from 1 to {MAX_FORKS}, not {text!r}"))
    return 1


def _executor(text: str, problems: list[Problem]) -> str:
    kind, colon, address = text.partition(":")
    if text not in ("threads", "processes", "dask") and not (kind == "dask" and colon):
        problems.append(Problem(message=f"--executor: expected threads, processes, dask or dask:ADDRESS, not {text!r}"))
    elif colon and (problem := scheduler_problem(address)):
        problems.append(Problem(message=f"--executor: {problem}"))
    return text


def _extra_vars(given: Iterable[str], control: Control, problems: list[Problem]) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for text in given:
        try:
            variables |= _variables(text, control)
        except InputError as error:
            problems.extend(error.problems)
    problems += (
        Problem(message=f"--extra-vars {name}: {problem}") for name in variables if (problem := _not_extra(name))
    )
    return variables


def _not_extra(name: str) -> str:
    """Why a variable cannot be given for all hosts at once; empty where it can."""
    if name in OF_THE_RUN:
        return "the run itself sets it, and nothing overrides it; choose another name"
    if name in SETTINGS - {"repository"}:
        return f"each host has its own; write it into inventory/host_vars/HOST.yml, or as {name} of a group"
    return ""


def _variables(text: str, control: Control) -> dict[str, Any]:
    """One `--extra-vars`: `@FILE`, a JSON object, or `name=value`, whose value is text up to its end."""
    if text.startswith("@"):
        return load_variables(control.existing(text[1:]), control=control.directory)
    if text.lstrip().startswith("{"):
        return _json(text)
    name, equals, value = text.partition("=")
    if not equals:
        # the text may be a secret that was meant to be a value: it is not repeated
        raise InputError('--extra-vars: expected name=value, JSON such as {"name": 1}, or @FILE.yml')
    if not _NAME.fullmatch(name):
        raise InputError(f"--extra-vars: {name!r} is not a name: letters, digits and _, not beginning with a digit")
    plain_secrets.problems(name, value, Place())  # a command line may hold a secret; it is hidden from here on
    if _SECOND_PAIR.search(value):
        message = f"--extra-vars {name}=…: it looks like several variables in one"
        raise InputError(f"{message}; give --extra-vars once for each, or all of them as JSON")
    return {name: value}


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"--extra-vars: not valid JSON: {error}") from error
    wrong = [name for name in value if not _NAME.fullmatch(name)]
    if wrong:
        raise InputError(
            Problem(message=f"--extra-vars: {name!r} is not a name: letters, digits and _") for name in wrong
        )
    plain_secrets.problems("", value, Place())
    return dict(value)
