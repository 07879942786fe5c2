"""What one backup covers (docs/design.md#what-a-scope-takes)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class BackupType(StrEnum):
    """Which categories of tables a scope covers."""

    BUSINESS = "business"
    FULL_DEVICE = "full-device"


class Demo(StrEnum):
    """What a scope does with demo tenants."""

    EXCLUDE = "exclude"
    INCLUDE = "include"
    ONLY = "only"


class Scope(Struct, frozen=True, kw_only=True):
    """A scope.

    Attributes:
        businesses: the named tenants' keys; empty for a whole scope.
        optional: the optional tables to read, each with its limit in rows (None for all).
        without: tenants that a whole scope passes over whatever they are now: a backup left them out by its demo rule.
    """

    type: BackupType = BackupType.BUSINESS
    businesses: tuple[str, ...] = ()
    demo: Demo = Demo.EXCLUDE
    optional: Mapping[str, int | None] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """True when no tenant is named."""
        return not self.businesses
