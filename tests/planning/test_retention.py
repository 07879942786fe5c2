"""Retention: the same kept sets as restic for the same backups and rules, and what must hold for every policy."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.actions.retention import RetentionArguments
from toolkit.errors import InputError
from toolkit.model.duration import Duration
from toolkit.model.retention import BackupSummary, Decision, GroupKey, Period, Pin, RetentionPolicy
from toolkit.planning.retention import NO_RULE, decide

CASES = Path(__file__).parent / "retention_cases"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def policy_of(arguments: dict[str, Any]) -> RetentionPolicy:
    """The policy that a prune with these arguments follows."""
    return msgspec.convert(arguments, RetentionArguments).policy


def backup(time: datetime | str, label: str = "", **facts: Any) -> BackupSummary:
    """A backup of that time, given as ISO 8601 text or an aware time."""
    when = datetime.fromisoformat(time) if isinstance(time, str) else time
    name = label or when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ-nightly-business")
    values: dict[str, Any] = {"label": name, "time": when, "host": "till", "job": "nightly", "scope": "all", **facts}
    return BackupSummary(**values)


def days(count: int, **facts: Any) -> list[BackupSummary]:
    """A backup of each of so many days at 02:00, the newest first; it is of 20 November."""
    newest = datetime(2026, 11, 20, 2, tzinfo=UTC)
    return [backup(newest - timedelta(days=number), **facts) for number in range(count)]


def kept(decisions: Sequence[Decision]) -> list[str]:
    """The labels of what is kept."""
    return sorted(decision.backup.label for decision in decisions if decision.keep)


def reasons(decisions: Sequence[Decision]) -> dict[int, tuple[str, ...]]:
    """The reasons for what is kept, by position from the newest."""
    return {number: decision.reasons for number, decision in enumerate(decisions) if decision.keep}


def goldens() -> list[Any]:
    """Every policy that restic was asked about, with the backups it was given."""
    found = []
    for file in sorted(CASES.glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        backups = [
            backup(entry["time"], label=str(number), tags=tuple(entry.get("tags", ())))
            for number, entry in enumerate(document["backups"])
        ]
        for case in document["cases"]:
            name = f"{file.stem} {json.dumps(case['policy'])}"
            found.append(pytest.param(backups, case, ZoneInfo(document["time_zone"]), id=name))
    return found


@pytest.mark.parametrize(("backups", "case", "zone"), goldens())
def test_restic_keeps_the_same(backups: list[BackupSummary], case: dict[str, Any], zone: ZoneInfo) -> None:
    """What restic 0.18 kept of the same times under the same rules is kept, and nothing else."""
    policy = policy_of({**case["policy"], "minimum": 1})
    shuffled = random.Random(1).sample(backups, len(backups))
    decisions = decide(shuffled, policy, now=NOW, zone=zone)
    # restic keeps no newest one where no rule does
    found = [each.backup.label for each in decisions if each.keep and each.reasons != ("newest of its group",)]
    assert sorted(found) == sorted(map(str, case["kept"]))


def test_every_reason_is_given() -> None:
    """A kept backup has all the reasons for which it is kept, with how many of how many; a removed one has one."""
    policy = RetentionPolicy(last=2, periods={Period.DAILY: 4}, within=Duration(days=1), minimum=3)
    decisions = decide(days(6), policy, now=NOW)
    assert reasons(decisions) == {
        0: ("last 1/2", "daily 1/4", "within 1d", "newest of its group"),
        1: ("last 2/2", "daily 2/4", "one of the newest 3 (minimum)"),
        2: ("daily 3/4", "one of the newest 3 (minimum)"),
        3: ("daily 4/4",),
    }
    assert {decision.reasons for decision in decisions if not decision.keep} == {(NO_RULE,)}


def test_while_periods_are_left_over_the_oldest_is_kept() -> None:
    """As in restic, history reaches back as far as it can while a rule has periods left."""
    decisions = decide(
        [*days(2), backup("2026-11-18T01:00:00+00:00")], RetentionPolicy(periods={Period.YEARLY: 2}), now=NOW
    )
    assert reasons(decisions)[2] == ("yearly 2/2 (the oldest)", "one of the newest 3 (minimum)")


def test_an_empty_policy_is_refused() -> None:
    """Rules that keep nothing are no rules: exit code 2, and nothing is decided."""
    for arguments in ({}, {"keep_last": 0}, {"keep_daily": 0, "keep_within": "0d"}, {"minimum": 5}):
        with pytest.raises(InputError, match="no rule") as caught:
            policy_of(arguments)
        assert caught.value.exit_code == 2
    with pytest.raises(ValueError, match="would remove everything"):
        decide(days(1), RetentionPolicy(), now=NOW)


def test_all_of_them() -> None:
    """`unlimited` and -1 keep one of every period there is."""
    for word in ("unlimited", -1):
        decisions = decide(days(40), policy_of({"keep_daily": word, "minimum": 1}), now=NOW)
        assert all(decision.keep for decision in decisions)
        assert decisions[7].reasons == ("daily",)


def test_groups_have_the_rules_each() -> None:
    """Hosts, jobs and scopes do not push each other out, unless they are one group."""
    backups = [*days(3, host="a"), *(backup(each.time, f"{each.label}-b", host="b") for each in days(3))]
    policy = RetentionPolicy(last=1, minimum=1)
    assert [label.endswith("-b") for label in kept(decide(backups, policy, now=NOW))] == [False, True]
    together = RetentionPolicy(last=1, minimum=1, group_by=(GroupKey.JOB,))
    assert len(kept(decide(backups, together, now=NOW))) == 1
    tagged = [*backups, backup("2020-01-01T00:00:00+00:00", host="a", tags=("x",))]
    by_tag = RetentionPolicy(last=1, minimum=1, group_by=(GroupKey.TAGS,))
    assert len(kept(decide(tagged, by_tag, now=NOW))) == 2


def test_the_recorded_time_decides_not_the_name() -> None:
    """A label that sorts last does not make a backup the newest."""
    backups = [backup("2026-11-20T02:00:00+00:00", "a"), backup("2026-11-19T02:00:00+00:00", "z")]
    assert kept(decide(backups, RetentionPolicy(last=1, minimum=1), now=NOW)) == ["a"]


def test_pins_hold_through_their_last_day() -> None:
    """A pinned backup stays until the day is over in the policy's time zone; one without a day stays."""
    backups = [*days(2), backup("2020-01-01T00:00:00+00:00", "p", pin=Pin(until=date(2026, 12, 31)))]
    policy = RetentionPolicy(last=1, minimum=1)
    before, after = datetime(2026, 12, 31, 22, 59, tzinfo=UTC), datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    assert reasons(decide(backups, policy, now=before, zone=BERLIN))[2] == ("pinned until 2026-12-31",)
    assert "p" not in kept(decide(backups, policy, now=after, zone=BERLIN))
    forever = [*days(2), backup("2020-01-01T00:00:00+00:00", "p", pin=Pin())]
    assert reasons(decide(forever, policy, now=after, zone=BERLIN))[2] == ("pinned",)


