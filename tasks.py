"""The commands of Playback, for invoke: flags in, exit code out."""

from __future__ import annotations

import sys

# invoke keeps Python from writing compiled files, which would cost every command a quarter of a second
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

from toolkit.runner.interruption import PROCESS

# before anything else: importing the rest takes a second, in which Ctrl-C is to end with one line as well
PROCESS.install()

from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from toolkit.app import commands
from toolkit.app.command_line import Command

CONTROL = Path(__file__).parent.absolute()
"""The control directory: relative names in the inventory are below it."""

_INVENTORY = "the inventory directory (default: inventory)"
_REPOSITORY = "a repository of the inventory (default: all of them)"
_DATABASE = "the host whose database is looked at"
_JSON = "print JSON instead of text"
_DEBUG = "show the trace of a defect"


def _end(code: int) -> None:
    if code:
        raise Exit(code=code)


@task(
    klass=Command,
    iterable=["extra_vars"],
    help={
        "playbook": "the playbook's file, below the working or the control directory",
        "inventory": _INVENTORY,
        "limit": "run only on hosts of this pattern",
        "tags": "run only tasks with one of these tags, separated by commas",
        "skip-tags": "run no task with one of these tags",
        "check": "say what would change and change nothing",
        "diff": "show samples of what changes",
        "extra-vars": "a variable as name=value, several as JSON, or @FILE.yml; may be given again",
        "forks": "how many hosts at the same time (default: 1)",
        "start-at-task": "begin with the task of this name",
        "list-tasks": "list the tasks and run none",
        "report": "write the whole run to this file, as JSON",
        "debug": _DEBUG,
    },
)
def run(
    context: Context,
    playbook: list[str],
    *,
    inventory: str = "",
    limit: str = "",
    tags: str = "",
    skip_tags: str = "",
    check: bool = False,
    diff: bool = False,
    extra_vars: list[str] | None = None,
    forks: str = "1",
    start_at_task: str = "",
    list_tasks: bool = False,
    report: str = "",
    debug: bool = False,
) -> None:
    """Run a playbook: invoke run PLAYBOOK [--options]"""
    del context
    request = commands.RunRequest(
        control=commands.Control(directory=CONTROL, inventory=inventory),
        playbooks=tuple(playbook),
        limit=limit,
        tags=tags,
        skip_tags=skip_tags,
        check=check,
        diff=diff,
        extra_vars=tuple(extra_vars or ()),
        forks=forks,
        start_at_task=start_at_task,
        list_tasks=list_tasks,
        report=report,
        debug=debug,
    )
    _end(commands.run(request))


@task(klass=Command, help={"path": "files or directories (default: the whole control directory)", "debug": _DEBUG})
def lint(context: Context, path: list[str], *, debug: bool = False) -> None:
    """Check playbooks, inventory and catalogs: invoke lint [PATH …]"""
    del context
    _end(commands.lint(commands.Control(directory=CONTROL), paths=tuple(path), debug=debug))


@task(klass=Command, help={"repository": _REPOSITORY, "inventory": _INVENTORY, "debug": _DEBUG})
def backups(context: Context, *, repository: str = "", inventory: str = "", debug: bool = False) -> None:
    """List the backups: invoke backups [--repository R]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.backups(control, repository=repository, debug=debug))


@task(
    klass=Command,
    help={"label": "the backup's label", "repository": _REPOSITORY, "inventory": _INVENTORY, "debug": _DEBUG},
)
def show(context: Context, label: list[str], *, repository: str = "", inventory: str = "", debug: bool = False) -> None:
    """Show what a backup holds: invoke show LABEL"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.show(control, labels=tuple(label), repository=repository, debug=debug))


