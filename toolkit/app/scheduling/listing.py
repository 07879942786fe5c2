"""Everything that is scheduled in a control directory, looked up."""

from __future__ import annotations

from pathlib import Path

from toolkit.app.scheduling import names
from toolkit.app.scheduling.answers import Listed
from toolkit.app.scheduling.kinds import is_installed
from toolkit.app.scheduling.record import scheduled
from toolkit.private.pauses import pause_of


def listed(directory: Path) -> Listed:
    """Give each with whether its timer is there, and whether it is paused now."""
    now = names.local_now()
    found = tuple((record, is_installed(record, directory)) for record in scheduled(directory))
    pauses = {each.name: pause for each, _ in found if (pause := pause_of(directory, each.name, now.date()))}
    return Listed(directory=directory, now=now, schedules=found, pauses=pauses)
