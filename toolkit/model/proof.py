"""What is known of attempts to prove a backup: restored into a scratch database, which was compared with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from toolkit.model.manifest import Manifest
from toolkit.model.outline import Outline


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored into a scratch database, as is noted with that database.

    Attributes:
        checksum: of the backup's manifest.
        businesses: the tenants that were restored; empty for the whole backup.
        seconds: from the beginning of the restore to the database that can be used.
    """

    label: str
    checksum: str
    businesses: tuple[str, ...] = ()
    seconds: float

    def of(self, manifest: Manifest) -> bool:
        """Say whether it is this very backup that was restored."""
        return (self.label, self.checksum) == (manifest.metadata.label, manifest.checksum)


class Asserted(msgspec.Struct, frozen=True, kw_only=True):
    """An assertion about what was restored, and what came of it.

    Attributes:
        found: what it gave instead of what was expected, or why it could not be asked; empty when it holds.
    """

    name: str
    holds: bool
    found: str = ""


class Trial(Struct, frozen=True, kw_only=True):
    """What was tried, and how it went: the attributes of the `Proof` that is made of it.

    Attributes:
        place: empty where a backup turned out to be damaged without being restored.
    """

    place: str = ""
    postgres: str = ""
    seconds: float | None = None
    businesses: Sequence[str] = ()
    rows: int = 0
    tables: int = 0
    assertions: Sequence[Asserted] = ()
    failure: str = ""
    conclusive: bool = True
    playbook: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to prove a backup, which succeeded or failed.

    Attributes:
        label, checksum, host, job, scope: the backup: its label, its manifest's checksum, and what it is of.
        backed_up: when it was made, ISO 8601 in UTC.
        time: when it was tried, the same.
        repository: id of the repository from which it was restored; `copy` takes records along.
        businesses: the tenants that were proven; empty for the whole backup.
        place: the scratch database, `embedded:NAME` or `HOST:DATABASE`; empty where damage was found without one.
        postgres: the version of its server.
        seconds: how long the restore took, the recovery time; None where it did not end.
        age: how old the data were, in seconds: what would have been lost then, the recovery point.
        rows, tables: how many were compared.
        assertions: those that were asked.
        failure: why it failed, in a sentence; empty for a proof.
        conclusive: whether a failure is one of the backup; False where something else kept it from being tried.
        playbook, tool, by: what tried it: the playbook, the version of the program, the user at the machine.
    """

    label: str
    checksum: str
    host: str
    job: str
    scope: str
    backed_up: str
    time: str
    repository: str
    businesses: tuple[str, ...] = ()
    place: str
    postgres: str = ""
    seconds: float | None = None
    age: float
    rows: int = 0
    tables: int = 0
    assertions: tuple[Asserted, ...] = ()
    failure: str = ""
    conclusive: bool = True
    playbook: str
    tool: str
    by: str

    @property
    def proves(self) -> bool:
        """Whether it succeeded."""
        return not self.failure

    @property
    def whole(self) -> bool:
        """Whether it is about the whole backup."""
        return not self.businesses

    def is_of(self, manifest: Manifest | Outline) -> bool:
        """Say whether it is about this very backup, and not about another one that had its label."""
        return (self.label, self.checksum) == (manifest.metadata.label, manifest.checksum)


class Standing(Struct, frozen=True, kw_only=True):
    """How a backup stands: what of it is proven, and whether a later attempt failed.

    Attributes:
        proven: the newest proof of the whole backup that still holds.
        businesses: tenant → the newest proof that still holds of it alone or together with others.
        failed: the newest attempt that failed, where none has succeeded since; what was proven before it does not
            hold any more.
        hindered: the newest attempt, where something else kept it from being carried out.
        tried: every attempt, oldest first.
    """

    proven: Proof | None = None
    businesses: Mapping[str, Proof] = field(default_factory=dict)
    failed: Proof | None = None
    hindered: Proof | None = None
    tried: tuple[Proof, ...] = ()
