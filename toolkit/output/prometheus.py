"""Numbers in the text format of Prometheus, for the textfile collector of its node exporter.

Source of the format: Prometheus documentation, "Exposition formats".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from toolkit.model.finding import Measure

HELP = {
    "backups": "How many backups a repository has of a host and job.",
    "backup_newest_timestamp_seconds": "When the newest backup was made.",
    "backup_newest_size_bytes": "How large its rows are.",
    "backup_newest_rows": "How many rows it has.",
    "backup_newest_duration_seconds": "How long it took.",
    "backup_newest_allowed_seconds": "How old the inventory lets the newest backup be.",
    "backup_proven_timestamp_seconds": "When a backup was last proven by restoring it into a scratch database.",
    "backup_proven_restore_seconds": "How long that restore took: the recovery time.",
    "backup_proven_data_age_seconds": "How old its data were then: the recovery point.",
    "backup_proven_allowed_seconds": "How long ago the inventory lets that be.",
    "host_up": "Whether the database of a host answers.",
    "host_clock_skew_seconds": "By how much the clock of a host's server is ahead.",
    "repository_up": "Whether a repository can be read.",
    "repository_backups": "How many backups it has.",
    "repository_locks": "How many locks it has.",
    "repository_dead_locks": "How many of them were left behind.",
    "repository_free_bytes": "How much space is free on its file system.",
    "repository_check_timestamp_seconds": "When it was last read back and checked.",
    "schedule_last_run_timestamp_seconds": "When the last run of a scheduled playbook began.",
    "schedule_last_run_exit_code": "What it ended with.",
    "schedule_last_success_timestamp_seconds": "When the last run began that ended with 0.",
    "doctor_findings": "How many findings there are of each level.",
    "doctor_run_timestamp_seconds": "When all of this was found out.",
}
"""Every metric, without `playback_`."""


def exposition(measures: Iterable[Measure]) -> str:
    """Give all measures; every metric is a gauge."""
    return "".join(f"{line}\n" for line in _lines(measures))


def publish(file: Path, text: str) -> None:
    """Put a file there whole, for others to read; OSError as the operating system says.

    Its temporary name does not end as the collector wants it.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.chmod(0o644)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _lines(measures: Iterable[Measure]) -> Iterator[str]:
    order = list(HELP)
    ranked = sorted(measures, key=lambda each: (order.index(each.name), *sorted(each.labels.items())))
    for name, group in groupby(ranked, key=lambda each: each.name):
        yield f"# HELP playback_{name} {HELP[name]}"
        yield f"# TYPE playback_{name} gauge"
        for each in group:
            labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(each.labels.items()))
            yield f"playback_{name}{f'{{{labels}}}' if labels else ''} {_number(each.value)}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
