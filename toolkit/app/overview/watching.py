"""Looking again from time to time, once for everybody who wants to know."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from toolkit.app.control import Control
from toolkit.app.doctoring.asking import Asking
from toolkit.app.doctoring.examining import Examination, Looking
from toolkit.app.overview.coming import Coming, coming
from toolkit.app.overview.judging import Key, overview_of
from toolkit.app.overview.standing import Overview
from toolkit.app.scheduling.record import FOLDER
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import PlaybackError, UnsetError
from toolkit.model.host import BundleRepository, LocalRepository
from toolkit.storage.remembered import memory_of

FRESH: Final = 20.0
"""Seconds for which what was found is good enough, where nothing that shows in files has changed."""

PAUSE: Final = 1.0
"""Seconds, at least, from the end of one look to the beginning of the next."""

PATIENCE: Final = 5.0
"""Seconds that a database may take for each thing that it is asked."""

LONGEST: Final = 120.0
"""Seconds after which something is said not to answer: manifests of a large repository far away are read but once."""

Times = Mapping[str, int]
"""When files and directories last changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look.

    Attributes:
        settings, mark: what the inventory's files, and all others, showed when it began.
        runs: what scheduled playbooks will back up.
    """

    settings: Times
    mark: Times
    looking: Looking
    runs: Asking[Mapping[Key, Coming]]

    @property
    def over(self) -> bool:
        return self.looking.asking.over and self.runs.over

    def wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        self.looking.asking.wait(seconds)
        return self.runs.wait(max(0.0, end - time.monotonic())) and self.over

    def overview(self) -> Overview:
        found = overview_of(self.looking, self.runs.answers.get("runs", {}))
        return replace(found, going_on=not self.over)


@dataclass(slots=True, kw_only=True)
class Watch:
    """What was found last, and the look that goes on.

    Attributes:
        seconds, pause: as PATIENCE and PAUSE.
    """

    control: Control
    now: Callable[[], datetime]
    seconds: float = PATIENCE
    pause: float = PAUSE
    _look: _Look | None = None
    _done: _Look | None = None
    _found: Overview | None = None
    _ended: float = 0.0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def overview(self, *, wait: float) -> Overview:
        """Give how everything stands.

        While all is looked at again, what was found last stands for what has not answered yet.

        Args:
            wait: seconds, at most, for answers that are not there yet.

        Raises:
            InputError: the inventory has problems.
        """
        look = self._current()
        over = look.wait(wait)
        with self._turn:
            if over and self._done is not look:
                self._done, self._found, self._ended = look, look.overview(), time.monotonic()
            known = self._found
        if over and known is not None:
            return known
        found = look.overview()
        if known is not None and [each.name for each in known.hosts] == [each.name for each in found.hosts]:
            return _merged(known, found, jobs=found.jobs_known and look.runs.over)
        return found

    def _current(self) -> _Look:
        """The look that goes on, the last one where that is good enough, or a new one."""
        with self._turn:
            inventory = self.control.load_inventory()
            settings, mark = _settings(inventory), _mark(self.control, inventory)
            look = self._look
            if look is not None and look.settings == settings:
                age = time.monotonic() - self._ended
                if not look.over or age < self.pause or (age < FRESH and look.mark == mark):
                    return look
            self._look = self._begin(inventory, settings, mark)
            return self._look

    def _begin(self, inventory: LoadedInventory, settings: Times, mark: Times) -> _Look:
        memory = memory_of(self.control.directory)
        examination = Examination(
            inventory=inventory, now=self.now(), seconds=self.seconds, longest=LONGEST, memory=memory
        )
        looking = examination.begin()
        runs = Asking({"runs": partial(_runs, self.control, inventory)}, seconds=looking.examination.patience)
        return _Look(settings=settings, mark=mark, looking=looking, runs=runs)


def _merged(known: Overview, found: Overview, *, jobs: bool) -> Overview:
    """What is found by now, and of what has not answered yet what was known before.

    Args:
        jobs: the jobs that were found are all there are.
    """
    hosts = [
        replace(new if new.answered else old, jobs=new.jobs if jobs else old.jobs)
        for old, new in zip(known.hosts, found.hosts, strict=True)
    ]
    answered = {(each.kind, each.name): each for each in found.things if each.answered}
    before = {(each.kind, each.name): each for each in known.things}
    return replace(known, going_on=True, hosts=tuple(hosts), things=tuple({**before, **answered}.values()))


def _runs(control: Control, inventory: LoadedInventory) -> Mapping[Key, Coming]:
    try:
        return coming(control, inventory)
    except PlaybackError:
        return {}


def _settings(inventory: LoadedInventory) -> Times:
    """When something of the inventory last changed."""
    place = inventory.inventory_directory
    return _times([place, *_below(place), *(each for folder in _below(place) for each in _below(folder))])


def _mark(control: Control, inventory: LoadedInventory) -> Times:
    """When directories last changed in which a backup, a proof or a schedule would show."""
    places = [control.directory / FOLDER]
    for name in inventory.repositories:
        try:
            config = inventory.repository(name)
        except UnsetError:
            continue
        if isinstance(config, LocalRepository):
            # looking itself leaves traces among the locks
            places += [each for each in _below(config.path) if each.name not in ("chunks", "locks")]
        elif isinstance(config, BundleRepository):
            places.append(config.path)
    return _times(places)


def _times(places: Iterable[Path]) -> Times:
    found: dict[str, int] = {}
    for place in places:
        with suppress(OSError):
            found[str(place)] = place.stat().st_mtime_ns
    return found


def _below(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError:
        return []
