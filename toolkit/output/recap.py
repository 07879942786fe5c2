"""How a run ended: the counts of each host, what moved, and every warning. Many hosts that are well are summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import astuple, fields

from toolkit import wording
from toolkit.config.masking import mask, mask_own
from toolkit.model.outcome import Moved
from toolkit.model.schema import NOT_COVERED
from toolkit.runner.results import Recap, Result, RunRecord
from toolkit.wording import count, counted, table

MANY = 20
"""Up to so many lines each host has its own."""
_KINDS = 10
"""Up to so many lines of those that are summed up."""

_COUNTS = tuple(field.name for field in fields(Recap))


def recap_lines(recaps: Mapping[str, Recap], *, whole: bool = False) -> list[tuple[str, Recap]]:
    """Give a line for every host, each with its counts.

    Of more than MANY hosts those that failed, could not be reached, were interrupted at a task or went on after a
    failure are named, and the others stand together by their counts, unless `whole` asks for all of them.
    """
    if whole or len(recaps) <= MANY:
        named, together = dict(recaps), Counter[tuple[int, ...]]()
    else:
        named = {host: recap for host, recap in recaps.items() if not _is_well(recap)}
        together = Counter(astuple(recap) for recap in recaps.values() if _is_well(recap))
    lines = list(named.items())
    for counts, hosts in together.most_common(_KINDS):
        lines.append((counted(hosts, "host"), Recap(**dict(zip(_COUNTS, counts, strict=True)))))
    rest = together.most_common()[_KINDS:]
    if rest:
        sums = [sum(counts[index] * hosts for counts, hosts in rest) for index in range(len(_COUNTS))]
        hosts = sum(hosts for _, hosts in rest)
        lines.append((f"{counted(hosts, 'host')} in all", Recap(**dict(zip(_COUNTS, sums, strict=True)))))
    width = max((len(name) for name, _ in lines), default=0)
    return [(recap_line(name.ljust(width), recap), recap) for name, recap in lines]


def recap_line(host: str, recap: Recap) -> str:
    """Give the counts of one host."""
    shown = [name for name in _COUNTS if name != "interrupted" or recap.interrupted]
    return f"{host} : " + "  ".join(f"{name}={getattr(recap, name):<3}" for name in shown).rstrip()


def moved_lines(record: RunRecord, *, whole: bool = False) -> list[str]:
    """Give the table of what moved; no lines when nothing did.

    More than MANY rows are summed up by what was done, unless `whole` asks for all of them.
    """
    moves = [(result.host, moved) for _, result in record.results() for moved in result.moved]
    if not moves:
        return []
    rows = [_row(host, moved) for host, moved in moves] if whole or len(moves) <= MANY else list(_sums(moves))
    header = ("host", "moved", "tables", "rows", "bytes", "stored", "seconds")
    return ["", *table(header, rows, right=("tables", "rows", "bytes", "stored", "seconds"))]


def warning_lines(record: RunRecord, *, whole: bool = False, lasting: bool = True) -> list[str]:
    """Give every warning of the run once more, so that none is lost above.

    Where they are more than MANY, one that several hosts share stands once, unless `whole` asks for all of them.

    Args:
        lasting: what no backup of a database ever holds as well.
    """
    warnings = dict.fromkeys(
        (_masked(warning, result), result.host)
        for _, result in record.results()
        for warning in result.warnings
        if lasting or not warning.startswith(NOT_COVERED)
    )
    untold = [
        f"[WARNING]: {task.name} failed: {_masked(result.message, result)}; nobody may know by this how the run ended"
        for task, result in record.untold()
    ]
    if not whole and len(warnings) > MANY:
        sharing: dict[str, list[str]] = {}
        for warning, host in warnings:
            sharing.setdefault(warning, []).append(host)
        lines = [f"[WARNING]: [{_several(hosts)}] {warning}" for warning, hosts in sharing.items()]
    else:
        lines = [f"[WARNING]: [{host}] {warning}" for warning, host in warnings]
    lines += untold
    return ["", *lines] if lines else []


def _is_well(recap: Recap) -> bool:
    return not (recap.failed or recap.unreachable or recap.interrupted or recap.rescued or recap.ignored)


def _row(host: str, moved: Moved) -> tuple[str, ...]:
    return (
        host,
        moved.what,
        count(moved.tables),
        count(moved.rows),
        wording.size(moved.bytes),
        "" if moved.stored is None else wording.size(moved.stored),
        wording.seconds(moved.seconds),
    )


def _sums(moves: Iterable[tuple[str, Moved]]) -> Iterator[tuple[str, ...]]:
    """A row for every kind of what moved: what is done is the first word of what is said of it."""
    kinds: dict[str, list[tuple[str, Moved]]] = {}
    for host, moved in moves:
        kinds.setdefault(moved.what.partition(" ")[0], []).append((host, moved))
    for kind, several in kinds.items():
        stored = [moved.stored for _, moved in several if moved.stored is not None]
        total = Moved(
            what=f"{count(len(several))} times {kind}",
            tables=sum(moved.tables for _, moved in several),
            rows=sum(moved.rows for _, moved in several),
            bytes=sum(moved.bytes for _, moved in several),
            seconds=sum(moved.seconds for _, moved in several),
            stored=sum(stored) if stored else None,
        )
        yield _row(counted(len({host for host, _ in several}), "host"), total)


def _several(hosts: list[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{hosts[0]} and {counted(len(hosts) - 1, 'other')}"


def _masked(text: str, result: Result) -> str:
    return mask(text) if result.foreign else mask_own(text)