def test_the_last_verified_one_stays_while_newer_ones_are_not_verified() -> None:
    """Backups nobody has verified do not push out the last one that is known to be good; a verified one does."""
    newer, good = days(5)[:4], days(5, verified=True, rows=100, bytes=1000)[4]
    policy = RetentionPolicy(last=1, minimum=1)
    assert reasons(decide([*newer, good], policy, now=NOW))[4] == ("verified, while 4 newer are unverified",)
    also = days(2, verified=True, rows=50, bytes=500)[1]
    assert kept(decide([newer[0], also, *newer[2:], good], policy, now=NOW)) == sorted([newer[0].label, also.label])


@pytest.mark.parametrize(("rows", "size", "fact"), [(49, 1000, "49% of its rows"), (100, 499, "50% of its bytes")])
def test_a_suspiciously_small_one_does_not_push_out_a_verified_one(rows: int, size: int, fact: str) -> None:
    """A newer backup with less than half of the rows or bytes counts as no replacement, even if it was verified."""
    newest, small = days(2, verified=True, rows=rows, bytes=size)
    good = days(4, verified=True, rows=100, bytes=1000)[3]
    decisions = decide([newest, small, good], RetentionPolicy(last=1, minimum=1), now=NOW)
    assert reasons(decisions)[2] == (f"verified, while {newest.label} has only {fact}",)
    assert "verified" not in " ".join(reasons(decisions).get(1, ()))


