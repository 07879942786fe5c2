"""The table: each row sets one work beside another, says what the ratio must be and what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchmarks.playbooks import Fleet, Nightly
from benchmarks.s3 import S3Backup
from benchmarks.works import Backup, Dump, Exclusive, PgRestore, Restore, Scratch, Verify, Work, one_shop

BEFORE = "a868e14"
"""The version of the product, before it was made fast, that the nightly run is set beside."""


class Kind(StrEnum):
    """What the number of a row is."""

    RATIO = "ratio"
    GROWTH = "exponent"
    MEMORY = "MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table.

    Attributes:
        name: what `--only` selects it by.
        work: name of ours.
        peer: name of what it is set beside. For growth: of the same work on a tenth of the rows, and of next to none,
            whose time counts for all three and is taken off. For memory: empty, the row is about all works of the run.
        title: what the row is called, where that is not the name of its work.
        must, goal: the highest number; None where it is only shown.
    """

    name: str
    work: str
    peer: str
    must: float | None
    goal: float | None
    kind: Kind = Kind.RATIO
    nothing: str = ""
    title: str = ""

    def __str__(self) -> str:
        """Give what the row is called."""
        return self.title or self.work


_BEST = "pg_dump -Fd -j2 A, its best"
_DATA = "pg_restore --data-only --disable-triggers A"
_WHOLE = "pg_restore -j2 A into a new database, its best"
_SERIAL = "fleet of hosts, one after the other"

WORKS: dict[str, dict[str, Work]] = {
    "reading A": {
        "backup A": Backup(data="A"),
        "pg_dump -Fc A": Dump(data="A"),
        _BEST: Dump(data="A", best=True),
        "backup A again, nothing changed": Backup(data="A", again=True),
        "verify A against its database": Verify(data="A"),
    },
    **{
        f"reading {data}": {f"backup {data}": Backup(data=data), f"pg_dump -Fc {data}": Dump(data=data)}
        for data in ("C", "E", "F")
    },
    "reading R": {
        "backup R": Backup(data="R"),
        "pg_dump -Fc R": Dump(data="R"),
        "backup R to S3": S3Backup(data="R"),
    },
    "restoring A": {
        _DATA: PgRestore(data="A"),
        "mirror A into empty tables": Restore(data="A"),
        "restore A, nothing to change": Restore(data="A", start="same"),
        "restore A, 1 % of rows differ in one key range": Restore(data="A", start="range"),
        "restore A, 1 % of rows differ anywhere": Restore(data="A", start="anywhere"),
        "one business of 20 out of the backup of A": one_shop(),
    },
    "building A": {
        _WHOLE: PgRestore(data="A", best=True),
        "scratch restore A": Scratch(data="A"),
        "mirror A into empty tables, exclusive": Exclusive(data="A"),
    },
    "growth": {
        "backup A/10": Backup(data="A", share=0.1),
        "backup A/1000": Backup(data="A", share=0.001),
        "mirror A/10": Restore(data="A", share=0.1),
        "mirror A/1000": Restore(data="A", share=0.001),
    },
    "nightly": {"nightly of the demo, second run": Nightly(), f"the same at {BEFORE}": Nightly(commit=BEFORE)},
    "fleet": {
        _SERIAL: Fleet(),
        "fleet of hosts, --forks 2": Fleet(options=("--forks", "2")),
        "fleet of hosts, --executor processes --forks 2": Fleet(options=("--executor", "processes", "--forks", "2")),
        "fleet of hosts, Dask LocalCluster of 2": Fleet(options=("--executor", "dask", "--forks", "2")),
    },
}
"""Works by group: those of one group are measured in turn."""


def _beside(name: str, work: str, peer: str, must: float | None, goal: float) -> Row:
    return Row(name=name, work=work, peer=peer, must=must, goal=goal)


def _growth(name: str, work: str, tenth: str, nothing: str) -> Row:
    return Row(
        name=name,
        work=work,
        peer=tenth,
        nothing=nothing,
        must=1.1,
        goal=1.0,
        kind=Kind.GROWTH,
        title=f"growth of the time of: {work}",
    )


ROWS = [
    *(_beside(f"backup-{data}", f"backup {data}", f"pg_dump -Fc {data}", 0.70, 0.50) for data in ("A", "C", "E", "R")),
    _beside("backup-best", "backup A", _BEST, None, 1.0),
    _beside("backup-F", "backup F", "pg_dump -Fc F", 1.0, 0.6),
    _beside("backup-again", "backup A again, nothing changed", "backup A", 0.75, 0.6),
    _beside("scratch", "scratch restore A", _WHOLE, 1.2, 0.9),
    _beside("mirror", "mirror A into empty tables", _DATA, 1.0, 0.75),
    _beside("exclusive", "mirror A into empty tables, exclusive", _WHOLE, 1.0, 0.7),
    _beside("nothing", "restore A, nothing to change", _DATA, 0.35, 0.25),
    _beside("range", "restore A, 1 % of rows differ in one key range", _DATA, 0.40, 0.28),
    _beside("anywhere", "restore A, 1 % of rows differ anywhere", _DATA, 0.50, 0.35),
    _beside("one-business", "one business of 20 out of the backup of A", _DATA, 0.5, 0.2),
    Row(name="s3", work="backup R to S3", peer="backup R", must=1.2, goal=None),
    _beside("verify", "verify A against its database", "backup A", 0.9, 0.6),
    _beside("nightly", "nightly of the demo, second run", f"the same at {BEFORE}", 0.5, 0.3),
    Row(name="memory", work="peak memory of ours, all rows above", peer="", must=250, goal=150, kind=Kind.MEMORY),
    _beside("fleet-forks", "fleet of hosts, --forks 2", _SERIAL, 0.65, 0.55),
    _beside("fleet-processes", "fleet of hosts, --executor processes --forks 2", _SERIAL, 0.65, 0.55),
    _beside("fleet-dask", "fleet of hosts, Dask LocalCluster of 2", _SERIAL, 0.65, 0.55),
    _growth("growth-backup", "backup A", "backup A/10", "backup A/1000"),
    _growth("growth-mirror", "mirror A into empty tables", "mirror A/10", "mirror A/1000"),
]


def works_of(row: Row) -> list[str]:
    """Give the names of the works that a row needs; the row of memory takes what the others have."""
    return [] if row.kind is Kind.MEMORY else [name for name in (row.work, row.peer, row.nothing) if name]


OURS = frozenset(row.work for row in ROWS if row.kind is Kind.RATIO and not row.name.startswith("fleet"))
"""The works that the row of memory is about."""
