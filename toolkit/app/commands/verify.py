"""`verify`: compare a backup with a host's database, as the action `verify` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.output.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `verify` is given."""

    label: tuple[str, ...] = command.words("the backup's label")
    answers: str = command.text("a file with the answers to drift under which it was restored")
    tables: str = command.text("only these tables, separated by commas; patterns such as `order*` are allowed")


def _verify(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.actions.verify import ACTION, VerifyArguments
    from toolkit.app.repositories import find_backup
    from toolkit.app.running import act
    from toolkit.app.scope_options import names

    label = call.one_label(given.label)
    host = call.named_host("to compare with")
    inventory = call.control.load_inventory()
    inventory.host(host)
    found, _, _ = find_backup(inventory, label, call.repository)
    arguments = VerifyArguments(
        backup=label, repository=found, host=host, answers=given.answers, tables=names(given.tables, "--tables")
    )
    yield act(call, inventory, ACTION, arguments, title=f"Verify {label} against {host}")


COMMAND = Command(
    name="verify",
    summary="Compare a backup with a database",
    usage="LABEL --host H [--answers FILE.yml] [--tables T,…]",
    needs=(HOST._replace(help="the host whose database it is compared with"), REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_verify,
)
