"""Files for their owner alone: what is no file is not replaced by one."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from toolkit.private import files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes and devices in directories")


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """Whoever reads a named pipe gets what is written, and the pipe stays."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reading = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reading.start()
    files.write(pipe, b"all of it")
    reading.join()
    assert got == [b"all of it"]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_device_is_written_to(tmp_path: Path) -> None:
    """So is a device, also where a link leads to it, as /dev/stdout does; nothing is left beside it."""
    device = tmp_path / "device"
    device.symlink_to(os.devnull)
    files.write(device, b"all of it")
    assert device.is_symlink()
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert list(tmp_path.iterdir()) == [device]


def test_a_link_to_a_file_is_replaced(tmp_path: Path) -> None:
    """What it leads to stays as it was: it may be anybody's."""
    other, link = tmp_path / "other", tmp_path / "link"
    other.write_bytes(b"other")
    link.symlink_to(other)
    files.write(link, b"mine")
    assert (other.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"other", b"mine", False)
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
