"""The course of a run, put together from its events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from toolkit.app.runs.course import Course

START = datetime(2026, 11, 20, 2, tzinfo=UTC)


def event(number: int, kind: str, seconds: float = 0.0, **facts: Any) -> dict[str, Any]:
    """An event of a run with one play."""
    time = (START + timedelta(seconds=seconds)).isoformat()
    return {"event": kind, "number": number, "time": time, "play": "p", **facts}


def progress(number: int, seconds: float, rows: int, **facts: Any) -> dict[str, Any]:
    """An event of progress of a backup of 1,000 rows."""
    told = {"task": "Back up", "host": "demo", "phase": "backup", "note": "orders", "bytes": 0, "tables": {}}
    return event(
        number, "progress", seconds, **{**told, "rows": rows, "total_rows": 1000, "total_bytes": None, **facts}
    )


def begun() -> Course:
    """A backup that has begun with two tables."""
    course = Course()
    course.take(
        [
            event(1, "play_started", hosts=["demo"]),
            event(2, "task_started", task="Back up", handler=False),
            event(3, "host_started", task="Back up", host="demo"),
            progress(4, 0, 0, expected={"orders": 900, "shops": 100, "empty": 0}),
        ]
    )
    return course


def test_rate_and_time_left_come_from_the_phase() -> None:
    """Rows a second and the seconds that are left are those of the phase; unknown before anything has come."""
    course = begun()
    host = course.tasks[0].hosts["demo"]
    assert (host.rate, host.left, host.fraction) == (None, None, 0.0)
    tables = {"orders": {"rows": 150, "bytes": 1}, "shops": {"rows": 100, "bytes": 1}}
    assert course.take([progress(5, 2, 250, tables=tables)])
    assert (host.rate, host.left, host.fraction) == (125.0, None, 0.25)
    assert [(each.name, each.rows, each.expected) for each in host.moving(5)] == [("orders", 150, 900)]
    assert host.tables_done == 2
    course.take([progress(6, 6, 500)])
    assert (host.rate, host.left) == (500 / 6, 8.0)
    course.take([progress(7, 10, 0, phase="compare", note="", expected={})])
    assert (host.phase, host.rate, host.left, host.tables) == ("compare", None, None, {})


def test_what_others_write_is_passed_over() -> None:
    """An event of a later version, one without a task before it, and more rows than were expected break nothing."""
    course = Course()
    assert course.take([event(1, "something_new"), progress(2, 1, 5)])
    assert not course.take([])
    course.take([progress(3, 2, 2000, tables={"orders": {"rows": 2000, "bytes": 0}})])
    host = course.tasks[0].hosts["demo"]
    assert (host.fraction, host.left) == (1.0, None)


def test_of_many_hosts_those_that_failed_come_first() -> None:
    """Of a fleet a few are shown: failures, then those under way."""
    course = begun()
    for number in range(100):
        name = f"h{number}"
        course.take([event(10 + number, "host_started", task="Back up", host=name)])
        if number not in (7, 8):
            status = "failed" if number == 50 else "ok"
            course.take([event(200 + number, "host_ended", task="Back up", host=name, result={"status": status})])
    task = course.tasks[0]
    assert [each.host for each in task.shown(4)] == ["h50", "demo", "h7", "h8"]
    assert (len(task.shown(200)), task.hosts_done) == (101, 98)