def test_the_newest_proven_one_stays_while_newer_ones_are_not_proven() -> None:
    """That newer ones were verified, and are as large, is no reason to let the last one go that was restored."""
    newer, good = days(3, verified=True)[:2], days(3, verified=True, proven=True)[2]
    policy = RetentionPolicy(last=1, minimum=1)
    older = days(5, proven=True)[3:]
    decisions = decide([*newer, good, *older], policy, now=NOW)
    assert reasons(decisions) == {
        0: ("last 1/1", "newest of its group"),
        2: ("newest proven of its group, 2 newer are not",),
    }
    assert len(kept(decide([*days(1, verified=True, proven=True), newer[1], good], policy, now=NOW))) == 1


def test_a_wrong_clock_does_not_cost_the_newest() -> None:
    """Beside a backup whose time lies in the future the newest of the others is kept as well."""
    future = backup("2031-01-01T00:00:00+00:00", "future")
    decisions = decide([future, *days(3)], RetentionPolicy(last=1, minimum=1), now=NOW)
    assert kept(decisions) == sorted(["future", days(1)[0].label])


def test_days_begin_where_the_shop_is() -> None:
    """23:30 and 00:30 local time are two days, whatever day it is in UTC."""
    evening = backup(datetime(2026, 7, 1, 23, 30, tzinfo=BERLIN))
    night = backup(datetime(2026, 7, 2, 0, 30, tzinfo=BERLIN))
    later = backup(datetime(2026, 7, 2, 3, 30, tzinfo=BERLIN))
    before = backup(datetime(2026, 7, 1, 12, 0, tzinfo=BERLIN))
    policy = RetentionPolicy(periods={Period.DAILY: 2}, minimum=1)
    assert kept(decide([before, evening, night, later], policy, now=NOW, zone=BERLIN)) == sorted(
        [evening.label, later.label]
    )
    assert kept(decide([before, evening, night, later], policy, now=NOW)) == sorted([night.label, later.label])


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)])
def test_a_day_has_as_many_hours_as_its_clocks_show(day: tuple[int, int, int], hours: int) -> None:
    """On the day clocks go back the hour they run through twice is two hours; on the other day one is missing."""
    start = datetime(*day, tzinfo=BERLIN).astimezone(UTC)
    end = (datetime(*day, tzinfo=BERLIN) + timedelta(days=1)).astimezone(UTC)
    count = int((end - start) / timedelta(minutes=20))
    backups = [backup(start + timedelta(minutes=20 * number)) for number in range(count)]
    decisions = decide(backups, RetentionPolicy(periods={Period.HOURLY: 100}, minimum=1), now=NOW, zone=BERLIN)
    assert len(kept(decisions)) == hours + 1  # and the oldest, which is not the newest of its hour
    daily = decide(backups, RetentionPolicy(periods={Period.DAILY: 1}, minimum=1), now=NOW, zone=BERLIN)
    assert kept(daily) == [backups[-1].label]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d", "2026-03-28T11:00:00+00:00"),
        ("24h", "2026-03-28T10:00:00+00:00"),
        ("1d1h", "2026-03-28T10:00:00+00:00"),
        ("1w", "2026-03-22T11:00:00+00:00"),
        ("1m", "2026-03-01T11:00:00+00:00"),
        ("1y", "2025-03-29T11:00:00+00:00"),
        ("2m1y3H", "2025-01-29T08:00:00+00:00"),
        ("9000y", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_durations_follow_the_calendar(text: str, expected: str) -> None:
    """Days, months and years are those of the zone, over a change of its clocks; hours have sixty minutes."""
    noon = datetime(2026, 3, 29, 12, tzinfo=BERLIN)
    assert Duration.parse(text).before(noon, BERLIN) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ["", "5", "d", "1M", "3x", "1d2d", "-1d", "1 d", "1.5h"])
def test_what_is_no_duration(text: str) -> None:
    """Anything but numbers with different known units is refused; M may mean minutes or months."""
    with pytest.raises(ValueError, match=r"duration|twice"):
        Duration.parse(text)


