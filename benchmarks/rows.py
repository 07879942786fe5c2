"""The table: each row sets one work beside another, says what the ratio must be and what it should be."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.works import Backup, Dump, Exclusive, PgRestore, Restore, Scratch, Verify, Work, one_shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A ratio of two works.

    Attributes:
        name: what `--only` selects it by.
        work: name of ours.
        peer: name of what it is set beside.
        must, goal: the highest ratio; None where it is only shown.
    """

    name: str
    work: str
    peer: str
    must: float | None
    goal: float | None


_PG_DUMP_BEST = "pg_dump -Fd -j2 A, its best"
_PG_RESTORE = "pg_restore --data-only --disable-triggers A"
_PG_RESTORE_J2 = "pg_restore -j2 A into a new database, its best"

WORKS: dict[str, dict[str, Work]] = {
    "reading A": {
        "backup A": Backup(data="A"),
        "pg_dump -Fc A": Dump(data="A"),
        _PG_DUMP_BEST: Dump(data="A", best=True),
        "backup A again, nothing changed": Backup(data="A", again=True),
        "verify A against its database": Verify(data="A"),
    },
    "reading C": {"backup C": Backup(data="C"), "pg_dump -Fc C": Dump(data="C")},
    "reading E": {"backup E": Backup(data="E"), "pg_dump -Fc E": Dump(data="E")},
    "reading F": {"backup F": Backup(data="F"), "pg_dump -Fc F": Dump(data="F")},
    "reading R": {"backup R": Backup(data="R"), "pg_dump -Fc R": Dump(data="R")},
    "restoring A": {
        _PG_RESTORE: PgRestore(data="A"),
        "mirror A into empty tables": Restore(data="A"),
        "restore A, nothing to change": Restore(data="A", start="same"),
        "restore A, 1 % of rows differ in one key range": Restore(data="A", start="range"),
        "restore A, 1 % of rows differ anywhere": Restore(data="A", start="anywhere"),
        "one business of 20 restored out of the backup of A": one_shop(),
    },
    "building A": {
        _PG_RESTORE_J2: PgRestore(data="A", best=True),
        "scratch restore A": Scratch(data="A"),
        "mirror A into empty tables, exclusive": Exclusive(data="A"),
    },
}
"""Works by group: those of one group are measured in turn."""

ROWS = [
    *(
        Row(name=f"backup-{data}", work=f"backup {data}", peer=f"pg_dump -Fc {data}", must=must, goal=goal)
        for data, must, goal in (("A", 0.70, 0.50), ("C", 0.70, 0.50), ("E", 0.70, 0.50), ("R", 0.70, 0.50))
    ),
    Row(name="backup-best", work="backup A", peer=_PG_DUMP_BEST, must=None, goal=1.0),
    Row(name="backup-F", work="backup F", peer="pg_dump -Fc F", must=1.0, goal=0.6),
    Row(name="backup-again", work="backup A again, nothing changed", peer="backup A", must=0.75, goal=0.6),
    Row(name="scratch", work="scratch restore A", peer=_PG_RESTORE_J2, must=1.2, goal=0.9),
    Row(name="mirror", work="mirror A into empty tables", peer=_PG_RESTORE, must=1.0, goal=0.75),
    Row(name="exclusive", work="mirror A into empty tables, exclusive", peer=_PG_RESTORE_J2, must=1.0, goal=0.7),
    Row(name="nothing", work="restore A, nothing to change", peer=_PG_RESTORE, must=0.35, goal=0.25),
    Row(name="range", work="restore A, 1 % of rows differ in one key range", peer=_PG_RESTORE, must=0.40, goal=0.28),
    Row(name="anywhere", work="restore A, 1 % of rows differ anywhere", peer=_PG_RESTORE, must=0.50, goal=0.35),
    Row(
        name="one-business",
        work="one business of 20 restored out of the backup of A",
        peer=_PG_RESTORE,
        must=0.5,
        goal=0.2,
    ),
    Row(name="verify", work="verify A against its database", peer="backup A", must=0.9, goal=0.6),
]
