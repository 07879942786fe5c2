"""The businesses of hosts, asked for once for everybody, and waited for no longer than a page may take."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from toolkit.app.command import Call
from toolkit.app.commands.businesses import COMMAND, Counted, Options
from toolkit.app.control import Control
from toolkit.app.doctoring.asking import Asking
from toolkit.errors import DatabaseError, PlaybackError
from toolkit.model.census import Census
from toolkit.output.streams import Output

FRESH: Final = 60.0
"""Seconds for which the names and numbers of before are good enough while somebody chooses."""

SOON: Final = 3.0
"""The same where a page is loaded, or nothing could be known."""

PATIENCE: Final = 90.0
"""Seconds that counting may take before a page does without."""

GIVEN_UP: Final = 900.0
"""Seconds after which what has not ended is asked for once more."""

NAMES, ROWS = "names", "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the businesses of a host.

    Attributes:
        census: None while nothing has answered, and where it cannot be known.
        counting: the rows are still being counted.
        error: why it cannot be known.
    """

    census: Census | None = None
    counting: bool = False
    error: PlaybackError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    asking: Asking[Census | PlaybackError]
    began: float

    def is_old(self, fresh: float) -> bool:
        age = time.monotonic() - self.began
        if self.asking.running:
            # a large database is not counted twice at once
            return age > GIVEN_UP
        failed = any(isinstance(each, PlaybackError) for each in self.asking.answers.values())
        return age > (min(fresh, SOON) if failed else fresh)


@dataclass(slots=True, kw_only=True)
class Censuses:
    """What is known of the businesses of each host, and what is being asked."""

    control: Control
    _asked: dict[str, _Asked] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def known(self, host: str, *, wait: float, fresh: float = FRESH) -> Known:
        """Give the businesses of a host.

        Args:
            wait: seconds, at most, for answers that are not there yet.
            fresh: seconds after which they are asked for again.
        """
        with self._turn:
            asked = self._asked.get(host)
            if asked is None or asked.is_old(fresh):
                asked = self._asked[host] = self._begin(host)
        over = asked.asking.wait(wait)
        answers = asked.asking.answers
        found = answers.get(ROWS, answers.get(NAMES))
        if isinstance(found, PlaybackError) and isinstance(answers.get(NAMES), Census):
            # names are enough where counting failed
            found = answers[NAMES]
        if isinstance(found, PlaybackError):
            return Known(error=found)
        if found is None and over:
            return Known(error=DatabaseError(f"the database of {host} does not answer"))
        return Known(census=found, counting=not over)

    def _begin(self, host: str) -> _Asked:
        questions = {NAMES: partial(self._census, host, count=False), ROWS: partial(self._census, host, count=True)}
        return _Asked(asking=Asking(questions, seconds=PATIENCE), began=time.monotonic())

    def _census(self, host: str, *, count: bool) -> Census | PlaybackError:
        call = Call(command=COMMAND, control=self.control, output=Output(), host=host, as_json=True)
        try:
            [answer] = COMMAND.body(Options(no_rows=not count), call)
        except PlaybackError as error:
            return error
        assert isinstance(answer, Counted)
        return answer.census
