"""What has to come on stage of a wider backup so that some businesses can be picked out of it.

A row that shows by its text that it is none of theirs, and that nothing of theirs points at it, is passed over while
the backup is read. Where text does not tell (`planning/candidates.py`), tables come on stage whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from toolkit.planning.candidates import Candidates, TooMuchError, Wider
from toolkit.planning.told_by_text import ToldByText
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.equality import loosely_collated
from toolkit.postgres.schema.rows import copy_text
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.stage.backup_owners import BackupOwners


def stage_candidates(workspace: Workspace, source: Source, owners: BackupOwners) -> None:
    """Stage of every table the rows that may be the tenants' or be needed by them, as far as their text shows it.

    Nothing is staged where some table is on stage already: rows that were made to fit another schema are not those
    that were stored.
    """
    if source.begun:
        return
    schema = workspace.schema
    text = ToldByText(
        entries=source.entries,
        target=schema,
        recorded=source.manifest.schema,
        loose=loosely_collated(workspace.connection, schema.schemas),
    )
    tenants = {copy_text([key]).removesuffix(b"\n") for key in owners.tenants}
    candidates = Candidates(
        Wider(entries=source.entries, picking=owners.picking, links=owners.links(), text=text, tenants=tenants)
    )
    if not candidates.tells:
        return
    for name, support in candidates.supports():
        for data in owners.rows_of(support.entry):
            candidates.support(name, support, data.splitlines(keepends=True))
    try:
        for name in candidates.turns():
            found = _Found(candidates, name)
            source.stage_some(name, found.among(source.rows_of(source.entries[name])))
            found.check()
        for name in candidates.tables:
            source.stage_some(name, ())
    except TooMuchError:
        source.unstage()


class _Found:
    """The candidates of one table. They may become too many only at the end of a COPY, which an error would break."""

    def __init__(self, candidates: Candidates, name: str) -> None:
        self._candidates = candidates
        self._name = name
        self._too_much = False

    def among(self, stored: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
        """Give those of each chunk."""
        try:
            for data in stored:
                yield self._candidates.among(self._name, data)
        except TooMuchError:
            self._too_much = True

    def check(self) -> None:
        """Raise TooMuchError where they have."""
        if self._too_much:
            raise TooMuchError
