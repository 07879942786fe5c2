"""`completion`: the script by which a shell completes commands, options, playbooks, hosts, labels and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.app import command
from toolkit.app.command import JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import Answer, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `completion` is given."""

    shell: tuple[str, ...] = command.words("bash, zsh, fish or powershell")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(Answer):
    """A shell's script."""

    shell: str
    text: str

    def lines(self) -> Iterator[Line]:
        """Give it as it is."""
        yield Line(self.text.removesuffix("\n"))

    def document(self) -> Mapping[str, Any]:
        """Give it as a text."""
        return {"shell": self.shell, "script": self.text}


def _completion(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.shells import SHELLS, script
    from toolkit.wording import meant

    shell = given.shell[0] if len(given.shell) == 1 else ""
    if shell not in SHELLS:
        what = f"there is no completion for {shell}{meant(shell, SHELLS)}" if shell else "one shell is to be named"
        raise InputError(what, hint=f"{call.command.invocation}; there are {', '.join(SHELLS)}")
    yield Script(shell=shell, text=script(shell))


COMMAND = Command(
    name="completion",
    summary="Print the script for completion in a shell",
    usage="SHELL",
    needs=(JSON,),
    options=Options,
    body=_completion,
)
"""E.g. `source <(playback completion bash)`."""
