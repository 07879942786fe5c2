"""What passes between a run and the worker that does one of its tasks, as JSON: the task there, the outcome back.

No secret is in it: those of arguments travel as their sources, and texts of an outcome are masked where they are made.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import asdict

from toolkit import errors
from toolkit.config.masking import mask, mask_own
from toolkit.errors import InputError, Interrupted, PlaybackError, Problem, is_our_own
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.secret import Secret


class DefectError(Exception):
    """A defect of ours that came up on a worker; its text is the trace there."""


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """One task on one host, as a worker is given it.

    Attributes:
        run: the run that it belongs to; the worker knows its inventory.
        key: the name of this attempt.
        arguments: as `toolkit.config.packing` packs them.
        place: the task's: file, line and path.
        now: the time as the run sees it, in ISO 8601.
        part: what the action's `part` takes; None for the whole task.
        by: who has it done.
    """

    run: str
    key: str
    action: str
    arguments: Any
    place: tuple[str, int, str]
    host: str
    playbook: str
    check: bool
    diff: bool
    now: str
    part: str | None = None
    by: str = ""


class LostError(Exception):
    """Nobody answers for a task any more."""


_ERRAND = msgspec.json.Decoder(Errand)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


def sent(errand: Errand) -> str:
    """Give an errand as JSON."""
    return msgspec.json.encode(errand).decode()


def received(text: str) -> Errand:
    """Give an errand back."""
    return _ERRAND.decode(text)


def answer(work: Callable[[], Outcome | str], *, foreign: bool, shown_file: Callable[[str], str]) -> str:
    """Do something and give its outcome, what is said of a part, or what it raised, as JSON.

    Args:
        foreign: its texts may hold what programs and servers said.
        shown_file: the name of a file as the person who wrote it knows it.
    """
    try:
        made = work()
        document = {"part": made} if isinstance(made, str) else _outcome(made, mask if foreign else mask_own)
    except PlaybackError as error:
        document = _error(error, mask_own if is_our_own(error) else mask, shown_file)
    except KeyboardInterrupt as error:
        document = {"interrupted": mask(str(error)) if isinstance(error, Interrupted) else None}
    except Exception as error:
        document = {
            "defect": mask(f"{type(error).__name__}: {error}"),
            "trace": mask("".join(traceback.format_exception(error))),
        }
    return json.dumps(document, ensure_ascii=False)


def outcome(text: str) -> Outcome:
    """Give the outcome that an answer holds, or raise what was raised there."""
    document = _opened(text)
    return Outcome(
        changed=document["changed"],
        message=document["message"],
        details=tuple(document["details"]),
        warnings=tuple(document["warnings"]),
        facts=document["facts"],
        moved=tuple(Moved(**moved) for moved in document["moved"]),
        plan=document["plan"],
        skipped=document["skipped"],
        exit_code=document["exit_code"],
    )


def part(text: str) -> str:
    """Give what an answer says of a part, or raise what was raised there."""
    return str(_opened(text)["part"])


def _opened(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    if "interrupted" in document:
        raise Interrupted(document["interrupted"]) if document["interrupted"] else KeyboardInterrupt
    if "defect" in document:
        raise DefectError(f"{document['defect']}\n{document['trace']}")
    if "error" in document:
        raise _raised(document)
    return document


def _outcome(outcome: Outcome, hide: Callable[[str], str]) -> dict[str, Any]:
    return {
        "changed": outcome.changed,
        "message": hide(outcome.message),
        "details": [hide(line) for line in outcome.details],
        "warnings": [hide(line) for line in outcome.warnings],
        "facts": _plain(outcome.facts),
        "moved": [asdict(moved) for moved in outcome.moved],
        "plan": _plain(outcome.plan),
        "skipped": hide(outcome.skipped),
        "exit_code": int(outcome.exit_code),
    }


def _plain(value: Any) -> Any:
    """JSON values; a random secret in them is hidden, words are left alone since later tasks use them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return "***" if isinstance(value, Secret) else mask_own(str(value))


def _error(error: PlaybackError, hide: Callable[[str], str], shown_file: Callable[[str], str]) -> dict[str, Any]:
    problems = error.problems if isinstance(error, InputError) else ()
    return {
        "error": next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__),
        "message": hide(error.message),
        "hint": hide(error.hint),
        "exit_code": int(error.exit_code),
        "problems": [
            {
                "message": hide(problem.message),
                "file": shown_file(problem.file),
                "line": problem.line,
                "path": problem.path,
            }
            for problem in problems
        ],
    }


def _raised(document: Mapping[str, Any]) -> PlaybackError:
    message, hint = document["message"], document["hint"]
    if document["problems"]:
        return InputError([Problem(**problem) for problem in document["problems"]], hint=hint)
    kind = getattr(errors, document["error"], errors.TaskError)
    error: PlaybackError = kind(message, hint=hint)
    return error