@task(
    klass=Command,
    help={
        "label": "the backup's label",
        "host": "the host whose database it is compared with",
        "repository": _REPOSITORY,
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def verify(
    context: Context,
    label: list[str],
    *,
    host: str = "",
    repository: str = "",
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Compare a backup with a database: invoke verify LABEL --host H"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.verify(control, labels=tuple(label), host=host, repository=repository, debug=debug))


@task(
    klass=Command,
    help={
        "repository": _REPOSITORY,
        "read-data": "read every chunk back (the default)",
        "read-data-subset": "read only a part of the chunks, e.g. 5%, or so many; which ones depends on the day",
        "repair": "take away what cannot be restored, after saying what; needs --repository",
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def check(
    context: Context,
    *,
    repository: str = "",
    read_data: bool = False,
    read_data_subset: str = "",
    repair: bool = False,
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Read a repository back and check it: invoke check [--repository R] [--read-data-subset 5%] [--repair]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(
        commands.check(
            control,
            repository=repository,
            read_data=read_data,
            subset=read_data_subset,
            repairing=repair,
            debug=debug,
        )
    )


@task(
    klass=Command,
    help={
        "label": "the backup's label",
        "until": "the last day it is kept, as YYYY-MM-DD (default: until it is unpinned)",
        "repository": "a repository of the inventory (default: all that have the backup)",
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def pin(
    context: Context,
    label: list[str],
    *,
    until: str = "",
    repository: str = "",
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Keep a backup from being pruned: invoke pin LABEL [--until DATE]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.pin(control, labels=tuple(label), until=until, repository=repository, debug=debug))


@task(
    klass=Command,
    help={
        "label": "the backup's label",
        "repository": "a repository of the inventory (default: all that have the backup)",
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def unpin(
    context: Context, label: list[str], *, repository: str = "", inventory: str = "", debug: bool = False
) -> None:
    """Let a pinned backup be pruned again: invoke unpin LABEL"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.unpin(control, labels=tuple(label), repository=repository, debug=debug))


@task(
    klass=Command,
    help={
        "repository": _REPOSITORY,
        "remove": "remove the lock of this id although its run may still be alive",
        "force": "remove all locks of the repository although their runs may still be alive",
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def unlock(
    context: Context,
    *,
    repository: str = "",
    remove: str = "",
    force: bool = False,
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Show the locks, and remove those of dead runs: invoke unlock [--repository R] [--remove ID]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.unlock(control, repository=repository, remove=remove, force=force, debug=debug))


@task(
    klass=Command,
    help={
        "host": "the host whose database is looked at",
        "update": "keep what the host's catalog file says and add what is new",
        "output": "write to this file instead of standard output; it is replaced when all is done",
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def classify(
    context: Context,
    *,
    host: str = "",
    update: bool = False,
    output: str = "",
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Propose a catalog file for a database: invoke classify --host H [--update] [--output FILE]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.classify(control, host=host, update=update, file=output, debug=debug))


@task(klass=Command, help={"debug": _DEBUG})
def doctor(context: Context, *, debug: bool = False) -> None:
    """Say what is installed, and what is wrong with the set-up: invoke doctor"""
    del context
    _end(commands.doctor(commands.Control(directory=CONTROL), debug=debug))


@task(
    name="doctor.storage",
    klass=Command,
    help={"repository": "the repository whose place is looked at", "inventory": _INVENTORY, "debug": _DEBUG},
)
def doctor_storage(context: Context, *, repository: str = "", inventory: str = "", debug: bool = False) -> None:
    """Try what the place of a repository can do: invoke doctor.storage --repository R"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.doctor_storage(control, repository=repository, debug=debug))


@task(
    klass=Command,
    help={
        "row": "a table, then the row's key: its values in order, or column=value",
        "host": _DATABASE,
        "businesses": "the scope's businesses, separated by commas (default: all)",
        "demo": "what the scope does with demo businesses: exclude (default), include or only",
        "scope": "business (default) or full-device",
        "optional": "optional tables the scope reads, separated by commas, each with =LIMIT or without",
        "json": _JSON,
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def explain(
    context: Context,
    row: list[str],
    *,
    host: str = "",
    businesses: str = "",
    demo: str = "",
    scope: str = "",
    optional: str = "",
    json: bool = False,
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Say whose a row is and whether a scope takes it: invoke explain --host H TABLE KEY"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    options = commands.ScopeOptions(businesses=businesses, demo=demo, scope=scope, optional=optional)
    _end(commands.explain(control, host=host, words=tuple(row), options=options, as_json=json, debug=debug))


@task(
    klass=Command,
    help={
        "host": _DATABASE,
        "strict": "end with exit code 6 where anything is found",
        "json": _JSON,
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def leaks(
    context: Context,
    *,
    host: str = "",
    strict: bool = False,
    json: bool = False,
    inventory: str = "",
    debug: bool = False,
) -> None:
    """List rows of several businesses, and of one pointed at by another's: invoke leaks --host H"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.leaks(control, host=host, strict=strict, as_json=json, debug=debug))


@task(
    klass=Command,
    help={"host": _DATABASE, "output": "the SVG file to write", "inventory": _INVENTORY, "debug": _DEBUG},
)
def graph(context: Context, *, host: str = "", output: str = "", inventory: str = "", debug: bool = False) -> None:
    """Draw tables, references and ownership: invoke graph --host H --output FILE.svg"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.graph(control, host=host, file=output, debug=debug))


@task(
    klass=Command,
    name="list",
    help={"repository": _REPOSITORY, "inventory": _INVENTORY, "debug": _DEBUG},
)
def quarantine_list(context: Context, *, repository: str = "", inventory: str = "", debug: bool = False) -> None:
    """List the rows that restores have put aside: invoke quarantine.list [--repository R]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(commands.list_quarantine(control, repository=repository, debug=debug))


@task(
    klass=Command,
    name="retry",
    help={
        "label": "the backup whose rows are tried (default: all of the host)",
        "host": "the host into which they are restored",
        "repository": "the repository they are in (default: the host's own)",
        "check": "say what would change and change nothing",
        "diff": "show the rows with the columns that differ",
        "inventory": _INVENTORY,
        "debug": _DEBUG,
    },
)
def quarantine_retry(
    context: Context,
    label: list[str],
    *,
    host: str = "",
    repository: str = "",
    check: bool = False,
    diff: bool = False,
    inventory: str = "",
    debug: bool = False,
) -> None:
    """Restore quarantined rows that fit by now: invoke quarantine.retry --host H [LABEL]"""
    del context
    control = commands.Control(directory=CONTROL, inventory=inventory)
    _end(
        commands.retry_quarantine(
            control, labels=tuple(label), host=host, repository=repository, check=check, diff=diff, debug=debug
        )
    )


# invoke knows dotted names as tasks of a collection, whose default has the collection's own name
_doctor = Collection("doctor")
_doctor.add_task(doctor, name="machine", default=True)
_doctor.add_task(doctor_storage, name="storage")
_tasks = [each for each in tuple(globals().values()) if isinstance(each, Command)]
_grouped = (doctor, doctor_storage, quarantine_list, quarantine_retry)
_quarantine = Collection("quarantine", quarantine_list, quarantine_retry)
namespace = Collection(*(each for each in _tasks if each not in _grouped), _doctor, _quarantine)
