"""How the last run of each play ended, kept beside the control directory's other state: for `on_recovery`."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from toolkit.model.playbook import Playbook
from toolkit.private import files
from toolkit.runner.options import RunOptions

_FOLDER: Final = ".playback/standing"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a play stands.

    Attributes:
        exit_code: of its last run; None while that goes on, and where it died.
        since: when the first of the failing runs began that no good one has followed; None where all is well.
    """

    started: datetime
    exit_code: int | None = None
    since: datetime | None = None

    @property
    def failing(self) -> datetime | None:
        """Since when it fails; None where its last run was good."""
        return self.since or (self.started if self.exit_code != 0 else None)


_STANDINGS = msgspec.json.Decoder(dict[str, Standing])


def key_of(index: int, options: RunOptions) -> str:
    """Give what a play's runs are told apart by: a run on one host says nothing of a run on all of them."""
    asked = {"limit": options.limit, "tags": options.tags, "skip_tags": options.skip_tags}
    return " ".join([str(index), *(f"{name}={value}" for name, value in asked.items() if value)])


def read(control: Path, playbook: Playbook) -> dict[str, Standing]:
    """Give how the plays of a playbook stand, by their keys; of none nothing is known where there is no such file."""
    try:
        return _STANDINGS.decode(_file(control, playbook).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}


def note(control: Path, playbook: Playbook, key: str, standing: Standing) -> None:
    """Keep how a play stands; OSError as the operating system says."""
    known = {**read(control, playbook), key: standing}
    files.write(_file(control, playbook), msgspec.json.format(msgspec.json.encode(known)) + b"\n")


def _file(control: Path, playbook: Playbook) -> Path:
    key = hashlib.sha256(os.fsencode(playbook.file.absolute())).hexdigest()[:8]
    return control / _FOLDER / f"{playbook.file.stem}-{key}.json"
