"""Which backups a list shows."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from toolkit.model.outline import Outline
from toolkit.model.proof import Standing
from toolkit.model.retention import Pin


class Wanted(Struct, frozen=True, kw_only=True):
    """What a backup has to be to be listed; what is empty asks for nothing.

    Attributes:
        scope: `business` or `full-device`.
        business: a key of a tenant in the backup, or a part of its name in any case.
        tags: it carries all of them.
        since, until: the days from and through which it was made, in UTC.
        proven: `yes`: all of it, and that holds; `no`: not so; `failed`: the newest attempt failed.
    """

    host: str = ""
    job: str = ""
    scope: str = ""
    business: str = ""
    tags: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    proven: Literal["", "yes", "no", "failed"] = ""
    pinned: bool = False

    def takes(self, outline: Outline, standing: Standing, pin: Pin | None) -> bool:
        """Say whether a backup is wanted."""
        metadata = outline.metadata
        day = metadata.timestamp[: len("2026-11-20")]
        return (
            self.host in ("", metadata.host)
            and self.job in ("", metadata.job)
            and self.scope in ("", metadata.backup_type)
            and (not self.business or self._has_business(outline))
            and set(self.tags).issubset(metadata.tags)
            and (self.since is None or self.since.isoformat() <= day)
            and (self.until is None or day <= self.until.isoformat())
            and self._stands(standing)
            and (pin is not None or not self.pinned)
        )

    def _has_business(self, outline: Outline) -> bool:
        part = self.business.casefold()
        return self.business in outline.businesses or any(
            part in label.casefold() for label in outline.businesses.values()
        )

    def _stands(self, standing: Standing) -> bool:
        if self.proven == "failed":
            return standing.failed is not None
        return not self.proven or (self.proven == "yes") == (standing.proven is not None)
