"""Every command as a function that gives its exit code and lets no exception out."""

from __future__ import annotations

from toolkit.app.backups import backups as _backups
from toolkit.app.backups import show as _show
from toolkit.app.checks import lint as _lint
from toolkit.app.checks import verify as _verify
from toolkit.app.classify import classify as _classify
from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.app.doctor import doctor as _doctor
from toolkit.app.explain import explain as _explain
from toolkit.app.failure import guarded
from toolkit.app.graph import graph as _graph
from toolkit.app.integrity import check_repository as _check
from toolkit.app.leaks import leaks as _leaks
from toolkit.app.quarantine import list_quarantine as _list_quarantine
from toolkit.app.quarantine import retry as _retry_quarantine
from toolkit.app.run import RunRequest, run
from toolkit.app.scope_options import ScopeOptions
from toolkit.app.storage_doctor import doctor_storage as _doctor_storage
from toolkit.app.upkeep import pin as _pin
from toolkit.app.upkeep import unlock as _unlock
from toolkit.app.upkeep import unpin as _unpin

__all__ = [
    "Control",
    "RunRequest",
    "ScopeOptions",
    "backups",
    "check",
    "doctor",
    "doctor_storage",
    "explain",
    "graph",
    "leaks",
    "lint",
    "list_quarantine",
    "pin",
    "retry_quarantine",
    "run",
    "show",
    "unlock",
    "unpin",
    "verify",
]


def lint(control: Control, *, paths: tuple[str, ...], debug: bool) -> int:
    """Check files, or the whole control directory."""
    output = Output()
    return guarded(output, lambda: _lint(control, output, paths=paths), debug=debug)


def backups(control: Control, *, repository: str, debug: bool) -> int:
    """List backups."""
    output = Output()
    return guarded(output, lambda: _backups(control, output, repository=repository), debug=debug)


def show(control: Control, *, labels: tuple[str, ...], repository: str, debug: bool) -> int:
    """Show one backup."""
    output = Output()
    return guarded(output, lambda: _show(control, output, labels=labels, repository=repository), debug=debug)


def verify(control: Control, *, labels: tuple[str, ...], host: str, repository: str, debug: bool) -> int:
    """Compare a backup with a host's database."""
    output = Output()
    return guarded(
        output, lambda: _verify(control, output, labels=labels, host=host, repository=repository), debug=debug
    )


def check(control: Control, *, repository: str, read_data: bool, subset: str, repairing: bool, debug: bool) -> int:
    """Check repositories."""
    output = Output()
    return guarded(
        output,
        lambda: _check(control, output, repository=repository, read_data=read_data, subset=subset, repairing=repairing),
        debug=debug,
    )


def pin(control: Control, *, labels: tuple[str, ...], until: str, repository: str, debug: bool) -> int:
    """Keep a backup from being pruned."""
    output = Output()
    return guarded(
        output, lambda: _pin(control, output, labels=labels, until=until, repository=repository), debug=debug
    )


def unpin(control: Control, *, labels: tuple[str, ...], repository: str, debug: bool) -> int:
    """Let a pinned backup be pruned again."""
    output = Output()
    return guarded(output, lambda: _unpin(control, output, labels=labels, repository=repository), debug=debug)


def unlock(control: Control, *, repository: str, remove: str, force: bool, debug: bool) -> int:
    """Show locks and remove them."""
    output = Output()
    return guarded(
        output, lambda: _unlock(control, output, repository=repository, remove=remove, force=force), debug=debug
    )


def classify(control: Control, *, host: str, update: bool, file: str, debug: bool) -> int:
    """Propose a catalog file for a host's database."""
    output = Output()
    return guarded(output, lambda: _classify(control, output, host=host, update=update, file=file), debug=debug)


def doctor(control: Control, *, debug: bool) -> int:
    """Say what is installed and what is wrong."""
    output = Output()
    return guarded(output, lambda: _doctor(control, output), debug=debug)


def doctor_storage(control: Control, *, repository: str, debug: bool) -> int:
    """Say what the place of a repository can do."""
    output = Output()
    return guarded(output, lambda: _doctor_storage(control, output, repository=repository), debug=debug)


def explain(
    control: Control, *, host: str, words: tuple[str, ...], options: ScopeOptions, as_json: bool, debug: bool
) -> int:
    """Explain one row."""
    output = Output()
    return guarded(
        output, lambda: _explain(control, output, host=host, words=words, options=options, as_json=as_json), debug=debug
    )


def leaks(control: Control, *, host: str, strict: bool, as_json: bool, debug: bool) -> int:
    """Report what ties tenants together."""
    output = Output()
    return guarded(output, lambda: _leaks(control, output, host=host, strict=strict, as_json=as_json), debug=debug)


def graph(control: Control, *, host: str, file: str, debug: bool) -> int:
    """Draw a database's tables and references."""
    output = Output()
    return guarded(output, lambda: _graph(control, output, host=host, file=file), debug=debug)


def list_quarantine(control: Control, *, repository: str, debug: bool) -> int:
    """List quarantined rows."""
    output = Output()
    return guarded(output, lambda: _list_quarantine(control, output, repository=repository), debug=debug)


def retry_quarantine(
    control: Control, *, labels: tuple[str, ...], host: str, repository: str, check: bool, diff: bool, debug: bool
) -> int:
    """Try quarantined rows again."""
    output = Output()
    return guarded(
        output,
        lambda: _retry_quarantine(
            control, output, labels=labels, host=host, repository=repository, check=check, diff=diff
        ),
        debug=debug,
    )
