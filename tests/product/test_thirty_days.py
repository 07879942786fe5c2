"""Days of nightly backups, drills and retention, one after the other: what is proven by when, and who notices a miss.

The gate lives through a few days, the weekly run through thirty.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import execute
from tests.product.shop import Shop
from tests.sweeps import EVERYTHING
from toolkit.app.doctoring.examining import Examination
from toolkit.config import inventory
from toolkit.model.finding import Level
from toolkit.model.outcome import Outcome
from toolkit.model.proof import Proof
from toolkit.planning.clock import instant
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.storage.proofs import Proofs, read_proofs

DAYS = 30 if EVERYTHING else 4
NO_BACKUP = {9, 10, 21} if EVERYTHING else {2}
NO_DRILL = {4, 14, 15, 25} if EVERYTHING else {1}
WHOLE: set[int] = set() if EVERYTHING else {0}
"""Days on which no business is restored alone."""
START = datetime(2026, 10, 1, tzinfo=UTC)
SHOPS = "abcd" if EVERYTHING else "ab"
PERIOD = len(SHOPS) + 3
"""Days within which every business is restored alone, days without a drill included."""

LIVES_LONG = 4
"""Days after which a backup is proven, although some days have no drill."""


@pytest.fixture
def shop(tmp_path: Path, servers: Servers, pg18: EmbeddedServer) -> Iterator[Shop]:
    """Shops, whose scratch databases are made on their own server."""
    name = str(psycopg.conninfo.conninfo_to_dict(servers.database())["dbname"])
    shop = Shop.make(tmp_path, pg18.conninfo(name, user="postgres"), "local")
    shop.control.hosts["shop"]["expect"] = {"newest": "26h", "proven": "26h"}
    shop.write_hosts()
    for key in SHOPS[2:]:
        execute(
            shop.database,
            f"INSERT INTO shops VALUES ('{key}', 'Shop {key}')",
            f"INSERT INTO orders SELECT {ord(key)} * 1000 + i, '{key}', 'new' FROM generate_series(1, 50) i",
        )
    yield shop
    pg18.drop_database(f"playback_drill_of_{name}")


def drills(shop: Shop, time: datetime, *, alone: bool) -> Iterator[Outcome]:
    """What playbooks/drill.yml does: two backups, where so many are not proven, and one business alone."""
    for number in range(2):
        yield shop.run("drill", now=time + timedelta(minutes=number), on="host")
    if alone:
        yield shop.run("drill", now=time + timedelta(hours=1), on="host", backups="random", businesses="random 1")


def complaints(shop: Shop, now: datetime) -> list[str]:
    """What `invoke doctor` finds wrong with the backups of the host."""
    loaded = inventory.load(shop.control.directory / "inventory")
    parts = Examination(inventory=loaded, now=now, seconds=20).run()
    wrong = [each for part in parts for each in part.findings if each.check in ("newest", "proven")]
    return [each.check for each in wrong if each.level is Level.CRITICAL]


def proofs_until(known: Proofs, now: datetime) -> list[Proof]:
    """All proofs, also of backups that are gone."""
    return [each for tried in known.attempts.values() for each in tried if each.proves and instant(each.time) <= now]


def test_days_with_drills(shop: Shop) -> None:
    """Every backup that lives long enough and every business is proven in time; a miss is seen that day, and mended."""
    made: dict[str, datetime] = {}
    removed: set[str] = set()
    for day in range(DAYS):
        night = START + timedelta(days=day, hours=2)
        shop.change(day)
        if day not in NO_BACKUP:
            made[str(shop.run("backup", now=night).facts["label"])] = night
        if day not in NO_DRILL:
            assert not any(each.exit_code for each in drills(shop, night + timedelta(hours=2), alone=day not in WHOLE))
        pruned = shop.run("prune", now=night + timedelta(hours=4), keep_daily=7 if EVERYTHING else 2, minimum=1)
        removed.update(pruned.facts["removed"])  # type: ignore[arg-type]

        evening = night + timedelta(hours=16)
        missed = [what for what, days in (("newest", NO_BACKUP), ("proven", NO_DRILL)) if day in days]
        assert complaints(shop, evening) == missed, f"day {day}"

        known = read_proofs(shop.repository("local"))
        proven = proofs_until(known, evening)
        old = {label for label, time in made.items() if evening - time > timedelta(days=LIVES_LONG)}
        assert old <= {each.label for each in proven if each.whole}
        if day >= PERIOD:
            recent = [each for each in proven if evening - instant(each.time) < timedelta(days=PERIOD)]
            assert {business for each in recent for business in each.businesses} == set(SHOPS)
        newest = max((each for each in proven if each.whole), key=lambda each: each.backed_up)
        assert newest.label in shop.labels("local")
    assert removed
    assert set(made) == {each.label for each in proven if each.whole}
    assert {business for each in proven for business in each.businesses} == set(SHOPS)