minutes = st.integers(min_value=0, max_value=60 * 24 * 500)
small_numbers = st.integers(min_value=-1, max_value=6)
durations = st.one_of(st.none(), st.builds(Duration, days=st.integers(0, 60), hours=st.integers(0, 30)))
policies = st.builds(
    RetentionPolicy,
    last=small_numbers,
    periods=st.dictionaries(st.sampled_from(Period), small_numbers),
    within=durations,
    within_periods=st.dictionaries(st.sampled_from(Period), st.builds(Duration, days=st.integers(0, 400))),
    tags=st.sampled_from([(), ("x",)]),
    minimum=st.integers(1, 4),
    group_by=st.sampled_from([(), tuple(GroupKey), (GroupKey.HOST,)]),
).filter(lambda policy: not policy.empty)
zones = st.sampled_from([UTC, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/St_Johns")])


@st.composite
def histories(draw: st.DrawFn) -> list[BackupSummary]:
    """Backups of up to a year and a half, several at the same minute, some pinned, tagged, verified or proven."""
    times = draw(st.lists(minutes, min_size=1, max_size=25))
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        backup(
            start + timedelta(minutes=time),
            f"{number}",
            host=draw(st.sampled_from("ab")),
            tags=draw(st.sampled_from([(), ("x",)])),
            rows=draw(st.integers(0, 100)),
            bytes=draw(st.integers(0, 100)),
            verified=draw(st.booleans()),
            proven=draw(st.booleans()),
            pin=draw(st.sampled_from([None, Pin(), Pin(until=date(2026, 9, 1))])),
        )
        for number, time in enumerate(times)
    ]


@given(histories(), policies, zones, minutes)
def test_laws(backups: list[BackupSummary], policy: RetentionPolicy, zone: ZoneInfo, minute: int) -> None:
    """Every backup is decided once; the newest, the last few and the pinned are kept; order does not matter."""
    now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
    decisions = decide(backups, policy, now=now, zone=zone)
    assert sorted(decision.backup.label for decision in decisions) == sorted(each.label for each in backups)
    assert all(decision.reasons for decision in decisions)
    assert decide(backups[::-1], policy, now=now, zone=zone) == decisions
    groups: dict[tuple[str, ...], list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(decision.group, []).append(decision)
    for group in groups.values():
        assert all(decision.keep for decision in group[: policy.minimum])
        verified = [decision for decision in group if decision.backup.verified]
        assert all(decision.keep for decision in verified[:1])
        proven = [decision for decision in group if decision.backup.proven]
        assert all(decision.keep for decision in proven[:1])
        times = [decision.backup.time for decision in group]
        assert times == sorted(times, reverse=True)
    for decision in decisions:
        pin = decision.backup.pin
        assert decision.keep or pin is None or (pin.until is not None and pin.until < now.astimezone(zone).date())


@given(histories(), policies, zones, minutes, minutes)
def test_what_is_removed_stays_removed(
    backups: list[BackupSummary], policy: RetentionPolicy, zone: ZoneInfo, minute: int, later: int
) -> None:
    """Adding a newer backup never makes one that was to be removed one to be kept; nor does pruning once more."""
    now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
    before = decide(backups, policy, now=now, zone=zone)
    removed = {decision.backup.label for decision in before if not decision.keep}
    newest = max(each.time for each in backups)
    another = backup(newest + timedelta(minutes=later, seconds=1), "another", host="a", rows=50, bytes=50)
    after = decide([*backups, another], policy, now=max(now, another.time), zone=zone)
    assert not removed & set(kept(after))
    left = [each for each in backups if each.label not in removed]
    assert kept(decide(left, policy, now=now, zone=zone)) == sorted(each.label for each in left)


def test_the_picture_of_the_guide_is_true() -> None:
    """docs/guide/storage.md shows what its example keeps."""
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "storage.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^(2026-\d\d-\d\d)    ([DWM·][DWM· ]+)$", guide, re.MULTILINE))
    policy = policy_of({"keep_daily": 7, "keep_weekly": 5, "keep_monthly": 4})
    decisions = decide(days(110), policy, now=NOW)
    assert sum(decision.keep for decision in decisions) == 13
    weeks: dict[str, list[str]] = {}
    for decision in reversed(decisions):
        monday = decision.backup.time - timedelta(days=decision.backup.time.weekday())
        periods = [reason[0].upper() for reason in decision.reasons if reason.startswith(("daily", "weekly", "month"))]
        weeks.setdefault(f"{monday:%Y-%m-%d}", []).append(periods[-1] if periods else "·")
    assert {week: line.split() for week, line in shown.items()} == weeks
