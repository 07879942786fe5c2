"""How a run ended, in a sentence or two for whoever began it."""

from __future__ import annotations

from toolkit.app.runs.record import Known, State
from toolkit.app.runs.stopping import CONSOLE_GONE
from toolkit.errors import ExitCode

_KILLED = (
    "killed: its process is gone without an end, as when a machine is switched off. No backup or restore is half done:"
    " a restore that had not been finished was taken back by the database, and a backup that was not finished does not"
    " exist"
)
_IN_STEPS = "; a restore in steps (atomic: false) keeps the steps that it had finished, and goes on there"

_MEANING = {
    ExitCode.OK: "it ended well",
    ExitCode.FAILED: "it failed",
    ExitCode.INPUT: "refused: something in what it was asked is wrong; nothing was done",
    ExitCode.PARTIAL: "done but for a part, which its output names",
    ExitCode.REFUSED: "refused, before anything was changed",
    ExitCode.LOCKED: "refused: something else was using the same place; try again when that has ended",
    ExitCode.DIFFERENCES: "there are differences",
    ExitCode.COMMITTED: "the restore is done for good; something failed after it",
    ExitCode.UNDECIDED: "nobody can say whether the restore came to its end; `verify` tells",
}


def told(known: Known) -> str:
    """Say how a run ended, what that means, and with which exit code."""
    code = known.run.exit_code
    return f"{meaning(known)} (exit code {code})" if code and known.state is not State.INTERRUPTED else meaning(known)


def meaning(known: Known) -> str:
    """Say how a run ended, and what that means."""
    run = known.run
    if known.state is State.RUNNING:
        return "it is running"
    if known.state is State.KILLED:
        return _KILLED + _in_steps(known)
    if known.state is State.INTERRUPTED:
        who = f" by {run.stopped_by}" if run.stopped_by else ""
        what = " No backup or restore is half done: what was not finished was taken back"
        console = " (the console was closed while this run was going on)" if run.stopped_by == CONSOLE_GONE else ""
        return f"stopped{who}{console}.{what}{_in_steps(known)}"
    assert run.exit_code is not None
    code = ExitCode(run.exit_code) if run.exit_code in list(ExitCode) else ExitCode.FAILED
    return _MEANING.get(code, _MEANING[ExitCode.FAILED])


def _in_steps(known: Known) -> str:
    return _IN_STEPS if "atomic: false" in known.text("playbook.yml") else ""
