"""Files that name hosts: those that did not come to the end of a run, for `--limit @FILE` of the next one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolkit.app.control import Control
from toolkit.errors import InputError
from toolkit.private import files

_FOLDER = ".playback"


def retry_file(control: Control, playbook: str, hosts: Sequence[str]) -> str:
    """Write the hosts that a run of a playbook has to be repeated on, and give the file as `--limit` takes it."""
    name = f"{_FOLDER}/{playbook}.retry"
    file = control.directory / name
    files.write(file, "".join(f"{host}\n" for host in hosts).encode())
    # the working directory comes first, and may have one of its own
    return name if control.existing(name).samefile(file) else str(file.absolute())


def hosts_of(path: Path) -> list[str]:
    """Give the hosts, or patterns, that a file names, one a line; what is behind `#` is a remark.

    Raises:
        InputError: there is no such file, it cannot be read, or it names none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"--limit: the file {path} cannot be read: {reason}") from None
    hosts = [host for line in lines if (host := line.partition("#")[0].strip())]
    if not hosts:
        raise InputError(f"--limit: the file {path} names no host")
    return hosts
