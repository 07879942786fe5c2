"""`init`: a control directory of one's own, with a database in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.app import command
from toolkit.app.command import Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `init` is given."""

    dir: tuple[str, ...] = command.words("the directory (default: this one)")
    database: str = command.text("the database, e.g. postgresql://USER@SERVER/DATABASE; a password is asked for")
    host: str = command.text("what the database is called in the inventory (default: its own name)")
    backups: str = command.text("the directory that backups go to (default: backups, in the control directory)")
    yes: bool = command.switch("ask nothing: take the default of every question")
    update: bool = command.switch("show what shipped playbooks have changed since, and take what one agrees to")


def _init(given: Options, call: Call) -> Iterator[Answer]:
    """Make a control directory, complete one, or compare its playbooks with the shipped ones."""
    from toolkit.app.beginning.asking import Asker
    from toolkit.app.beginning.beginning import begin
    from toolkit.app.beginning.dialogue import Wanted
    from toolkit.app.beginning.updating import updated

    if len(given.dir) > 1:
        raise InputError(f"one directory at a time, not {', '.join(given.dir)}", hint=call.command.invocation)
    asker = Asker(output=call.output, defaults=given.yes)
    directory = _directory(given, call)
    if not given.update:
        wanted = Wanted(directory=directory, database=given.database, host=given.host, backups=given.backups)
        yield begin(wanted, asker)
        return
    if given.database or given.host or given.backups:
        raise InputError("--update is about playbooks alone", hint="invoke init [DIR] --update")
    if not (directory / "playbooks").is_dir():
        raise InputError(f"{directory} has no playbooks to compare", hint="invoke init DIR makes a control directory")
    yield from updated(directory, asker)


def _directory(given: Options, call: Call) -> Path:
    """The directory that is named, else the control directory that one is in, else the one that one is in."""
    if given.dir:
        return Path(given.dir[0]).expanduser().resolve()
    own = call.control.directory
    return own.resolve() if (own / "inventory" / "hosts.yml").is_file() else Path.cwd().resolve()


COMMAND = Command(
    name="init",
    summary="Make a control directory of your own",
    usage="[DIR] [--database URI] [--host NAME]",
    options=Options,
    body=_init,
)
