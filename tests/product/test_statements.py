"""How many statements an action sends: what many small tables need is asked for together."""

from __future__ import annotations

from collections.abc import Callable

from tests.control import Control
from tests.statements import Listener, situations
from toolkit.postgres.servers.embedded import EmbeddedServer

MOST = {
    "back up everything": 110,
    "back up one business": 310,
    "merge everything, nothing to change": 290,
    "merge one business, nothing to change": 370,
    "verify everything": 240,
    "merge one business out of everything": 1150,
    "mirror everything, rows of 40 tables changed": 650,
    "restore everything into an empty database": 500,
}
"""Messages, at most, for the 144 tables of the demo. A backup reads small tables by one message for many."""


def test_actions_send_few_statements(
    pg18: EmbeddedServer, control: Control, demo_host: Callable[..., str], empty_host: Callable[..., str]
) -> None:
    """No situation takes more statements than it is known to need."""
    hosts = demo_host("source"), demo_host("target"), empty_host("empty")
    sent = situations(Listener(pg18), control, *hosts)
    counts = {name: len(each.statements) for name, each in sent.items()}
    assert {name: count for name, count in counts.items() if not 50 < count <= MOST[name]} == {}, counts
