"""`quarantine.retry`: restore quarantined rows of a host that fit by now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.output.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `quarantine.retry` is given."""

    label: tuple[str, ...] = command.words("the backup whose rows are tried (default: all of the host)")
    check: bool = command.switch("say what would change and change nothing")
    diff: bool = command.switch("show the rows with the columns that differ")


def _retry(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.actions.quarantine import ACTION, QuarantineArguments
    from toolkit.app.running import act

    host = call.named_host()
    inventory = call.control.load_inventory()
    inventory.host(host)
    arguments = QuarantineArguments(repository=call.repository, labels=given.label)
    title = f"Quarantined rows of {host}"
    yield act(call, inventory, ACTION, arguments, title=title, check=given.check, diff=given.diff)


COMMAND = Command(
    name="quarantine.retry",
    summary="Restore quarantined rows that fit by now",
    usage="--host H [LABEL]",
    needs=(
        HOST._replace(help="the host into which they are restored"),
        REPOSITORY._replace(help="the repository they are in (default: the host's own)"),
        INVENTORY,
        JSON,
    ),
    options=Options,
    body=_retry,
)
