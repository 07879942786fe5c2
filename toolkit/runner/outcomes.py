"""From what an action gave back, or raised, to a task's result."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from toolkit.errors import ExitCode, InputError, Interrupted, RefusedError, UnreachableError, understood
from toolkit.model.outcome import Outcome
from toolkit.runner.foreign import tells_of_others
from toolkit.runner.interruption import MESSAGE
from toolkit.runner.results import Result, Status, exit_code
from toolkit.runner.scope import Scope


def judged(outcome: Outcome, scope: Scope) -> Result:
    """Give an outcome as a result, `changed_when` and `failed_when` applied; InputError when one cannot be decided."""
    task = scope.task
    result = Result(
        host=scope.state.host.name,
        status=Status.CHANGED if outcome.changed else Status.OK,
        message=outcome.message,
        details=outcome.details,
        warnings=outcome.warnings,
        facts=outcome.facts,
        moved=outcome.moved,
        plan=outcome.plan,
        foreign=tells_of_others(scope.action, task),
        unmade=scope.check and (outcome.changed or bool(outcome.skipped)),
    )
    if outcome.skipped:
        return replace(result, status=Status.SKIPPED, message=outcome.skipped)
    quiet = result
    if outcome.exit_code:
        result = replace(result, status=Status.FAILED, exit_code=outcome.exit_code)
    if task.changed_when:
        changed = scope.all("changed_when", task.changed_when, result)
        quiet = replace(quiet, status=Status.CHANGED if changed else Status.OK)
        result = result if result.failed else quiet
    if task.failed_when:
        if not scope.all("failed_when", task.failed_when, result):
            return quiet
        message = result.message if result.failed else f"failed_when: {conditions(task.failed_when)} holds"
        return replace(result, status=Status.FAILED, exit_code=result.exit_code or ExitCode.FAILED, message=message)
    return result


def failed(error: Exception, scope: Scope) -> Result:
    """Make a result of an exception: a failure; in check mode a skip, when it needs what a skipped task would make."""
    host = scope.state.host.name
    known = understood(error)
    if known is None:
        return Result(
            host=host,
            status=Status.FAILED,
            message=f"unexpected {type(error).__name__}: {error}",
            hint="this is a defect; run with --debug for the trace",
            exit_code=ExitCode.FAILED,
            foreign=True,
            trace="".join(traceback.format_exception(error)),
        )
    # an assertion about what was not made fails without any error in its conditions
    if scope.check and (isinstance(known, InputError) or scope.action.judges):
        missing = needed(scope)
        if missing:
            return skipped(scope, f"check mode: {missing}", unmade=True)
    status = Status.UNREACHABLE if isinstance(known, UnreachableError) else Status.FAILED
    return Result(
        host=host,
        status=status,
        message=known.message,
        hint=known.hint,
        facts=known.facts if isinstance(known, RefusedError) else {},
        exit_code=known.exit_code,
        foreign=tells_of_others(scope.action, scope.task, known),
    )


def skipped(scope: Scope, reason: str, *, unmade: bool = False) -> Result:
    """Give the result of a task that did not run."""
    return Result(host=scope.state.host.name, status=Status.SKIPPED, message=reason, unmade=unmade)


def interrupted(scope: Scope, error: BaseException | None = None, *, items: tuple[Result, ...] = ()) -> Result:
    """Give the result of a task that was interrupted; `items` are those of its loop that were begun.

    What the action had done by then stands in the error, where it says more than that it was interrupted.
    """
    message = str(error) if isinstance(error, Interrupted) else MESSAGE
    host = scope.state.host.name
    return Result(host=host, status=Status.INTERRUPTED, message=message, exit_code=ExitCode.INTERRUPTED, items=items)


def needed(scope: Scope) -> str:
    """Give which result that check mode did not make this task names, as a reason; empty for none."""
    task = scope.task
    conditions = [condition.expression for condition in scope.inherited.when]
    parts = [task.arguments, task.loop, task.until, task.changed_when, task.failed_when, scope.inherited.vars]
    texts = list(_texts([*parts, conditions]))
    for name, maker in scope.state.unmade.items():
        if any(re.search(rf"\b{re.escape(name)}\b", text) for text in texts):
            return f"it needs {name}, which the task {maker!r} would have made"
    return ""


def conditions(expressions: Sequence[str | bool]) -> str:
    """Conditions for people, e.g. `` `a == 1` and `b` ``."""
    return " and ".join(f"`{str(each).lower() if isinstance(each, bool) else each}`" for each in expressions)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def combined(host: str, items: tuple[Result, ...]) -> Result:
    """Give the result of a whole loop: failed if any item failed, skipped if all were."""
    failures = [item for item in items if item.failed]
    message = ""
    if failures:
        status = Status.UNREACHABLE if all(item.unreachable for item in failures) else Status.FAILED
        message = f"{len(failures)} of {len(items)} items failed"
    elif all(item.status is Status.SKIPPED for item in items):
        status = Status.SKIPPED
        message = "every item was skipped" if items else "the loop has no items"
    else:
        status = Status.CHANGED if any(item.status is Status.CHANGED for item in items) else Status.OK
    return Result(
        host=host,
        status=status,
        message=message,
        warnings=tuple(warning for item in items for warning in item.warnings),
        moved=tuple(moved for item in items for moved in item.moved),
        items=items,
        foreign=any(item.foreign for item in items),
        exit_code=exit_code(item.exit_code for item in failures),
        unmade=any(item.unmade for item in items),
    )
