"""Who a process is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.control import ROOT

NAMELESS = 61234
ASK = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from toolkit.storage.processes import user_name
from toolkit.app.scheduling.crontab import Cron
os.setuid({NAMELESS})
print(user_name(), Cron().title)
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become a user without a name")
def test_a_user_without_a_name_is_told_by_its_number() -> None:
    """A process whose uid has no passwd entry, as in many containers, is known by that number."""
    named = {"LOGNAME", "USER", "LNAME", "USERNAME"}
    environment = {name: value for name, value in os.environ.items() if name not in named}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"uid-{NAMELESS} lines in the crontab of uid-{NAMELESS}\n"


def test_nothing_else_asks_for_the_name() -> None:
    """Whatever names the user has the name from there, so that nothing stops where there is none."""
    asking = [file for file in (ROOT / "toolkit").rglob("*.py") if "getuser()" in file.read_text(encoding="utf-8")]
    assert asking == [ROOT / "toolkit" / "storage" / "processes.py"]
